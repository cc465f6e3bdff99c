r"""Reparametrise the weights of any layer by eigenvalues and eigenvectors, w = −λ φ (Eq. 2).

The layer stays what it is, an ``nn.Linear`` or an ``nn.Conv2d``, and its ``weight`` is computed
from two parameters, as :func:`torch.nn.utils.parametrizations.weight_norm` does it. So whatever
works with a layer works with it in spectral variables: any training loop, ``state_dict``,
``copy.deepcopy``, ``torch.compile``, autocast, data parallelism.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from spectral_core import _checks
from spectral_core.layers.spectrum import Init, Spectrum, spectrum_of

# Outputs counted in the second dimension; weights kept in a second place, which would go stale.
_REFUSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.RNNBase)


class _Conv1D(type):
    def __instancecheck__(cls, instance: object) -> bool:
        kind = type(instance)
        return (kind.__module__, kind.__name__) == ("transformers.pytorch_utils", "Conv1D")


class Transposed(metaclass=_Conv1D):
    """The fully connected layer of Hugging Face's GPT-2, ``Conv1D``: its weight is (in, out)."""


class SpectralWeight(nn.Module):
    """From (λ, φ) to the weight w = −λ φ and, as :func:`~spectral_core.layers.spectrum.spectrum_of`
    does it, back."""

    def __init__(self, init: Init = "norm") -> None:
        super().__init__()
        self.init = init

    def forward(self, eigenvalues: Tensor, eigenvectors: Tensor) -> Tensor:
        """Weights of the shape of φ, (out, in, ...), from λ of shape (out,)."""
        return Spectrum(eigenvalues, eigenvectors).weight()

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """λ and φ that give the weight, (out, in, ...); also used when one is assigned."""
        spectrum = spectrum_of(weight, self.init)
        return spectrum.eigenvalues, spectrum.eigenvectors

    def extra_repr(self) -> str:
        return f"init={self.init!r}"


def spectral(module: nn.Module, name: str = "weight", init: Init = "norm") -> nn.Module:
    r"""Train a module's weight by its eigenvalues λ and eigenvectors φ.

    .. math:: w_{ij\dots} = -\lambda_i\, \phi_{ij\dots} \qquad \text{(Eq. 2 with } \lambda_j = 0)

    One λ for each output node or channel i, φ of the weight's shape. The parameters are new ones:
    build the optimiser afterwards. To give the layer other weights, assign them (``layer.weight =
    w``): in-place changes to the computed weight are lost. In a ``state_dict`` λ is
    ``parametrizations.<name>.original0`` and φ ``parametrizations.<name>.original1``;
    :func:`~spectral_core.spectral_parameters` sorts them for an optimiser.

    Args:
        module: one whose first dimension of the weight counts its outputs, such as ``nn.Linear``
            and ``nn.Conv2d``. It is changed in place.
        name: name of the weight.
        init: where λ and φ start; both keep the function. ``"norm"``: λ_i = −‖w_i‖₂; a node whose
            weights are all 0 gets λ_i = 0 and φ_i = 0. ``"unit"``: λ_i = −1, φ_i = w_i.

    Returns:
        The module itself. :func:`~spectral_core.fold` gives the plain one back.

    Raises:
        TypeError, ValueError: if the module is recurrent, a transposed convolution or Hugging
            Face's ``Conv1D``, the weight is missing or parametrised already, or ``init`` is
            unknown.

    Example:
        >>> layer = spectral(nn.Linear(784, 500))
    """
    check_weight(module, name)
    return parametrize.register_parametrization(module, name, SpectralWeight(init))


def check_weight(module: nn.Module, name: str = "weight") -> None:
    """Raise unless a module has a plain weight that :func:`~spectral_core.spectral` can write."""
    _checks.module("module", module)
    kind = type(module).__name__
    if parametrize.is_parametrized(module, name):
        raise ValueError(f"{name} of {kind} must be a plain parameter; it is parametrised already")
    weight = dict(module.named_parameters(recurse=False)).get(name)
    if weight is None:
        raise ValueError(f"name must be one of {kind}'s own parameters; got {name!r}")
    if isinstance(module, (*_REFUSED, Transposed)):
        raise TypeError(
            "module must count its outputs in the first dimension of its weight and not be "
            f"recurrent; got {kind}"
        )
    if isinstance(weight, nn.parameter.UninitializedParameter):
        raise ValueError(f"{name} of {kind} must have a shape; pass one batch through it first")
    if weight.dim() < 2 or not torch.is_floating_point(weight):
        raise ValueError(
            f"{name} of {kind} must be a floating-point matrix or more, (out, in, ...); "
            f"got {tuple(weight.shape)} of {weight.dtype}"
        )
