"""One accessor for all kinds of layers."""

import pytest
import torch
from torch import nn

from spectral_core import SpectralLinear, spectral
from spectral_core.layers.kinds import (
    arrival_width,
    axes,
    holders,
    named_layers,
    spectra,
    spectrum,
)

LAYERS = {
    "plain": lambda: nn.Linear(5, 4),
    "spectral": lambda: SpectralLinear(5, 4, bias=True),
    "both sides": lambda: SpectralLinear(5, 4, bias=True, input_eigenvalues=True),
    "reparametrised": lambda: spectral(nn.Linear(5, 4)),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_a_spectrum_is_the_layers_own_and_gives_its_weight(kind):
    layer = LAYERS[kind]()
    found = spectrum(layer)
    if kind == "plain":
        assert found is None and spectra(layer) == {}
        return
    assert torch.equal(found.weight(), layer.weight)
    assert found.eigenvalues.shape == (4,) and found.eigenvectors.shape == (4, 5)
    with torch.no_grad():
        found.eigenvalues.mul_(2.0)  # no copy: it is the parameter
    assert torch.equal(found.weight(), layer.weight)
    found.train_only("eigenvectors")
    trains = {id(p) for p in layer.parameters() if p.requires_grad}
    assert trains == {id(found.eigenvectors), id(layer.bias)}


@pytest.mark.parametrize("kind", LAYERS)
def test_axes_count_what_their_sizes_say(kind):
    layer = LAYERS[kind]()
    assert arrival_width(layer) == 4
    found = axes(layer)
    parameters = dict(layer.named_parameters())
    assert set(found) == set(parameters)
    for name, sides in found.items():
        sizes = tuple({"arrival": 4, "departure": 5}[side] for side in sides)
        assert parameters[name].shape == sizes


def test_a_layer_that_holds_other_tensors_has_no_axes():
    with pytest.raises(TypeError, match=r"Linear that loses nodes.*'parametrizations\.bias"):
        axes(nn.utils.parametrizations.weight_norm(nn.Linear(3, 2), "bias"))


def test_convolutions_are_counted_in_channels():
    network = nn.Sequential(spectral(nn.Conv2d(2, 6, 3, groups=2)), nn.ReLU(), LAYERS["plain"]())
    convolution, linear = named_layers(network).values()
    assert arrival_width(convolution) == 6
    assert spectrum(convolution).eigenvectors.shape == (6, 1, 3, 3)
    assert list(named_layers(network)) == ["0", "2"] and linear is network[2]


def test_holders_are_modules_and_not_names():
    layer = nn.Linear(3, 3)
    twice = nn.Sequential(layer, layer)
    assert holders(twice)[id(layer.weight)] == 1
    other = nn.Linear(3, 3)
    other.weight = layer.weight
    assert holders(nn.Sequential(layer, other))[id(layer.weight)] == 2
