"""Numbers of the book, recomputed from the published tables without the project's own code.

The first five tests are the book's main statements: if new results contradict one of them, its page
has to be rewritten.
"""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from spectral_core.paper.questions.comparisons import estimate_of, topic
from spectral_core.paper.results import accuracies, estimates
from spectral_core.paper.results.estimates import difference

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[3] / "results" / "published"
NETWORKS = [
    "-".join(parts)
    for parts in itertools.product(
        ("fashion-mnist", "mnist"), ("elu", "relu", "tanh"), ("500", "500-500-500")
    )
]
ONE, THREE = ([n for n in NETWORKS if n.endswith("-500-500") == deep] for deep in (False, True))


def rows_of(figure, panel, method):
    files = sorted(FOLDER.glob(f"{figure}/{panel}.csv"))
    rows = pd.concat([pd.read_csv(file, dtype={"kept": str}) for file in files])
    return rows.query("method == @method and penalty == 0")


def curves(*names):
    """Accuracies in per cent of a figure, panel and method: a row per seed, a column per level."""
    return 100 * rows_of(*names).pivot(index="seed", columns="percentile", values="accuracy")


def collapsed(*names):
    """Levels at which a layer of some seed has no nodes left."""
    rows = rows_of(*names)
    return set(rows.loc[rows["kept"].str.split("-").map(lambda k: "0" in k), "percentile"])


def interval(values):
    """95 % interval by Student's t."""
    return stats.ttest_1samp(list(values), 0).confidence_interval(0.95)


def means(figure, first, second, low, high, networks):
    """First − second of each network: its mean over seeds and levels without a collapsed layer."""
    found = []
    for panel in networks:
        one, other = ((figure, panel, method) for method in (first, second))
        both = (curves(*one) - curves(*other)).dropna(how="all")
        gone = collapsed(*one) | collapsed(*other)
        levels = [q for q in both if low <= q <= high and q not in gone]
        found.append(both[levels].mean(axis=None))
    return found


def close(estimate, values):
    expected = (np.mean(values), *interval(values))
    assert (estimate.mean, estimate.low, estimate.high) == pytest.approx(expected, abs=1e-4)
    assert estimate.n == len(values)


# The statements


def test_at_equal_training_the_choice_of_nodes_hardly_matters():
    of_networks = means("budget", "pre", "pre-random", 5, 80, NETWORKS)
    estimate = difference("pre", "pre-random", (5, 80))
    close(estimate, of_networks)
    assert str(estimate) == "+0.06 pt [−0.05, +0.16]" and estimate.equivalent()
    assert max(map(abs, of_networks)) < 0.4
    deep = means("budget", "pre", "pre-random", 85, 95, ONE)
    close(difference("pre", "pre-random", (85, 95), depth=1), deep)
    assert interval(deep)[0] > 0 and 0.3 < np.mean(deep) < 0.7


def test_most_of_the_lead_in_fig_3_is_retraining():
    figures = dict.fromkeys(("pre", "post", "direct"), "fig03")
    others = ("direct-retrained", "fresh", "pre-random", "post-retrained")
    figures |= dict.fromkeys(others, "budget")
    at_90 = {m: curves(f, "fashion-mnist-elu-500", m)[90].mean() for m, f in figures.items()}
    assert {m: round(accuracy, 1) for m, accuracy in at_90.items()} == {
        "pre": 87.8, "post": 49.3, "direct": 33.0,
        "direct-retrained": 87.6, "fresh": 87.5, "pre-random": 87.0, "post-retrained": 87.0,
    }  # fmt: skip


def test_magnitude_with_retraining_is_ahead_until_a_layer_collapses():
    for networks, depth in ((ONE, 1), (THREE, 3)):
        ahead = means("budget", "direct-retrained", "pre", 5, 45, networks)
        close(difference("direct-retrained", "pre", (5, 45), depth=depth), ahead)
        assert interval(ahead)[0] > 0 and round(np.mean(ahead), 1) == 0.7
    first = [min(collapsed("budget", panel, "direct-retrained")) for panel in THREE]
    assert min(first) >= 50 and max(first) <= 70
    assert not any(collapsed("budget", panel, "direct-retrained") for panel in ONE)
    ahead = means("budget", "post-retrained", "pre", 5, 80, THREE)
    close(difference("post-retrained", "pre", (5, 80), depth=3), ahead)
    assert min(ahead) > 0 and round(np.mean(ahead), 2) == 0.85


def test_with_relu_and_three_layers_post_is_behind_until_direct_runs_out_of_nodes():
    one, other = (("fig08", "mnist-relu-500-500-500", method) for method in ("post", "direct"))
    behind = curves(*one) - curves(*other)
    for level in range(5, 55, 5):
        assert interval(behind[level])[1] < 0, level
    assert interval(behind[55])[0] < 0 < interval(behind[55])[1]
    assert min(collapsed(*other)) == 70
    # From 60 % on, before the layer is gone, no more than a few of its 500 nodes are left.
    rows = rows_of(*other).query("60 <= percentile <= 65")
    assert rows["kept"].str.split("-").map(lambda kept: int(kept[-1])).max() < 15


def test_without_retraining_eigenvalues_beat_random_nodes():
    of_networks = means("score", "post", "post-random", 5, 95, NETWORKS)
    estimate = difference("post", "post-random", (5, 95))
    close(estimate, of_networks)
    assert estimate.better() and round(estimate.mean, 1) == 5.8
    assert sum(mean > 0 for mean in of_networks) == 11


# More numbers


RELEASED = "fashion-mnist-elu-2000-released-bf16*"


@pytest.mark.parametrize("panel", [*NETWORKS, RELEASED])
def test_reach_of_the_papers_methods(panel):
    released = panel == RELEASED
    table = accuracies.results()
    network = table.loc[table["panel"] == panel.removesuffix("-bf16*"), "network"].iloc[0]
    for method in ("direct", "post") if released else ("direct", "post", "pre"):
        names = ("fig*", panel, method)  # each is in one figure
        curve, gone = curves(*names), collapsed(*names)
        lost = -curve.sub(curve[0], axis=0)
        near = [q for q in lost if lost[q].mean().round(9) <= 1 and q not in gone]
        sure = [q for q in lost if q not in gone and (q == 0 or interval(lost[q])[1] <= 1)]
        found = estimates.reach(method, network, source="released" if released else "text")
        assert (found.level, found.low, found.n) == (max(near), max(sure), 5)


def test_layer_wise_thresholds_in_the_file_of_estimates():
    rows = topic("threshold").query("first == 'post-per-layer' and second == 'direct-per-layer'")
    row = rows[(rows["networks"] == "6 networks") & (rows["lowest_level"] == 5)].iloc[-1]
    assert row.highest_level == 95
    panels = [f"{panel}-bf16" for panel in THREE]
    close(estimate_of(row), means("threshold", "post-per-layer", "direct-per-layer", 5, 95, panels))
