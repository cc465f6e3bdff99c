"""Pruning is selecting and removing; to a budget of accuracy, against trying every level."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spectral_core import direct_mlp, node_scores, prune, prune_until, remove, select, spectral_mlp

NETWORK = spectral_mlp((6, 9, 7, 3), "elu", bias=True, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_prune_selects_and_removes_and_shares_no_memory(dtype):
    full = spectral_mlp((6, 9, 7, 3), "elu", bias=True).to(dtype)
    before = {name: value.clone() for name, value in full.state_dict().items()}
    scores = node_scores(full)
    small, kept = prune(full, scores, 60, least=1), select(scores, 60, least=1)
    for ours, expected in zip(small.parameters(), remove(full, kept).parameters(), strict=True):
        assert ours.dtype == dtype and torch.equal(ours, expected)
        ours.data.fill_(7)
    assert all(torch.equal(value, before[name]) for name, value in full.state_dict().items())


def left(network):
    return sum(layer.out_features for layer in network[:-1:2]) / 16


@given(st.floats(0, 1), st.sampled_from([2.5, 10.0]))
@settings(max_examples=10)
def test_bisection_finds_the_last_level_that_will_do(max_drop, step):
    small, level, value = prune_until(NETWORK, left, max_drop, step=step, least=0)
    tried, scores = [q * step for q in range(int(100 / step) + 1)], node_scores(NETWORK)
    good = [q for q in tried if sum(map(len, select(scores, q))) / 16 >= 1 - max_drop]
    assert level == max(good) and value == left(small) >= 1 - max_drop


def test_a_drop_of_just_as_much_as_may_be_lost_will_do():
    network = direct_mlp((4, 10, 3), "relu")
    left = {10: 0.8}  # 0.8 − 0.1 is a last bit above 0.7
    accuracy = lambda net: left.get(net[0].out_features, 0.7)  # noqa: E731
    assert prune_until(network, accuracy, 0.1, scores=[torch.arange(10.0)]).percentile == 100


def test_each_layer_keeps_a_node_and_the_network_is_left_alone():
    small, level, _ = prune_until(NETWORK, lambda _: 1.0, 0.0)
    assert level == 100 and min(layer.out_features for layer in small[::2]) == 1
    assert left(NETWORK) == 1
