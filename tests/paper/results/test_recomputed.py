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

from spectral_core.paper.questions.comparisons import estimate_of, question
from spectral_core.paper.results import accuracies, estimates
from spectral_core.paper.results.estimates import difference

FOLDER = Path(__file__).parents[3] / "results" / "published"
NETWORKS = [
    "-".join(parts)
    for parts in itertools.product(
        ("fashion-mnist", "mnist"), ("elu", "relu", "tanh"), ("500", "500-500-500")
    )
]
ONE, THREE = ([n for n in NETWORKS if n.endswith("-500-500") == deep] for deep in (False, True))


def curves(figure, panel, method):
    """Accuracies in per cent: a row per seed, a column per level."""
    tables = [pd.read_csv(file) for file in (FOLDER / figure).glob(f"{panel}.csv")]
    rows = pd.concat(tables).query("method == @method and penalty == 0")
    return 100 * rows.pivot(index="seed", columns="percentile", values="accuracy")


def collapsed(figure, panel, method):
    """Levels at which a layer of some seed has no nodes left."""
    rows = pd.read_csv(FOLDER / figure / f"{panel}.csv", dtype={"kept": str})
    rows = rows[(rows["method"] == method) & rows["kept"].str.split("-").map(lambda k: "0" in k)]
    return set(rows["percentile"])


def figure_of(panel):
    dataset, activation = panel.split("-500")[0].rsplit("-", 1)
    of_one, of_three = {"fashion-mnist": ("fig07", "fig09"), "mnist": ("fig06", "fig08")}[dataset]
    if (dataset, activation) == ("fashion-mnist", "elu"):
        of_one, of_three = "fig03", "fig04"
    return of_three if panel.endswith("-500-500") else of_one


def interval(values):
    """Mean and 95 % interval by Student's t."""
    return stats.ttest_1samp(list(values), 0).confidence_interval(0.95), np.mean(list(values))


def by_seed(first, second, low, high, skip=()):
    """First minus second, averaged over levels in a range, a value per common seed."""
    both = (first - second).dropna(how="all")
    return both[[q for q in both if low <= q <= high and q not in skip]].mean(axis=1)


def of_networks(figure, first, second, low, high, networks):
    """Mean difference of each network, over the levels without a collapsed layer."""
    return [
        by_seed(
            curves(figure, panel, first),
            curves(figure, panel, second),
            low,
            high,
            collapsed(figure, panel, first) | collapsed(figure, panel, second),
        ).mean()
        for panel in networks
    ]


def close(estimate, values):
    (low, high), mean = interval(values)
    assert (estimate.mean, estimate.low, estimate.high) == pytest.approx(
        (mean, low, high), abs=1e-5
    )
    assert estimate.n == len(list(values))


# The statements


def test_at_equal_training_the_choice_of_nodes_hardly_matters():
    means = of_networks("budget", "pre", "pre-random", 5, 80, NETWORKS)
    estimate = difference("pre", "pre-random", (5, 80))
    close(estimate, means)
    assert str(estimate) == "+0.06 pt [−0.05, +0.16]" and estimate.equivalent()
    assert max(map(abs, means)) < 0.4
    deep = of_networks("budget", "pre", "pre-random", 85, 95, ONE)
    close(difference("pre", "pre-random", (85, 95), depth=1), deep)
    (low, _), mean = interval(deep)
    assert low > 0 and 0.3 < mean < 0.7


def test_most_of_the_lead_in_fig_3_is_retraining():
    panel = "fashion-mnist-elu-500"
    at_90 = {m: curves("fig03", panel, m)[90].mean() for m in ("pre", "post", "direct")}
    others = ("direct-retrained", "fresh", "pre-random", "post-retrained")
    at_90 |= {m: curves("budget", panel, m)[90].mean() for m in others}
    assert {m: round(accuracy, 1) for m, accuracy in at_90.items()} == {
        "pre": 87.8, "post": 49.3, "direct": 33.0,
        "direct-retrained": 87.6, "fresh": 87.5, "pre-random": 87.0, "post-retrained": 87.0,
    }  # fmt: skip
    retrained = min(at_90[m] for m in (*others, "pre"))
    assert at_90["pre"] - retrained < 1 < 30 < retrained - at_90["post"]


def test_magnitude_with_retraining_is_ahead_until_a_layer_collapses():
    for networks, depth in ((ONE, 1), (THREE, 3)):
        means = of_networks("budget", "direct-retrained", "pre", 5, 45, networks)
        close(difference("direct-retrained", "pre", (5, 45), depth=depth), means)
        (low, _), mean = interval(means)
        assert low > 0 and round(mean, 1) == 0.7
    first = [min(collapsed("budget", panel, "direct-retrained")) for panel in THREE]
    assert min(first) >= 50 and max(first) <= 70
    assert not any(collapsed("budget", panel, "direct-retrained") for panel in ONE)
    ahead = of_networks("budget", "post-retrained", "pre", 5, 80, THREE)
    close(difference("post-retrained", "pre", (5, 80), depth=3), ahead)
    assert min(ahead) > 0 and round(np.mean(ahead), 2) == 0.85


def test_with_relu_and_three_layers_post_is_behind_until_direct_runs_out_of_nodes():
    panel = "mnist-relu-500-500-500"
    behind = curves("fig08", panel, "post") - curves("fig08", panel, "direct")
    for level in range(5, 55, 5):
        assert interval(behind[level])[0][1] < 0, level
    assert interval(behind[55])[0][0] < 0 < interval(behind[55])[0][1]
    assert min(collapsed("fig08", panel, "direct")) == 70
    # From 60 % on, before the layer is gone, no more than a few of its 500 nodes are left.
    rows = pd.read_csv(FOLDER / "fig08" / f"{panel}.csv", dtype={"kept": str})
    rows = rows[(rows["method"] == "direct") & rows["percentile"].between(60, 65)]
    assert rows["kept"].str.split("-").map(lambda kept: int(kept[-1])).max() < 15


def test_without_retraining_eigenvalues_beat_random_nodes():
    means = of_networks("score", "post", "post-random", 5, 95, NETWORKS)
    estimate = difference("post", "post-random", (5, 95))
    close(estimate, means)
    assert estimate.better() and round(estimate.mean, 1) == 5.8
    assert sum(mean > 0 for mean in means) == 11


# More numbers


@pytest.mark.parametrize("panel", NETWORKS)
def test_reach_of_the_papers_methods(panel):
    table = accuracies.results()
    network = table[table["panel"] == panel]["network"].iloc[0]
    for method in ("direct", "post", "pre"):
        curve = curves(figure_of(panel), panel, method)
        lost = -curve.sub(curve[0], axis=0)
        gone = collapsed(figure_of(panel), panel, method)
        near = [q for q in lost if lost[q].mean().round(9) <= 1 and q not in gone]
        sure = [q for q in lost if q not in gone and (q == 0 or interval(lost[q])[0][1] <= 1)]
        found = estimates.reach(method, network)
        assert (found.level, found.low, found.n) == (max(near), max(sure), 5)


def test_released_settings_are_within_one_step_of_what_fig_3_claims():
    files = sorted((FOLDER / "fig03").glob("fashion-mnist-elu-2000-released-bf16*.csv"))
    rows = pd.concat([pd.read_csv(file) for file in files])
    assert len(files) == 2
    for method, level in (("direct", 55), ("post", 70)):
        curve = 100 * rows[rows["method"] == method].pivot(
            index="seed", columns="percentile", values="accuracy"
        )
        lost = -curve.sub(curve[0], axis=0).mean()
        assert len(curve) == 5 and lost[lost <= 1].index.max() == level
        found = estimates.reach(method, "Fashion-MNIST · 1 × 2000 · ELU", source="released")
        assert (found.level, found.n) == (level, 5)


def test_a_network_that_kept_one_node_more_is_not_lost():
    rows = question("settings").query("first == 'pre' and change == 'narrow-eigenvectors'")
    three = rows[rows["networks"].str.contains("· 3 ×")]
    assert len(three) == 4
    row = three[three["networks"] == "MNIST · 3 × 500 · ReLU"].iloc[0]
    name = "mnist-relu-500-500-500"
    means = by_seed(
        curves("settings", f"{name}-narrow-eigenvectors", "pre"),
        curves("settings", name, "pre"),
        5,
        95,
    )
    close(estimate_of(row), means)


def test_layer_wise_thresholds_in_the_file_of_estimates():
    rows = question("threshold").query("first == 'post-per-layer' and second == 'direct-per-layer'")
    row = rows[(rows["networks"] == "6 networks") & (rows["lowest_level"] == 5)].iloc[-1]
    assert row.highest_level == 95
    means = [
        by_seed(*(curves("threshold", f"{p}-bf16", f"{m}-per-layer") for m in ("post", "direct")),
                5, 95).mean()
        for p in THREE
    ]  # fmt: skip
    assert estimate_of(row).mean == pytest.approx(np.mean(means), abs=1e-4)
    assert row.low == pytest.approx(interval(means)[0][0], abs=1e-4)
