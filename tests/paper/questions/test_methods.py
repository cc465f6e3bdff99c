"""Which method is ahead: answers worded by their rule, with numbers worked out by hand."""

import pandas as pd
import pytest
from made_tables import made

from spectral_core.paper.questions.methods import (
    NOTHING,
    budget_answer,
    by_depth,
    chance_answer,
    criteria_table,
    exception_answer,
    ingredients_table,
    score_answer,
    stronger_answer,
    vanished_answer,
)
from spectral_core.paper.results.tables import COLUMNS
from spectral_core.paper.study.figures import FIGURES
from spectral_core.paper.study.methods import DECAY

STRONGER = FIGURES["stronger"].panels
SCORE, BUDGET = FIGURES["score"].panels, FIGURES["budget"].panels
EMPTY = pd.DataFrame(columns=list(COLUMNS))


def table(gains, panels=SCORE[:4], seeds=5):
    """Accuracies of 0.5 for each seed, and what a method gains in each panel."""

    def accuracies(panel, i):
        def accuracy(method, q, seed, _):
            return 0.5 + 0.01 * seed + gains.get(method, [0] * len(panels))[i]

        return made(panel, accuracy, seeds=seeds)

    return pd.concat([accuracies(panel, i) for i, panel in enumerate(panels)])


LOWER, NOISELESS = [-0.1] * 4, ("post-invariant", "post-connectivity", "post-taylor")


@pytest.mark.parametrize(
    ("gains", "word"),
    [
        ({"post-taylor": [0.02, 0.02, 0.02, 0]}, "No"),
        ({"post-taylor": [0.02, 0.02, 0, 0]}, "Not always"),
        (dict.fromkeys(NOISELESS, LOWER), "Yes"),
        ({"post-taylor": LOWER}, "No difference is certain"),
        # Chance is no criterion, whatever comes of it.
        (dict.fromkeys(NOISELESS, LOWER) | {"post-random": [0.1] * 4}, "Yes"),
    ],
)
def test_score_is_answered_by_its_rule(gains, word):
    assert score_answer(table(gains)).startswith(f"**{word}**: against ranking by |λ|")


def test_score_is_answered_with_each_criterion_best_first():
    gains = {"post-taylor": [0.02] * 4, "post-invariant": [0.01, 0.03, 0.0, -0.02]}
    text = score_answer(table(gains))
    assert "|activation × gradient| +2.0 points (ahead in 4 of 4 networks, behind in 0)" in text
    assert "|λᵢ|·‖φᵢ‖₂ +0.5 points (ahead in 2 of 4 networks, behind in 1)" in text
    assert text.index("gradient") < text.index("‖φᵢ‖₂")


def test_chance_is_beaten_where_the_interval_says_so_and_the_others_are_named():
    text = chance_answer(table({"post-random": [-0.1, -0.1, 0.0, 0.1]}))
    assert text == (
        "By the same measure |λ| is ahead of chance in 2 of 4 networks, and behind it in 1; "
        f"undecided in {SCORE[2].name} (5 seeds)."
    )
    assert chance_answer(table({"post-random": [-0.1] * 4})).endswith(
        "in 4 of 4 networks, and behind it in 0."
    )
    assert chance_answer(EMPTY) == chance_answer(table({}, seeds=1)) == ""


def test_without_seeds_to_pair_there_is_no_answer():
    for nothing in (EMPTY, table({}, seeds=1)):
        assert score_answer(nothing) == NOTHING
        assert exception_answer(nothing, EMPTY) == NOTHING


@pytest.mark.parametrize(
    ("behind", "word"),
    [
        (("pre-random", "direct-retrained", "post-retrained"), "Both"),
        (("pre-random", "direct-retrained"), "Partly each"),
        (("pre-random",), "Partly each"),
        (("pre-smallest", "fresh"), "The retraining"),
    ],
)
def test_budget_is_answered_by_its_rule(behind, word):
    text = budget_answer(table({name: [-0.02, -0.02, -0.02, 0] for name in behind}, BUDGET[:4]))
    assert text.startswith(f"**{word}**: at the same number of epochs")
    for name in behind:
        assert f"+1.5 points from {name} (ahead in 3 of 4 networks, behind in 0)" in text


def test_budget_that_hangs_on_the_seed_is_not_shown():
    results = table({}, BUDGET[:4], seeds=3)
    results["accuracy"] += 0.05 * results["seed"] * (results["method"] == "pre")
    assert budget_answer(results).startswith("**Not shown**: at the same number of epochs")


def test_budget_is_not_answered_without_the_controls_that_decide():
    results = table({}, BUDGET[:4])
    assert budget_answer(results[results["method"] != "pre-random"]) == NOTHING
    assert budget_answer(EMPTY) == NOTHING


@pytest.mark.parametrize(
    ("gains", "word"),
    [
        ({"stronger": [0.02, 0.02, 0.02, 0]}, "Yes"),
        ({"stronger": [0.02, 0.02, 0, 0]}, "In part"),
        # Ahead of two of the three is not ahead of the best.
        ({"stronger": [0.02] * 4, "pre": [0.02] * 4}, "Not shown"),
        ({"stronger": [0.02] * 4, "pre": [0.03, 0.02, 0.02, 0.02]}, "No"),
        ({}, "Not shown"),
    ],
)
def test_stronger_is_answered_by_its_rule(gains, word):
    text = stronger_answer(table(gains, STRONGER[:4]))
    assert text.startswith(f"**{word}**: at the same number of epochs, stronger is ahead")


def test_stronger_tells_its_leads_and_what_each_ingredient_adds():
    gains = {"stronger": [0.03] * 4, "pre": [0.01, 0.01, 0.05, 0.01]}
    gains |= {
        "stronger-without-start": [0.0] * 4,
        "stronger-without-decay": [0.03, 0.03, 0.03, 0.05],
    }
    one_layer, scope = STRONGER[:4], " All of these networks have one hidden layer."
    text = stronger_answer(table(gains, one_layer))
    assert "in 3 of 4 networks, and behind one of them in 1." in text
    assert "direct-retrained +3.0, post-retrained +3.0, pre +1.0." in text
    assert "its lead over each is: direct-retrained +3.0 points (ahead in 4 of 4" in text
    assert "λ from 1 +3.0 points (ahead in 4 of 4 networks, behind in 0)" in text
    assert text.endswith(f"L2 −0.5 points (ahead in 0 of 4 networks, behind in 1).{scope}")
    without = table(gains, one_layer)
    without = without[~without["method"].str.contains("without")]
    assert stronger_answer(without) == text[: text.index(" What each ingredient")] + scope
    # With three hidden layers no ingredient is taken away.
    both = table({name: [*gain, 0] for name, gain in gains.items()}, STRONGER[:5])
    assert stronger_answer(both).endswith("L2 −0.5 points (ahead in 0 of 4 networks, behind in 1).")
    assert "in 3 of 5 networks, and behind one of them in 1." in stronger_answer(both)


def test_an_answer_is_given_by_depth_where_depths_differ():
    both = table({"stronger": [0.02] * 3}, STRONGER[2:5])
    one, three = by_depth(both, stronger_answer).splitlines()
    assert one == f"- {stronger_answer(both[both['hidden'] == '500'])}"
    assert one.endswith("have one hidden layer.") and three.endswith("have 3 hidden layers.")
    assert by_depth(both[both["hidden"] == "500"], stronger_answer) == ""
    assert by_depth(EMPTY, stronger_answer) == ""


def test_stronger_is_not_answered_without_all_of_the_papers_methods():
    results = table({}, STRONGER[:4])
    assert stronger_answer(results[results["method"] != "pre"]) == NOTHING
    lacking = (results["method"] == "pre") & (results["panel"] == STRONGER[0].name)
    assert stronger_answer(results[~lacking]) == NOTHING
    assert stronger_answer(EMPTY) == NOTHING


def test_the_deepest_cut_is_told_by_itself():
    def accuracy(method, q, seed, _):
        return 0.5 + 0.01 * seed + 0.02 * (method == "stronger" and q == 95)

    text = stronger_answer(made(STRONGER[0], accuracy, seeds=2))
    assert "At the deepest cut that all have, 95 %, its lead over each is: direct" in text
    assert "direct-retrained +2.0 points (ahead in the one network), post" in text


def test_nodes_that_are_not_missed_are_counted_until_the_first_that_is():
    def accuracy(method, q, seed, _):
        level = 50 if seed == 0 else 80
        return 0.5 + 0.0025 * (q == 50) if q <= level or q == 90 else 0.4

    runs = made(STRONGER[0], accuracy, seeds=2, cuts=(0, 50, 80, 85, 90))
    assert vanished_answer(runs) == (
        "In 2 runs of stronger accuracy stays within 0.25 points of the uncut network's up to a "
        "cut of 65 % in the median, 50 % at least and 80 % at most."
    )
    assert vanished_answer(EMPTY) == ""


def test_ingredients_are_told_against_the_papers_settings():
    shown = ingredients_table().set_index("taken away in")
    assert list(shown.loc["stronger-without-start"]) == ["eigenvalue range", "−0.5 to 0.5", "1"]
    assert list(shown.loc["stronger-without-rounds"]) == ["rounds", "1", "4"]
    assert shown.loc["stronger-without-decay", "in stronger"] == f"{DECAY:g}"


def test_exception_is_told_for_each_network_that_figures_and_score_share():
    relu = next(
        p for p in SCORE if (p.dataset, p.activation, len(p.hidden)) == ("mnist", "relu", 1)
    )
    ranked = table({"post-connectivity": [0.03]}, [relu])
    figures = made(
        FIGURES["fig06"].panels[1], lambda m, q, seed, _: 0.52 + 0.01 * seed, methods=["direct"]
    )
    assert exception_answer(ranked, figures) == (
        "**Mostly**: on average over the networks where direct leads, +2.0 points become −1.0 once "
        "post ranks by Σ|w|, too.\n\n"
        "- mnist-relu-500: lead of direct, averaged over all cuts, over post "
        "+2.0 [+2.0, +2.0] points, over post-connectivity −1.0 [−1.0, −1.0] points"
    )
    less = table({"post-connectivity": [0.005]}, [relu])
    assert exception_answer(less, figures).startswith("**No**: on average over the networks")
    none = figures.assign(accuracy=figures["accuracy"] - 0.1)
    assert exception_answer(ranked, none).startswith("Nowhere is there a lead to explain.\n\n- mn")


def test_criteria_are_named_with_what_they_look_at():
    shown = criteria_table(["post", "post-taylor"])
    assert list(shown["score of node i"]) == ["|λᵢ|", "|activation × gradient|"]
    assert list(shown["training images"]) == ["none", 10_000]
