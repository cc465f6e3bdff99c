"""Damage of single nodes: what removing each of them by itself costs."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from spectral_core import direct_mlp, remove, spectral_mlp
from spectral_core.paper.results.damage import node_damage

GENERATOR = torch.Generator().manual_seed(0)
INPUTS = torch.rand(50, 6, generator=GENERATOR)
TARGETS = torch.randint(3, (50,), generator=GENERATOR)


@pytest.mark.parametrize(("make", "activation"), [(direct_mlp, "relu"), (spectral_mlp, "tanh")])
def test_damage_is_the_loss_of_the_smaller_network(make, activation):
    network = make((6, 5, 4, 3), activation, output_bias=True, generator=GENERATOR)
    widths = [5, 4]
    whole = F.cross_entropy(network(INPUTS), TARGETS)
    for k, damage in enumerate(node_damage(network, INPUTS, TARGETS)):
        assert damage.shape == (widths[k],)
        for i in range(widths[k]):
            kept = [torch.arange(width) for width in widths]
            kept[k] = kept[k][kept[k] != i]
            loss = F.cross_entropy(remove(network, kept)(INPUTS), TARGETS)
            torch.testing.assert_close(damage[i], loss - whole, atol=1e-6, rtol=1e-5)


def test_other_networks_are_refused():
    with pytest.raises(TypeError, match="stack of fully connected layers"):
        node_damage(nn.Conv2d(1, 1, 1), INPUTS, TARGETS)
