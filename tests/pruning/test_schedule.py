"""Pruning in steps, with training in between."""

from functools import partial

import numpy as np
import pytest
import torch
from made_networks import network_of
from torch import nn

from spectral_core import node_scores, prune_in_steps, remove
from spectral_core.layers.flow import Flow

NETWORK = network_of((7, 20, 10, 3), "both", bias=True, dtype=torch.float32)


def test_without_training_the_steps_end_where_one_cut_does():
    network, seen = NETWORK, []
    pruned = prune_in_steps(
        network, lambda net, step: seen.append((step, sum(Flow(net).widths))), nodes=[24, 0.5, 6]
    )
    assert seen == [(1, 24), (2, 15), (3, 6)]
    assert sum(Flow(network).widths) == 30
    x = torch.rand(4, 7)
    torch.testing.assert_close(pruned.network(x), remove(network, pruned.kept)(x))
    best = torch.cat(node_scores(network)).sort(descending=True).values
    kept = [score[indices] for score, indices in zip(node_scores(network), pruned.kept)]
    assert torch.equal(torch.cat(kept).sort(descending=True).values, best[:6])


def test_each_step_ranks_what_training_left():
    """A training that turns the ranking round makes the next cut take the other end."""
    network = nn.Sequential(nn.Linear(2, 6, bias=False), nn.ReLU(), nn.Linear(6, 2))
    network[0].weight.data = torch.arange(1.0, 7.0)[:, None].expand(6, 2).clone()

    def invert(net, step):
        net[0].weight.data = 10 - net[0].weight.data

    pruned = prune_in_steps(
        network, invert, score=partial(node_scores, by="connectivity"), nodes=[4, 2]
    )
    assert pruned.kept[0].tolist() == [2, 3]  # first 0 and 1 went, then 4 and 5
    assert pruned.network[0].weight[:, 0].tolist() == [3.0, 4.0]


@pytest.mark.parametrize("name", ["parameters", "flops"])
def test_fractions_are_of_the_given_network(name):
    network, left, shares = NETWORK, [], np.geomspace(1, 0.3, 3)[1:]
    full = getattr(Flow(network), name)()
    prune_in_steps(
        network, lambda net, _: left.append(getattr(Flow(net), name)()), **{name: shares}
    )
    for share, count in zip(shares, left):
        assert 0.7 * share * full < count <= share * full


def test_floors_and_protected_layers_hold_at_each_step():
    pruned = prune_in_steps(
        NETWORK, lambda *_: None, nodes=[20, 13], protect=[1], least=3, fill="constant"
    )
    assert Flow(pruned.network).widths == [3, 10]
