"""How activity flows through a network: its layers in order, and what lies on the way between them.

A node can be taken out where nothing but its own activity depends on it until the next fully
connected layers read it. :class:`Flow` finds those ways in the graph of a model's operations, so
that any feed-forward model that :mod:`torch.fx` can trace will do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from torch import Tensor, fx, nn

from spectral_core import _checks
from spectral_core.layers.kinds import Dense, axes
from spectral_core.layers.tracing import described, is_flatten, is_nodewise, operation, trace


class Way(NamedTuple):
    """From the nodes of a hidden layer to one layer that reads them."""

    steps: list[Callable[[Tensor], Tensor]]
    """What acts on each node, in order and in evaluation mode."""
    modules: list[str]
    """Names of the modules among the steps that hold something for each node."""
    reader: str
    """Name of the layer that reads the nodes."""

    def constants(self, sums: Tensor) -> Tensor:
        """What the reader gets from nodes whose sums are constant; from (N,) to (N,)."""
        batch = sums.detach().expand(2, -1)  # two rows, for norms that keep no statistics
        for step in self.steps:
            batch = step(batch.clone())
        return batch[0]


class Flow:
    """The fully connected layers of a network in order of execution, and the ways between them.

    Args:
        network: feed-forward model. One that :mod:`torch.fx` cannot trace still has its layers, in
            the order of registration, but no ways between them.

    Attributes:
        layers: fully connected layers by name, from input to output.
        hidden: names of those whose nodes reach another one of them, from input to output. What
            the others compute reaches the output alone.

    Raises:
        TypeError: if ``network`` is no module.
        ValueError: if it has no fully connected layer.
    """

    layers: dict[str, Dense]
    hidden: list[str]

    def __init__(self, network: nn.Module) -> None:
        self.network = _checks.module("network", network)
        self.untraceable: Exception | None = None
        every = {name: m for name, m in network.named_modules() if isinstance(m, Dense)}
        try:
            self.graph = trace(network)
        except Exception as error:  # whatever a model's forward does to fx's stand-ins
            self.untraceable = error
            self.layers, self.hidden = every, list(every)[:-1]
        else:
            called = [n.target for n in self.graph.nodes if n.op == "call_module"]
            self.layers = {name: every[name] for name in called if name in every}
            reaching = self._reaching()
            self.hidden = [name for name in self.layers if name in reaching]
        if not self.layers:
            raise ValueError("network must have Linear or SpectralLinear layers; got none")

    @property
    def widths(self) -> list[int]:
        """Number of nodes of each hidden layer."""
        return [self.layers[name].out_features for name in self.hidden]

    def ways(self, name: str) -> list[Way]:
        """Every way from a hidden layer's nodes to the layers that read them.

        Raises:
            TypeError, ValueError: if its nodes cannot be taken out one by one; says why.
        """
        if self.untraceable is not None:
            raise ValueError(
                "network must be a feed-forward model that torch.fx can trace, to see where the "
                f"nodes of {name!r} go; got {self.untraceable}"
            ) from self.untraceable
        node = self._only_call(name)
        ways = list(self._walk(name, node, []))
        for way in ways:
            for target in (way.reader, *way.modules):
                self._only_call(target)
            layer, reader = self.layers[name], self.layers[way.reader]
            if reader.in_features != layer.out_features:
                raise ValueError(
                    f"network must pass on the {layer.out_features} nodes of {name!r} one by one; "
                    f"got {way.reader!r}, which reads {reader.in_features}"
                )
        return ways

    def parameters(self, widths: Sequence[int] | None = None) -> int:
        """Weights and biases of the fully connected layers, once folded to plain ones.

        Args:
            widths: count as if the hidden layers had so many nodes; their own if ``None``.
        """
        return sum(
            arrival * (departure + (layer.bias is not None))
            for layer, departure, arrival in self._sizes(widths)
        )

    def flops(self, widths: Sequence[int] | None = None) -> int:
        """Floating-point operations of the fully connected layers' products, for one input vector.

        A multiplication and an addition for each weight.

        Args:
            widths: count as if the hidden layers had so many nodes; their own if ``None``.
        """
        return sum(2 * arrival * departure for _, departure, arrival in self._sizes(widths))

    def _sizes(self, widths: Sequence[int] | None) -> Iterator[tuple[Dense, int, int]]:
        """Each layer with its departure and arrival nodes."""
        left = dict(zip(self.hidden, self.widths if widths is None else widths))
        cut = [name for name in self.hidden if left[name] != self.layers[name].out_features]
        read = {way.reader: left[name] for name in cut for way in self.ways(name)}
        for name, layer in self.layers.items():
            yield layer, read.get(name, layer.in_features), left.get(name, layer.out_features)

    def _calls(self, name: str) -> list[fx.Node]:
        return [n for n in self.graph.nodes if n.op == "call_module" and n.target == name]

    def _only_call(self, name: str) -> fx.Node:
        """The one place where a layer is at work."""
        calls = self._calls(name)
        by_hand = [
            node.target
            for node in self.graph.nodes
            if node.op == "get_attr" and node.target.startswith(f"{name}.")
        ]
        if len(calls) != 1 or by_hand:
            raise ValueError(
                f"network must use each layer to prune once; got {name!r}, used "
                f"{len(calls) + len(by_hand)} times"
            )
        return calls[0]

    def _reaching(self) -> set[str]:
        """Names of layers from which some path leads to another fully connected layer."""
        reaching, reached = set(), set()  # nodes from which a layer is reached
        for node in reversed(self.graph.nodes):
            if any(user in reached or self._is_dense(user) for user in node.users):
                reached.add(node)
                reaching.add(node.target if node.op == "call_module" else None)
        return reaching

    def _is_dense(self, node: fx.Node) -> bool:
        return node.op == "call_module" and node.target in self.layers

    def _walk(self, name: str, node: fx.Node, before: list[fx.Node]) -> Iterator[Way]:
        for user in node.users:
            if self._is_dense(user):
                steps = [operation(step, self.network) for step in before]
                modules = [step.target for step in before if self._per_node(step)]
                yield Way(steps, modules, user.target)
            elif self._acts_on(user, self.layers[name].out_features):
                yield from self._walk(name, user, [*before, user])
            else:
                raise TypeError(
                    f"network must hold node-wise modules and functions alone (activations, "
                    f"dropout, batch normalisation) between {name!r} and the fully connected "
                    f"layers that read its nodes; got {described(user, self.network)}. "
                    f"Protect {name!r} to prune the rest"
                )

    def _per_node(self, node: fx.Node) -> bool:
        """Whether a step is a module that holds something for each node."""
        if node.op != "call_module":
            return False
        return any(axes(self.network.get_submodule(node.target)).values())

    def _acts_on(self, node: fx.Node, width: int) -> bool:
        """Whether a step acts on each of so many nodes by itself."""
        if is_flatten(node, self.network):
            return True
        if not is_nodewise(node, self.network):
            return False
        if node.op != "call_module":
            return True
        module = self.network.get_submodule(node.target)
        size = getattr(module, "num_features", getattr(module, "num_parameters", width))
        return size == width or (size == 1 and isinstance(module, nn.PReLU))
