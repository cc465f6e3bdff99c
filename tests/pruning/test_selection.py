"""Thresholds, budgets, protected layers and floors, against sorting by hand."""

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
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


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        # pool 1…5: the 50th percentile is 3, and only what is strictly below goes
        ({"percentile": 50}, [[2], [0, 1]]),
        ({"percentile": 0}, [[0, 1, 2], [0, 1]]),
        ({"percentile": 100}, [[], [1]]),
        ({"percentile": 60}, [[], [0, 1]]),  # interpolated: 3.4
        ({"percentile": 50, "per_layer": True}, [[1, 2], [1]]),
        ({"percentile": [0, 60]}, [[0, 1, 2], [1]]),
        # ranked in their layers, 0 1/3 2/3 and 0 1/2
        ({"nodes": 3, "per_layer": True}, [[1, 2], [1]]),
        ({"nodes": np.float32(0.5)}, [[], [0, 1]]),
    ],
)
def test_kept_nodes_by_hand(settings, kept):
    assert lists(select(SCORES, **settings)) == kept


@given(layers, st.floats(0, 100), st.data())
@pytest.mark.filterwarnings("ignore:.* nodes have the same score")
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


def ranked(values):
    """Less the share of its layer that is better, the first of equal ones being the best."""
    order = sorted(range(len(values)), key=lambda i: (-values[i], i))
    return [-order.index(i) / len(values) for i in range(len(values))]


@given(layers, st.floats(0, 1), st.booleans())
@example([[1.0, 2.0, 3.0, 4.0, 1.0, 0.0], [0.0, 4.0]], 0.5, True)
def test_a_share_of_nodes_keeps_the_best_first_come_first(values, share, per_layer):
    scores = [torch.tensor(v) for v in values]
    compared = map(ranked, values) if per_layer else values
    pool = [(-v, k, i) for k, vs in enumerate(compared) for i, v in enumerate(vs)]
    best = sorted(pool)[: int(share * len(pool) + 1e-9)]
    expected = [sorted(i for _, k, i in best if k == layer) for layer in range(len(values))]
    assert lists(select(scores, nodes=share, per_layer=per_layer)) == expected
    assert lists(select(scores, nodes=len(best), per_layer=per_layer)) == expected
    assert len(select([torch.arange(100.0)], nodes=0.29)[0]) == 29  # 0.29 · 100 < 29 in floats


@given(st.integers(0, 10_000), st.floats(0, 1), st.sampled_from(["parameters", "flops"]))
@settings(max_examples=10)
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
    widths = Flow(prune(network, scores, **{name: limit})).widths
    assert count(widths) <= limit
    more = select(scores, nodes=min(sum(widths) + 1, 11))
    assert sum(widths) == 11 or count([len(indices) for indices in more]) > limit


def test_scores_of_any_type_are_ranked_and_many_equal_ones_are_reported():
    for dtype in (torch.uint8, torch.bfloat16):  # no sign, and nothing that numpy has
        scores = [torch.tensor([0, 200, 100]).to(dtype)]
        assert lists(select(scores, nodes=1)) == [[1]]
    with pytest.warns(UserWarning, match=r"4 nodes have the same score.* 0 of 4 .*not 50 %"):
        assert len(select([torch.ones(4)], 50)[0]) == 4


@pytest.mark.filterwarnings("ignore:.* nodes have the same score")
def test_percentiles_of_many_scores_in_half_precision_do_not_overflow():
    scores = torch.rand(70_000).half()
    (kept,) = select([scores], 100)
    assert torch.equal(scores[kept].unique(), scores.max()[None])
