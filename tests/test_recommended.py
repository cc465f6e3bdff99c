"""What is recommended follows from results by the rule, and the library's constant agrees."""

import pandas as pd
from made_tables import made

from spectral_core.panels import Panel
from spectral_core.recommended import RECOMMENDED, RULES, decide, decisions, recommended
from spectral_core.strategies import STRATEGIES

STRATEGY, BY = RULES


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
    assert decide(STRATEGY, nothing)[:3] == ("strategy", "pre", "budget")
    assert "no published result decides" in decide(BY, nothing).because
    assert decide(BY, nothing).value == "eigenvalue"


def test_a_rival_wins_in_more_than_half_of_the_networks_or_not_at_all():
    two = decide(BY, table(BY, post_invariant=(0.1, 0.1, -0.1)))
    assert (two.value, "ahead in 2 of 3" in two.because) == ("invariant", True)
    one = decide(BY, table(BY, post_invariant=(0.3, -0.1, -0.1)))
    assert (one.value, "ahead in 1 of 3" in one.because) == ("eigenvalue", True)


def test_of_several_rivals_the_one_that_leads_by_most_wins():
    found = decide(BY, table(BY, post_invariant=(0.1, 0.1, 0.1), post_connectivity=(0.2, 0.2, 0.1)))
    assert found.value == "connectivity"
    # A large lead in one network does not count against a win in most.
    found = decide(BY, table(BY, post_invariant=(0.1, 0.1, 0.1), post_taylor=(0.9, -0.1, -0.1)))
    assert found.value == "invariant"


def test_every_setting_has_a_rule_and_every_rule_its_methods():
    assert [rule.setting for rule in RULES] == list(RECOMMENDED.__dataclass_fields__)
    assert {name for rule in RULES for name in (rule.papers, *rule.rivals)} <= set(STRATEGIES)
