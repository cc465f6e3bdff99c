"""One threshold or one per layer: answered by the rule, with numbers worked out by hand."""

import pandas as pd
import pytest
from made_tables import made

from spectral_core.paper.questions.thresholds import answer, by_network, widths
from spectral_core.paper.results.standings import NOTHING
from spectral_core.paper.results.tables import COLUMNS
from spectral_core.paper.study.figures import FIGURES

PANELS = FIGURES["threshold"].panels[:4]
EMPTY = pd.DataFrame(columns=list(COLUMNS))
NOISE = (0.0, 0.1, -0.1)


def table(gains, seeds=3, noise=0):
    """Accuracies of 0.5, what a method gains in each of four networks, and noise of its own."""

    def accuracies(panel, i):
        def accuracy(method, q, seed, _):
            own = noise * NOISE[seed] * method.endswith("-per-layer")
            return 0.5 + 0.01 * seed + gains.get(method, [0] * 4)[i] + own

        return made(panel, accuracy, seeds=seeds)

    return pd.concat([accuracies(*each[::-1]) for each in enumerate(PANELS)], ignore_index=True)


@pytest.mark.parametrize(
    ("gains", "noise", "word"),
    [
        ({"direct-per-layer": [0.02, 0.02, 0.02, 0]}, 0, "No"),
        ({"direct-per-layer": [0.02, 0.02, 0, 0]}, 0, "Not always"),
        ({}, 0.01, "Yes"),
        # Nothing is known to differ, nor to be alike.
        ({"direct-per-layer": [0.15] * 4}, 1, "Not shown"),
        ({"direct-per-layer": [-0.02] * 4, "post-per-layer": [0.02] * 4}, 0, "Not shown"),
    ],
)
def test_the_answer_follows_its_rule(gains, noise, word):
    found = answer(table(gains, noise=noise))
    assert found.startswith(f"**{word}**: with a threshold for each layer")


def test_leads_are_told_in_each_way_and_those_of_pre_at_the_cuts_that_it_has():
    gains = {
        "direct-per-layer": [0.06] * 4,
        "direct-scaled": [0.02] * 4,
        "post": [0.05] * 4,
        "post-scaled": [0.05] * 4,
        "post-per-layer": [0.05, 0.05, 0.05, 0.07],
        "pre": [0.09] * 4,
        "pre-per-layer": [0.09] * 4,
    }
    rows = table(gains)
    elsewhere = ~rows["percentile"].isin([30, 50])
    # What pre does elsewhere does not count: pre-per-layer is not measured there.
    rows.loc[elsewhere & (rows["method"] == "pre"), "accuracy"] = 0.0
    found = answer(rows[(rows["method"] != "pre-per-layer") | ~elsewhere])
    all_four = "points (ahead in 4 of 4 networks, behind in 0)"
    cuts = rows["percentile"].nunique() - 1
    assert f"direct +6.0 {all_four} at {cuts} cuts, post +0.5 points (ahead in 1 of 4" in found
    assert (
        "pre +0.0 points (" in found and "behind in 0) at 2 cuts. Of these 12 comparisons" in found
    )
    assert (
        f"The lead of post over direct is +5.0 {all_four} with one threshold, +3.0 {all_four} with "
        "scaled scores, −0.5 points (ahead in 1 of 4 networks, behind in 3) with one per layer."
    ) in found
    assert found.endswith(
        f"The lead of pre, which alone trains again after the cut, is +9.0 {all_four} with one "
        f"threshold and +3.0 {all_four} with one per layer, at 2 cuts."
    )


def test_it_takes_two_seeds_of_direct():
    assert answer(table({}, seeds=1)) == answer(EMPTY) == NOTHING


def test_table_has_a_row_for_each_network():
    shown = by_network(table({"direct-per-layer": [0.06] * 4, "post": [0.05] * 4}))
    assert list(shown.index) == [panel.name for panel in PANELS]
    row = shown.loc[PANELS[0].name]
    assert row["post − direct", "one threshold"] == "+5.0 [+5.0, +5.0]"
    assert row["post − direct", "one per layer"] == "−6.0 [−6.0, −6.0]"
    assert row["one per layer − one threshold", "direct"] == "+6.0 [+6.0, +6.0]"
    alone = by_network(table({}, seeds=1))
    assert set(alone.to_numpy().flat) == {""}


def test_widths_are_those_of_the_first_seed_at_the_cuts_asked_for():
    rows = table({})
    rows.loc[rows["seed"] > 0, "kept"] = "1-1-1"
    shown = widths(rows[rows["method"] == "post"], [50, 90, 33])
    assert list(shown.columns) == ["50 %", "90 %"]
    assert set(shown["50 %"]) == {"250-250-250"} and set(shown["90 %"]) == {"50-50-50"}
    assert list(shown.index) == [(panel.name, "post") for panel in PANELS]
