"""Tests and verdicts on curves made by hand: one yardstick for each kind of claim."""

import json
import math

import pandas as pd
import pytest
from made_tables import curves

from spectral_core.paper.claims import yardsticks
from spectral_core.paper.claims.verdict import corrected, verdict
from spectral_core.paper.claims.yardsticks import (
    ABSENT,
    EQUIVALENT,
    FAILS,
    HOLDS,
    INCONCLUSIVE,
    PARTLY,
    SINGLE,
)
from spectral_core.paper.results.collect import NoResults
from spectral_core.paper.results.statistics import Estimate

LIGHT, MOST = (10, 20, 30), (60, 70, 80)
LEVELS = (0, *LIGHT, *MOST)


def noisy(value, seeds=3, spread=0.1):
    """Accuracies of some seeds around a value, in per cent."""
    return [(value + spread * (i - (seeds - 1) / 2)) / 100 for i in range(seeds)]


def leads(by_level, seeds=3, spread=0.1, **options):
    """``pre`` ahead of ``post``, which has 80 %, by so many points at each level."""
    post = {q: (0.8,) * seeds for q in LEVELS}
    pre = {q: noisy(80 + by_level.get(q, 0), seeds, spread) for q in LEVELS}
    return curves({"pre": pre, "post": post}, **options)


def all_by(points):
    return dict.fromkeys(LEVELS, points)


HALVES = dict.fromkeys(LIGHT, -1) | dict.fromkeys(MOST, 9)


@pytest.mark.parametrize(
    ("by_level", "most", "options", "word"),
    [
        (all_by(5), math.inf, {}, HOLDS),
        (all_by(-5), math.inf, {}, FAILS),
        (HALVES, math.inf, {}, PARTLY),
        ({q: -x for q, x in HALVES.items()}, math.inf, {}, PARTLY),
        (HALVES | {60: 0.5}, math.inf, {"spread": 0.4}, PARTLY),  # the median itself is uncertain
        (all_by(-2) | {30: 60}, math.inf, {}, PARTLY),  # one level near chance: the mean were +8.3
        (all_by(-2) | {30: 3}, math.inf, {}, FAILS),
        ({}, math.inf, {"spread": 0.3}, EQUIVALENT),
        ({}, math.inf, {"spread": 2}, INCONCLUSIVE),
        (all_by(1.2), 2, {}, HOLDS),  # "slightly"
        (all_by(2.2), 2, {"spread": 0.5}, PARTLY),
        (all_by(4), 2, {}, FAILS),
        (all_by(5), math.inf, {"seeds": 1}, SINGLE),
    ],
)
def test_order_is_judged_at_the_median_level_and_in_both_halves(by_level, most, options, word):
    (test,) = yardsticks.order("pre", "post", most=most, table=leads(by_level, **options))
    assert test.word == word
    middle = pd.Series({q: by_level.get(q, 0) for q in LEVELS if q}).median()
    assert test.observed.mean == pytest.approx(middle)


def test_half_where_layers_collapse_is_not_judged():
    lost = {("post", q, 0): "5-0-5" for q in (70, 80)}
    table = leads(HALVES | {60: 30, 70: 80, 80: 80}, hidden="10-10-10", kept=lost)
    (test,) = yardsticks.order("pre", "post", table=table)
    assert test.halves[1] is None and test.observed.excluded == 6
    assert test.word == FAILS  # median of −1, −1, −1 and 30


def test_several_tests_of_a_claim_are_corrected():
    # p = 0.03 by itself; of two such tests, Holm's method finds neither.
    one, other = (leads(all_by(1.2), spread=0.37, activation=name) for name in ("elu", "tanh"))
    (alone,) = yardsticks.order("pre", "post", table=one)
    assert 0.025 < alone.observed.p < 0.05 and alone.word == HOLDS
    found = corrected(
        yardsticks.order("pre", "post", table=pd.concat([one, other], ignore_index=True))
    )
    assert [test.word for test in found] == [INCONCLUSIVE] * 2


@pytest.mark.parametrize(
    ("ahead", "spread", "word"),
    [(0.1, 0.1, HOLDS), (3, 0.1, FAILS), (0.5, 0.5, INCONCLUSIVE), (-3, 0.1, FAILS)],
)
def test_equality_is_of_unpruned_networks(ahead, spread, word):
    table = leads({0: ahead, 10: 50}, spread=spread)
    assert [test.word for test in yardsticks.equality("pre", "post", table=table)] == [word]


def curve(losses, seeds=3, spread=0.01):
    levels = {5 * i: noisy(90 - x, seeds, spread if i else 0) for i, x in enumerate(losses)}
    return curves({"post": levels}, hidden="100")


@pytest.mark.parametrize(
    ("yardstick", "words"),
    [
        (yardsticks.unchanged, {10: HOLDS, 15: HOLDS, 20: PARTLY, 25: PARTLY, 30: FAILS}),
        (yardsticks.falls, {0: PARTLY, 5: PARTLY, 10: HOLDS, 15: HOLDS, 20: HOLDS, 35: FAILS}),
    ],
)
def test_level_may_be_missed_by_a_step_or_in_part_by_three(yardstick, words):
    table = curve([0, 0.5, 0.9, 2, 3])  # within a point up to 10 %
    found = {level: yardstick("post", level=level, table=table)[0] for level in words}
    assert {level: test.word for level, test in found.items()} == words
    assert {test.observed.level for test in found.values()} == {10}


def test_level_between_two_verdicts_is_inconclusive():
    (test,) = yardsticks.unchanged("post", level=15, table=curve([0, 0.5, 0.97, 2], spread=0.2))
    assert (test.observed.low, test.observed.high, test.word) == (5, 10, INCONCLUSIVE)
    (test,) = yardsticks.unchanged("post", level=15, table=curve([0, 0.5], seeds=1))
    assert test.word == SINGLE


# From the tests of a claim to its verdict


def made(*words, mean=5.0):
    """Tests of these verdicts; their mean is judged by its sign."""
    estimate = Estimate(mean, mean - 0.5, mean + 0.5, 5)
    single = Estimate(mean, math.nan, math.nan, 1)
    return [
        yardsticks.ClaimTest(
            f"network {i}",
            "a − b",
            single if word == SINGLE else estimate,
            lambda found, word=word: word if found is estimate else yardsticks.ordered(found),
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
    none_decide = [INCONCLUSIVE] * 20
    assert verdict(made(*none_decide, mean=0.1)).word == HOLDS  # +0.1 in every network
    few_fail = [FAILS] * 4  # not "does not hold", but not wholly true either
    assert verdict(made(*few_fail, *none_decide, mean=0.1)).word == PARTLY
    singles = [made(SINGLE, mean=-2 - i / 10)[0] for i in range(12)]
    found = verdict(singles)
    assert found.word == FAILS and (found.observed.over, found.observed.n) == ("networks", 12)
    assert found.n == (1, 1)


def test_mean_does_not_outvote_a_network_that_holms_correction_made_uncertain():
    ahead, unclear, behind = (
        made(HOLDS)[0]._replace(observed=found, judge=yardsticks.ordered, signed=True)
        for found in (Estimate(9, 8, 10, 3), Estimate(1, -3, 5, 3), Estimate(-2, -3.9, -0.1, 3))
    )
    found = verdict([ahead, ahead, unclear, behind])
    assert behind.word == FAILS and found.counts == {HOLDS: 2, INCONCLUSIVE: 2}
    assert (found.observed.mean, found.word) == (4.25, PARTLY)


def test_of_two_rivals_the_harder_one_is_observed():
    easy = made(HOLDS, HOLDS, mean=9.0)
    hard = [test._replace(what="a − c") for test in made(HOLDS, HOLDS, mean=2.0)]
    assert verdict(easy + hard).observed.mean == 2.0


# Yardsticks of one claim each


@pytest.mark.parametrize(
    ("leads", "spread", "word"),
    [((10, 20), 0.1, HOLDS), ((20, 10), 0.1, FAILS), ((10, 12), 2, INCONCLUSIVE)],
)
def test_lead_grows_with_depth(leads, spread, word):
    tables = [
        curves({"post": {50: noisy(50 + lead, spread=spread)}, "direct": {50: [0.5] * 3}}, hidden=h)
        for h, lead in zip(("10", "10-10-10"), leads)
    ]
    (test,) = yardsticks.lead_grows("post", table=pd.concat(tables, ignore_index=True))
    assert test.word == word
    assert test.observed.mean == pytest.approx(leads[1] - leads[0])


def test_leads_at_two_depths_are_compared_where_no_layer_is_empty():
    flat = {50: noisy(60), 90: noisy(95), 95: noisy(95)}  # far ahead at 90 and 95 %
    deep = {50: noisy(70), 90: noisy(90), 95: noisy(90)}
    half = dict.fromkeys(flat, [0.5] * 3)
    empty = {("direct", q, 0): "5-0-5" for q in (90.0, 95.0)}
    tables = [
        curves({"post": flat, "direct": half}),
        curves({"post": deep, "direct": half}, hidden="10-10-10", kept=empty),
    ]
    (test,) = yardsticks.lead_grows("post", table=pd.concat(tables, ignore_index=True))
    assert test.observed.mean == pytest.approx(10) and test.word == HOLDS


def test_tuned_numbers_are_counted_where_accuracy_is_kept():
    table = curves(
        {"pre": {0: (0.9,), 50: (0.895,), 90: (0.4,)}, "direct": {0: (0.9,), 50: (0.9,)}}
    )
    (test,) = yardsticks.fewer_tuned(table=table)
    # At 50 %, not 90 %: 10 hidden and 10 output eigenvalues and 500 weights of 1000.
    assert str(test.observed) == "52 %" and test.word == PARTLY
    assert test.network.endswith("50 % pruned")


def penalised(worst, seeds=3):
    """γ = 1 is ahead by 10 and 40 points, less ``worst`` in the latter; γ = 0.1 is like none."""
    base = {0: [0.7] * seeds, 50: [0.6] * seeds, 90: [0.3] * seeds}
    best = {q: noisy(x, seeds) for q, x in ((0, 70), (50, 70), (90, 70 - worst))}
    parts = [
        curves({"post": levels}).assign(penalty=penalty)
        for penalty, levels in ((0.0, base), (1.0, best), (0.1, base))
    ]
    without = parts[0].assign(accuracy=0.9)  # of runs that have no penalty, which count for nothing
    elsewhere = [without.assign(precision="bf16"), without.assign(seed=without["seed"] + 10)]
    return pd.concat([*parts, *elsewhere], ignore_index=True)


@pytest.mark.parametrize(
    ("yardstick", "penalty", "worst", "seeds", "mean", "word"),
    [
        (yardsticks.better_with_penalty, 1, 0, 3, 25, HOLDS),  # half-way from 10 to 40
        (yardsticks.better_with_penalty, 1, 0, 1, 25, SINGLE),
        (yardsticks.better_with_penalty, 0.1, 0, 3, 0, EQUIVALENT),
        (yardsticks.stable_with_penalty, 1, 0, 3, 0, HOLDS),
        (yardsticks.stable_with_penalty, 1, 20, 3, -20, FAILS),
        (yardsticks.stable_with_penalty, 0.1, 0, 3, -40, FAILS),
    ],
)
def test_the_penalty_that_was_chosen_is_tested(
    project, yardstick, penalty, worst, seeds, mean, word
):
    one = penalised(worst, seeds)
    one = one[(one["penalty"] != 0.1) | (one["seed"] == 0) | (penalty == 0.1)]
    none_chosen = penalised(worst, seeds).assign(panel="other", network="other", dataset="digits")
    table = pd.concat([none_chosen, one])
    with pytest.raises(NoResults, match="no network of post was trained with a γ chosen for it"):
        yardstick("post", table=table)
    file = project / "results" / "choices" / f"{one['panel'].iloc[0]}-penalty.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"chosen": {"post": {"penalties": penalty}}}))
    (test,) = yardstick("post", table=table)
    assert test.word == word and test.observed.mean == pytest.approx(mean, abs=0.1)
    assert f"γ = {penalty:g}" in test.network + test.what
    with pytest.raises(NoResults, match="no network of pre was trained"):
        yardstick("pre", table=table)
    lacking = table.query("penalty != @penalty or seed != 0 or level < 90 or panel == 'other'")
    if seeds > 1:
        with pytest.raises(ValueError, match="must each have the levels"):
            yardstick("post", table=lacking)
