"""Networks: what they are made of, where they start, what trains."""

import itertools

import pytest
import torch
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


def test_parameters_of_the_papers_network_by_hand():
    count = lambda network: sum(p.numel() for p in network.parameters())  # noqa: E731
    assert count(direct_mlp((784, 500, 10), "elu")) == 784 * 500 + 500 * 10 == 397_000
    assert count(spectral_mlp((784, 500, 10), "elu")) == 397_000 + 500 + 10
    assert count(direct_mlp((784, 300, 100, 10), "tanh", bias=True)) == 266_610  # LeNet-300-100


def test_direct_weights_start_glorot_uniform_and_biases_at_zero():
    generator = torch.Generator().manual_seed(0)
    network = direct_mlp((300, 200, 10), "elu", bias=True, generator=generator)
    bound = (6 / (300 + 200)) ** 0.5
    weight = network[0].weight
    assert weight.abs().max() <= bound and weight.abs().max() > 0.99 * bound
    assert abs(weight.std() - bound / 3**0.5) < 0.02 * bound
    assert (network[0].bias == 0).all()


@pytest.mark.parametrize("make", [spectral_mlp, direct_mlp])
def test_a_generator_alone_decides_the_start(make):
    one, again, other = (
        make((6, 5, 3), "elu", generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert all(torch.equal(p, q) for p, q in zip(one.parameters(), again.parameters()))
    assert not torch.equal(one[0].weight, other[0].weight)
