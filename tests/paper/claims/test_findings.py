"""Verdicts of several statements, and what numbers decide."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectral_core.paper.claims.findings import (
    FAILS,
    HOLDS,
    PARTLY,
    REPORTED,
    UNDECIDED,
    UNTESTED,
    combined,
    of_pairs,
    of_seeds,
)

VERDICTS = st.sampled_from([HOLDS, PARTLY, FAILS, UNDECIDED, UNTESTED, REPORTED])


@pytest.mark.parametrize(
    ("verdicts", "together"),
    [
        ([HOLDS, HOLDS], HOLDS),
        ([FAILS, FAILS], FAILS),
        ([HOLDS, FAILS], PARTLY),
        ([HOLDS, PARTLY], PARTLY),
        ([FAILS, PARTLY], PARTLY),
        ([FAILS, FAILS, PARTLY], FAILS),
        ([FAILS, FAILS, HOLDS, UNDECIDED, UNDECIDED], FAILS),
        ([UNDECIDED, UNDECIDED], UNDECIDED),
        ([HOLDS, UNDECIDED], UNDECIDED),
        ([FAILS, UNDECIDED], FAILS),
        ([PARTLY, UNDECIDED], PARTLY),
        ([HOLDS, FAILS, UNDECIDED], PARTLY),
        ([HOLDS, UNTESTED, REPORTED], HOLDS),
        ([UNDECIDED, UNTESTED], UNDECIDED),
        ([REPORTED, UNTESTED], REPORTED),
        ([UNTESTED], UNTESTED),
        ([], UNTESTED),
    ],
)
def test_verdicts_combine(verdicts, together):
    assert combined(verdicts) == together


@given(st.lists(VERDICTS), st.randoms())
def test_order_does_not_matter(verdicts, random):
    others = verdicts.copy()
    random.shuffle(others)
    assert combined(others) == combined([*verdicts, *verdicts]) == combined(verdicts)


@given(st.lists(VERDICTS))
def test_a_test_more_that_fails_makes_no_claim_hold(verdicts):
    assert combined([*verdicts, FAILS]) in (FAILS, PARTLY)


def test_one_seed_decides_nothing():
    assert of_seeds(HOLDS, "pre loses nothing", 2) == (HOLDS, "pre loses nothing (2 seeds)")
    assert of_seeds(HOLDS, "pre loses nothing", 1) == (UNTESTED, "pre loses nothing (1 seed)")


@pytest.mark.parametrize(
    ("values", "verdict", "text"),
    [
        ((0.02, 0.02), HOLDS, "lead: +2.0 [+2.0, +2.0] points (2 seeds)"),
        ((-0.02, -0.02), FAILS, "lead: −2.0 [−2.0, −2.0] points (2 seeds)"),
        ((0.01, 0.03), UNDECIDED, "lead: +2.0 [−10.7, +14.7] points (2 seeds)"),
        ((0.02,), UNTESTED, "lead: +2.0 points (1 seed)"),
        ((), UNTESTED, "no results of a and b"),
    ],
)
def test_pairs_are_decided_by_their_interval(values, verdict, text):
    found = of_pairs(values, lambda i: i.low > 0, lambda i: i.high < 0, "lead:", "a and b")
    assert found == (verdict, text)
