"""How a method stands against another one, network by network."""

import pandas as pd
import pytest
from made_tables import made

from spectral_core.paper.results.standings import at_once, standing, standings
from spectral_core.paper.study.figures import Panel

PANELS = [Panel("digits", activation, (20,)) for activation in ("elu", "relu", "tanh")]


def table(leads, seeds=2):
    """``pre`` and ``post`` in three panels, with what ``pre`` leads by in each, at every cut."""
    return pd.concat(
        made(
            panel,
            lambda method, q, seed, _, lead=lead: 0.5 + 0.01 * seed + lead * (method == "pre"),
            methods=["post", "pre"],
            seeds=seeds,
        )
        for panel, lead in zip(PANELS, leads)
    )


def test_leads_are_counted_and_averaged_over_networks():
    found = standing(table([0.02, 0.02, -0.01]), "pre", "post")
    assert list(found.leads) == [panel.name for panel in PANELS]
    assert (found.ahead, found.behind, found.mostly_ahead) == (2, 1, True)
    assert found.mean == pytest.approx(0.01)
    assert found.median == pytest.approx(0.02)
    assert str(found) == "+1.0 points (ahead in 2 of 3 networks, behind in 1)"


@pytest.mark.parametrize(("lead", "word"), [(0.02, "ahead"), (-0.02, "behind"), (0, "undecided")])
def test_one_network_is_told_by_a_word(lead, word):
    assert standing(table([lead]), "pre", "post").counts == f"({word} in the one network)"


def test_comparisons_are_counted_that_are_sure_all_at_once():
    rows = table([0.02, 0.001, 0.02])
    noise = (rows["panel"] == "digits-tanh-20") & (rows["method"] == "pre")
    rows["accuracy"] += noise * (0.003 * rows["seed"] - 0.0015)
    # By itself the third one, 2 ± 1.9 points, is sure, too.
    assert standing(rows, "pre", "post").ahead == 3
    assert at_once(rows, [("pre", "post")]) == (
        " Of these 3 comparisons, each in one network, 2 are set apart from 0 by intervals that "
        "hold all at once."
    )
    assert at_once(rows, [("pre", "fresh")]) == ""


def test_a_lead_in_half_of_the_networks_is_not_mostly():
    found = standing(table([0.02, 0.0]), "pre", "post")
    assert (found.ahead, found.behind, found.mostly_ahead) == (1, 0, False)


def test_one_seed_tells_of_no_lead():
    assert standing(table([0.02] * 3, seeds=1), "pre", "post").leads == {}
    assert standings(table([0.02] * 3, seeds=1), ["pre"], "post") == {}


def test_methods_that_are_not_there_are_left_out():
    assert list(standings(table([0.02] * 3), ["pre", "fresh"], "post")) == ["pre"]
