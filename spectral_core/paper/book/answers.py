"""The questions that the paper leaves open with their answers, for a reader in a hurry."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from spectral_core.paper import paths
from spectral_core.paper.book.notebooks import sources
from spectral_core.paper.performance import measured
from spectral_core.paper.questions import certainty, compaction, methods, sensitivity, thresholds
from spectral_core.paper.questions.recommended import Decision
from spectral_core.paper.results import by_panel, publishing
from spectral_core.paper.study.figures import EXPERIMENTS


class Answer(NamedTuple):
    """A question, where the book answers it, and the answer in a sentence of Markdown."""

    question: str
    page: str
    text: str


def answers(preset: str = "paper") -> list[Answer]:
    """Answer each question from the published results.

    Args:
        preset: name out of :data:`~spectral_core.paper.study.figures.PRESETS`.
    """
    there = by_panel.curves(preset=preset)
    costs = compaction.means(compaction.gathered(preset))
    settings = sensitivity.differences(_published("settings", preset))
    pages = {name: file.stem for name, file in sources().items()}
    timings = measured.load(paths.project() / "benchmarks" / "results.json")
    return [
        Answer(
            "Is it the ranking or the retraining?",
            pages["budget"],
            methods.budget_answer(_published("budget", preset)),
        ),
        Answer(
            "Is |λ| the right score once φ trains?",
            pages["score"],
            methods.score_answer(_published("score", preset)),
        ),
        Answer(
            "Is one threshold fair to all layers?",
            pages["threshold"],
            thresholds.answer(_published("threshold", preset)),
        ),
        Answer(
            "Is there a stronger variant?",
            pages["stronger"],
            methods.stronger_answer(_published("stronger", preset)),
        ),
        Answer(
            "Which settings matter?",
            pages["settings"],
            sensitivity.answer(settings).splitlines()[0],
        ),
        Answer(
            "How sure are we?",
            pages["how_sure_are_we"],
            certainty.answer(certainty.comparisons(there), there),
        ),
        Answer(
            "What does compaction buy?",
            pages["what_compaction_buys"],
            compaction.answer(costs, timings.get("compaction", {}).get("rows", ())),
        ),
    ]


def markdown(found: list[Answer]) -> str:
    """Questions as links to their pages, each with its answer."""
    return "\n\n".join(f"**[{each.question}]({each.page}.ipynb)** {each.text}" for each in found)


def recommendations(decided: list[Decision]) -> str:
    """What to use, a list in Markdown: each setting with its value and what decides it."""
    return "\n".join(
        f"- `{each.setting}`: **{each.value}** ({each.because}; see {_links(each.figures)})"
        for each in decided
    )


def _links(figures: tuple[str, ...]) -> str:
    """Questions as links to their pages, ``a and b``."""
    pages = {name: file.stem for name, file in sources().items()}
    return " and ".join(f"[{EXPERIMENTS[name].title}]({pages[name]}.ipynb)" for name in figures)


def _published(figure: str, preset: str) -> pd.DataFrame:
    return publishing.published(figure, preset, missing_ok=True)
