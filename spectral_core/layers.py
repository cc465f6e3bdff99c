"""What a layer is asked, whichever kind it is: its spectrum, its widths, what each axis counts.

Ranking, freezing, folding and pruning look at layers through this module alone. So plain layers,
:class:`~spectral_core.SpectralLinear` and layers that :func:`~spectral_core.spectral` has
reparametrised are all the same to them. A layer's ``weight`` and ``bias`` it answers by itself.
"""

from __future__ import annotations

from typing import Literal

from torch import nn
from torch.nn.utils import parametrize

from spectral_core import _checks
from spectral_core.linear import SpectralLinear
from spectral_core.parametrization import SpectralWeight
from spectral_core.spectrum import Spectrum

Dense = nn.Linear | SpectralLinear
Convolution = nn.Conv1d | nn.Conv2d | nn.Conv3d
Layer = Dense | Convolution

Side = Literal["arrival", "departure"]


def spectra(module: nn.Module) -> dict[str, Spectrum]:
    """Eigenvalues and eigenvectors behind each weight of one module, by the weight's name.

    Its submodules are not looked at; a module without spectral weights has none.
    """
    if isinstance(module, SpectralLinear):
        return {"weight": module.spectrum}
    if not parametrize.is_parametrized(module):
        return {}
    return {
        name: Spectrum(stored.original0, stored.original1)
        for name, stored in module.parametrizations.items()
        if isinstance(stored[0], SpectralWeight)
    }


def spectrum(layer: nn.Module) -> Spectrum | None:
    """Eigenvalues and eigenvectors of a layer's ``weight``; ``None`` for a plain layer."""
    return spectra(layer).get("weight")


def departure_width(layer: Layer) -> int:
    """Number of departure nodes, or input channels."""
    return layer.in_features if isinstance(layer, Dense) else layer.in_channels


def arrival_width(layer: Layer) -> int:
    """Number of arrival nodes, or output channels."""
    return layer.out_features if isinstance(layer, Dense) else layer.out_channels


def axes(layer: Dense) -> dict[str, tuple[Side, ...]]:
    """Which side of the layer each axis of each of its parameters counts, by parameter name.

    Raises:
        TypeError: if the layer holds a parameter or buffer of another kind, such as a mask of
            ``torch.nn.utils.prune`` or another parametrisation.
    """
    known = _AXES
    if spectrum(layer) is not None and not isinstance(layer, SpectralLinear):
        known = {"bias": _AXES["bias"], **_PARAMETRIZED_AXES}
    names = [name for name, _ in (*layer.named_parameters(), *layer.named_buffers())]
    for name in names:
        if name not in known:
            raise TypeError(
                f"a layer to prune must hold {', '.join(known)} alone; got a "
                f"{type(layer).__name__} with {name!r}. Make masks and other parametrisations "
                "permanent first, with torch.nn.utils.prune.remove or remove_parametrizations"
            )
    return {name: known[name] for name in names}


_AXES: dict[str, tuple[Side, ...]] = {
    "weight": ("arrival", "departure"),
    "eigenvectors": ("arrival", "departure"),
    "eigenvalues": ("arrival",),
    "input_eigenvalues": ("departure",),
    "bias": ("arrival",),
}
_PARAMETRIZED_AXES: dict[str, tuple[Side, ...]] = {
    "parametrizations.weight.original0": _AXES["eigenvalues"],
    "parametrizations.weight.original1": _AXES["eigenvectors"],
}


def named_layers(network: nn.Module) -> dict[str, Layer]:
    """Fully connected and convolutional layers by name, in the order of registration.

    Raises:
        TypeError: if ``network`` is no module.
    """
    _checks.module("network", network)
    return {name: m for name, m in network.named_modules() if isinstance(m, Layer)}
