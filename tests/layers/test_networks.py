"""Networks: what they are made of, where they start, what trains."""

import itertools

import pytest
import torch
from made_networks import seeded
from torch import nn

from spectral_core import SpectralLinear, direct_mlp, spectral_mlp
from spectral_core.layers.networks import ACTIVATIONS


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sizes", [(4, 3), (4, 5, 3), (4, 5, 6, 7, 3)])
@pytest.mark.parametrize(
    ("make", "kind"), [(spectral_mlp, SpectralLinear), (direct_mlp, nn.Linear)]
)
def test_layers_alternate_with_activations_and_end_in_logits(make, kind, sizes, activation):
    network = make(sizes, activation)
    layers, activations = network[::2], network[1::2]
    assert [type(layer) for layer in layers] == [kind] * (len(sizes) - 1)
    assert [type(module) for module in activations] == [ACTIVATIONS[activation]] * (len(sizes) - 2)
    assert [(x.in_features, x.out_features) for x in layers] == list(itertools.pairwise(sizes))
    assert all(layer.bias is None for layer in layers)
    assert network(torch.zeros(2, 4)).shape == (2, 3)


def test_glorot_starts_are_uniform_and_biases_start_at_zero():
    layer = direct_mlp((300, 200), "elu", bias=True, generator=seeded())[0]
    bound = (6 / (300 + 200)) ** 0.5
    assert layer.weight.abs().max() <= bound and layer.weight.abs().max() > 0.99 * bound
    assert abs(layer.weight.std() - bound / 3**0.5) < 0.02 * bound
    assert (layer.bias == 0).all()
    spectral = SpectralLinear(300, 200, eigenvector_range="glorot", generator=seeded())
    assert torch.equal(spectral.eigenvectors, layer.weight)


def test_a_seed_is_a_network_whatever_the_default_device():
    def made():
        return direct_mlp((4, 3, 2), "elu", generator=torch.Generator("cpu").manual_seed(0))

    with torch.device("meta"):
        assert all(parameter.is_meta for parameter in made().parameters())
