"""Loss and gradients of a feed-forward stack, written out over buffers that are allocated once.

Automatic differentiation builds a graph and fresh arrays for each step. For a stack of fully
connected layers the same sums can be written down once: with z = x φᵀ, u = −λ z + b and a = f(u),
and g = ∂L/∂u,

    ∂L/∂b = Σ g,   ∂L/∂λ = −Σ g z,   ∂L/∂φ = (−λ g)ᵀ x,   ∂L/∂x = (−λ g) φ,

sums over the batch; a plain layer has −λ = 1. Where the departure nodes have eigenvalues λ_j, too,
a layer is a plain one with the weights W_ij = (λ_j − λ_i) φ_ij, and G = ∂L/∂W = gᵀ x gives

    ∂L/∂φ_ij = (λ_j − λ_i) G_ij,   ∂L/∂λ_j = Σ_i G_ij φ_ij,   ∂L/∂λ_i = −Σ_j G_ij φ_ij.

Only what trains gets a gradient. The ℓ1 penalty of Appendix D, γ Σ|·|, adds γ sign(·) to the
gradients of what it acts on.

All of it holds with a leading dimension in front of each tensor: E networks, one beside the other,
each with its own batch. See :mod:`spectral_core.training.ensemble`, which stacks their parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from spectral_core.layers.flow import Flow
from spectral_core.layers.kinds import Dense, holders, spectrum
from spectral_core.layers.linear import SpectralLinear
from spectral_core.layers.tracing import is_stack

# f(u) in place, and f'(u) multiplied onto a gradient, told from a = f(u); `scratch` is like a.
_Forward = Callable[[Tensor], object]
_Backward = Callable[[Tensor, Tensor, Tensor], object]


def _elu_backward(gradient: Tensor, a: Tensor, scratch: Tensor) -> None:
    torch.clamp(a, max=0, out=scratch)  # f' = a + 1 where u < 0, else 1
    gradient.addcmul_(gradient, scratch)


def _relu_backward(gradient: Tensor, a: Tensor, scratch: Tensor) -> None:
    gradient.mul_(a > 0)


def _tanh_backward(gradient: Tensor, a: Tensor, scratch: Tensor) -> None:
    torch.mul(a, a, out=scratch)
    gradient.addcmul_(gradient, scratch, value=-1)


_ACTIVATIONS: dict[type[nn.Module], tuple[_Forward, _Backward]] = {
    nn.ELU: (nn.functional.elu_, _elu_backward),
    nn.ReLU: (torch.relu_, _relu_backward),
    nn.Tanh: (torch.tanh_, _tanh_backward),
}


def has_bf16(device: torch.device) -> bool:
    """Whether a device has instructions for bfloat16; of CPUs, those with AVX-512 or later do."""
    if device.type != "cpu":
        return True
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def _product_in_fp32(
    product: Callable[..., Tensor], a: Tensor, b: Tensor, out: Tensor | None = None
) -> Tensor:
    """A product of bfloat16 operands, whose terms float32 holds exactly, rounded to bfloat16.

    Without instructions for it, torch's own is tens of times slower.
    """
    sums = product(a.float(), b.float())
    return sums.to(a.dtype) if out is None else out.copy_(sums)


def is_written_out(network: nn.Module) -> bool:
    """Whether :class:`Stack` knows a network: layers with ELU (α = 1), ReLU or tanh in between.

    They must be a plain stack, each layer and parameter there once, without masks or hooks.
    """
    if not isinstance(network, nn.Sequential) or not is_stack(network) or len(network) % 2 == 0:
        return False
    layers, activations = list(network)[::2], list(network)[1::2]
    known = all(type(layer) in (nn.Linear, SpectralLinear) for layer in layers) and all(
        type(activation) in _ACTIVATIONS and getattr(activation, "alpha", 1.0) == 1.0
        for activation in activations
    )
    once = len(set(layers)) == len(layers) and max(holders(network).values()) == 1
    return known and once and not any(map(_has_hooks, network.modules()))


def _has_hooks(module: nn.Module) -> bool:
    """Whether something is done besides a module's own passes; masks hang on hooks, too."""
    return any(
        (
            module._forward_pre_hooks,
            module._forward_hooks,
            module._backward_pre_hooks,
            module._backward_hooks,
        )
    )


def penalised(network: nn.Module) -> list[nn.Parameter]:
    """Parameters that the ℓ1 penalty of Appendix D acts on, those that train among them.

    They are the eigenvalues of the arrival nodes of each hidden spectral layer, and the weights of
    each hidden plain one. Hidden are fully connected layers whose nodes another one reads, see
    :class:`~spectral_core.layers.flow.Flow`.
    """
    if not any(isinstance(module, Dense) for module in network.modules()):
        return []
    flow = Flow(network)
    hidden = [flow.layers[name] for name in flow.hidden]
    of_hidden = (m.weight if (s := spectrum(m)) is None else s.eigenvalues for m in hidden)
    return [parameter for parameter in of_hidden if parameter.requires_grad]


class Stack:
    """Forward and backward passes of one network, or of E at once, a batch at a time.

    Gradients are left in the ``grad`` of each parameter that trains; each call overwrites them.
    Where shapes begin with (E,), that dimension is there for stacked parameters only.

    Args:
        network: one that :func:`is_written_out`; its parameters may be stacked, (E, …) each.
        batch_size: largest batch, at least 1.
        precision: ``"fp32"``: everything in the parameters' own type. ``"bf16"``: the matrix
            products of all layers but the last take bfloat16 operands; parameters, activation
            functions, the last layer, the loss and the optimiser stay in their own type. Where
            :func:`has_bf16` says no, the products are summed in float32 and rounded, as other
            processors do, and take somewhat longer than with ``"fp32"``.
        penalty: γ of the ℓ1 penalty on what :func:`penalised` names, at least 0.
    """

    def __init__(
        self,
        network: nn.Sequential,
        batch_size: int,
        precision: str = "fp32",
        penalty: float = 0.0,
    ) -> None:
        modules = list(network)
        low = torch.bfloat16 if precision == "bf16" else None
        self.layers = [
            _written_out(layer, activation, batch_size, low)
            for layer, activation in zip(modules[:-1:2], modules[1::2])
        ]
        self.layers.append(_written_out(modules[-1], None, batch_size, None))
        self.members = self.layers[0].matrix.shape[:-2]  # (E,), or () for one network
        self.projects = not self.layers[0].matrix.requires_grad
        self.penalty, self.penalised = penalty, penalised(network) if penalty else []

    def prepare(self, inputs: Tensor) -> Tensor:
        """What batches are taken from: the inputs or, where the first layer's φ is frozen, x φᵀ.

        The projection is the same in each epoch, so it is made once.

        Args:
            inputs: shape (n, N_1).

        Returns:
            Shape (n, N_1), shared by all networks, or (n, N_2) for a frozen first layer: then
            (E n, N_2) for E networks, the rows of each behind those of the one before.
        """
        first = self.layers[0]
        if self.projects:
            every = inputs.expand(*self.members, *inputs.shape)
            return first.product(every, first.matrix.detach().mT).flatten(0, -2)
        return inputs if first.low is None else inputs.to(first.low)

    @torch.no_grad()
    def __call__(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy of a batch; leaves its gradients, penalty included, in the parameters.

        Args:
            inputs: rows of what :meth:`prepare` returned, shape ((E,) m, ·) with
                m ≤ ``batch_size``.
            targets: class indices, int64, shape ((E,) m).

        Returns:
            The cross-entropy, without the penalty, shape () or (E,).
        """
        m, x = targets.shape[-1], inputs
        for layer, after in zip(self.layers, [*self.layers[1:], None]):
            projected = self.projects and layer is self.layers[0]
            x = layer.forward(x, m, projected, None if after is None else after.low)
        log_p = torch.log_softmax(x, dim=-1)
        picked = targets.unsqueeze(-1)
        loss = -log_p.gather(-1, picked).mean(dim=(-2, -1))

        gradient = log_p.exp_()  # ∂L/∂logits = (p − y) / m
        gradient.scatter_add_(-1, picked, gradient.new_full(picked.shape, -1.0)).div_(m)
        for layer, before in zip(self.layers[::-1], [*self.layers[-2::-1], None]):
            gradient = layer.backward(gradient, before, m)
        for parameter in self.penalised:
            parameter.grad.add_(parameter.sign(), alpha=self.penalty)
        return loss


class _Layer:
    """One fully connected layer and the activation behind it, with their buffers."""

    def __init__(
        self,
        layer: nn.Linear | SpectralLinear,
        activation: nn.Module | None,
        batch_size: int,
        low: torch.dtype | None,
    ) -> None:
        self.low = low
        for parameter in layer.parameters(recurse=False):
            parameter.grad = torch.zeros_like(parameter) if parameter.requires_grad else None
        self.matrix, lam = self._factors(layer)  # ((E,) out, in), and what its rows are scaled by
        self.product = torch.mm if self.matrix.dim() == 2 else torch.bmm
        if low is not None and not has_bf16(self.matrix.device):
            self.product = partial(_product_in_fp32, self.product)
        # Both as ((E,) 1, out), with their gradients: they meet rows of a batch, ((E,) m, out).
        self.lam, self.lam_gradient = _as_row(lam)
        self.bias, self.bias_gradient = _as_row(layer.bias)
        self.activate, self.times_slope = _ACTIVATIONS.get(type(activation), (None, None))
        *members, out, _ = self.matrix.shape
        shape = (*members, batch_size, out)
        self.a, self.g, self.scratch = (self.matrix.new_empty(shape) for _ in range(3))
        self.z = self.matrix.new_empty(shape, dtype=low)
        # What the products take and give, where it is not in the parameters' own type.
        self.operand, self.gradient = self.matrix.detach(), None
        if low is not None:
            self.operand = self.matrix.detach().to(low)
            self.gradient = torch.empty_like(self.operand)
        self.a_low = self.matrix.new_empty(shape, dtype=low) if low else None
        self.g_low = torch.empty_like(self.a_low) if low else None

    def _factors(self, layer: nn.Linear | SpectralLinear) -> tuple[Tensor, Tensor | None]:
        if isinstance(layer, SpectralLinear):
            return layer.eigenvectors, layer.eigenvalues
        return layer.weight, None

    def forward(self, x: Tensor, m: int, projected: bool, low_after: torch.dtype | None) -> Tensor:
        """From x, (m, in), or from x φᵀ where it is projected, to a = f(u), (m, out)."""
        z, a = self.z.narrow(-2, 0, m), self.a.narrow(-2, 0, m)
        if projected:
            z = x
        else:
            if self.low is not None and self.matrix.requires_grad:
                self.operand.copy_(self.matrix)
            self.product(x, self.operand.mT, out=z)
        self.x, self.sums = x, z
        if self.lam is not None:
            torch.mul(z, -self.lam, out=a)
        else:
            a.copy_(z)
        if self.bias is not None:
            a += self.bias
        if self.activate is not None:
            self.activate(a)
        return a if low_after is None else self.a_low.narrow(-2, 0, m).copy_(a)

    def backward(self, gradient: Tensor, before: _Layer | None, m: int) -> Tensor | None:
        """From ∂L/∂u, (m, out), to this layer's gradients and the ∂L/∂u of the layer before."""
        if self.bias_gradient is not None:
            torch.sum(gradient, dim=-2, keepdim=True, out=self.bias_gradient)
        if self.lam is not None:
            if self.lam_gradient is not None:
                products = torch.mul(gradient, self.sums, out=self.scratch.narrow(-2, 0, m))
                torch.sum(products, dim=-2, keepdim=True, out=self.lam_gradient).neg_()
            gradient.mul_(-self.lam)
        if self.low is not None:
            gradient = self.g_low.narrow(-2, 0, m).copy_(gradient)
        if self.matrix.requires_grad and self.low is None:
            self.product(gradient.mT, self.x, out=self.matrix.grad)
        elif self.matrix.requires_grad:
            self.matrix.grad.copy_(self.product(gradient.mT, self.x, out=self.gradient))
        if before is None:
            return None
        onward = before.g.narrow(-2, 0, m)
        if self.low is None:
            self.product(gradient, self.operand, out=onward)
        else:
            low = before.g_low.narrow(-2, 0, m)
            onward.copy_(self.product(gradient, self.operand, out=low))
        before.times_slope(onward, before.a.narrow(-2, 0, m), before.scratch.narrow(-2, 0, m))
        return onward


class _LayerOfTwoSpectra(_Layer):
    """A layer whose departure nodes have eigenvalues: a plain one, of weights made at each step."""

    def _factors(self, layer: SpectralLinear) -> tuple[Tensor, None]:
        self.phi = layer.eigenvectors
        self.lam_out, self.lam_in = layer.eigenvalues, layer.input_eigenvalues
        weights = torch.empty_like(self.phi, requires_grad=True)  # whatever of them trains
        weights.grad = torch.empty_like(weights)
        self.difference, self.products = torch.empty_like(weights.grad), torch.empty_like(weights)
        return weights, None

    def forward(self, x: Tensor, m: int, projected: bool, low_after: torch.dtype | None) -> Tensor:
        torch.sub(self.lam_in.unsqueeze(-2), self.lam_out.unsqueeze(-1), out=self.difference)
        torch.mul(self.difference, self.phi, out=self.matrix)
        return super().forward(x, m, projected, low_after)

    def backward(self, gradient: Tensor, before: _Layer | None, m: int) -> Tensor | None:
        onward = super().backward(gradient, before, m)
        of_weights = self.matrix.grad
        if self.phi.grad is not None:
            torch.mul(of_weights, self.difference, out=self.phi.grad)
        torch.mul(of_weights, self.phi, out=self.products)
        if self.lam_in.grad is not None:
            torch.sum(self.products, dim=-2, out=self.lam_in.grad)
        if self.lam_out.grad is not None:
            torch.sum(self.products, dim=-1, out=self.lam_out.grad).neg_()
        return onward


def _written_out(
    layer: nn.Linear | SpectralLinear,
    activation: nn.Module | None,
    batch_size: int,
    low: torch.dtype | None,
) -> _Layer:
    two = getattr(layer, "input_eigenvalues", None) is not None
    return (_LayerOfTwoSpectra if two else _Layer)(layer, activation, batch_size, low)


def _as_row(parameter: nn.Parameter | None) -> tuple[Tensor | None, Tensor | None]:
    """Views of ((E,) out) values and of their gradients, if there are any, as ((E,) 1, out)."""
    if parameter is None:
        return None, None
    gradient = parameter.grad
    return parameter.detach().unsqueeze(-2), None if gradient is None else gradient.unsqueeze(-2)
