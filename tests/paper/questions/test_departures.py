"""Where paper and code part: answers follow from published results, and wait for them."""

import dataclasses

import pandas as pd
import pytest
from made_tables import made

from spectral_core.paper.questions import departures
from spectral_core.paper.questions.departures import ANSWERED, DEPARTURES, WAITING, overview
from spectral_core.paper.results import authors, publishing, tables
from spectral_core.paper.results.by_panel import curves
from spectral_core.paper.study import figures
from spectral_core.paper.study.figures import FIGURES, TRIAL, Figure, Panel

EMPTY = pd.DataFrame(columns=list(tables.COLUMNS))
NOISE = (0.004, -0.002, 0.0, -0.003, 0.001)  # of mean 0, over seeds


def publish(figure, accuracy, variants=("", "released"), **options):
    """Made-up results of a figure; accuracies by (variant, method, percentile)."""

    def of(panel):
        def at(method, q, seed, penalty):
            return accuracy(panel.source, method, q) + NOISE[seed] * bool(panel.source)

        return made(panel, at, **options)

    panels = [panel for panel in FIGURES[figure].panels if panel.source in variants]
    return curves({figure: pd.concat([of(panel) for panel in panels])})


def flat(*_):
    return 0.9


@pytest.fixture
def no_settings(monkeypatch):
    """The open questions have no published results."""
    monkeypatch.setattr(departures, "published", lambda *_, **__: EMPTY)


@pytest.mark.parametrize("question", DEPARTURES)
def test_question_waits_or_needs_no_results(question, monkeypatch):
    monkeypatch.setattr(departures, "published", lambda *_, **__: EMPTY)
    answer = DEPARTURES[question]([])
    assert answer.status == WAITING or answer == departures.realisations([])
    assert answer.text.endswith((".", "realisations: 2"))


def test_one_list_of_penalties_is_told_by_where_each_method_finds_its_best():
    def accuracy(method, q, seed, penalty):
        best = {"direct": 0.01, "post": 1.0, "pre": 1e-5}.get(method, 0.1)
        return 0.9 - 0.3 * (penalty != best) * q / 100

    (panel, *_) = [p for p in FIGURES["fig11"].panels if not p.variant]
    rows = made(panel, accuracy, penalties=(0.0, 1e-5, 0.01, 0.1, 1.0))
    reply = departures.penalties(curves({"fig11": rows}))
    assert reply.status == ANSWERED and "In the one from 1e-05 to 1, with 5 seeds" in reply.text
    assert "- Fig. 11, ELU, direct: γ = 0.01, inside; 90.0 % at its worst cut" in reply.text
    assert "- Fig. 11, ELU, post: γ = 1, an end of it; 90.0 %" in reply.text
    one = departures.penalties(curves({"fig11": rows[rows["seed"] == 0]}))
    assert one.status == departures.OPEN


def test_stage_two_is_answered_by_panels_of_the_same_widths(no_settings):
    def accuracy(variant, method, q):
        return 0.9 + 0.03 * (variant == "released" and method == "pre" and q > 0)

    answer = departures.stage_two(publish("fig04", accuracy))
    assert answer.status == ANSWERED
    assert "\n- Fig. 4, ELU: both − φ, all cuts: +3.0 [+2.7, +3.3] points (5 seeds)" in answer.text
    # With one hidden layer, the widths differ too.
    assert departures.stage_two(publish("fig03", accuracy)).status == WAITING
    assert departures.stage_two(publish("fig04", accuracy, [""])).status == WAITING


def test_widths_are_told_by_the_distance_from_the_released_means():
    theirs = authors.released().set_index([*authors.SETTING, "percentile"])["accuracy"]

    def accuracy(variant, method, q):
        known = theirs.get((1, "fashion-mnist", "elu", method, q), 0.9)
        return known + (0.1 if not variant else 0)

    there = publish("fig03", accuracy)
    written = "- Fig. 3, ELU, as written: direct 10.0 (500), post 10.0 (500), pre 10.0 (500)"
    released = "- Fig. 3, ELU, as released: direct 0.0 (2000), post 0.0 (2000), pre 0.0 (2000)"
    answer = departures.widths(there)
    assert answer.status == ANSWERED and answer.text.endswith(f"\n{written}\n{released}")
    answer = departures.widths(there[:1])
    assert answer.status == WAITING and answer.text.endswith(f"\n{written}")


def test_epochs_are_told_by_the_distance_from_the_released_means(monkeypatch):
    theirs = authors.released().set_index([*authors.SETTING, "percentile"])["accuracy"]

    def accuracy(method, q, seed, _):
        return theirs.get((1, "fashion-mnist", "elu", method, q), 0.9) - 0.02

    (trial,) = (panel for panel in FIGURES["fig03"].panels if panel.source == TRIAL)
    rows = made(trial, accuracy, methods=trial.methods, seeds=2)
    monkeypatch.setattr(
        departures, "published", lambda _, __, name, **___: rows if name == trial.name else EMPTY
    )

    def released(_, method, q):
        return theirs.get((1, "fashion-mnist", "elu", method, q), 0.9) + 0.05

    answer = departures.epochs([*publish("fig03", released), *publish("fig04", flat)])
    assert answer.status == ANSWERED
    assert answer.text.endswith(
        "\n- Fig. 3, ELU: direct 5.0 in full, 2.0 with half; post 5.0 in full, 2.0 with half "
        "(5 seeds and 2 seeds)"
    )
    rows = rows[rows["seed"] == 0]
    single = departures.epochs(publish("fig03", released))
    assert single.status == departures.OPEN and single.text.endswith("(5 seeds and 1 seed)")


def test_bands_are_compared_by_number_of_seeds():
    def made_of(panel, *seeds):
        return made(panel, lambda m, q, seed, _: seeds[seed], seeds=len(seeds))

    fig03 = made_of(FIGURES["fig03"].panels[0], 0.4, 0.4, 0.7)
    fig06 = made_of(FIGURES["fig06"].panels[0], 0.4, 0.5)
    answer = departures.bands(curves({"fig03": fig03, "fig06": fig06}))
    assert answer.status == ANSWERED
    assert f"- 2 seeds: {0.5**0.5:.2f} (60 points)" in answer.text
    # Half the range is 0.15, the standard deviation 0.03 ** 0.5.
    assert f"- 3 seeds: {0.15 / 0.03**0.5:.2f} (60 points)" in answer.text
    one = made_of(FIGURES["fig03"].panels[0], 0.4)
    assert departures.bands(curves({"fig03": one})).status == WAITING


def test_realisations_are_those_of_the_released_table():
    text = departures.realisations([]).text
    assert text.startswith("3 of 36 released curves")
    assert "mnist, tanh, pre, hidden layers: 3; realisations: 2" in text


def test_relu_gives_the_released_numbers_and_then_our_own():
    waiting = departures.relu([])
    assert waiting.status == WAITING and "direct 95.1 %, post 77.5 %" in waiting.text

    def accuracy(variant, method, q):
        return 0.8 if method == "post" else 0.9

    answer = departures.relu(publish("fig08", accuracy))
    assert answer.status == ANSWERED and "direct 95.1 %" in answer.text
    assert "\n- Fig. 8, ReLU, as written: post − direct, all cuts: −10.0 [" in answer.text
    assert answer.text.count("\n- ") == 2


def test_low_cuts_compare_pre_with_post():
    def accuracy(variant, method, q):
        return 0.9 - 0.02 * (method == "pre" and 0 < q <= 30) - 0.5 * (method == "post" and q > 30)

    answer = departures.low_cuts(publish("fig03", accuracy, [""]))
    assert answer.status == ANSWERED
    assert answer.text.endswith("- Fig. 3, ELU, as written: −2.0 [−2.0, −2.0] points")


def test_a_layer_that_goes_whole_is_told_with_its_cut_and_what_is_left():
    (there,) = publish("fig04", lambda v, method, q: 0.1 if q > 60 else 0.9, [""])
    table = there.table.copy()
    table.loc[(table["method"] == "direct") & (table["percentile"] >= 70), "kept"] = "450-0-0"
    answer = departures.lost_layers([there._replace(table=table)])
    assert answer.status == ANSWERED
    assert answer.text.endswith(
        "- Fig. 4, ELU, as written: direct from 70 % in 5 of 5 seeds (keeps 450-0-0, accuracy "
        "10.0 %), post at no cut, pre at no cut"
    )
    assert departures.lost_layers(publish("fig03", flat)).status == WAITING


def test_cifar_is_told_where_it_is_published(monkeypatch):
    panel = Panel("cifar10", "elu", (512,), output_bias=True)
    for name in ("fig10", "fig11"):
        monkeypatch.setitem(figures.FIGURES, name, Figure("CIFAR-10", (panel,)))
    there = publish("fig10", lambda v, method, q: 0.8 if q == 0 else 0.5, cuts=(0, 50))
    answer = departures.benchmark_of_cifar(there)
    assert answer.status == ANSWERED
    assert answer.text.endswith("- Fig. 10, ELU, direct: 80.0 % at 0, 50.0 % at 50")
    both = dataclasses.replace(panel, methods=("direct", "direct-inputs"))
    monkeypatch.setitem(figures.FIGURES, "fig10", Figure("CIFAR-10", (both,)))
    levels = {"direct": 0.5, "direct-inputs": 0.7}
    text = departures.benchmark_of_cifar(publish("fig10", lambda v, method, q: levels[method])).text
    assert (
        "- Fig. 10, ELU, direct-inputs: 70.0 % at 0, 70.0 % at 30, 70.0 % at 50, 70.0 % at 70"
        in text
    )
    gap = "+20.0 [+20.0, +20.0] points"
    assert text.endswith(f"direct-inputs minus direct, averaged over all cuts: {gap}")
    there = publish("fig11", flat, penalties=(0.0, 0.01))
    answer = departures.penalties(there)
    assert answer.status == ANSWERED and answer.text.count(": γ = 0.01, an end of it; 90.0 %") == 3
    assert departures.widths(there).status == WAITING  # no released means to compare with


def test_equal_budget_is_answered_by_the_figure_of_that_question(monkeypatch):
    panel = FIGURES["budget"].panels[0]
    monkeypatch.setattr(departures, "published", lambda *_, **__: made(panel, flat))
    answer = departures.equal_budget([])
    assert answer.status == ANSWERED and answer.text.startswith("**The retraining**")


def test_stage_two_is_answered_first_where_nothing_else_differs(monkeypatch):
    written = Panel("mnist", "elu", (8,))
    panels = [written, Panel("mnist", "elu", (8,), variation="both-in-stage-two")]
    rows = pd.concat(made(p, lambda m, q, s, _: 0.9 - 0.01 * s, methods=["pre"]) for p in panels)
    monkeypatch.setattr(departures, "published", lambda *_, **__: rows)
    answer = departures.stage_two([])
    assert answer.status == ANSWERED
    told = "with 1 hidden layer (5 seeds) pre +0.0 [+0.0, +0.0] points (undecided"
    assert f"\n- stage 2 trains λ and φ: {told}" in answer.text


def test_overview_has_the_status_of_each_question(no_settings):
    table = overview(publish("fig03", flat))
    assert list(table.index) == list(DEPARTURES)
    assert table.loc["How wide are the networks?", "status"] == ANSWERED
    assert table.loc["Does λ train in stage 2 of pre?", "status"] == WAITING


def test_answer_begins_with_its_status():
    assert str(departures.Reply(WAITING, "It takes Fig. 8.")) == (
        "Not yet answered. It takes Fig. 8."
    )


def test_published_fig03_answers_how_pre_does_at_low_cuts():
    there = curves({"fig03": publishing.published("fig03", "paper", "fashion-mnist-elu-500")})
    answer = departures.low_cuts(there)
    rows = there[0].table.query("0 < percentile <= 30")
    means = rows.groupby("method")["accuracy"].mean()
    expected = f"{100 * (means['pre'] - means['post']):+.1f}".replace("-", "−")
    assert f"Fig. 3, ELU, as written: {expected} [" in answer.text


def test_notebook_shows_an_answer_as_text_that_wraps():
    answer = departures.Reply(ANSWERED, "Found:\n- one")
    assert answer._repr_markdown_() == "Answered. Found:\n- one"
