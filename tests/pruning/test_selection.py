"""Budgets, protected layers and floors, against sorting by hand."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spectral_core import direct_mlp, prune, select
from spectral_core.layers.flow import Flow

SCORES = [torch.tensor([1.0, 2.0, 3.0]), torch.tensor([4.0, 5.0])]


def lists(kept):
    return [indices.tolist() for indices in kept]


layers = st.lists(
    st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.0, 4.0]), min_size=1, max_size=6),
    min_size=1,
    max_size=3,
)


@given(layers, st.floats(0, 1))
def test_a_share_of_nodes_keeps_the_best_first_come_first(values, share):
    scores = [torch.tensor(v) for v in values]
    pool = [(-v, k, i) for k, vs in enumerate(values) for i, v in enumerate(vs)]
    best = sorted(pool)[: int(share * len(pool) + 1e-9)]
    expected = [sorted(i for _, k, i in best if k == layer) for layer in range(len(values))]
    assert lists(select(scores, nodes=share)) == expected
    assert lists(select(scores, nodes=len(best))) == expected


@given(layers, st.floats(0, 100), st.data())
def test_protected_layers_stay_whole_and_out_of_the_pool_and_floors_hold(values, q, data):
    scores = [torch.tensor(v) for v in values]
    protect = data.draw(st.sets(st.integers(0, len(values) - 1)))
    least = data.draw(st.integers(0, 4))
    kept = lists(select(scores, q, protect=protect, least=least))
    free = [k for k in range(len(values)) if k not in protect]
    pool = [v for k in free for v in values[k]]
    threshold = np.percentile(np.array(pool, dtype=np.float32), q) if pool else None
    for k, vs in enumerate(values):
        if k in protect:
            assert kept[k] == list(range(len(vs)))
            continue
        above = {i for i, v in enumerate(vs) if v >= threshold}
        best = sorted(range(len(vs)), key=lambda i: (-vs[i], i))[:least]
        assert kept[k] == sorted(above | set(best))


def test_per_layer_thresholds_by_hand():
    assert lists(select(SCORES, 50, per_layer=True)) == [[1, 2], [1]]
    assert lists(select(SCORES, [0, 60])) == [[0, 1, 2], [1]]
    assert lists(select(SCORES, [100, 0])) == [[2], [0, 1]]
    # ranked in their layers, 0 1/3 2/3 and 0 1/2: the three best are the first two and 5's equal
    assert lists(select(SCORES, nodes=3, per_layer=True)) == [[1, 2], [1]]


@given(st.integers(0, 10_000), st.floats(0, 1), st.sampled_from(["parameters", "flops"]))
@settings(max_examples=30)
def test_budgets_are_kept_and_used(seed, share, name):
    torch.manual_seed(seed)
    network = direct_mlp((7, 6, 5, 3), "elu", bias=True)
    scores = [torch.rand(6), torch.rand(5)]
    count = getattr(Flow(network), name)
    limit = int(share * count())
    if limit < count([0, 0]):
        with pytest.raises(ValueError, match=rf"{name} must be at least {count([0, 0])}"):
            select(scores, network=network, **{name: limit})
        return
    kept = select(scores, network=network, **{name: limit})
    widths = [len(indices) for indices in kept]
    assert count(widths) <= limit
    best = torch.cat(scores).sort(descending=True).values
    more = select(scores, nodes=min(sum(widths) + 1, len(best)))
    assert sum(widths) == len(best) or count([len(indices) for indices in more]) > limit
    small = prune(network, scores, **{name: limit})
    assert getattr(Flow(small), name)() == count(widths)


def test_a_milder_budget_keeps_what_a_harder_one_does():
    scores = [torch.rand(6), torch.rand(5)]
    for per_layer in (False, True):
        kept = [lists(select(scores, nodes=n, per_layer=per_layer)) for n in range(12)]
        for harder, milder in itertools.pairwise(kept):
            assert all(set(a) <= set(b) for a, b in zip(harder, milder))


WIDER, DEEPER = direct_mlp((4, 3, 1, 2), "elu"), direct_mlp((4, 3, 2, 2), "elu")


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({}, TypeError, "exactly one of percentile, nodes, .* got none"),
        ({"percentile": 50, "nodes": 3}, TypeError, r"exactly one .*\['percentile', 'nodes'\]"),
        ({"nodes": 1.5}, ValueError, r"nodes must .*\[0, 1\]; got 1.5"),
        ({"nodes": -1}, ValueError, "nodes must be .* at least 0; got -1"),
        ({"nodes": 1, "least": 1}, ValueError, "nodes must be at least 2.*got 1"),
        ({"nodes": 0.2, "least": 1}, ValueError, "nodes must be at least 2.*got 0.2, that is 1"),
        ({"parameters": 10}, TypeError, "parameters needs network"),
        ({"percentile": [50]}, ValueError, "percentile must be .* per hidden layer, 2; got 1"),
        ({"percentile": [50, 101]}, ValueError, r"percentile\[1\] must .*101"),
        ({"percentile": 50, "protect": [2]}, ValueError, "protect must .* 0 to 1; got 2"),
        ({"percentile": 50, "protect": "0"}, TypeError, "protect must be a list .*'0'"),
        ({"percentile": 50, "protect": ["0"]}, TypeError, "protect by name needs network"),
        ({"percentile": 50, "least": -1}, ValueError, "least must .*-1"),
        ({"percentile": 50, "network": WIDER}, ValueError, r"scores must .*\[3, 1\].*\[3, 2\]"),
        (
            {"percentile": 50, "protect": ["1"], "network": DEEPER},
            ValueError,
            "protect must be one of 0, 2, 4; got '1'",
        ),
    ],
)
def test_bad_arguments_are_named(settings, error, words):
    with pytest.raises(error, match=words):
        select(SCORES, **settings)


def test_whole_numbers_without_a_sign_are_scores():
    scores = [torch.tensor([0, 200, 100], dtype=torch.uint8)]
    assert [nodes.tolist() for nodes in select(scores, nodes=1)] == [[1]]
