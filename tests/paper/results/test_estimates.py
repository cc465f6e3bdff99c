"""Estimates worked out by hand, and brute force beside them."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from made_tables import curves
from scipy import stats

from spectral_core.paper.results import accuracies, estimates
from spectral_core.paper.results.collect import NoResults
from spectral_core.paper.results.estimates import difference, differences
from spectral_core.paper.results.statistics import Estimate, holm, signed

BROAD = (5, 95)


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=8))
def test_interval_and_p_value_are_those_of_a_one_sample_t_test(values):
    assume(np.std(values) > 1e-3)
    test = stats.ttest_1samp(values, 0)
    estimate = Estimate.of(values)
    assert (estimate.low, estimate.high) == pytest.approx(tuple(test.confidence_interval(0.95)))
    assert estimate.p == pytest.approx(test.pvalue, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("weights", [(1, -1), (0.5, 0.5)])
def test_weighted_sum_of_two_is_welchs(weights):
    first, second = np.array([3.0, 4.0, 5.0]), np.array([1.0, 1.5, 1.0, 2.0])
    one, other = Estimate.of(first), Estimate.of(second)
    combined = Estimate.combined([one, other], None if weights == (0.5, 0.5) else weights)
    test = stats.ttest_ind(weights[0] * first, -weights[1] * second, equal_var=False)
    assert (combined.low, combined.high) == pytest.approx(tuple(test.confidence_interval()))
    assert combined.p == pytest.approx(test.pvalue)
    assert combined.mean == pytest.approx(4 * weights[0] + 1.375 * weights[1]) and combined.n == 3
    assert Estimate.combined([one, Estimate.of([1.0])]).single


def test_single_run_has_a_number_and_no_interval():
    run = Estimate.of([17.1])
    assert run.single and math.isnan(run.low) and math.isnan(run.p)
    assert not (run.better() or run.worse() or run.equivalent())
    assert run.outcome() == "single run" and str(run) == "+17.1 pt (single run)"


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (0.1, 0.4, "equivalent"),  # certain, and smaller than the margin
        (-0.4, 0.4, "equivalent"),
        (0.1, 1.4, "better"),
        (-1.4, -0.1, "worse"),
        (-0.2, 1.0, "inconclusive"),  # the margin itself is not within
    ],
)
def test_outcome_by_the_interval(low, high, outcome):
    estimate = Estimate((low + high) / 2, low, high, 5)
    assert estimate.outcome() == outcome
    assert estimate.better() == (low > 0) and estimate.worse() == (high < 0)
    assert estimate.equivalent(margin=2)


@pytest.mark.parametrize("values", [[], [1.0, math.nan]])
def test_values_must_be_numbers(values):
    with pytest.raises(ValueError, match="values must be numbers"):
        Estimate.of(values)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.06, "+0.06"), (-0.05, "−0.05"), (5.7, "+5.7"), (-0.004, "−0.004"), (0.0, "0.00"),
     (-0.0003, "−0.0003"), (0.994, "+0.99"), (1.04, "+1.0"), (-12.34, "−12.3")],
)  # fmt: skip
def test_small_numbers_keep_their_sign(value, text):
    assert signed(value) == text
    assert str(Estimate(value, value, value, 3)) == f"{text} pt [{text}, {text}]"


def test_holm_rejects_one_after_the_other():
    # 0.01 × 4, 0.02 × 3, 0.03 × 2, and never less than the one before.
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


# Differences


def two_methods(**columns):
    """``pre`` − ``post``: 0, 1 and 2 points at 50 %, 2, 3 and 4 at 90 %, by seed."""
    post = {q: (0.90, 0.91, 0.92) for q in (0, 50, 90)}
    pre = {0: (0.9, 0.9, 0.9), 50: (0.90, 0.92, 0.94), 90: (0.92, 0.94, 0.96)}
    return curves({"pre": pre, "post": post}, **columns)


@pytest.mark.parametrize(
    ("levels", "by_seed"),
    [(BROAD, [1, 2, 3]), ((90, 90), [2, 3, 4]), ((50, 90), [1, 2, 3]), ((50, 89), [0, 1, 2])],
)
def test_difference_is_paired_by_seed_and_averaged_over_levels_of_a_closed_range(levels, by_seed):
    assert difference("pre", "post", levels, table=two_methods()) == Estimate.of(by_seed)


def test_several_networks_are_pooled_over_networks():
    shifted = two_methods(activation="tanh")
    shifted.loc[shifted["method"] == "pre", "accuracy"] += 0.02
    table = pd.concat([two_methods(), shifted], ignore_index=True)
    assert difference("pre", "post", BROAD, table=table) == Estimate.of([2.0, 4.0], "networks")
    one = difference("pre", "post", BROAD, table=table, activation="tanh")
    assert one == Estimate.of([3.0, 4.0, 5.0])


def test_a_seed_without_partner_is_left_out_and_one_that_would_be_lost_is_an_error():
    table = two_methods()
    mine = table["method"] == "post"
    alone = table[~(mine & (table["seed"] == 2))]
    assert difference("pre", "post", BROAD, table=alone) == Estimate.of([1.0, 2.0])
    lost = table[~(mine & (table["seed"] == 1) & (table["level"] == 90))]
    with pytest.raises(ValueError, match=r"seeds \[0, 1, 2\] of pre and post in mnist elu 1 fp32"):
        difference("pre", "post", BROAD, table=lost)


def test_levels_of_unequal_networks_match_within_one_node():
    wide = curves({"post": {95: (0.9, 0.9), 75: (0.8, 0.8)}}, hidden="40", change="width")
    plain = curves({"post": {80: (0.5, 0.6), 50: (0.7, 0.7)}})
    wide.loc[(wide["level"] == 75) & (wide["seed"] == 1), "nodes"] += 1  # as a tie may leave it
    wide.loc[wide["level"] == 75, "nodes"] -= 5  # 10 nodes were 5 or 6
    table = pd.concat([wide, plain], ignore_index=True)
    found = differences("post", "post", (0, 100), change="width", table=table)
    assert sorted(found["level"]) == [50.0, 50.0, 80.0, 80.0] and found["seed"].nunique() == 2


def test_one_precision_per_network_the_one_with_more_seeds():
    low = two_methods(precision="bf16")
    low.loc[low["method"] == "pre", "accuracy"] += 0.1
    both = pd.concat([low, two_methods()], ignore_index=True)
    assert difference("pre", "post", BROAD, table=both).mean == 2  # fp32 of equals
    fewer = both[(both["precision"] == "bf16") | (both["seed"] < 2)]
    assert difference("pre", "post", BROAD, table=fewer).mean == pytest.approx(12)
    accuracy = {"method": "pre", "level": 50, "network": "MNIST · 1 × 10 · ELU"}
    assert estimates.mean_accuracy(**accuracy, table=both) == pytest.approx(92)
    assert estimates.mean_accuracy(**accuracy, table=low) == pytest.approx(102)
    with pytest.raises(NoResults, match="no accuracy of pre at 51 %"):
        estimates.mean_accuracy(**accuracy | {"level": 51}, table=both)


def test_collapsed_level_is_left_out_for_all_seeds_and_counted():
    of = {
        "pre": {50: (0.9, 0.9), 90: (0.9, 0.9)},
        "post": {50: (0.8, 0.8), 90: (0.1, 0.1)},
    }
    table = curves(of, hidden="10-10-10", kept={("post", 90, 1): "5-0-5"})
    found = differences("pre", "post", BROAD, table=table)
    assert list(found["collapsed"]) == [level == 90 for level in found["level"]]
    estimate = estimates.pooled(found)
    assert (estimate.mean, estimate.excluded) == (pytest.approx(10), 2)
    assert estimates.by_level(found)["mean"].tolist() == pytest.approx([10, math.nan], nan_ok=True)
    with pytest.raises(ValueError, match="must be numbers; got NaN"):
        estimates.by_level(found.assign(difference=math.nan))
    for method, level in (("post", 90.0), ("pre", math.nan)):
        (first,) = estimates.collapse_level(method, table=table).values()
        assert first == pytest.approx(level, nan_ok=True)
    with pytest.raises(NoResults, match="every level"):
        difference("pre", "post", (90, 90), table=table)


def test_what_is_not_there_or_not_a_filter_is_named():
    with pytest.raises(NoResults, match="no network has pre and fresh"):
        difference("pre", "fresh", table=two_methods())
    with pytest.raises(ValueError, match="dataset"):
        difference("pre", "post", table=two_methods(), data_set="mnist")


def test_same_point_of_two_experiments_counts_once_if_they_agree():
    table = two_methods()
    again = pd.concat([table, table.assign(file="b.csv", figure="b")], ignore_index=True)
    assert len(accuracies.described(again)) == len(table)
    again.loc[again.index[-1], "accuracy"] -= 0.1
    both = accuracies.described(again)  # other networks: a run of its own, with all of its results
    assert both["precision"].value_counts().to_dict() == {"fp32": len(table), "fp32, b": len(table)}
    third = again[again["figure"] == "b"].assign(file="c.csv", figure="c")  # b's networks again
    every = accuracies.described(pd.concat([again, third]))
    assert set(every["precision"]) == {"fp32", "fp32, b", "fp32, c"}
    with pytest.raises(ValueError, match=r"different accuracies in .*b\.csv"):
        accuracies.described(again.assign(figure=""))  # of one experiment


# Reach


def curve(*losses, **options):
    """``direct`` at 0, 10, 20 … %, losing so many points, a tuple for each seed."""
    levels = {10 * i: [0.9 - x / 100 for x in seeds] for i, seeds in enumerate(losses)}
    return curves({"direct": levels}, hidden="100", **options)


def reach(table, **options):
    return estimates.reach("direct", "MNIST · 1 × 100 · ELU", table=table, **options)


# At 20 %: 0.9 ± 5.1; the interval at 10 % is 0.3 ± 1.3, so that only 0 % is certain.
TWO_SEEDS = curve((0, 0), (0.2, 0.4), (0.5, 1.3), (1.2, 1.6), (3, 3))
DIP = curve((0,), (1.5,), (0.5,), (2,))


@pytest.mark.parametrize(
    ("table", "options", "text"),
    [
        (TWO_SEEDS, {}, "20 % [0, 30]"),
        (TWO_SEEDS, {"within": 5}, "40 % [40, 40]"),
        (DIP, {}, "20 % (single run)"),
        (DIP, {"unbroken": True}, "0 % (single run)"),
        (curve((0,), (1,), (1.01,)), {}, "10 % (single run)"),  # exactly a point is within
        (curve(*[(0, 0)] * 3, kept={("direct", 20, 1): "0"}), {}, "10 % [10, 10]"),  # collapsed
        # A far level where seeds differ widely counts unless a level before it is certainly lost.
        (curve((0, 0), (0, 0), (-5, 30)), {}, "10 % [10, 20]"),
        (curve((0, 0), (0, 0), (3, 3), (-5, 30)), {}, "10 % [10, 10]"),
        (curve((0, 0), (3, 3), (0, 0), (-5, 30)), {}, "20 % [20, 30]"),
    ],
)
def test_reach_is_the_last_level_within_a_point(table, options, text):
    assert str(reach(table, **options)) == text


def test_reach_against_another_methods_unpruned_network_may_be_nowhere():
    table = pd.concat([curve((0, 0), (0, 0)), curves({"post": {0: (0.95, 0.95)}}, hidden="100")])
    assert math.isnan(reach(table, reference="post").level)
    with pytest.raises(NoResults, match="no network has a curve of fresh"):
        estimates.reaches("fresh", table=table)
