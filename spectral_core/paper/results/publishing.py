"""Published results: written, read, and set beside a run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from filelock import FileLock

from spectral_core._files import write_whole
from spectral_core.paper import paths
from spectral_core.paper.results.joining import Run, joined
from spectral_core.paper.results.tables import (
    COLUMNS,
    POINT_COLUMNS,
    NoResults,
    collect,
    panel_provenance,
)
from spectral_core.paper.run.store import Store
from spectral_core.paper.study.planning import Study, plan
from spectral_core.training.loop import PRECISIONS


def publish(study: Study, store: Store) -> list[Path]:
    """Write a study's results and their provenance into ``results/published``.

    A study may have any seeds; they join those that are published already, see
    :func:`spectral_core.paper.results.joining.joined`. One process publishes at a time. The picture is
    for :func:`spectral_core.paper.plots.curves.save_picture` to draw.

    Returns:
        The files written: one CSV and one JSON per panel. Results in another precision than the
        preset's stand beside its own, with the precision at the end of their names.

    Raises:
        ValueError: if the study departs from its preset other than in its precision and seeds, or
            what is published tells of other seeds than it holds.
        NoResults: if the store lacks some of the results.
    """
    changed = set(study.overrides) - {"precision", "seeds"}
    if changed:
        raise ValueError(
            "only a preset's own settings are published; "
            f"got changes to {', '.join(sorted(changed))}"
        )
    table = collect(study, store)
    suffix = f"-{study.panels[0].base.precision}" if "precision" in study.overrides else ""
    folder = paths.published_results(study.figure, study.preset)
    folder.parent.mkdir(parents=True, exist_ok=True)
    texts: dict[Path, str] = {}
    with FileLock(folder.parent / ".lock"):
        for panel in study.panels:
            # As JSON has it, so that it can be compared with what is published.
            provenance = json.loads(json.dumps(panel_provenance(study, panel, store)))
            run = Run(table[table["panel"] == panel.name], provenance)
            files = Published.beside(folder / f"{panel.name}{suffix}.csv")
            if files.table.exists():
                run = joined(_read_run(files, run), run)
            texts[files.table] = run.table.to_csv(
                index=False, float_format="%.6g", lineterminator="\n"
            )
            texts[files.provenance] = (
                json.dumps(run.provenance, indent=2, ensure_ascii=False) + "\n"
            )
        # Of each panel the table last: without one, nothing counts as published.
        for file, text in reversed(texts.items()):
            write_whole(file, lambda aside, text=text: aside.write_text(text, encoding="utf-8"))
    return list(texts)


class Published(NamedTuple):
    """The published results of one panel, as files."""

    table: Path
    """CSV with the columns :data:`~spectral_core.paper.results.tables.COLUMNS`."""
    provenance: Path
    """JSON, as :func:`~spectral_core.paper.results.tables.panel_provenance` makes it."""
    picture: Path
    """PNG."""

    @classmethod
    def beside(cls, table: Path) -> Published:
        """The files that go with a CSV."""
        return cls(*(table.with_suffix(ending) for ending in (".csv", ".json", ".png")))


def published_files(
    figure: str,
    preset: str,
    panels: str | Sequence[str] | None = None,
    precision: str | None = None,
) -> dict[str, Published]:
    """Files of the published panels of a figure, by the panel's name, in the registry's order.

    Args:
        figure: name out of :data:`~spectral_core.paper.study.figures.FIGURES`.
        preset: name out of :data:`~spectral_core.paper.study.figures.PRESETS`.
        panels: which panels, as :func:`~spectral_core.paper.study.planning.plan` takes them.
        precision: of the products in training; if ``None`` the preset's own, or else another one
            that is published.
    """
    study = plan(figure, preset, panels)
    own = study.panels[0].base.precision
    folder = paths.published_results(figure, preset)
    found = {}
    for panel in study.panels:
        for each in [own, *PRECISIONS] if precision is None else [precision]:
            table = folder / (f"{panel.name}.csv" if each == own else f"{panel.name}-{each}.csv")
            if table.exists():
                found.setdefault(panel.name, Published.beside(table))
    return found


def published(
    figure: str,
    preset: str,
    panels: str | Sequence[str] | None = None,
    precision: str | None = None,
    *,
    missing_ok: bool = False,
) -> pd.DataFrame:
    """Table of the published results of a figure.

    Arguments are those of :func:`published_files`.

    Raises:
        NoResults: if there are none; with ``missing_ok`` the table is empty then.
    """
    files = published_files(figure, preset, panels, precision)
    if not files and missing_ok:
        return pd.DataFrame(columns=list(COLUMNS))
    if not files:
        raise NoResults(f"no results of {figure} are published at the preset {preset!r}")
    return pd.concat([_read(file.table) for file in files.values()], ignore_index=True)


def published_together(figures: Sequence[str], preset: str) -> pd.DataFrame:
    """Published results of several figures in one table; what two of them share is there once.

    Of a panel that ran in different precisions, it has the results in the precision that the first
    of the figures has: the others are of other trainings.

    Args:
        figures: names out of :data:`~spectral_core.paper.study.figures.FIGURES`, at least one.
        preset: name out of :data:`~spectral_core.paper.study.figures.PRESETS`.
    """
    precisions: dict[str, str] = {}
    tables = []
    for figure in figures:
        made = published_provenance(figure, preset)
        own = {panel: each["configuration"]["recipe"]["precision"] for panel, each in made.items()}
        unlike = [panel for panel in own if precisions.setdefault(panel, own[panel]) != own[panel]]
        rows = published(figure, preset, missing_ok=True)
        tables.append(rows[~rows["panel"].isin(unlike)])
    every = pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)
    return every.drop_duplicates([*POINT_COLUMNS, "seed"], ignore_index=True)


def counterpart(study: Study) -> pd.DataFrame | None:
    """Published results to compare a study with: the same preset's, or ``None``.

    A study that only selects among its preset's seeds, methods and cuts, or multiplies in another
    precision, still has them.
    """
    if set(study.overrides) - {"seeds", "methods", "percentiles", "penalties", "precision"}:
        return None
    try:
        return published(study.figure, study.preset, study.selection)
    except NoResults:
        return None


def published_provenance(
    figure: str,
    preset: str,
    panels: str | Sequence[str] | None = None,
    precision: str | None = None,
) -> dict[str, dict[str, Any]]:
    """Provenance of each published panel of a figure, by its name.

    Arguments are those of :func:`published_files`.
    """
    files = published_files(figure, preset, panels, precision)
    return {panel: _read_provenance(file.provenance) for panel, file in files.items()}


def _read_run(files: Published, new: Run) -> Run:
    """A published run that a new one may join.

    Its two files must be of the same seeds, or all of them in the new run. They are not if a
    process was killed when it had written one of them.
    """
    run = Run(_read(files.table), _read_provenance(files.provenance))
    there = sorted(set(run.table["seed"]))
    if there != sorted(run.seeds) and not {*there, *run.seeds} <= set(new.seeds):
        raise ValueError(
            f"{files.table} must hold the seeds that {files.provenance.name} tells of, "
            f"{list(run.seeds)}; got {there}. Restore both as they were, or publish all seeds again"
        )
    return run


def _read_provenance(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text(encoding="utf-8"))


def _read(file: Path) -> pd.DataFrame:
    table = pd.read_csv(file, dtype={"hidden": str, "kept": str, "percentile": float})
    if tuple(table.columns[: len(COLUMNS)]) != COLUMNS:
        raise ValueError(f"{file} must have the columns {', '.join(COLUMNS)}; got {list(table)}")
    return table
