"""How sure differences are: intervals worked out by scipy, and what more comparisons do to them."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_tables import made
from scipy import stats

from spectral_core.paper.questions import certainty
from spectral_core.paper.results.by_panel import Curves
from spectral_core.paper.study.figures import Panel

METHODS = ("direct", "post", "pre")
CUTS = (0.0, 50.0, 90.0)
SPREAD = (0.0, 0.01, -0.01, 0.02)


def curves(activation="elu", seeds=4, lead=0.1, figure="fig03"):
    """``pre`` ahead of the others by ``lead``, a little more or less with each seed."""
    panel = Panel("fashion-mnist", activation, (500,))

    def accuracy(method, q, seed, _):
        return 0.5 + (method == "pre") * (lead + SPREAD[seed]) * (q > 0)

    return Curves(figure, panel, made(panel, accuracy, seeds, CUTS, methods=METHODS))


def test_a_row_per_panel_and_pair_with_scipys_paired_interval():
    found = certainty.comparisons([curves()])
    assert list(zip(found["first"], found["second"])) == list(certainty.PAIRS)
    row = found.iloc[0]
    exact = stats.ttest_1samp(0.1 + np.array(SPREAD), 0).confidence_interval(0.95)
    assert row["low"] == pytest.approx(exact.low) and row["high"] == pytest.approx(exact.high)
    assert (row["seeds"], row["mean"]) == (4, pytest.approx(0.1 + np.mean(SPREAD)))
    assert row["sd"] == pytest.approx(np.std(SPREAD, ddof=1))


def test_all_at_once_is_bonferronis_level():
    two = certainty.comparisons([curves("elu"), curves("relu")])
    assert len(two) == 6
    exact = stats.ttest_1samp(0.1 + np.array(SPREAD), 0).confidence_interval(1 - 0.05 / 6)
    assert two["low_at_once"].iloc[0] == pytest.approx(exact.low)
    assert two["high_at_once"].iloc[0] == pytest.approx(exact.high)


def test_more_comparisons_widen_all_at_once_and_nothing_else():
    one, two = certainty.comparisons([curves()]), certainty.comparisons([curves(), curves("relu")])
    assert two["low_at_once"].iloc[0] < one["low_at_once"].iloc[0] < one["low"].iloc[0]
    assert two["low"].iloc[0] == one["low"].iloc[0]


def test_a_network_of_one_seed_says_nothing_and_one_of_two_figures_counts_once():
    assert certainty.comparisons([curves(seeds=1)]).empty
    twice = [curves(), curves(figure="fig11")]
    pd.testing.assert_frame_equal(certainty.comparisons(twice), certainty.comparisons(twice[:1]))


@given(mean=st.floats(0.001, 0.5), sd=st.floats(1e-4, 0.05))
def test_seeds_needed_are_the_first_that_set_the_interval_apart(mean, sd):
    def apart(n):
        return stats.t.ppf(0.975, n - 1) * sd / math.sqrt(n) < mean

    n = certainty.seeds_needed(mean, sd)
    assert n == certainty.seeds_needed(-mean, sd)
    if n < certainty.MOST_SEEDS:
        assert apart(n) and (n == 2 or not apart(n - 1))
    else:
        assert not apart(n - 1)


def test_answer_counts_what_is_apart_and_changes_with_the_results():
    there = [curves(), curves("relu", seeds=1)]
    text = certainty.answer(certainty.comparisons(there), there)
    assert text.startswith("**Sure of 2 out of 3**")
    assert text.endswith(
        "1 are certainly smaller than one point. One network has one seed, which says nothing "
        "about that."
    )
    two = [curves(seeds=2)]
    text = certainty.answer(certainty.comparisons(two), two)
    assert text.endswith(" 3 rest on two seeds, which can hardly set anything apart from 0.")


def test_intervals_that_hold_at_once_stay_within_what_accuracies_can_differ_by():
    found = certainty.comparisons([curves(seeds=2)])
    assert found["low_at_once"].min() >= -1 and found["high_at_once"].max() <= 1


def test_small_differences_are_not_apart_at_once():
    close = [curves(lead=0.005)]
    assert certainty.answer(certainty.comparisons(close), close).startswith(
        "**Sure of 0 out of 3**"
    )
    none = [curves(seeds=1)]
    assert certainty.answer(certainty.comparisons(none), none).startswith("**Not sure yet**")


def test_table_says_what_is_apart_and_how_many_seeds_would_do():
    table = certainty.table(certainty.comparisons([curves(lead=0.005)]))
    first = table.iloc[0]
    assert table.index[0] == "Fig. 3, ELU, as written"
    assert first["difference"] == "pre − direct" and first["all at once"] == "not apart from 0"
    assert int(first["seeds that would do"]) > 4
    assert table["seeds that would do"].iloc[-1] == "1000 or more"  # post and direct are the same
