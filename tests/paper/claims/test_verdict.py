"""Tests and verdicts on curves made by hand: one yardstick for each kind of claim."""

import math

import pandas as pd
import pytest
from made_tables import curves

from spectral_core.paper.claims.verdict import corrected, verdict
from spectral_core.paper.claims.yardsticks import (
    ABSENT,
    EQUIVALENT,
    FAILS,
    HOLDS,
    INCONCLUSIVE,
    PARTLY,
    SINGLE,
    Count,
    better_with_penalty,
    equality,
    falls,
    fewer_tuned,
    lead_grows,
    order,
    ordered,
    stable_with_penalty,
    unchanged,
)
from spectral_core.paper.claims.yardsticks import Test as Result
from spectral_core.paper.results.statistics import Estimate
from spectral_core.paper.results.tables import NoResults

LEVELS = (0, 10, 20, 30, 60, 70, 80)
LIGHT = (10, 20, 30)


def leads(by_level, seeds=3, spread=0.1, **options):
    """``pre`` ahead of ``post``, which has 80 %, by so many points at each level."""
    noise = [spread * (i - (seeds - 1) / 2) for i in range(seeds)]
    post = {q: (0.8,) * seeds for q in LEVELS}
    pre = {q: [0.8 + (by_level.get(q, 0) + x) / 100 for x in noise] for q in LEVELS}
    return curves({"pre": pre, "post": post}, **options)


def the_order(by_level, most=math.inf, **options):
    (test,) = order("pre", "post", most=most, table=leads(by_level, **options))
    return test


def test_order_holds_if_ahead_at_the_median_and_behind_in_no_half():
    test = the_order(dict.fromkeys(LEVELS, 5))
    assert test.word == HOLDS and test.observed.mean == pytest.approx(5)
    assert the_order(dict.fromkeys(LEVELS, -5)).word == FAILS


def test_order_holds_in_part_if_the_halves_differ():
    halves = dict.fromkeys(LIGHT, -1) | dict.fromkeys((60, 70, 80), 9)
    test = the_order(halves)
    assert test.word == PARTLY
    assert [half.mean for half in test.halves] == pytest.approx([-1, 9])
    assert the_order({q: -x for q, x in halves.items()}).word == PARTLY


def test_one_level_near_chance_decides_nothing():
    test = the_order(dict.fromkeys(LEVELS, -2) | {30: 60})
    assert test.word == PARTLY and test.observed.mean == pytest.approx(-2)  # the mean were +8.3
    assert the_order(dict.fromkeys(LEVELS, -2) | {30: 3}).word == FAILS


def test_half_where_layers_collapse_is_not_judged():
    lost = {("post", q, 0): "5-0-5" for q in (70, 80)}
    by_level = dict.fromkeys(LIGHT, -1) | {60: 30, 70: 80, 80: 80}
    test = the_order(by_level, hidden="10-10-10", kept=lost)
    assert test.halves[1] is None and test.observed.excluded == 6
    assert test.word == FAILS  # median of −1, −1, −1 and 30


def test_equivalent_order_is_uncertain_and_within_the_margin():
    assert the_order({}, spread=0.3).word == EQUIVALENT
    assert the_order({}, spread=2).word == INCONCLUSIVE


def test_slightly_is_tested():
    ahead = dict.fromkeys(LEVELS, 1.2)
    assert the_order(ahead, most=2).word == HOLDS
    assert the_order(dict.fromkeys(LEVELS, 4), most=2).word == PARTLY


def test_single_seed_is_a_single_run_with_its_number():
    test = the_order(dict.fromkeys(LEVELS, 5), seeds=1)
    assert test.word == SINGLE and test.observed.mean == pytest.approx(5)


def test_several_tests_of_a_claim_are_corrected():
    # p = 0.03 by itself; of two such tests, Holm's method finds neither.
    weak = {q: 1.2 for q in LEVELS}
    one = leads(weak, spread=0.37)
    both = pd.concat([one, leads(weak, spread=0.37, activation="tanh")], ignore_index=True)
    (alone,) = order("pre", "post", table=one)
    assert 0.025 < alone.observed.p < 0.05 and alone.word == HOLDS
    found = corrected(order("pre", "post", table=both))
    assert [test.word for test in found] == [INCONCLUSIVE] * 2


def test_halves_that_differ_need_no_certain_median():
    by_level = dict.fromkeys(LIGHT, -1) | {60: 0.5, 70: 9, 80: 9}
    test = the_order(by_level, spread=0.4)
    assert test.observed.p > 0.05 and test.word == PARTLY


@pytest.mark.parametrize(
    ("ahead", "spread", "word"),
    [(0.1, 0.1, HOLDS), (3, 0.1, FAILS), (0.5, 0.5, INCONCLUSIVE), (-3, 0.1, FAILS)],
)
def test_equality_is_of_unpruned_networks(ahead, spread, word):
    table = leads({0: ahead, 10: 50}, spread=spread)
    assert [test.word for test in equality("pre", "post", table)] == [word]


def curve(losses, seeds=3, spread=0.01):
    noise = [spread * (i - (seeds - 1) / 2) for i in range(seeds)]
    levels = {5 * i: [0.9 - (x + (i and y)) / 100 for y in noise] for i, x in enumerate(losses)}
    return curves({"post": levels}, hidden="100")


@pytest.mark.parametrize(
    ("claimed", "word"), [(10, HOLDS), (15, HOLDS), (20, PARTLY), (25, PARTLY), (30, FAILS)]
)
def test_level_may_be_missed_by_a_step_or_in_part_by_three(claimed, word):
    (test,) = unchanged("post", level=claimed, table=curve([0, 0.5, 0.9, 2, 3]))
    assert (test.observed.level, test.word) == (10, word)


def test_fall_may_be_too_late_as_well():
    table = curve([0, 0.5, 0.9, 2, 3])  # first loses a point at 15 %
    words = [falls("post", level=level, table=table)[0].word for level in (5, 10, 15, 20, 35, 0)]
    assert words == [PARTLY, HOLDS, HOLDS, HOLDS, FAILS, PARTLY]


def test_level_between_two_verdicts_is_inconclusive():
    (test,) = unchanged("post", level=15, table=curve([0, 0.5, 0.97, 2], spread=0.2))
    assert (test.observed.low, test.observed.high, test.word) == (5, 10, INCONCLUSIVE)
    (test,) = unchanged("post", level=15, table=curve([0, 0.5], seeds=1))
    assert test.word == SINGLE


def made(*words, mean=5.0, n=5):
    """Tests of these verdicts; their mean is judged by its sign."""
    estimate = Estimate(mean, mean - 0.5, mean + 0.5, n)
    single = Estimate(mean, math.nan, math.nan, 1)
    return [
        Result(
            f"network {i}",
            "a − b",
            single if word == SINGLE else estimate,
            lambda found, word=word: word if found is estimate else ordered(found),
        )
        for i, word in enumerate(words)
    ]


@pytest.mark.parametrize(
    ("words", "word"),
    [
        ([HOLDS] * 3, HOLDS),
        ([EQUIVALENT] * 2, EQUIVALENT),
        ([FAILS, FAILS, HOLDS], FAILS),
        ([HOLDS, HOLDS, FAILS], PARTLY),
        ([HOLDS, PARTLY, INCONCLUSIVE], PARTLY),
        ([SINGLE], SINGLE),
        ([SINGLE, SINGLE, FAILS], SINGLE),  # one of three does not decide
        ([HOLDS, HOLDS, SINGLE], HOLDS),
        ([], ABSENT),
    ],
)
def test_verdict_on_a_claim_counts_all_of_its_tests(words, word):
    found = verdict(made(*words))
    assert found.word == word
    assert sum(found.counts.values()) == len(words)


def test_mean_over_networks_decides_where_single_ones_do_not():
    few_fail = [FAILS] * 4 + [INCONCLUSIVE] * 20  # not "does not hold"
    assert verdict(made(*few_fail, mean=0.1)).word == HOLDS  # +0.1 in every network
    singles = made(*[SINGLE] * 12, mean=-2.0)
    found = verdict([t._replace(observed=t.observed._replace(mean=-2 - i / 10))
                     for i, t in enumerate(singles)])  # fmt: skip
    assert found.word == FAILS and (found.observed.over, found.observed.n) == ("networks", 12)
    assert found.n == (1, 1)


def test_of_two_rivals_the_harder_one_is_observed():
    easy = made(HOLDS, HOLDS, mean=9.0)
    hard = [test._replace(what="a − c") for test in made(HOLDS, HOLDS, mean=2.0)]
    assert verdict(easy + hard).observed.mean == 2.0


def test_a_count_needs_no_seeds():
    tests = [
        Result(f"n{i}", "pre", Count(share), lambda _: HOLDS) for i, share in enumerate((5, 9, 7))
    ]
    found = verdict(tests)
    assert found.word == HOLDS and str(found.observed) == "7 %"


# Yardsticks of one claim each


def fig_3_and_4(lead_3, lead_4, spread=0.001):
    seeds = [spread * i for i in (-1, 0, 1)]
    tables = []
    for hidden, lead in (("10", lead_3), ("10-10-10", lead_4)):
        of = {"post": {50: [0.5 + lead + x for x in seeds]}, "direct": {50: [0.5] * 3}}
        tables.append(curves(of, "fashion-mnist", hidden=hidden))
    return pd.concat(tables, ignore_index=True)


@pytest.mark.parametrize(
    ("leads", "spread", "word"),
    [((0.1, 0.2), 0.001, HOLDS), ((0.2, 0.1), 0.001, FAILS), ((0.1, 0.12), 0.02, INCONCLUSIVE)],
)
def test_lead_grows_with_depth(leads, spread, word):
    (test,) = lead_grows("post", fig_3_and_4(*leads, spread), dataset="fashion-mnist")
    assert test.word == word
    assert test.observed.mean == pytest.approx(100 * (leads[1] - leads[0]))


def test_tuned_numbers_are_counted_where_accuracy_is_kept():
    table = curves(
        {"pre": {0: (0.9,), 50: (0.895,), 90: (0.4,)}, "direct": {0: (0.9,), 50: (0.9,)}}
    )
    (test,) = fewer_tuned(table=table)
    # At 50 %, not 90 %: 10 hidden and 10 output eigenvalues and 500 weights of 1000.
    assert test.observed.mean == pytest.approx(52) and test.word == PARTLY
    assert test.network.endswith("50 % pruned")


def penalised(gain, seeds=3, worst=0.0):
    base = {0: [0.7] * seeds, 50: [0.6] * seeds, 90: [0.3] * seeds}
    noise = [0.001 * i for i in range(seeds)]
    best = {0: [0.7 + x for x in noise], 50: [0.6 + gain + x for x in noise],
            90: [0.7 - worst + x for x in noise]}  # fmt: skip
    parts = [
        curves({"post": levels}, "cifar10", hidden="512").assign(penalty=penalty)
        for penalty, levels in ((0.0, base), (1.0, best), (0.1, base))
    ]
    return pd.concat(parts, ignore_index=True)


def test_best_penalty_is_chosen_and_its_gain_tested():
    (test,) = better_with_penalty("post", penalised(0.1), dataset="cifar10")
    assert test.word == HOLDS and test.network == "γ = 1"
    assert test.observed.mean == pytest.approx(25.1, abs=0.01)  # half-way from 10 to 40, + 0.1
    (test,) = better_with_penalty("post", penalised(0.1, seeds=1), dataset="cifar10")
    assert test.word == SINGLE
    with pytest.raises(NoResults, match="no network of pre has a penalty"):
        better_with_penalty("pre", penalised(0.1), dataset="cifar10")


def test_penalty_makes_a_curve_stable_if_its_worst_level_is():
    words = [
        stable_with_penalty("post", penalised(0.1, worst=w), dataset="cifar10")[0].word
        for w in (0.0, 0.2)
    ]
    assert words == [HOLDS, FAILS]
