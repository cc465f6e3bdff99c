"""Differences between methods: paired by seed, with the intervals of the textbooks."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_tables import made
from scipy import stats

from spectral_core.paper.results.intervals import interval, lead, leads, points, welch
from spectral_core.paper.study.figures import Panel

NOISE = (0.004, -0.002, 0.0, -0.003, 0.001)  # of mean 0


def results(accuracy, **settings):
    return made(Panel("mnist", "elu", (500,)), accuracy, **settings)


def test_lead_is_told_over_all_cuts_or_at_one():
    rows = results(lambda m, q, *_: {"direct": 0.8, "post": 0.9 if q <= 50 else 0.7}.get(m, 0))
    assert lead(rows, "post", "direct", 50) == pytest.approx((0.1, 0.1, 0.1))
    assert lead(rows, "post", "direct", 55) == pytest.approx((-0.1, -0.1, -0.1))
    # 10 of the 19 cuts beyond 0 lie up to 50 %.
    assert lead(rows, "post", "direct").mean == pytest.approx(0.1 * (10 - 9) / 19)
    assert lead(rows, "post", "direct", 52) is None


def test_leads_are_paired_by_seed():
    rows = results(lambda m, q, seed, _: 0.8 + seed / 10 + (m == "post") * (0.01 + NOISE[seed]))
    expected = stats.ttest_1samp(np.array(NOISE) + 0.01, 0).confidence_interval(0.95)
    found = lead(rows, "post", "direct")
    assert found == pytest.approx((0.01, expected.low, expected.high))
    shuffled = rows.sample(frac=1, random_state=0)
    pd.testing.assert_series_equal(
        leads(shuffled, "post", "direct").sort_index(), leads(rows, "post", "direct")
    )


def test_leads_are_over_common_seeds_and_cuts():
    rows = results(
        lambda m, q, seed, _: 0.8 + (m == "post") * (0.1 if q < 50 and seed < 2 else 0.9)
    )
    few = rows[(rows["method"] != "post") | ((rows["percentile"] < 50) & (rows["seed"] < 2))]
    found = leads(few, "post", "direct")
    assert list(found.index) == [0, 1]
    assert found.tolist() == pytest.approx([0.1, 0.1])


def test_networks_with_a_penalty_stay_out():
    rows = results(lambda m, q, s, penalty: 0.9 - (m == "pre") * penalty, penalties=(0.0, 0.5))
    assert lead(rows, "pre", "direct").mean == 0


def test_methods_that_share_the_uncut_network_alone_have_no_lead():
    rows = made(Panel("digits", "elu", (8,)), lambda *_: 0.9, methods=["pre", "post"])
    apart = rows[
        (rows["percentile"] == 0) | ((rows["method"] == "pre") == (rows["percentile"] > 50))
    ]
    assert leads(apart, "pre", "post").empty and lead(apart, "pre", "post") is None


def test_one_value_gives_no_interval():
    assert interval([0.5]) is None
    assert lead(results(lambda *_: 0.9, seeds=1), "post", "direct") is None


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=8))
def test_interval_is_students(values):
    found = interval(values)
    assert found.low <= found.mean <= found.high
    if np.std(values) > 1e-6:
        expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_interval_of_welch():
    first, second = pd.Series([1.0, 2.0, 4.0]), pd.Series([0.0, 0.5])
    found = welch(first, second)
    # Welch and Satterthwaite by hand: variances 7/3 and 1/8 over 3 and 2 values.
    a, b = 7 / 9, 1 / 16
    freedom = (a + b) ** 2 / (a**2 / 2 + b**2 / 1)
    half = stats.t.ppf(0.975, freedom) * (a + b) ** 0.5
    assert found == pytest.approx((7 / 3 - 0.25, 7 / 3 - 0.25 - half, 7 / 3 - 0.25 + half))
    assert welch(first * 0, second * 0) == (0, 0, 0)


def test_points_are_of_a_per_cent_with_a_true_minus():
    assert [points(0.0134), points(-0.02), points(0.5, sign=False)] == ["+1.3", "−2.0", "50.0"]
