"""First-order Taylor criterion: what the loss would change if a node sent on nothing.

P. Molchanov, S. Tyree, T. Karras, T. Aila, J. Kautz, *Pruning Convolutional Neural Networks for
Resource Efficient Inference* (arXiv:1611.06440), Sec. 2.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from spectral_core.layers.kinds import Dense
from spectral_core.layers.tracing import is_nodewise, trace
from spectral_core.training.evaluation import evaluating

Loss = Callable[[Tensor, Tensor], Tensor]


def taylor(
    network: nn.Module,
    layers: Sequence[str],
    inputs: Tensor,
    targets: Tensor,
    loss: Loss = F.cross_entropy,
    batch_size: int = 256,
) -> dict[str, Tensor]:
    r"""Score nodes, or output channels, by activation times gradient.

    .. math:: \Theta_i = \frac{1}{n} \sum_{\text{examples}} \left| \frac{1}{M} \sum_{m=1}^{M}
        \frac{\partial \mathcal{C}}{\partial z_{im}} z_{im} \right|

    :math:`z_i` is what node i sends on, behind the norm, activation and dropout that follow its
    layer; of a channel it has M positions. The network is in evaluation mode meanwhile.

    Args:
        network: model that :mod:`torch.fx` can trace; it is left as it is.
        layers: names of fully connected or convolutional layers.
        inputs: shape (n, ...).
        targets: class indices of shape (n,), or what else ``loss`` takes, (n, ...).
        loss: from (outputs, targets) to the mean loss of a batch.
        batch_size: examples per pass; bounds the memory.

    Returns:
        One tensor of shape (out,) per layer.

    Raises:
        TypeError, ValueError: if inputs and targets are no tensors of the same length of at least
            1, the network cannot be traced, or a layer is used twice or not at all.
    """
    if not isinstance(inputs, Tensor) or not isinstance(targets, Tensor):
        kinds = f"{type(inputs).__name__} and {type(targets).__name__}"
        raise TypeError(f"inputs and targets must be tensors; got {kinds}")
    if len(inputs) != len(targets) or len(inputs) == 0:
        raise ValueError(
            "inputs (n, ...) and targets (n, ...) must have the same n ≥ 1; got "
            f"{tuple(inputs.shape)} and {tuple(targets.shape)}"
        )
    with evaluating(network), torch.enable_grad():
        gated = _Gated(network, layers)
        totals = {name: 0.0 for name in layers}
        for x, y in zip(inputs.split(batch_size), targets.split(batch_size)):
            total = len(x) * loss(gated.run(x), y)  # so that each example's loss counts in full
            gradients = torch.autograd.grad(total, [gated.gates[name] for name in layers])
            for name, gradient in zip(layers, gradients):
                per_example = gradient.flatten(1) / gated.positions[name]  # (batch, out)
                totals[name] = totals[name] + per_example.abs().sum(dim=0)
    return {name: total / len(inputs) for name, total in totals.items()}


class _Gated(fx.Interpreter):
    """A network with a factor of 1 on what each node sends on: its gradient is Σ_m z ∂C/∂z."""

    def __init__(self, network: nn.Module, layers: Sequence[str]) -> None:
        try:
            graph = trace(network)
        except Exception as error:
            raise ValueError(
                f"by='taylor' needs a network that torch.fx can trace; got {error}"
            ) from error
        super().__init__(fx.GraphModule(network, graph))
        self.gates: dict[str, Tensor] = {}
        self.positions: dict[str, int] = {}
        self.sources = {_last_nodewise(graph, network, name): name for name in layers}
        self.dense = {name for name in layers if isinstance(network.get_submodule(name), Dense)}

    def run_node(self, n: fx.Node) -> object:
        """Run a step; put a gate behind it if a layer's nodes send on what it gives."""
        value = super().run_node(n)
        name = self.sources.get(n)
        if name is None:
            return value
        axis = value.dim() - 1 if name in self.dense else 1
        shape = [size if d in (0, axis) else 1 for d, size in enumerate(value.shape)]
        self.positions[name] = value.numel() // (shape[0] * shape[axis])
        self.gates[name] = value.new_ones(shape, requires_grad=True)
        return value * self.gates[name]


def _last_nodewise(graph: fx.Graph, network: nn.Module, name: str) -> fx.Node:
    """The step behind a layer up to which its nodes keep to themselves."""
    calls = [n for n in graph.nodes if n.op == "call_module" and n.target == name]
    if len(calls) != 1:
        raise ValueError(
            f"network must use each layer to rank once; got {name!r} {len(calls)} times"
        )
    (node,) = calls
    while len(node.users) == 1:
        (user,) = node.users
        if not is_nodewise(user, network):
            break
        node = user
    return node
