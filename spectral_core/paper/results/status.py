"""What is computed on this machine and what is published."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pandas as pd

from spectral_core.paper.results.cells import counted
from spectral_core.paper.results.publishing import published_provenance
from spectral_core.paper.run.store import Store
from spectral_core.paper.study.figures import EXPERIMENTS, PRESETS
from spectral_core.paper.study.planning import plan


def status(
    store: Store,
    figures: Iterable[str] = tuple(EXPERIMENTS),
    presets: Iterable[str] = tuple(PRESETS),
) -> pd.DataFrame:
    """One row per panel and preset.

    Args:
        store: this machine's.
        figures: names out of :data:`~spectral_core.paper.study.figures.EXPERIMENTS`.
        presets: names out of :data:`~spectral_core.paper.study.figures.PRESETS`.

    Returns:
        ``figure``, ``panel``, ``preset``, ``computed`` (points here, of how many), ``latest``
        (when the last of them was, UTC), ``published`` (seeds), ``precision`` and ``when``.
    """
    rows = []
    for figure, preset in itertools.product(figures, presets):
        run = plan(figure, preset, "*")
        every = list(run.cells())
        provenance = published_provenance(figure, preset, "*")
        for panel in run.panels:
            cells = [cell for cell in every if cell.panel is panel]
            records = [store.record(cell.step) for cell in cells]
            ends = [record["made"]["at"] for record in records if record is not None]
            row = {
                "figure": figure,
                "panel": panel.name,
                "preset": preset,
                "computed": f"{len(ends)}/{len(cells)}",
                "latest": max(ends, default="-")[:16],
                "published": "-",
                "precision": "-",
                "when": "-",
            }
            if panel.name in provenance:
                made = provenance[panel.name]
                recipe = made["configuration"]["recipe"]
                row["published"] = counted(len(recipe["seeds"]))
                row |= {"precision": recipe["precision"], "when": made["to"][:10]}
            rows.append(row)
    return pd.DataFrame(rows)
