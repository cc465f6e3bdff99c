"""What is recommended follows from results by the rule, and the library's constant agrees."""

import pandas as pd
import pytest
from made_tables import made

from spectral_core.paper.questions.recommended import (
    RECOMMENDED,
    RULES,
    decide,
    decisions,
    recommended,
)
from spectral_core.paper.results import publishing
from spectral_core.paper.study.figures import Panel
from spectral_core.paper.study.methods import METHODS

STRATEGY, STAGE_TWO, BY, PER_LAYER = RULES


def table(rule, **leads):
    """Three networks in which a method leads the paper's by as much, in each network."""
    methods = (rule.papers, *rule.rivals)
    parts = []
    for i, activation in enumerate(("elu", "relu", "tanh")):
        lead = {name.replace("_", "-"): each[i] for name, each in leads.items()}
        parts.append(
            made(
                Panel("mnist", activation, (10,)),
                lambda m, q, seed, _, lead=lead: 0.5 + lead.get(m, 0) + 1e-3 * seed * (m == "pre"),
                seeds=3,
                methods=methods,
            )
        )
    return pd.concat(parts, ignore_index=True)


def test_the_librarys_recommendation_is_what_the_published_results_decide():
    assert recommended(decisions()) == RECOMMENDED
    assert RECOMMENDED.strategy in METHODS


def test_without_results_the_papers_choice_stands_and_says_so():
    nothing = table(STRATEGY)[:0]
    assert decide(STRATEGY, nothing)[:3] == ("strategy", "pre", ("budget", "stronger"))
    assert "no published result decides" in decide(BY, nothing).because
    assert decide(BY, nothing).value == "eigenvalue"


@pytest.mark.parametrize(
    ("leads", "wins"),
    [
        ((0.1, 0.1, 0.1), True),
        ((0.1, 0.0, 0.0), True),
        ((0.1, 0.1, -0.05), False),  # behind somewhere
        ((0.02, 0.0, 0.0), False),  # less than a point on average
        ((0.0, 0.0, 0.0), False),
    ],
)
def test_a_rival_that_gains_somewhere_and_loses_nowhere_wins(leads, wins):
    found = decide(BY, table(BY, post_invariant=leads))
    assert found.value == ("invariant" if wins else "eigenvalue")
    assert ("the paper's choice stands" in found.because) is not wins
    layered = decide(PER_LAYER, table(PER_LAYER, pre_per_layer=leads))
    assert layered.value is wins


def test_of_several_rivals_the_one_that_leads_by_most_wins():
    found = decide(BY, table(BY, post_invariant=(0.1, 0.1, 0.1), post_connectivity=(0.2, 0.2, 0.1)))
    assert found.value == "connectivity"
    # A larger lead on average does not make up for a network where it is behind.
    found = decide(BY, table(BY, post_invariant=(0.1, 0.1, 0.1), post_taylor=(0.9, 0.9, -0.1)))
    assert found.value == "invariant"


def test_every_setting_has_a_rule_and_every_rule_its_methods():
    assert [rule.setting for rule in RULES] == list(RECOMMENDED.__dataclass_fields__)
    compared = {name for rule in (STRATEGY, BY, PER_LAYER) for name in (rule.papers, *rule.rivals)}
    assert compared <= set(METHODS)


def test_a_varied_panel_counts_as_its_network_with_another_setting(monkeypatch):
    plain = made(
        Panel("mnist", "elu", (10,)), lambda m, q, seed, _: 0.5 + seed / 100, methods=["pre"]
    )
    varied = plain.assign(panel="mnist-elu-10-both-in-stage-two", accuracy=plain["accuracy"] + 0.1)
    settings = pd.concat([plain, varied], ignore_index=True)
    empty = plain[:0]
    monkeypatch.setattr(
        publishing,
        "published",
        lambda figure, *_, **__: settings if figure == "settings" else empty,
    )
    stage_two = decisions()[1]
    assert (stage_two.setting, stage_two.value) == ("stage_two", "both")
    assert (
        "+10.00 points on average over networks, +10.00 in the median (ahead in the"
        in stage_two.because
    )
