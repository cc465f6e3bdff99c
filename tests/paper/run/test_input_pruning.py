"""The released code's benchmark for CIFAR-10: inputs are ranked and removed, nodes stay."""

import numpy as np
import pytest
import torch

from spectral_core import direct_mlp
from spectral_core.layers.flow import Flow
from spectral_core.paper.run.input_pruning import prune_inputs


@pytest.mark.parametrize("percentile", [0, 10, 50, 90, 100])
def test_outputs_are_those_of_the_network_with_its_weakest_inputs_at_0(percentile):
    generator = torch.Generator().manual_seed(0)
    network = direct_mlp((9, 5, 3), "elu", output_bias=True, generator=generator)
    weight, inputs = network[0].weight.clone(), torch.randn(20, 9)
    scores = [sum(abs(weight[i, j].item()) for i in range(5)) for j in range(9)]
    kept = torch.tensor(scores >= np.percentile(scores, percentile))
    smaller = prune_inputs(network, percentile)
    torch.testing.assert_close(smaller(inputs), network(inputs * kept))
    assert Flow(smaller).widths == [5]
    assert Flow(smaller).parameters() == int(kept.sum()) * 5 + 5 * 3 + 3
    torch.nn.init.zeros_(smaller[1].weight)
    assert torch.equal(network[0].weight, weight)  # it is left as it is
