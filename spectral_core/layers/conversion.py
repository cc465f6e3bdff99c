"""A whole model in spectral variables and back: spectralize, sort its parameters, fold."""

from collections.abc import Collection
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.utils import parametrize

from spectral_core import _checks
from spectral_core.layers.kinds import holders, named_layers, own_forward, spectra
from spectral_core.layers.linear import SpectralLinear
from spectral_core.layers.parametrization import check_weight, spectral
from spectral_core.layers.running import duplicate
from spectral_core.layers.spectrum import Init


def spectralize(
    model: nn.Module,
    layers: type[nn.Module] | tuple[type[nn.Module], ...] = (nn.Linear, nn.Conv2d),
    skip: Collection[str] | None = None,
    init: Init = "norm",
) -> nn.Module:
    """Reparametrise a model's layers by eigenvalues and eigenvectors, without changing its outputs.

    :func:`~spectral_core.spectral` for each layer. Build the optimiser afterwards.

    Args:
        model: any model; it is changed in place. Layers that are spectral already stay as they are.
        layers: kinds of layers to reparametrise.
        skip: names of modules, as in ``model.named_modules()``, to leave unchanged, with everything
            in them. If ``None``, the classifier: the fully connected or convolutional layer that
            was registered last, which gives the logits in torchvision's classifiers. ``()`` skips
            nothing.
        init: where λ and φ start, ``"norm"`` or ``"unit"``.

    Returns:
        The model itself.

    Raises:
        TypeError, ValueError: if there is no such layer, a name is unknown, or two layers share
            one weight.

    Example:
        >>> model = spectralize(torchvision.models.resnet18())
        >>> plain = fold(model)
    """
    _checks.network("model", model)
    layers = (layers,) if isinstance(layers, type) else layers
    if not isinstance(layers, tuple | list) or not all(isinstance(kind, type) for kind in layers):
        raise TypeError(f"layers must be kinds of modules, such as nn.Linear; got {layers!r}")
    layers = tuple(layers)
    left = _left_alone(model, skip)
    layers_by_name = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, layers)
        and not any(f"{name}.".startswith(f"{skipped}." if skipped else "") for skipped in left)
    }
    if not layers_by_name:
        kinds = ", ".join(kind.__name__ for kind in layers)
        raise ValueError(
            f"model must have a layer of the kinds {kinds} besides those skipped "
            f"({', '.join(sorted(left)) or 'none'}); got none. skip=() skips none, "
            "not even the classifier"
        )
    shared = holders(model)
    new = {name: layer for name, layer in layers_by_name.items() if "weight" not in spectra(layer)}
    for name, layer in new.items():  # all are checked before one is changed
        check_weight(layer)
        if shared[id(layer.weight)] > 1:
            raise ValueError(
                f"each layer must have a weight of its own; {name!r} shares one. Name it in skip=…"
            )
    for layer in new.values():
        spectral(layer, init=init)
    return model


def fold(model: nn.Module) -> nn.Module:
    """Copy a model, with plain layers of exactly the same weights in place of spectral ones.

    Every weight that :func:`~spectral_core.spectral` computes becomes an ordinary parameter, every
    :class:`~spectral_core.SpectralLinear` an ``nn.Linear``. Nothing of this package is left in the
    copy, whose ``state_dict`` has the names that it had before the model was made spectral.

    Args:
        model: any model; it is not changed.

    Returns:
        The copy. A folded weight trains if λ or φ did.

    Raises:
        TypeError: if the model cannot be copied, or a layer has a ``forward`` of its own.
    """
    _checks.network("model", model)
    for name, module in model.named_modules():
        if isinstance(module, SpectralLinear) and (why := own_forward(module)):
            raise TypeError(f"model must have layers that plain ones replace; {name!r}: {why}")
    plain = duplicate(model)
    for module in plain.modules():
        if isinstance(module, SpectralLinear):
            # The copy becomes the plain layer, so that its hooks stay.
            module.__class__, module._parameters = nn.Linear, module.to_linear()._parameters
            del module.eigenvector_range, module.eigenvalue_range
        for name in spectra(module):
            _fold(module, name)
    return plain


class SpectralParameters(NamedTuple):
    """A model's parameters, each once, frozen ones too."""

    eigenvalues: list[nn.Parameter]
    """λ of each spectral layer."""
    eigenvectors: list[nn.Parameter]
    """φ of each spectral layer."""
    rest: list[nn.Parameter]
    """Biases, norms, plain layers."""


def spectral_parameters(model: nn.Module) -> SpectralParameters:
    """Sort a model's parameters for the groups of an optimiser.

    Example:
        >>> eigenvalues, eigenvectors, rest = spectral_parameters(model)
        >>> torch.optim.AdamW(
        ...     [
        ...         {"params": eigenvalues, "lr": 1e-2, "weight_decay": 0},
        ...         {"params": [*eigenvectors, *rest]},
        ...     ]
        ... )
    """
    _checks.module("model", model)
    pairs = [spectrum for module in model.modules() for spectrum in spectra(module).values()]
    both_sides = [lam for s in pairs for lam in (s.eigenvalues, s.input_eigenvalues)]
    # Each once: tied layers share theirs.
    eigenvalues = dict.fromkeys(lam for lam in both_sides if lam is not None)
    eigenvectors = dict.fromkeys(s.eigenvectors for s in pairs)
    rest = [p for p in model.parameters() if p not in eigenvalues and p not in eigenvectors]
    return SpectralParameters(list(eigenvalues), list(eigenvectors), rest)


def _left_alone(model: nn.Module, skip: Collection[str] | None) -> set[str]:
    """Names of the modules to skip."""
    if skip is None:
        return set(list(named_layers(model))[-1:])
    if isinstance(skip, str) or not isinstance(skip, Collection):
        raise TypeError(f"skip must be a list of module names; got {skip!r}")
    names = [name for name, _ in model.named_modules()]
    return {_checks.choice("skip", name, names) for name in skip}


@torch.no_grad()
def _fold(module: nn.Module, name: str) -> None:
    """Put a plain parameter in the place of (λ, φ), in front of the others as in a plain layer."""
    trains = any(p.requires_grad for p in module.parametrizations[name].parameters(recurse=False))
    weight = nn.Parameter(getattr(module, name).detach().clone(), requires_grad=trains)
    # A copy shares the class that torch made for the original, and that loses a property here.
    shared = type(module)
    module.__class__ = type(shared.__name__, shared.__bases__, dict(vars(shared)))
    parametrize.remove_parametrizations(module, name, leave_parametrized=True)
    delattr(module, name)
    module._parameters = {name: weight, **module._parameters}
