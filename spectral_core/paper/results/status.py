"""What is computed on this machine and what is published."""

import itertools
from collections.abc import Iterable

import pandas as pd

from spectral_core.paper.results.published import points, published_runs, settings_by_method
from spectral_core.paper.run.store import Store
from spectral_core.paper.study.planning import plan


def status(store: Store, figures: Iterable[str], presets: Iterable[str]) -> pd.DataFrame:
    """One row per panel of some figures and preset.

    Returns:
        ``figure``, ``panel``, ``preset``, ``computed`` (points here, of how many), ``latest``
        (when the last of them was, UTC), ``published`` (``1-5 seeds`` where some methods,
        or weights γ, have one and others five), ``precision`` and ``when``.
    """
    rows = []
    for figure, preset in itertools.product(figures, presets):
        run = plan(figure, preset, "*")
        runs = published_runs(figure, preset, "*")
        for panel in run.panels:
            records = [store.record(cell.step) for cell in run.cells(panel)]
            ends = [record["made"]["at"] for record in records if record is not None]
            row = {
                "figure": figure,
                "panel": panel.name,
                "preset": preset,
                "computed": f"{len(ends)}/{len(records)}",
                "latest": max(ends, default="-")[:16],
                **dict.fromkeys(("published", "precision", "when"), "-"),
            }
            if made := [run.made() for run in runs.get(panel.name, [])]:
                seeds: dict[tuple[str, float], set[int]] = {}
                for method, seed, penalty, _ in itertools.chain(*map(points, made)):
                    seeds.setdefault((method, penalty), set()).add(seed)
                counts = sorted({len(of_curve) for of_curve in seeds.values()})
                row |= {
                    "published": "-".join(map(str, counts[:: len(counts) - 1 or 1])) + " seeds",
                    "precision": next(iter(settings_by_method(made[0]).values()))["precision"],
                    "when": max(run["to"] for run in made)[:10],
                }
            rows.append(row)
    return pd.DataFrame(rows)
