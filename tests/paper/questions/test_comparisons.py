"""The table of estimates: its rows by hand, and the file that pages read."""

import io
import math

import pandas as pd
import pytest
from made_tables import curves
from pandas.testing import assert_frame_equal

from spectral_core.paper import paths
from spectral_core.paper.questions import comparisons
from spectral_core.paper.questions.comparisons import (
    COLUMNS,
    COMPARISONS,
    certainty,
    estimate_of,
    estimated,
    topic,
)
from spectral_core.paper.results import accuracies
from spectral_core.paper.results.accuracies import results
from spectral_core.paper.results.statistics import Estimate
from spectral_core.paper.study.methods import METHODS
from spectral_core.paper.study.panels import CHANGES


@pytest.mark.slow
def test_file_of_estimates_is_up_to_date():
    """If this fails, run: python -c "from spectral_core.paper.questions import comparisons as c;
    c.write_estimates()"."""
    expected = io.StringIO(comparisons.as_csv(estimated(accuracies.results())))
    # Six digits are written; versions of SciPy differ in the last.
    assert_frame_equal(
        pd.read_csv(paths.results("estimates.csv")), pd.read_csv(expected), rtol=1e-5, atol=0
    )


def test_comparisons_are_of_methods_and_changes_that_there_are_each_once():
    for each in COMPARISONS:
        assert {each.first, each.second} <= set(METHODS) and each.change in {"", *CHANGES}
    assert len(set(COMPARISONS)) == len(COMPARISONS)


@pytest.fixture
def two_networks():
    """``pre`` − ``pre-random``: 1, 2, 3 points by seed in one network, 2 more in another."""
    random = {50: (0.7,) * 3, 90: (0.5,) * 3}
    parts = []
    for activation, more in (("elu", 0.01), ("tanh", 0.03)):
        pre = {q: [0.01 * i + a + more for i, a in enumerate(row)] for q, row in random.items()}
        parts.append(curves({"pre": pre, "pre-random": random}, activation=activation))
    return pd.concat(parts, ignore_index=True)


def test_rows_are_over_networks_and_in_each(two_networks):
    found = topic("ranking", two_networks)
    assert tuple(found.columns) == COLUMNS and set(found["second"]) == {"pre-random"}
    light = found[(found["lowest_level"] == 50) & (found["highest_level"] == 50)]
    names = ["2 networks", "MNIST · 1 × 10 · ELU", "MNIST · 1 × 10 · tanh"]
    assert list(light["networks"]) == names
    assert list(map(estimate_of, light.itertuples())) == [
        Estimate.of([2.0, 4.0], "networks"),
        Estimate.of([1.0, 2.0, 3.0]),
        Estimate.of([3.0, 4.0, 5.0]),
    ]
    assert list(light["depth"]) == ["1"] * 3 and list(light["seeds"]) == [3] * 3
    assert topic("threshold", two_networks).empty
    with pytest.raises(ValueError, match="topic"):
        topic("budget")


def test_a_single_run_has_no_interval():
    singles = topic("paper", results().query("seed == 0")).query("n == 1")
    assert singles["low"].isna().all() and set(singles["outcome"]) == {"single run"}


def test_collapsed_levels_are_counted_and_said_where(two_networks):
    lost = two_networks[["method", "level", "seed", "activation"]].eq(["pre", 90, 1, "elu"])
    two_networks.loc[lost.all(axis=1), "collapsed"] = True
    found = topic("ranking", two_networks)
    every = found[found["networks"] == "2 networks"].iloc[-1]
    assert (every["excluded"], every["collapse_level"]) == (3, 90)
    one = found[found["networks"].str.endswith("ELU")]
    assert set(one["highest_level"]) == {50, 90} and math.isnan(one.iloc[0]["collapse_level"])
    third = two_networks[two_networks["activation"] == "tanh"]
    third = third.assign(activation="relu", network=third["network"].str.replace("tanh", "ReLU"))
    found = topic("ranking", pd.concat([two_networks, third]))
    late = found[(found["networks"] == "2 networks") & (found["lowest_level"] == 90)].iloc[0]
    assert (late["excluded"], late["collapse_level"]) == (3, 90)  # of the one that is left out


@pytest.mark.parametrize(("seeds", "networks"), [(2, []), (3, ["MNIST · 1 × 10 · ELU"])])
def test_a_changed_setting_needs_three_seeds(seeds, networks):
    usual, changed = {50: [0.7, 0.8, 0.9][:seeds]}, {50: [0.6, 0.7, 0.9][:seeds]}
    table = pd.concat([curves({"pre": usual}), curves({"pre": changed}, change="wide-eigenvalues")])
    assert list(topic("settings", table)["networks"]) == networks


def test_all_39_published_differences_are_certain_once_corrected_for_testing_all():
    rows = certainty().sort_values("p")
    assert len(rows) >= 39 and (rows["holm"] >= rows["p"]).all()
    assert rows["holm"].is_monotonic_increasing and (rows["holm"] < 0.05).sum() >= 39
