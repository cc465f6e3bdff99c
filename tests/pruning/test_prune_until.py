"""Pruning to a budget of accuracy, against trying every level."""

import functools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spectral_core import node_scores, prune, prune_until, spectral_mlp

NETWORK = spectral_mlp((6, 9, 7, 3), "elu", generator=torch.Generator().manual_seed(0))
NODES = 16


def left(network):
    return sum(layer.out_features for layer in network[:-1:2]) / NODES


@functools.cache  # the examples share their levels
def left_at(level):
    return left(prune(NETWORK, node_scores(NETWORK), level))


@given(st.floats(0, 1), st.sampled_from([1.0, 2.5, 10.0]))
@pytest.mark.slow
def test_bisection_finds_the_last_level_that_will_do(max_drop, step):
    small, level, value = prune_until(NETWORK, left, max_drop, step=step, least=0)
    tried = [q * step for q in range(int(100 / step) + 1)]
    good = [q for q in tried if left_at(q) >= 1 - max_drop]
    assert level == max(good) and value == left(small) >= 1 - max_drop


def test_each_layer_keeps_a_node_and_the_network_is_left_alone():
    small, level, _ = prune_until(NETWORK, lambda _: 1.0, 0.0)
    assert level == 100 and min(layer.out_features for layer in small[::2]) == 1
    assert left(NETWORK) == 1
    with pytest.raises(ValueError, match="max_drop"):
        prune_until(NETWORK, left, -0.1)
