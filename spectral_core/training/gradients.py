"""Loss and gradients of a feed-forward stack, written out.

Automatic differentiation builds a graph at each step and keeps more than it needs. For a stack of
fully connected layers the same sums can be written down once: with z = x φᵀ, u = −λ z + b and
a = f(u), and g = ∂L/∂u,

    ∂L/∂b = Σ g,   ∂L/∂λ = −Σ g z,   ∂L/∂φ = (−λ g)ᵀ x,   ∂L/∂x = (−λ g) φ,

sums over the batch; a plain layer has −λ = 1. Where the departure nodes have eigenvalues λ_j, too,
a layer is a plain one with the weights W_ij = (λ_j − λ_i) φ_ij, and G = ∂L/∂W = gᵀ x gives

    ∂L/∂φ_ij = (λ_j − λ_i) G_ij,   ∂L/∂λ_j = Σ_i G_ij φ_ij,   ∂L/∂λ_i = −Σ_j G_ij φ_ij.

Only what trains gets a gradient. The ℓ1 penalty of Appendix D, γ Σ|·|, adds γ sign(·) to the
gradients of what it acts on.

All of it holds with a leading dimension in front of each tensor: E networks, one beside the other,
each with its own batch. See :mod:`spectral_core.training.ensemble`, which stacks their parameters.
"""

import functools
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spectral_core.layers.kinds import holders, is_stack, is_untouched
from spectral_core.layers.linear import SpectralLinear
from spectral_core.training.autograd import penalised


class WrittenOut:
    """Loss and gradients of a stack of layers, of one network or of E at once.

    Where shapes begin with (E,), that dimension is there for stacked parameters only.

    Args:
        network: one that :func:`is_written_out`; its parameters may be stacked, (E, …) each.
        inputs: shape (n, N_1), shared by all networks.
        targets: class indices, int64, shape (n,).
        precision: ``"fp32"``: everything in the parameters' own type. ``"bf16"``: the matrix
            products of all layers but the last take bfloat16 operands; parameters, activation
            functions, the last layer, the loss and the optimiser stay in their own type. Where
            :func:`cpu_has_bf16` says no, the products are summed in float32 and rounded, as other
            processors do, and take somewhat longer than with ``"fp32"``.
        penalty: γ of the ℓ1 penalty on what
            :func:`~spectral_core.training.autograd.penalised` names, at least 0.
    """

    def __init__(
        self,
        network: nn.Sequential,
        inputs: Tensor,
        targets: Tensor,
        precision: str = "fp32",
        penalty: float = 0.0,
    ) -> None:
        _check_sizes(network, inputs, targets)
        modules = list(network)
        own = next(network.parameters()).dtype
        operands = torch.bfloat16 if precision == "bf16" else own
        self.layers = []
        for layer, activation in zip(modules[::2], [*modules[1::2], None]):
            two_spectra = getattr(layer, "input_eigenvalues", None) is not None
            kind = _LayerOfTwoSpectra if two_spectra else _Layer
            self.layers.append(kind(layer, activation, own if activation is None else operands))
        first = self.layers[0]
        ensemble = first.matrix.shape[:-2]  # (E,), or () for one network
        self.members = ensemble.numel()
        self.penalty, self.penalised = penalty, penalised(network, penalty)
        # What batches are taken from, and where in it the rows of each network begin.
        self.targets, self.rows, self.begins = targets, inputs.to(first.operands), None
        if not first.trains:
            # x φᵀ of a frozen first layer is the same in each epoch: it is made once, (n, N_2), or
            # (E n, N_2) with each network's rows behind those of the one before.
            self.rows = first.project(inputs.expand(*ensemble, *inputs.shape)).flatten(0, -2)
            begins = torch.arange(0, len(self.rows), len(inputs), device=inputs.device)
            self.begins = begins.view(*ensemble, 1)

    @torch.no_grad()
    def __call__(self, batch: Tensor) -> Tensor:
        """Leave the gradients of a batch, penalty included, in the parameters.

        From the indices ((E,) m) of its examples to the mean cross-entropy, without the penalty, of
        shape () or (E,).
        """
        rows = batch if self.begins is None else batch + self.begins
        x = self.rows.index_select(0, rows.flatten()).view(*batch.shape, self.rows.shape[-1])
        for layer in self.layers:
            x = layer.forward(x)
        log_p = torch.log_softmax(x, dim=-1)
        picked = self.targets.index_select(0, batch.flatten()).view(*batch.shape, 1)
        loss = -log_p.gather(-1, picked).mean(dim=(-2, -1))

        gradient = log_p.exp_()  # ∂L/∂logits = (p − y) / m
        gradient.scatter_(-1, picked, -1.0, reduce="add")
        gradient.div_(batch.shape[-1])
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient, onward=layer is not self.layers[0])
        for parameter in self.penalised:
            parameter.grad.add_(parameter.sign(), alpha=self.penalty)
        return loss


class _Layer:
    """One fully connected layer and the activation function behind it."""

    def __init__(
        self,
        layer: nn.Linear | SpectralLinear,
        activation: nn.Module | None,
        operands: torch.dtype,
    ) -> None:
        spectral = isinstance(layer, SpectralLinear)
        self.matrix = layer.eigenvectors if spectral else layer.weight  # ((E,) out, in)
        self.lam = layer.eigenvalues if spectral else None  # ((E,) out)
        self.bias = layer.bias  # ((E,) out)
        self.trains = self.matrix.requires_grad
        self.activate, self.times_slope = _ACTIVATIONS.get(type(activation), (None, None))
        self.operands = operands  # type of what products take
        self.operand = self.matrix.detach().to(operands)
        # The largest arrays of a step are allocated once.
        self.gradient = torch.empty_like(self.matrix) if self.trains else None
        self.projected = False

    def project(self, inputs: Tensor) -> Tensor:
        """From inputs x, (…, in), to the x φᵀ, (…, out), that :meth:`forward` takes from now on."""
        self.projected = True
        return _product(inputs, self.matrix.detach().mT)

    def forward(self, x: Tensor) -> Tensor:
        """From x, ((E,) m, in), or x φᵀ once it is projected, to a = f(u), ((E,) m, out)."""
        self.z = x
        if not self.projected:
            if self.trains:
                self.operand = self.matrix.to(self.operands)
            self.x = x.to(self.operands)
            self.z = _product(self.x, self.operand.mT)
        if self.lam is None:
            u = self.z.to(self.matrix.dtype)
        else:
            self.factor = -self.lam.unsqueeze(-2)
            u = self.z * self.factor
        if self.bias is not None:
            u += self.bias.unsqueeze(-2)
        self.a = u if self.activate is None else self.activate(u)
        return self.a

    def backward(self, gradient: Tensor, onward: bool) -> Tensor | None:
        """From ∂L/∂a, ((E,) m, out), to the gradients of what trains and, if asked, to ∂L/∂x.

        Overwrites ∂L/∂a and a, which nothing reads afterwards.
        """
        gradient = gradient.to(self.matrix.dtype)
        if self.times_slope is not None:
            self.times_slope(gradient, self.a)
        if self.bias is not None and self.bias.requires_grad:
            self.bias.grad = gradient.sum(dim=-2)
        if self.lam is not None:
            if self.lam.requires_grad:
                products = torch.mul(gradient, self.z, out=self.a)
                self.lam.grad = products.sum(dim=-2).neg_()
            gradient.mul_(self.factor)
        gradient = gradient.to(self.operands)
        if self.trains:
            self.matrix.grad = _product(gradient.mT, self.x, out=self.gradient)
        return _product(gradient, self.operand) if onward else None


class _LayerOfTwoSpectra(_Layer):
    """A layer whose departure nodes have eigenvalues: a plain one, of weights made at each step."""

    def __init__(
        self, layer: SpectralLinear, activation: nn.Module | None, operands: torch.dtype
    ) -> None:
        super().__init__(layer, activation, operands)
        self.phi, self.lam_out, self.lam_in = self.matrix, self.lam, layer.input_eigenvalues
        self.lam, self.trains = None, True  # whatever of the weights trains
        self.gradient = torch.empty_like(self.phi)

    def forward(self, x: Tensor) -> Tensor:
        self.difference = self.lam_in.unsqueeze(-2) - self.lam_out.unsqueeze(-1)
        self.matrix = self.difference * self.phi
        return super().forward(x)

    def backward(self, gradient: Tensor, onward: bool) -> Tensor | None:
        before = super().backward(gradient, onward)
        of_weights = self.matrix.grad
        if self.phi.requires_grad:
            self.phi.grad = of_weights * self.difference
        products = of_weights.mul_(self.phi)
        if self.lam_in.requires_grad:
            self.lam_in.grad = products.sum(dim=-2)
        if self.lam_out.requires_grad:
            self.lam_out.grad = products.sum(dim=-1).neg_()
        return before


def _product(a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
    """Product of two matrices, or of E pairs; ``out`` may be of a wider type.

    Without instructions for bfloat16 torch's own product is tens of times slower than to sum in
    float32, which holds the terms exactly, and to round the sum.
    """
    product = torch.mm if a.dim() == 2 else torch.bmm
    if out is not None and out.dtype == a.dtype:
        return product(a, b, out=out)
    if a.dtype == torch.bfloat16 and a.is_cpu and not cpu_has_bf16():
        result = product(a.float(), b.float()).to(a.dtype)
    else:
        result = product(a, b)
    return result if out is None else out.copy_(result)


@functools.cache
def cpu_has_bf16() -> bool:
    """Whether this CPU has instructions for bfloat16; those with AVX-512 or later do."""
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()


# f(u) in place, and f'(u), known from a = f(u), multiplied onto a gradient g.
_ACTIVATIONS: dict[type[nn.Module], tuple[Callable[[Tensor], Tensor], Callable[..., Tensor]]] = {
    nn.ELU: (F.elu_, lambda g, a: g.addcmul_(g, a.clamp_(max=0))),  # a + 1 where u < 0, else 1
    nn.ReLU: (torch.relu_, lambda g, a: g.mul_(a > 0)),
    nn.Tanh: (torch.tanh_, lambda g, a: g.addcmul_(g, a.mul_(a), value=-1)),
}


def is_written_out(network: nn.Module) -> bool:
    """Whether :class:`WrittenOut` knows a network: layers with ELU (α = 1), ReLU or tanh between.

    They must be a plain stack, each layer and parameter there once, without masks, hooks or a
    patched ``forward``.
    """
    if not isinstance(network, nn.Sequential) or not is_stack(network) or len(network) % 2 == 0:
        return False
    layers, activations = list(network)[::2], list(network)[1::2]
    known = all(type(layer) in (nn.Linear, SpectralLinear) for layer in layers) and all(
        type(activation) in _ACTIVATIONS and getattr(activation, "alpha", 1.0) == 1.0
        for activation in activations
    )
    once = len(set(layers)) == len(layers) and max(holders(network).values()) == 1
    return known and once and not any(map(_does_more, network.modules()))


def _does_more(module: nn.Module) -> bool:
    """Whether something is done besides a module's own passes; masks hang on hooks, too."""
    backward = [module._backward_hooks, module._backward_pre_hooks]
    for parameter in module.parameters(recurse=False):
        backward += [parameter._backward_hooks, parameter._post_accumulate_grad_hooks]
    return not is_untouched(module) or any(backward)


def _check_sizes(network: nn.Sequential, inputs: Tensor, targets: Tensor) -> None:
    """Raise unless inputs and targets fit a stack of fully connected layers."""
    first, last = network[0], network[-1]
    dtype = next(network.parameters()).dtype
    if inputs.dtype != dtype:
        raise TypeError(f"inputs must be {dtype}, as the network is; got {inputs.dtype}")
    if inputs.shape[1:] != (first.in_features,):
        raise ValueError(
            f"inputs must be (n, {first.in_features}), one column per input node of the first "
            f"layer; got {tuple(inputs.shape)}"
        )
    if targets.max() >= last.out_features:
        raise ValueError(
            f"targets must be below {last.out_features}, the number of output nodes; got "
            f"{targets.max()}"
        )
