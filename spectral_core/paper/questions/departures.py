"""Where the paper's text and its code part: what the published results answer, by question."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import pandas as pd

from spectral_core.layers.networks import hidden_label, hidden_widths
from spectral_core.paper.claims.evidence import ahead
from spectral_core.paper.claims.findings import UNDECIDED, UNTESTED, Finding
from spectral_core.paper.questions import sensitivity
from spectral_core.paper.questions.methods import budget_answer
from spectral_core.paper.results import authors
from spectral_core.paper.results.by_panel import Curves
from spectral_core.paper.results.cells import counted
from spectral_core.paper.results.intervals import lead, points
from spectral_core.paper.results.publishing import published
from spectral_core.paper.results.standings import NOTHING
from spectral_core.paper.results.tables import summary
from spectral_core.paper.study.figures import FIGURES, SOURCES, TRIAL

ANSWERED, OPEN, WAITING = "answered", "undecided", "not yet answered"
"""By results that are there; by too few seeds to tell; by a figure that is not published yet."""


class Reply(NamedTuple):
    """What there is to say to a question."""

    status: str
    """``ANSWERED``, ``OPEN`` or ``WAITING``."""
    text: str

    def __str__(self) -> str:
        return f"{self.status.capitalize()}. {self.text}"

    def _repr_markdown_(self) -> str:  # what a notebook shows
        return str(self)


def stage_two(there: Sequence[Curves]) -> Reply:
    """What changes when stage 2 of ``pre`` trains λ as well as φ.

    The panels with three hidden layers tell: there, both variants have the same width for ``pre``
    and the same first stage; and the figure ``settings``, where nothing else differs.
    """
    found = []
    for written, released in _both_variants(there):
        if written.panel.settings["pre"].hidden == released.panel.settings["pre"].hidden:
            tables = {"both": released.table, "φ": written.table}
            pre = [rows[rows["method"] == "pre"].assign(method=m) for m, rows in tables.items()]
            found.append((str(written), ahead(pd.concat(pre), "both", "φ")))
    said = (
        "Accuracy with λ and φ in stage 2 minus that with φ alone, in runs that may differ in "
        "precision and processor, too:"
    )
    reply = _tested(found, said, "It takes a figure of three hidden layers in both variants.")
    settings = sensitivity.differences(published("settings", "paper", missing_ok=True))
    alone = sensitivity.effect("both-in-stage-two", settings)
    if not alone:
        return reply
    said = (
        "With nothing else changed, as [Which settings matter?](settings_that_matter.ipynb) has it:"
    )
    return Reply(ANSWERED, f"{said}\n{alone}\n\n{reply.text}")


def widths(there: Sequence[Curves]) -> Reply:
    """How far each panel lies from the authors' released means, with its widths."""
    known = [each for each in there if len(authors.beside(each.table))]
    found = []
    for each in known:
        distances = authors.mean_absolute_deviation(each.table).iloc[0]
        told = ", ".join(
            f"{method} {points(distance, sign=False)}"
            f" ({hidden_label(each.panel.settings[method].hidden)})"
            for method, distance in distances.items()
        )
        found.append(f"{each}, {SOURCES[each.panel.source]}: {told}")
    said = "Mean distance from the authors' released means in points, and hidden nodes:"
    missing = "It takes a figure that is published in both variants."
    if not found or any(_both_variants(known)):
        return _listed(found, said, missing)
    return Reply(WAITING, _lines(f"{missing} {said}", found))


def epochs(there: Sequence[Curves]) -> Reply:
    """How far the released settings lie from the authors' means when trained half as long."""
    found = []
    trials = {(name, p.dataset, p.activation): p.name
              for name in FIGURES for p in FIGURES[name].panels if p.source == TRIAL}  # fmt: skip
    sure = True
    for each in there:
        if each.panel.source != "released":
            continue
        trial = trials.get(_setting(each))
        shorter = published(each.figure, "paper", trial, missing_ok=True) if trial else ()
        if len(shorter):
            distances = authors.mean_absolute_deviation(shorter).iloc[0]
            known = authors.mean_absolute_deviation(each.table).iloc[0]
            told = "; ".join(
                f"{method} {points(known[method], sign=False)} in full, "
                f"{points(distance, sign=False)} with half"
                for method, distance in distances.items()
            )
            seeds = [table["seed"].nunique() for table in (each.table, shorter)]
            sure = sure and min(seeds) > 1
            found.append(f"{each}: {told} ({' and '.join(map(counted, seeds))})")
    said = (
        "Mean distance from the authors' released means in points, with the 100 epochs of their "
        "code and with half of them, at the released settings, in runs that may differ in "
        "precision, too:"
    )
    if not found:
        return Reply(WAITING, "It takes a figure of one hidden layer, trained for 50 epochs.")
    return Reply(ANSWERED if sure else OPEN, _lines(said, found))


def equal_budget(there: Sequence[Curves]) -> Reply:
    """Whether ``pre`` is ahead because it trains longer: what the figure ``budget`` says."""
    text = budget_answer(published("budget", "paper", missing_ok=True))
    if text == NOTHING:
        return Reply(WAITING, "It takes the figure budget.")
    return Reply(OPEN if text.startswith("**Not shown**") else ANSWERED, text)


def benchmark_of_cifar(there: Sequence[Curves]) -> Reply:
    """What the benchmark of Fig. 10 gives when it ranks nodes, and when it ranks inputs."""
    found = []
    for each in there:
        if each.figure == "fig10":
            means = summary(each.table[each.table["penalty"] == 0])
            for method in ("direct", "direct-inputs"):
                cuts = [
                    f"{100 * row.accuracy:.1f} % at {row.percentile:g}"
                    for row in means[means["method"] == method].itertuples()
                    if row.percentile in (0, 30, 50, 70, 90)
                ]
                found += [f"{each}, {method}: {', '.join(cuts)}"] if cuts else []
            if (gap := lead(each.table, "direct-inputs", "direct")) is not None:
                found.append(f"{each}, direct-inputs minus direct, averaged over all cuts: {gap}")
    said = "direct removes nodes, as the text says; direct-inputs inputs, as the released code did:"
    return _listed(found, said, "It takes Fig. 10.")


def bands(there: Sequence[Curves]) -> Reply:
    """How wide a band of semi-dispersions is, in standard deviations; it depends on the seeds."""
    if not there:
        return Reply(WAITING, "It takes any figure.")
    means = pd.concat([summary(each.table) for each in there])
    means = means[means["accuracy_sd"] > 0]
    half = (means["accuracy_max"] - means["accuracy_min"]) / 2
    ratios = (half / means["accuracy_sd"]).groupby(means["seeds"]).agg(["mean", "size"])
    found = [f"{seeds} seeds: {row['mean']:.2f} ({row['size']:.0f} points)"
             for seeds, row in ratios.iterrows()]  # fmt: skip
    said = "Semi-dispersion in standard deviations, mean over published points:"
    return _listed(found, said, "It takes a figure with two seeds.")


def realisations(there: Sequence[Curves]) -> Reply:
    """Which of the authors' released curves rest on fewer than five runs."""
    table = authors.released().drop_duplicates(authors.SETTING)
    few = [
        f"{row.dataset}, {row.activation}, {row.method}, hidden layers: {row.hidden_layers}; "
        f"realisations: {row.realisations}"
        for row in table[table["realisations"] < 5].itertuples()
    ]
    return _listed(few, f"{len(few)} of {len(table)} released curves rest on fewer than five:", "")


def relu(there: Sequence[Curves]) -> Reply:
    """Whether ``post`` is ahead of ``direct`` with ReLU and three hidden layers (Fig. 8)."""
    rows = authors.released().query(
        "hidden_layers == 3 and dataset == 'mnist' and activation == 'relu' and percentile == 80"
    )
    accuracies = ", ".join(f"{row.method} {100 * row.accuracy:.1f} %" for row in rows.itertuples())
    theirs = f"Released by the authors, at 80 %: {accuracies}."
    found = [
        (f"{each}, {SOURCES[each.panel.source]}", ahead(each.table, "post", "direct"))
        for each in there
        if each.figure == "fig08" and each.panel.activation == "relu"
    ]
    return _tested(found, f"{theirs} Here:", f"{theirs} The rest takes Fig. 8.")


def penalties(there: Sequence[Curves]) -> Reply:
    """Whether each method finds the γ that serves it best within one list of them (Fig. 11)."""
    there = [each for each in there if each.figure == "fig11"]
    if not there:
        return Reply(WAITING, "It takes Fig. 11.")
    tried = sorted({penalty for each in there for penalty in each.table["penalty"]} - {0.0})
    fewest = min(each.table["seed"].nunique() for each in there)
    found = []
    for each in there:
        means = each.table.groupby(["method", "penalty", "percentile"])["accuracy"].mean()
        for method in each.panel.methods:
            worst = means[method].groupby("penalty").min()
            best = worst.reindex(tried).idxmax()
            where = "an end of it" if best in (tried[0], tried[-1]) else "inside"
            lowest = f"{100 * worst[best]:.1f} % at its worst cut"
            found.append(f"{each}, {method}: γ = {best:g}, {where}; {lowest}")
    said = (
        "A list is fair if each method finds its best γ inside it. In the one from "
        f"{tried[0]:g} to {tried[-1]:g}, with {counted(fewest)}, the most accurate at its worst "
        "cut:"
    )
    return Reply(ANSWERED if fewest > 1 else OPEN, _lines(said, found))


FEW = 30
"""Per cent of the nodes up to which few are removed."""


def low_cuts(there: Sequence[Curves]) -> Reply:
    """How ``pre`` compares with ``post`` where few nodes are removed."""
    found = []
    for each in there:
        few = each.table[(each.table["percentile"] <= FEW) & (each.table["penalty"] == 0)]
        if (gap := lead(few, "pre", "post")) is not None:
            found.append(f"{each}, {SOURCES[each.panel.source]}: {gap}")
    said = f"pre minus post, averaged over the cuts up to {FEW} %:"
    return _listed(found, said, "It takes any figure.")


def lost_layers(there: Sequence[Curves]) -> Reply:
    """From which cut on a layer has lost all of its nodes, where one threshold serves several."""
    found = []
    for each in (curves for curves in there if len(curves.panel.hidden) > 1):
        told = []
        for method, rows in each.table.groupby("method", sort=False):
            gone = rows[[0 in hidden_widths(kept) for kept in rows["kept"]]]
            first = gone[gone["percentile"] == gone["percentile"].min()]
            told.append(
                f"{method} from {first['percentile'].iloc[0]:g} % in {len(first)} of "
                f"{counted(rows['seed'].nunique())} (keeps {first['kept'].iloc[0]}, "
                f"accuracy {100 * first['accuracy'].mean():.1f} %)"
                if len(first)
                else f"{method} at no cut"
            )
        found.append(f"{each}, {SOURCES[each.panel.source]}: {', '.join(told)}")
    return _listed(found, "A layer is gone whole:", "It takes a figure of three hidden layers.")


DEPARTURES: dict[str, Callable[[Sequence[Curves]], Reply]] = {
    "Does λ train in stage 2 of pre?": stage_two,
    "How wide are the networks?": widths,
    "How long did the networks train?": epochs,
    "Is the comparison at an equal budget?": equal_budget,
    "Which sum does the CIFAR-10 benchmark take?": benchmark_of_cifar,
    "What do the shaded bands show?": bands,
    "How many realisations are there?": realisations,
    "Does the spectral ranking win with ReLU?": relu,
    "Is one list of γ fair to all methods?": penalties,
    "Is pre unaltered when few nodes are removed?": low_cuts,
    "When is a layer lost whole?": lost_layers,
}
"""Questions and what answers them, given the published panels."""


def overview(there: Sequence[Curves]) -> pd.DataFrame:
    """Status of each question.

    Args:
        there: published panels, as :func:`~spectral_core.paper.results.by_panel.curves` returns them.
    """
    statuses = {question: answer(there).status for question, answer in DEPARTURES.items()}
    return pd.DataFrame({"status": statuses}).rename_axis("question")


def _both_variants(there: Sequence[Curves]) -> Iterator[tuple[Curves, Curves]]:
    """Panels as written, each with the same as released, where both are there."""
    released = {_setting(each): each for each in there if each.panel.source == "released"}
    for each in there:
        if each.panel.source == "text" and _setting(each) in released:
            yield each, released[_setting(each)]


def _setting(curves: Curves) -> tuple[str, str, str]:
    return curves.figure, curves.panel.dataset, curves.panel.activation


def _listed(found: Sequence[str], said: str, missing: str) -> Reply:
    """What was found, a line each; what is still missing if there is nothing."""
    if not found:
        return Reply(WAITING, missing)
    return Reply(ANSWERED, _lines(said, found))


def _tested(found: Sequence[tuple[str, Finding]], said: str, missing: str) -> Reply:
    """What tests of some panels gave, a line each; undecided if none of them decides anything."""
    if not found:
        return Reply(WAITING, missing)
    decided = {finding.verdict for _, finding in found} - {UNTESTED, UNDECIDED}
    lines = [f"{panel}: {finding.text}" for panel, finding in found]
    return Reply(ANSWERED if decided else OPEN, _lines(said, lines))


def _lines(said: str, found: Sequence[str]) -> str:
    return "\n- ".join([said, *found])
