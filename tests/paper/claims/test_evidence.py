"""Measures of pruning curves: graded as their rules say, with the right numbers."""

import pytest
from made_tables import made

from spectral_core.paper.claims.evidence import (
    ahead,
    alike,
    always_ahead,
    better_with_penalty,
    falls_from,
    fewer_tuned,
    lead_grows,
    reported,
    stable_with_penalty,
    stays,
)
from spectral_core.paper.claims.findings import FAILS, HOLDS, PARTLY, REPORTED, UNDECIDED, UNTESTED
from spectral_core.paper.results.intervals import points
from spectral_core.paper.study.figures import Panel

PANEL = Panel("mnist", "elu", (500,))
NOISE = (0.004, -0.002, 0.0, -0.003, 0.001)  # of mean 0


def table(**curves):
    """Results whose mean accuracies are functions of the cut, or constants, by method."""

    def accuracy(method, q, seed, _):
        level = curves[method]
        return level(q) if callable(level) else level

    return made(PANEL, accuracy, methods=list(curves))


def step(at, drop, level=0.9):
    return lambda q: level if q <= at else level - drop


@pytest.mark.parametrize(
    ("curve", "verdict", "said"),
    [
        (step(70, 0.3), HOLDS, "post loses nothing (for sure 0.00, perhaps 0.00) up to 70 %, and "
         "is within one point up to 70 % (5 seeds)"),
        (lambda q: 0.9 - 0.009 * (q == 50), HOLDS, "loses 0.90 points at most (for sure 0.00, "
         "perhaps 0.90)"),
        (lambda q: 0.9 - (q >= 50) * 0.01, HOLDS, "loses 1.00 points at most (for sure 1.00, "
         "perhaps 1.00) up to 70 %, and is within one point up to 95 %"),  # in floats it is more
        (lambda q: 0.9 - 0.0104 * (q >= 50), PARTLY, "loses 1.04 points at most"),
        (lambda q: 0.9 - 0.03 * (q >= 50), PARTLY, "loses 3.00 points at most (for sure 3.00, "
         "perhaps 3.00) up to 70 %, and is within one point up to 45 %"),
        (lambda q: 0.9 - 0.03 * (q == 50), UNDECIDED, "(for sure 0.00, perhaps 3.00)"),
        (step(65, 0.06), FAILS, "loses 6.00 points at most (for sure 6.00, perhaps 6.00) up to "
         "70 %, and is within one point up to 65 %"),
    ],
)  # fmt: skip
def test_staying_near_the_uncut_network(curve, verdict, said):
    found = stays(table(post=curve), "post", 70)
    assert found.verdict == verdict and said in found.text


@pytest.mark.parametrize(
    ("loss", "noise", "verdict", "said"),
    [
        (0.004, 1, HOLDS, "0.40 points at most (for sure 0.06, perhaps 0.74)"),
        (0.009, 1, UNDECIDED, "0.90 points at most (for sure 0.56, perhaps 1.24)"),
        (0.03, 1, PARTLY, "3.00 points at most (for sure 2.66, perhaps 3.34)"),
        (0.03, 10, UNDECIDED, "3.00 points at most (for sure 0.00, perhaps 6.40)"),
        (0.09, 10, FAILS, "9.00 points at most (for sure 5.60, perhaps 12.40)"),
    ],
)
def test_staying_is_decided_by_the_interval_of_the_loss_paired_by_seed(loss, noise, verdict, said):
    def accuracy(method, q, seed, _):  # seeds differ by far more than the noise in the loss
        return 0.8 + 0.02 * seed - (q == 70) * (loss + noise * NOISE[seed])

    found = stays(made(PANEL, accuracy), "pre", 70)
    assert found.verdict == verdict and f"loses {said}" in found.text


def test_where_a_curve_begins_to_fall_is_told_by_intervals():
    def accuracy(method, q, seed, _):
        return 0.9 - max(0, q - 50) / 1000 * (1 + 60 * NOISE[seed])

    rows = made(PANEL, accuracy)  # 1 % of the loss at 60 %, 1.5 at 65 …
    found = falls_from(rows, "direct", 60)
    assert found.verdict == HOLDS
    assert "at 65 %: 1.50 (perhaps at 60 %, for sure at 65 %)" in found.text
    assert falls_from(rows, "direct", 70).verdict == UNDECIDED  # 10 % off, or 5
    assert falls_from(rows, "direct", 75).verdict == PARTLY
    level = made(PANEL, lambda m, q, seed, _: 0.9 - 3 * NOISE[seed] * (q > 50))
    found = falls_from(level, "direct", 60)
    assert found.verdict == UNDECIDED
    assert "(perhaps at 55 %, for sure at no cut) (5 seeds)" in found.text


@pytest.mark.parametrize(("uncut", "verdict"), [(0.905, HOLDS), (0.94, PARTLY), (0.99, FAILS)])
def test_staying_near_another_methods_uncut_network(uncut, verdict):
    rows = table(pre=0.9, post=lambda q: uncut if q == 0 else 0.1)
    assert stays(rows, "pre", 90, "post").verdict == verdict


@pytest.mark.parametrize(
    ("curve", "verdict", "said"),
    [
        (step(60, 0.02), HOLDS, "direct first loses more than one point at 65 %: 2.00 (5 seeds)"),
        (step(50, 0.02), HOLDS, "at 55 %"),
        (step(70, 0.3), PARTLY, "at 75 %: 30.00"),
        (step(40, 0.3), PARTLY, "at 45 %"),
        (step(75, 0.3), FAILS, "at 80 %"),
        (step(30, 0.3), FAILS, "at 35 %"),
        (step(60, 0.009), FAILS, "direct never loses more than one point, up to 95 % (5 seeds)"),
    ],
)
def test_where_a_curve_begins_to_fall(curve, verdict, said):
    found = falls_from(table(direct=curve), "direct", 60)
    assert found.verdict == verdict and said in found.text


def test_a_curve_without_cuts_near_the_stated_one_is_not_tested():
    rows = made(PANEL, lambda *_: 0.9, cuts=(0.0, 50.0, 90.0))
    assert falls_from(rows, "direct", 60).verdict == UNTESTED
    assert falls_from(rows, "direct", 55).verdict == FAILS


def noisy(first, second, noise=1.0):
    """``post`` and ``direct`` at levels that may depend on the cut, with noise between them.

    Both share a spread over seeds that is far larger: only a paired comparison sees through it.
    """

    def accuracy(method, q, seed, _):
        level = first if method == "post" else second
        level = level(q) if callable(level) else level
        return level + 0.01 * seed + (noise * NOISE[seed] if method == "post" else 0)

    return made(PANEL, accuracy, methods=["post", "direct"])


@pytest.mark.parametrize(
    ("difference", "noise", "verdict"),
    [
        (0.003, 1, HOLDS),
        (0.009, 1, UNDECIDED),
        (0.0, 10, UNDECIDED),
        (0.011, 0, FAILS),
        (-0.02, 1, FAILS),
    ],
)
def test_being_alike_uncut(difference, noise, verdict):
    rows = noisy(lambda q: 0.8 + (difference if q == 0 else 0.5), 0.8, noise)
    assert alike(rows, "post", "direct").verdict == verdict


@pytest.mark.parametrize(
    ("difference", "noise", "verdict"),
    [
        (0.01, 1, HOLDS),
        (0.001, 1, UNDECIDED),
        (-0.001, 1, UNDECIDED),
        (-0.01, 1, FAILS),
        (0.001, 0, HOLDS),
    ],
)
def test_being_ahead_on_average(difference, noise, verdict):
    found = ahead(noisy(0.8 + difference, 0.8, noise), "post", "direct")
    assert found.verdict == verdict
    assert found.text.startswith(f"post − direct, all cuts: {points(difference)} [")


def test_the_largest_lead_is_told_with_its_cut():
    rows = noisy(lambda q: 0.9 if q == 80 else 0.81, 0.8)
    assert ahead(rows, "post", "direct").text.endswith("(5 seeds); +10.0 at most, at 80 %")


def test_uncut_networks_do_not_count_as_a_cut():
    rows = noisy(lambda q: 0.9 if q == 0 else 0.79, 0.8)
    assert ahead(rows, "post", "direct").verdict == FAILS


@pytest.mark.parametrize(
    ("curve", "least", "verdict", "said"),
    [
        (0.85, 0, HOLDS, "at 19 cuts: ahead at 19 (by up to 5.0 points), behind at 0, and perhaps "
         "a point behind at 0 (5 seeds)"),
        (lambda q: 0.8 if q < 40 else 0.83, 0, HOLDS, "ahead at 12 (by up to 3.0 points)"),
        (lambda q: 0.792 if q < 40 else 0.85, 0, PARTLY, "behind at 7 (by up to 0.8 points)"),
        (lambda q: 0.795 if q < 40 else 0.85, 0, PARTLY, "behind at 7 (by up to 0.5 points)"),
        (lambda q: 0.798 if q < 40 else 0.85, 0, HOLDS, "behind at 0, and perhaps a point behind "
         "at 0"),
        (lambda q: 0.792 if q < 40 else 0.85, 40, HOLDS, "at 12 cuts: ahead at 12"),
        (0.79, 0, FAILS, "ahead at 0, behind at 19"),
        (0.8, 0, UNDECIDED, "ahead at 0, behind at 0"),
    ],
)  # fmt: skip
def test_being_always_ahead(curve, least, verdict, said):
    found = always_ahead(noisy(curve, 0.8), "post", "direct", least)
    assert found.verdict == verdict and said in found.text


def test_being_always_ahead_is_undecided_where_an_interval_reaches_a_point_below():
    def level(q):
        return 0.85 if q >= 40 else 0.8

    quiet, loud = noisy(level, 0.8), noisy(level, 0.8, noise=5)
    assert always_ahead(quiet, "post", "direct").verdict == HOLDS
    found = always_ahead(loud, "post", "direct")
    assert found.verdict == UNDECIDED and "perhaps a point behind at 7 (" in found.text


@pytest.mark.parametrize(("grows", "verdict"), [(0.06, HOLDS), (0.001, UNDECIDED), (-0.05, FAILS)])
def test_leads_are_compared_between_panels(grows, verdict):
    small, large = noisy(0.85, 0.8), noisy(0.85 + grows, 0.8)
    found = lead_grows(small, large, "post", "direct")
    assert found.verdict == verdict
    assert f"grows by {points(grows)} [" in found.text


def penalised(levels):
    """``pre`` at levels that depend on the penalty and the cut."""
    return made(
        PANEL,
        lambda m, q, seed, penalty: levels(penalty, q) + NOISE[seed] * (penalty + 0.1),
        penalties=(0.0, 0.001, 1.0),
        methods=["pre"],
    )


@pytest.mark.parametrize(
    ("levels", "verdict", "said"),
    [
        (
            lambda g, q: 0.9 - (0.4 * (q > 50) if g != 0.001 else 0),
            HOLDS,
            "γ = 0.001 loses nothing",
        ),
        (
            lambda g, q: 0.9 - (0.4 * (q > 50) if g != 1 else 0.03),
            PARTLY,
            "γ = 1 loses 3.00 points",
        ),
        (lambda g, q: 0.9 - 0.4 * (q > 50), FAILS, "perhaps 40.00), up to 95 %"),
        (lambda g, q: 0.9 - 0.1 * (g > 0), FAILS, "loses 10.00"),  # level, but far too low
    ],
)
def test_stability_with_a_penalty(levels, verdict, said):
    found = stable_with_penalty(penalised(levels), "pre")
    assert found.verdict == verdict and said in found.text


@pytest.mark.parametrize(
    ("gain", "verdict", "said"),
    [(0.02, HOLDS, "γ = 0.001"), (1e-6, UNDECIDED, "γ = 0.001"), (-0.01, FAILS, "−1.0")],
)
def test_gain_by_the_best_penalty(gain, verdict, said):
    rows = penalised(lambda g, q: 0.8 + {0: 0, 0.001: gain, 1: -0.3}[g])
    found = better_with_penalty(rows, "pre")
    assert found.verdict == verdict and said in found.text


@pytest.mark.parametrize(
    ("left", "verdict", "said"),
    [
        (39_700, HOLDS, "pre tunes 40,210 at 90 %, direct 397,000 (10%)"),
        (300_000, PARTLY, "300,510"),
        (396_900, FAILS, "397,410"),
    ],
)
def test_count_of_tuned_parameters(left, verdict, said):
    # 500 hidden and 10 output nodes have an eigenvalue each.
    rows = made(PANEL, lambda *_: 0.9, parameters=lambda m, q: 397_000 if q == 0 else left)
    found = fewer_tuned(rows, classes=10, at=90)
    assert found.verdict == verdict and said in found.text


def test_reporting_gives_levels_and_no_verdict():
    found = reported(table(direct=0.8, pre=step(50, 0.3)), (0, 90))
    assert found == (REPORTED, "direct 80.0 % at 0, 80.0 % at 90; pre 90.0 % at 0, 60.0 % at 90")


NOTHING = made(PANEL, lambda *_: 0.9, methods=["direct"], cuts=(50.0,))


@pytest.mark.parametrize(
    "measure",
    [
        lambda t: stays(t, "post", 70),
        lambda t: stays(t, "direct", 70),  # no uncut network
        lambda t: falls_from(t, "post", 60),
        lambda t: alike(t, "post", "direct"),
        lambda t: ahead(t, "post", "direct"),
        lambda t: always_ahead(t, "post", "direct"),
        lambda t: lead_grows(t, t, "post", "direct"),
        lambda t: stable_with_penalty(t, "direct"),
        lambda t: better_with_penalty(t, "direct"),
        lambda t: fewer_tuned(t, 10, 90),
        lambda t: reported(t[:0], (0,)),
    ],
)
def test_measure_without_results_is_not_tested(measure):
    found = measure(NOTHING)
    assert found.verdict == UNTESTED
    assert found.text.startswith("no results of ")


def test_curve_that_ends_too_early_is_not_tested():
    rows = made(PANEL, lambda *_: 0.9, cuts=(0.0, 50.0))
    assert stays(rows, "post", 50).verdict == HOLDS
    assert stays(rows, "post", 70).verdict == UNTESTED


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        (lambda t: stays(t, "pre", 70), "pre loses nothing up to 70 %, and"),
        (lambda t: falls_from(t, "pre", 60), "pre never loses more than one point, up to 95 %"),
        (lambda t: alike(t, "pre", "direct"), "pre − direct, uncut: +5.0 points"),
        (lambda t: ahead(t, "pre", "direct"), "pre − direct, all cuts: +5.0 points"),
        (lambda t: always_ahead(t, "pre", "direct"), "pre − direct, all cuts: +5.0 points"),
        (
            lambda t: lead_grows(t, t, "pre", "direct"),
            "lead of pre over direct grows by +0.0 points",
        ),
        (lambda t: stable_with_penalty(t, "pre"), "pre with γ = 1 loses nothing, up to 95 %"),
        (lambda t: better_with_penalty(t, "pre"), "pre with γ = 1 against none, all cuts: +0.0"),
    ],
)
def test_one_seed_is_told_and_is_no_test(measure, said):
    def accuracy(method, *_):
        return 0.9 if method == "pre" else 0.85

    found = measure(made(PANEL, accuracy, seeds=1, penalties=(0.0, 1.0)))
    assert found.verdict == UNTESTED
    assert found.text.startswith(said) and "(1 seed)" in found.text


def test_networks_with_a_penalty_stay_out_of_comparisons():
    rows = made(PANEL, lambda m, q, s, penalty: 0.9 - penalty, penalties=(0.0, 0.5))
    assert stays(rows, "pre", 90).verdict == HOLDS
    assert ahead(rows, "pre", "direct").text.startswith("pre − direct, all cuts: +0.0 [+0.0, +0.0]")
