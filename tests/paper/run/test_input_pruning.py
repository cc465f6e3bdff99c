"""The released code's benchmark for CIFAR-10: inputs are ranked and removed, nodes stay."""

import numpy as np
import pytest
import torch

from spectral_core import direct_mlp, spectral_mlp
from spectral_core.layers.flow import Flow
from spectral_core.paper.run.input_pruning import input_scores, prune_inputs


@pytest.fixture
def network():
    generator = torch.Generator().manual_seed(0)
    return direct_mlp((9, 5, 3), "elu", output_bias=True, generator=generator)


def test_scores_are_sums_over_nodes_one_for_each_input(network):
    weight = network[0].weight
    by_hand = [sum(abs(weight[i, j].item()) for i in range(5)) for j in range(9)]
    np.testing.assert_allclose(input_scores(network[0]), by_hand, rtol=1e-6)


@pytest.mark.parametrize("percentile", [0, 10, 50, 90, 100])
def test_outputs_are_those_of_the_network_with_the_removed_inputs_at_0(network, percentile):
    inputs = torch.randn(20, 9)
    scores = input_scores(network[0]).numpy()
    kept = torch.tensor(scores >= np.percentile(scores, percentile))
    smaller = prune_inputs(network, percentile)
    torch.testing.assert_close(smaller(inputs), network(inputs * kept))
    assert Flow(smaller).widths == [5]
    assert Flow(smaller).parameters() == int(kept.sum()) * 5 + 5 * 3 + 3


def test_the_network_is_left_as_it_is(network):
    before = network[0].weight.clone()
    smaller = prune_inputs(network, 50)
    torch.nn.init.zeros_(smaller[1].weight)
    assert torch.equal(network[0].weight, before)


def test_a_network_of_another_kind_is_refused():
    with pytest.raises(TypeError, match=r"begins with an nn\.Linear"):
        prune_inputs(spectral_mlp((9, 5, 3), "elu"), 50)
