"""Certainty, disagreements with the paper and what to use, on curves made by hand."""

import math

import pandas as pd
import pytest
from made_tables import curves
from scipy import stats

from spectral_core.paper.questions.certainty import MOST_SEEDS, certainty, seeds_needed
from spectral_core.paper.questions.comparisons import question
from spectral_core.paper.questions.disagreements import (
    bands,
    best_penalties,
    collapses,
    distances,
    few_realisations,
)
from spectral_core.paper.questions.recommendation import candidates
from spectral_core.paper.results import authors


def test_seeds_needed_are_the_fewest_whose_interval_excludes_0():
    needed = seeds_needed(1.0, 0.5)
    for n, excluded in ((needed, True), (needed - 1, False)):
        half = stats.t.ppf(0.975, n - 1) * 0.5 / math.sqrt(n)
        assert (half < 1.0) == excluded
    assert seeds_needed(1.0, 0.0) == 2 and seeds_needed(0.0, 1.0) == MOST_SEEDS


def test_certainty_corrects_for_all_pairs_of_networks_with_seeds():
    of = {
        "direct": {50: (0.70, 0.71, 0.69)},
        "post": {50: (0.80, 0.82, 0.81)},
        "pre": {50: (0.81, 0.82, 0.83)},
    }
    rows = certainty(
        pd.concat([question("paper", curves(of | {}))]).assign(lowest_level=5, highest_level=95)
    )
    assert set(zip(rows["first"], rows["second"])) == {
        ("pre", "direct"), ("pre", "post"), ("post", "direct"),
    }  # fmt: skip
    ordered = rows.sort_values("p")
    assert (ordered["holm"] >= ordered["p"]).all() and ordered["holm"].is_monotonic_increasing
    single = curves({m: {q: v[:1] for q, v in rows.items()} for m, rows in of.items()})
    assert certainty(question("paper", single)).empty


def test_all_39_published_differences_are_certain():
    rows = certainty()
    assert len(rows) >= 39 and (rows["p"] < 0.05).sum() >= 39


def test_distance_is_in_standard_errors_of_its_own_network():
    theirs = authors.released().query(
        "hidden_layers == 1 and dataset == 'mnist' and activation == 'elu' and method == 'pre'"
    )
    noise = (-0.001, 0.0, 0.001)
    near = {
        q: [a + 0.01 + x for x in noise] for q, a in zip(theirs["percentile"], theirs["accuracy"])
    }
    near[90.0] = [a + 0.02 for a in near[90.0]]
    own, other = curves({"pre": near}, hidden="500"), curves({"pre": near}, hidden="2000")
    other.loc[:, "accuracy"] += (other["seed"] - 1) * 0.1  # a spread that is not its own
    both = pd.concat([own, other.assign(source="released")], ignore_index=True)
    row = distances(both).set_index("source").loc["text"]
    assert (row["deviation"], row["level"], row["seeds"]) == (pytest.approx(3), 90, 3)
    assert row["distance"] == pytest.approx((5 * 1 + 3) / 6)
    assert (row["z"], row["z_level"]) == (pytest.approx(0.03 / (0.001 / math.sqrt(3))), 90)
    two = distances(own[own["seed"] < 2])
    assert math.isnan(two.iloc[0]["z"])


def test_first_level_without_a_layer_is_found_with_its_seeds():
    kept = {("direct", 50, 0): "5-0-5", ("direct", 90, 0): "1-0-0", ("direct", 90, 1): "1-0-0"}
    levels = {0: (0.9, 0.9), 50: (0.1, 0.5), 90: (0.1, 0.1)}
    found = collapses(curves({"direct": levels, "pre": levels}, hidden="10-10-10", kept=kept))
    (row,) = found.itertuples()
    assert (row.method, row.level, row.seeds, row.of, row.kept) == ("direct", 50, 1, 2, "5-0-5")
    assert row.accuracy == pytest.approx(10)


def test_band_of_semi_dispersions_depends_on_the_seeds():
    (row,) = bands(curves({"pre": {0: (0.1, 0.2, 0.3), 50: (0.4, 0.5, 0.6)}})).itertuples()
    assert (row.seeds, row.ratio, row.points) == (3, pytest.approx(1.0), 2)  # 0.1 over 0.1


def test_few_released_curves_rest_on_fewer_than_five_realisations():
    found = few_realisations()
    assert sorted(found["realisations"]) == [2, 4, 4]


def test_best_penalty_has_the_highest_worst_level():
    parts = [
        curves({"post": {0: (0.7,), 90: (worst,)}}).assign(penalty=penalty)
        for penalty, worst in ((0.0, 0.69), (0.1, 0.2), (0.5, 0.6), (1.0, 0.3))
    ]
    (row,) = best_penalties(pd.concat(parts)).itertuples()
    assert (row.penalty, row.worst, row.at_end, row.seeds) == (0.5, pytest.approx(60), False, 1)


def test_the_method_that_prunes_furthest_is_first_whoever_chose_it():
    levels = {
        "direct": {0: (0.9,), 50: (0.5,), 90: (0.3,)},
        "pre": {0: (0.89,), 50: (0.88,), 90: (0.87,)},
        "post-retrained": {0: (0.9,), 50: (0.9,), 90: (0.895,)},
        "direct-retrained": {0: (0.9,), 50: (0.9,), 90: (0.1,)},
    }
    found = candidates(curves(levels)).set_index("method")
    assert list(found.index) == ["post-retrained", "direct-retrained", "pre"]
    assert list(found["median_reach"]) == [90, 50, 0]
    assert found.loc["post-retrained", "difference"] == pytest.approx(2)
    assert found.loc["pre", "difference"] == 0
