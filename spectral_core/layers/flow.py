"""Which nodes of a network can be removed, and where they are read.

A node of one fully connected layer can go if each of its readers, other fully connected layers, has
columns that are this node's alone, and no output of the network depends on it but through those
layers. :mod:`spectral_core.layers.probing` sees that by running the model; then a trial shows that
it runs without some of the nodes. Layers whose nodes share columns, such as a gate and what it
gates, are one group.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

from spectral_core import _checks
from spectral_core.layers.groups import OUTPUT, UNCALLED, UNREAD, Group, groups_of
from spectral_core.layers.kinds import (
    Dense,
    arrival_width,
    departure_width,
    holders,
    is_stack,
    tensors_in,
)
from spectral_core.layers.running import (
    Example,
    check_example,
    duplicate,
    few,
    on_few,
    on_tensors,
    rows_of,
    run,
    undisturbed,
)

if TYPE_CHECKING:
    import pandas as pd


ROWS, CHECKED = 32, 8
"""How many inputs of an example are run to look for layers that two do not reach, and how many to
check a removal."""


class Flow:
    """The fully connected layers of a network, and which of their nodes can be removed.

    Args:
        network: any model; it is not changed.
        example: inputs that it takes, a tensor, a tuple of arguments or a dictionary of keyword
            arguments; at most the first 32 inputs are run. Without it, random vectors and random
            sequences of vectors are tried, which is enough for an ``nn.Sequential`` of layers.

    Attributes:
        layers: fully connected layers by name, in order of execution; then those not called.
        groups: nodes that can be removed, in order of execution.
        hidden: name of each group, that is of its first layer.
        widths: number of nodes of each group.
        inner: names of all layers whose nodes another one reads, removable or not.
        refused: for each other layer, why its nodes cannot be removed on their own.
        examples: what :meth:`run` takes.

    Raises:
        TypeError, ValueError: if ``network`` is not a module or is a wrapped one, has no fully
            connected layer, does not run on the example, or needs one and none is given.
    """

    def __init__(self, network: nn.Module, example: Example | None = None) -> None:
        self.network = _checks.network("network", network)
        self.layers = {name: m for name, m in network.named_modules() if isinstance(m, Dense)}
        if not self.layers:
            raise ValueError("network must have Linear or SpectralLinear layers; got none")
        if any(t.is_meta for layer in self.layers.values() for t in tensors_in(layer)):
            raise ValueError("network must have its weights loaded; got tensors on the meta device")
        self._head, self._steps = [], [""]
        if is_stack(network) and (example is None or isinstance(example, Tensor)):
            self._head, self._steps = _split(network)
        if example is None:
            self._guess()
        else:
            if rows_of(example) == 0:
                check_example(example)
            if on_few(self._see, example) == 2 < (rows_of(example) or 0):
                with contextlib.suppress(Exception):  # of a model that takes no more
                    self._see_more(example)
        self._refuse_tied()
        self.hidden = [group.name for group in self.groups]
        self.widths = [group.width for group in self.groups]
        unread = (OUTPUT, UNREAD, UNCALLED)
        self.inner = [n for n in self.layers if self.refused.get(n) not in unread]

    def run(self, network: nn.Module, example: Example) -> object:
        """Pass an example through a copy of the network, and through a stack from its first fully
        connected layer to its last."""
        return _passed(network, self._steps, example)

    def _groups_on(self, example: Example) -> tuple[dict[str, Dense], list[Group], dict[str, str]]:
        return groups_of(self.network, self.layers, lambda network: self.run(network, example))

    def _see(self, example: Example) -> int | None:
        """Find the groups on an example; returns its number of inputs."""
        self.examples = [self._behind_head(example)]
        self.layers, self.groups, self.refused = self._groups_on(self.examples[0])
        return rows_of(example)

    def _see_more(self, example: Example) -> None:
        """Look for layers that two inputs do not reach; keep inputs, in pairs, for checks."""
        missed = [
            name
            for name, why in self.refused.items()
            if why == UNCALLED and type(self.layers[name]) is not NonDynamicallyQuantizableLinear
        ]  # which nn.MultiheadAttention never calls
        if missed:
            more = self._behind_head(few(example, ROWS))
            if self._reaches(missed, more):
                self.layers, self.groups, self.refused = self._groups_on(more)
        some = self._behind_head(few(example, CHECKED))
        if rows := rows_of(some):  # else the two inputs stay
            pairs = range(0, rows - 1, 2)
            self.examples = [on_tensors(lambda x, at=at: x[at : at + 2], some) for at in pairs]

    def _reaches(self, layers: list[str], example: Example) -> bool:
        """Whether one of some layers is called on an example."""
        reached: list[nn.Module] = []
        with undisturbed(self.network):
            network = duplicate(self.network).eval()
            for name in layers:
                hook = network.get_submodule(name).register_forward_pre_hook
                hook(lambda layer, _: reached.append(layer))
            self.run(network, example)
        return bool(reached)

    def _behind_head(self, example: Example) -> Example:
        """What the steps before the first fully connected layer make of an example."""
        if not self._head:
            return example
        with undisturbed(self.network):
            return (_passed(duplicate(self.network).eval(), self._head, example),)

    def _guess(self) -> None:
        """Try vectors, and sequences of vectors, of as many numbers as some layer takes."""
        like = tensors_in(next(iter(self.layers.values())))[0]
        error: Exception | None = None
        self.examples, seen = [], []
        for size in dict.fromkeys(departure_width(layer) for layer in self.layers.values()):
            for shape in ((2, size), (2, 3, size)):
                generator = torch.Generator("cpu").manual_seed(0)
                guess = torch.randn(shape, generator=generator, device="cpu").to(like)
                try:
                    seen.append(self._groups_on(guess))
                except ValueError as caught:
                    error = error or caught
                else:
                    self.examples.append(guess)
                    if is_stack(self.network):  # of vectors, if it can be
                        break
            if seen:
                break
        same = {repr([(g.layers, g.between.keys()) for g in groups]) for _, groups, _ in seen}
        if len(same) != 1:
            names = ", ".join(map(repr, list(self.layers)[:6]))
            raise ValueError(
                "network must be an nn.Sequential of layers, or be run on an example of its inputs "
                f"to see which layers read the nodes of {names}: pass example=…"
            ) from error
        self.layers, self.groups, self.refused = seen[0]

    def _refuse_tied(self) -> None:
        """Let no group go whose tensors another module holds, too."""
        shared = holders(self.network)
        for group in list(self.groups):
            for name in (*group.layers, *group.read):
                tied = [k for k, t in self.layers[name].named_parameters() if shared[id(t)] > 1]
                if tied:
                    self.groups.remove(group)
                    why = f"{name!r} ties its {tied[0]} to another module's"
                    self.refused |= dict.fromkeys(group.layers, why)
                    break

    def hidden_groups(self) -> list[Group]:
        """The groups, at least one; if there is none, a ``ValueError`` says why."""
        if not self.groups:
            why = sorted(self.refused.items(), key=lambda reason: reason[1] == UNCALLED)
            reasons = "; ".join(f"{name!r}: {reason}" for name, reason in why[:3])
            raise ValueError(
                f"network must have a hidden layer whose nodes can be removed; got {reasons}"
                f"{self.hooks()}"
            )
        return self.groups

    def hooks(self) -> str:
        """Names of modules with forward hooks, for an error: they may mix nodes, or need all."""
        modules = self.network.named_modules()
        names = [name for name, m in modules if m._forward_hooks or m._forward_pre_hooks]
        return f". There are forward hooks on {', '.join(map(repr, names))}" if names else ""

    def parameters(self, widths: Sequence[int] | None = None) -> int:
        """Weights and biases of the fully connected layers that are called, once folded.

        They count as if the groups had nodes of the given ``widths``; their own if ``None``.
        """
        return sum(
            arrival * (departure + (self.layers[name].bias is not None))
            for name, departure, arrival in self._sizes(widths)
        )

    def flops(self, widths: Sequence[int] | None = None) -> int:
        """Floating-point operations of the fully connected layers' products, for one input vector.

        A multiplication and an addition for each weight. For ``widths`` see :meth:`parameters`.
        """
        return sum(2 * arrival * departure for name, departure, arrival in self._sizes(widths))

    def _sizes(self, widths: Sequence[int] | None) -> Iterator[tuple[str, int, int]]:
        """Each layer that is called with its departure and arrival nodes."""
        departure = {name: departure_width(layer) for name, layer in self.layers.items()}
        arrival = {name: arrival_width(layer) for name, layer in self.layers.items()}
        for group, left in zip(self.groups, self.widths if widths is None else widths):
            arrival |= dict.fromkeys(group.layers, left)
            for name, nodes in group.read.items():
                per_node = int((nodes >= 0).sum()) // max(group.width, 1)
                departure[name] -= per_node * (group.width - left)
        for name in self.layers:
            if self.refused.get(name) != UNCALLED:
                yield name, departure[name], arrival[name]


def _split(network: nn.Module) -> tuple[list[str], list[str]]:
    """Names of a stack's steps before its first fully connected layer, and on to its last."""
    steps = list(_steps(network))
    at = [i for i, (_, m) in enumerate(steps) if any(isinstance(x, Dense) for x in m.modules())]
    names = [name for name, _ in steps]
    return names[: at[0]], names[at[0] : at[-1] + 1]


def _steps(module: nn.Module, name: str = "") -> Iterator[tuple[str, nn.Module]]:
    """What a stack, and the stacks in it, pass their inputs through."""
    if not is_stack(module):
        yield name, module
        return
    for key, child in module._modules.items():
        yield from _steps(child, f"{name}.{key}" if name else key)


def _passed(network: nn.Module, steps: list[str], example: Example) -> object:
    """What modules of a network make of an example, one after the other."""
    for i, name in enumerate(steps):
        module = network.get_submodule(name)
        example = module(example) if i else run(module, example)
    return example


def find(network: nn.Module, example: Example | None = None) -> pd.DataFrame:
    """List which layers' nodes can be removed, how many parameters they have, and why others stay.

    Args:
        network, example: see :class:`~spectral_core.layers.flow.Flow`.

    Returns:
        One row per fully connected layer, in order of execution, with the columns ``nodes``;
        ``parameters``, how many weights and biases belong to its nodes: incoming weights, biases
        and, if the nodes can be removed, outgoing weights; ``together``, names of the layers that
        lose the same nodes; and ``reason``, why the nodes cannot be removed, empty if they can.

    Raises:
        TypeError, ValueError: if there is no fully connected layer, or an example is needed.

    Example:
        >>> find(vit, torch.rand(1, 3, 224, 224))
    """
    import pandas as pd

    flow = Flow(network, example)
    own = {name: group for group in flow.groups for name in group.layers}
    rows = {}
    for name, layer in flow.layers.items():
        group = own.get(name)
        cost = arrival_width(layer) * (departure_width(layer) + (layer.bias is not None))
        for reader, nodes in group.read.items() if group is not None else ():
            cost += int((nodes >= 0).sum()) * arrival_width(flow.layers[reader])
        together = ", ".join(group.layers) if group and len(group.layers) > 1 else ""
        rows[name] = (arrival_width(layer), cost, together, flow.refused.get(name, ""))
    columns = ["nodes", "parameters", "together", "reason"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)
