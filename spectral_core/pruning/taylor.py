"""First-order Taylor criterion: what the loss would change if a node sent on nothing.

P. Molchanov, S. Tyree, T. Karras, T. Aila, J. Kautz, *Pruning Convolutional Neural Networks for
Resource Efficient Inference* (arXiv:1611.06440), Sec. 2.2.
"""

import contextlib
import functools
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spectral_core import _checks
from spectral_core.layers.flow import Flow
from spectral_core.layers.kinds import NODEWISE, Dense
from spectral_core.layers.probing import on
from spectral_core.layers.running import duplicate, run, undisturbed
from spectral_core.training.autograd import Loss


def taylor(
    network: nn.Module,
    layers: Sequence[str],
    inputs: Tensor,
    targets: Tensor,
    loss: Loss = F.cross_entropy,
    batch_size: int = 256,
    flow: Flow | None = None,
) -> dict[str, Tensor]:
    r"""Score nodes, or output channels, by activation times gradient.

    .. math:: \Theta_i = \frac{1}{n} \sum_{\text{examples}} \left| \frac{1}{M} \sum_{m=1}^{M}
        \frac{\partial \mathcal{C}}{\partial z_{im}} z_{im} \right|

    :math:`z_i` is what node i sends on, behind the norm, activation and dropout modules that follow
    its layer; of a channel it has M positions. A copy of the network is run in evaluation mode.

    Args:
        network: any model that takes one tensor; it is not changed.
        layers: names of fully connected or convolutional layers.
        inputs, targets, loss: as :func:`~spectral_core.node_scores`.
        batch_size: examples per pass; bounds the memory.
        flow: a :class:`~spectral_core.layers.flow.Flow` of the network, if there is one already.

    Returns:
        One tensor of shape (out,) per layer.

    Raises:
        TypeError, ValueError: if inputs and targets are not tensors of the same length of at least
            1, ``loss`` does not give one number, or a layer is not used exactly once.
    """
    _checks.examples(inputs, targets, classes=False)
    if flow is None and any(isinstance(network.get_submodule(name), Dense) for name in layers):
        # Without one, the gates stand behind what follows the layers.
        with contextlib.suppress(TypeError, ValueError):
            flow = Flow(network, inputs)
    gated = _Gated(network, layers, flow)
    totals = {name: 0.0 for name in layers}
    with undisturbed(network), torch.enable_grad():
        for x, y in zip(inputs.split(batch_size), targets.split(batch_size)):
            outputs = _checks.outputs(gated(x))
            _checks.paired(loss, outputs, y)
            value = _checks.mean_loss(loss(outputs, y))
            # Of the batch's sum, so that each example's loss counts in full.
            gates = list(gated.gates.values())
            gradients = torch.autograd.grad(len(x) * value, gates, allow_unused=True)
            for name, gate, gradient in zip(gated.gates, gates, gradients):
                gradient = torch.zeros_like(gate) if gradient is None else gradient
                per_example = gradient / gated.positions[name]  # (batch, out)
                # In half precision a sum over many examples would lose the later ones.
                precise = torch.promote_types(gradient.dtype, torch.float32)
                totals[name] = totals[name] + per_example.abs().sum(dim=0, dtype=precise)
    return {name: total / len(inputs) for name, total in totals.items()}


class _Gated:
    """A network with a factor of 1 on what each node sends on: its gradient is Σ_m z ∂C/∂z.

    The factors of nodes that fully connected layers read stand where these read them. Those of
    other nodes stand behind the modules, norms and activations, that the layer's outputs pass.
    """

    def __init__(self, network: nn.Module, layers: Sequence[str], flow: Flow | None) -> None:
        self.network = duplicate(network).eval()
        self.layers = list(layers)
        # Where in a layer's outputs its nodes, or channels, are counted.
        self.axes = {n: -1 if isinstance(network.get_submodule(n), Dense) else 1 for n in layers}
        self.ends: dict[int, str] | None = None  # layers whose gate stands behind a step
        groups = flow.groups if flow is not None else []
        owner = {name: group for group in groups for name in group.layers}
        for name in layers:
            layer = self.network.get_submodule(name)
            layer.register_forward_hook(functools.partial(self._open, name))
            for reader, nodes in owner[name].read.items() if name in owner else ():
                hook = functools.partial(self._gate_columns, name, nodes)
                self.network.get_submodule(reader).register_forward_pre_hook(hook, with_kwargs=True)
        self.followed = [name for name in layers if name not in owner]
        for name, module in self.network.named_modules():
            if name in self.followed or type(module) in NODEWISE:
                module.register_forward_hook(functools.partial(self._gate_step, name))

    def __call__(self, x: Tensor) -> Tensor:
        if self.ends is None:
            self.ends = {}
            with torch.no_grad():
                self._run(x)
            self.ends = {step: name for name, (step, *_) in self.seen.items()}
        outputs = self._run(x)
        for name in self.layers:
            if name not in self.gates:
                raise ValueError(f"network must use each layer to rank once; got {name!r} unused")
        return outputs

    def _run(self, x: Tensor) -> Tensor:
        self.gates: dict[str, Tensor] = {}
        self.positions: dict[str, int] = {}
        self.seen: dict[str, tuple[int, Tensor, int]] = {}  # last step, its outputs, their version
        self.step = 0
        return run(self.network, x)

    def _open(self, name: str, _: nn.Module, __: object, outputs: Tensor) -> None:
        """Make the factors of a layer's nodes, (batch, out)."""
        if name in self.gates:
            if name in self.followed:
                raise ValueError(f"network must use each layer to rank once; got {name!r} twice")
            return
        batch, nodes = len(outputs), outputs.shape[self.axes[name]]
        self.positions[name] = max(outputs.numel() // max(batch * nodes, 1), 1)
        self.gates[name] = outputs.new_ones((batch, nodes), requires_grad=True)

    def _gate_columns(
        self, name: str, nodes: np.ndarray, _: nn.Module, args: tuple, kwargs: dict
    ) -> tuple[tuple, dict]:
        """Put the factors of a layer's nodes on the columns that are these nodes."""
        (x,) = (*args, *kwargs.values())
        gate = self.gates[name]
        if len(gate) != len(x):
            raise ValueError(
                "by='taylor' needs a network with one row per input in the first dimension; got "
                f"{len(gate)} rows from {name!r} and {len(x)} where its nodes are read"
            )
        factors = x.new_ones((len(x), len(nodes)))
        (own,) = np.nonzero(nodes >= 0)
        factors = factors.index_copy(1, on(x, own), gate[:, on(x, nodes[own])])
        return (x * factors.reshape(len(x), *[1] * (x.dim() - 2), -1),), {}

    def _gate_step(self, name: str, _: nn.Module, args: tuple, outputs: Tensor) -> Tensor | None:
        """Put the factors of a layer's nodes behind the last step that they pass."""
        self.step += 1
        if torch.is_grad_enabled():
            layer = self.ends.get(self.step)
            if layer is None:
                return None
            axis = self.axes[layer] % outputs.dim()
            shape = [n if d in (0, axis) else 1 for d, n in enumerate(outputs.shape)]
            return outputs * self.gates[layer].reshape(shape)
        if name in self.followed:
            self.seen[name] = (self.step, outputs, outputs._version)
            return None
        for layer, (_, tensor, version) in self.seen.items():
            if tensor is args[0] and tensor._version - (outputs is tensor) == version:
                self.seen[layer] = (self.step, outputs, outputs._version)
        return None
