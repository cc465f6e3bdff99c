"""Published results panel by panel, each with the figure and the settings that it stands for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

import pandas as pd

from spectral_core.layers.networks import ACTIVATION_NAMES
from spectral_core.paper.results import publishing
from spectral_core.paper.results.tables import NoResults
from spectral_core.paper.study.figures import EXPERIMENTS, QUESTIONS, TRIAL, Panel
from spectral_core.paper.study.planning import plan


class Curves(NamedTuple):
    """Published results of one panel of one figure."""

    figure: str
    panel: Panel
    table: pd.DataFrame

    def __str__(self) -> str:
        if self.figure in QUESTIONS:
            return self.panel.name
        activation = ACTIVATION_NAMES[self.panel.activation]
        return f"Fig. {int(self.figure.removeprefix('fig'))}, {activation}"


def read(preset: str = "paper", questions: Collection[str] = ()) -> dict[str, pd.DataFrame]:
    """Published results of the paper's figures that have some, as written and as released.

    Args:
        preset: name out of :data:`~spectral_core.paper.study.figures.PRESETS`, whose panels these are.
        questions: names out of :data:`~spectral_core.paper.study.figures.QUESTIONS` whose results to add.
    """
    found = {}
    for figure in (name for name in EXPERIMENTS if name not in QUESTIONS or name in questions):
        try:
            found[figure] = publishing.published(figure, preset, "*")
        except NoResults:
            continue
    return found


def curves(
    published: Mapping[str, pd.DataFrame] | None = None,
    preset: str = "paper",
    questions: Collection[str] = (),
) -> list[Curves]:
    """Published results panel by panel, in the registry's order, without trials.

    Args:
        published: table of results by figure; those of the preset if ``None``.
        preset, questions: what to read then, see :func:`read`.

    Raises:
        ValueError: if a figure or a panel is unknown.
    """
    found = []
    for figure, rows in (read(preset, questions) if published is None else published).items():
        panels = {panel.name: panel for panel in plan(figure, preset, "*").panels}
        if unknown := sorted(set(rows["panel"]) - set(panels)):
            raise ValueError(f"panels of {figure} must be among {', '.join(panels)}; got {unknown}")
        by_panel = ((panel, rows[rows["panel"] == name]) for name, panel in panels.items())
        found += [
            Curves(figure, panel, mine)
            for panel, mine in by_panel
            if len(mine) and panel.source != TRIAL
        ]
    return found
