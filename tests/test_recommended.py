"""What is recommended follows from results by the rule, and the library's constant agrees."""

import pandas as pd
from made_tables import made

from spectral_core import results
from spectral_core.panels import Panel
from spectral_core.recommended import RECOMMENDED, RULES, decide, decisions, recommended
from spectral_core.strategies import STRATEGIES

STRATEGY, STAGE_TWO, BY, PER_LAYER = RULES


def table(rule, **leads):
    """Three networks in which a method leads the paper's by as much, in each network."""
    methods = (rule.papers, *rule.rivals)
    tables = []
    for i, activation in enumerate(("elu", "relu", "tanh")):
        lead = {name.replace("_", "-"): each[i] for name, each in leads.items()}
        tables.append(
            made(
                Panel("mnist", activation, (10,)),
                lambda m, q, seed, _, lead=lead: 0.5 + lead.get(m, 0) + 1e-3 * seed * (m == "pre"),
                seeds=3,
                methods=methods,
            )
        )
    return pd.concat(tables, ignore_index=True)


def test_the_librarys_recommendation_is_what_the_published_results_decide():
    assert recommended(decisions()) == RECOMMENDED
    assert RECOMMENDED.strategy in STRATEGIES


def test_without_results_the_papers_choice_stands_and_says_so():
    nothing = table(STRATEGY)[:0]
    assert decide(STRATEGY, nothing)[:3] == ("strategy", "pre", ("budget", "stronger"))
    assert "no published result decides" in decide(BY, nothing).because
    assert decide(BY, nothing).value == "eigenvalue"


def test_a_rival_wins_in_more_than_half_of_the_networks_or_not_at_all():
    two = decide(BY, table(BY, post_invariant=(0.1, 0.1, -0.1)))
    assert (two.value, "ahead in 2 of 3" in two.because) == ("invariant", True)
    one = decide(BY, table(BY, post_invariant=(0.3, -0.1, -0.1)))
    assert (one.value, "ahead in 1 of 3" in one.because) == ("eigenvalue", True)


def test_a_threshold_per_layer_wins_as_a_rival_does():
    assert decide(PER_LAYER, table(PER_LAYER, pre_per_layer=(0.1, 0.1, -0.1))).value is True
    assert decide(PER_LAYER, table(PER_LAYER, pre_per_layer=(0.1, -0.1, -0.1))).value is False


def test_of_several_rivals_the_one_that_leads_by_most_wins():
    found = decide(BY, table(BY, post_invariant=(0.1, 0.1, 0.1), post_connectivity=(0.2, 0.2, 0.1)))
    assert found.value == "connectivity"
    # A large lead in one network does not count against a win in most.
    found = decide(BY, table(BY, post_invariant=(0.1, 0.1, 0.1), post_taylor=(0.9, -0.1, -0.1)))
    assert found.value == "invariant"


def test_every_setting_has_a_rule_and_every_rule_its_methods():
    assert [rule.setting for rule in RULES] == list(RECOMMENDED.__dataclass_fields__)
    compared = {name for rule in (STRATEGY, BY, PER_LAYER) for name in (rule.papers, *rule.rivals)}
    assert compared <= set(STRATEGIES)


def test_a_varied_panel_counts_as_its_network_with_another_setting(monkeypatch):
    plain = made(
        Panel("mnist", "elu", (10,)), lambda m, q, seed, _: 0.5 + seed / 100, methods=["pre"]
    )
    varied = plain.assign(panel="mnist-elu-10-both-in-stage-two", accuracy=plain["accuracy"] + 0.1)
    settings = pd.concat([plain, varied], ignore_index=True)
    empty = plain[:0]
    monkeypatch.setattr(
        results, "published", lambda figure, *_, **__: settings if figure == "settings" else empty
    )
    stage_two = decisions()[1]
    assert (stage_two.setting, stage_two.value) == ("stage_two", "both")
    assert "+10.0 points (ahead in 1 of 1 networks" in stage_two.because
