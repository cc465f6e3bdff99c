"""Published results: one table and one provenance per run, put together when they are read."""

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from filelock import FileLock

from spectral_core._files import write_whole
from spectral_core.paper import paths
from spectral_core.paper.results.collect import NoResults, collect, panel_provenance
from spectral_core.paper.run.store import Store
from spectral_core.paper.study.figures import EXPERIMENTS
from spectral_core.paper.study.panels import Panel
from spectral_core.paper.study.planning import Study, plan
from spectral_core.paper.study.settings import Settings
from spectral_core.training.loop import PRECISIONS

SELECTS = ("seeds", "methods", "percentiles", "penalties")
"""Settings in which a published run may differ from its preset: they choose among its points."""


class DamagedTable(RuntimeError):
    """A published table is not what its provenance says."""


class Run(NamedTuple):
    """One published run of one panel, as files."""

    table: Path
    """CSV with the columns :data:`~spectral_core.paper.results.collect.COLUMNS`."""

    @property
    def provenance(self) -> Path:
        """JSON, as :func:`~spectral_core.paper.results.collect.panel_provenance` makes it, with
        ``table``: the SHA-256 and the number of rows of the CSV."""
        return self.table.with_suffix(".json")

    def made(self) -> dict[str, Any]:
        """The provenance.

        Raises:
            DamagedTable: if it cannot be read; names the file.
        """
        try:
            made = json.loads(self.provenance.read_text(encoding="utf-8"))
            if not isinstance(made, dict) or not isinstance(made.get("table", {}), dict):
                raise ValueError("it is of another form")
            return made
        except (ValueError, OSError) as error:
            raise DamagedTable(
                f"{self.provenance} must be the provenance of {self.table.name}: {error}. "
                "Restore it, or publish the run again"
            ) from error

    def read(self) -> pd.DataFrame:
        """The table.

        Raises:
            DamagedTable: if it is not the one that was written; names the file.
        """
        content, proof = self.table.read_bytes(), self.made().get("table", {})
        if proof.get("sha256") != hashlib.sha256(content).hexdigest():
            raise DamagedTable(
                f"{self.table} must be as published, {proof.get('rows')} rows of the SHA-256 in "
                f"{self.provenance.name}; it was changed. Restore it, or publish the run again"
            )
        types = {"hidden": str, "kept": str, "layer": str, "percentile": float}
        return pd.read_csv(self.table, dtype=types)


def write(file: Path, content: str | bytes, made: Mapping[str, Any]) -> list[Path]:
    """Write a table, as :func:`as_csv` makes it, or a picture. Its provenance, with its SHA-256 and
    the number of rows of a table, is written before it: without a table, nothing counts as
    published."""
    content = content.encode() if isinstance(content, str) else content
    digest = {"sha256": hashlib.sha256(content).hexdigest()}
    if file.suffix == ".csv":
        made = {**made, "table": {**digest, "rows": content.count(b"\n") - 1}}
    else:
        made = {**made, "picture": digest}
    said = (json.dumps(made, indent=2, ensure_ascii=False) + "\n").encode()
    for target, text in ((file.with_suffix(".json"), said), (file, content)):
        write_whole(target, lambda aside, text=text: aside.write_bytes(text))
    return [file, file.with_suffix(".json")]


def settings_by_method(made: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Settings of each method of a run, out of its provenance, old or new."""
    configuration = made["configuration"]
    if "settings" in configuration:
        return configuration["settings"]
    panel = dict(configuration["panel"])
    widths, own = panel.pop("hidden_by_method", {}), panel.pop("recipe_by_method", {})
    names, shared = panel.pop("methods"), {**panel, **configuration["recipe"]}
    return {
        name: {**shared, "hidden": widths.get(name, panel["hidden"]), **own.get(name, {})}
        for name in names
    }


def points(made: Mapping[str, Any]) -> list[tuple[str, int, float, float]]:
    """Method, seed, penalty and percentile of every point that a run must have."""
    return [
        (method, *point)
        for method, own in settings_by_method(made).items()
        for point in itertools.product(own["seeds"], own["penalties"], own["percentiles"])
    ]


def publish(study: Study, store: Store) -> list[Path]:
    """Write a study's results and their provenance into ``results/published``.

    A run of other seeds, methods, percentiles or penalties than the preset's is published beside
    it, in files of its own: ``<panel>[-<precision>]--seeds-1-4.csv``. One process publishes at a
    time.

    Returns the files written: one CSV and one JSON per panel.

    Raises:
        ValueError: if the study differs from its preset in anything but its precision and
            :data:`SELECTS`; if a run that is published already shares some of its points, or had
            other settings: names both files.
        NoResults: if the store lacks some of the results.
    """
    if changed := sorted(set(study.overrides) - {"precision", *SELECTS}):
        raise ValueError(
            f"only a preset's own settings are published; got changes to {', '.join(changed)}"
        )
    table = collect(study, store)
    folder = paths.published_results(study.figure, study.preset)
    folder.parent.mkdir(parents=True, exist_ok=True)
    runs = []
    with FileLock(folder.parent / ".lock"):
        for panel in study.panels:
            # As JSON has it, so that it can be compared with what is published.
            made = json.loads(json.dumps(panel_provenance(study, panel, store)))
            stem = stem_of(panel.name, panel.base.precision)
            run = _place(Run(folder / f"{stem}{tag_of(study, panel)}.csv"), stem, made)
            runs.append((run, as_csv(table[table["panel"] == panel.name]), made))
        return [file for run, text, made in runs for file in write(run.table, text, made)]


def stem_of(panel: str, precision: str) -> str:
    """First part of the names of a panel's published files: its name, and a precision that is not
    ``fp32``, as every preset's is."""
    return panel if precision == "fp32" else f"{panel}-{precision}"


def as_csv(table: pd.DataFrame) -> str:
    """A table as all published ones are written: six significant digits, no index."""
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def tag_of(study: Study, panel: Panel) -> str:
    """What is appended to the name of a run of other points than the preset's."""
    own, parts = panel.base, []
    if "methods" in study.overrides:
        parts += panel.methods
    if "penalties" in study.overrides:
        parts.append("penalties-" + "_".join(f"{penalty:g}" for penalty in own.penalties))
    if "percentiles" in study.overrides:
        parts.append("levels-" + "_".join(f"{q:g}" for q in own.percentiles))
    if "seeds" in study.overrides:
        first, last = min(own.seeds), max(own.seeds)
        adjacent = sorted(own.seeds) == list(range(first, last + 1))
        between = f"{first}-{last}" if last > first else f"{first}"
        parts.append("seeds-" + (between if adjacent else "_".join(map(str, own.seeds))))
    return f"--{'-'.join(parts)}" if parts else ""


def _place(run: Run, stem: str, made: Mapping[str, Any]) -> Run:
    """Where a run goes: over the one that has its very points, if there is one, else as named."""
    mine = set(points(made))
    others = {other: other.made() for other in _runs_of(run.table.parent, stem)}
    run = next((other for other, its in others.items() if set(points(its)) == mine), run)
    for other, its in others.items():
        if other != run or not set(points(its)) <= mine:  # else it is replaced
            _check(run, made, other, its)
    return run


def _check(one: Run, made: Mapping[str, Any], other: Run, its: Mapping[str, Any]) -> None:
    """Refuse two runs of one panel that share points, or have other settings, data or algorithm."""
    if shared := set(points(made)) & set(points(its)):
        raise ValueError(
            f"{one.table} and {other.table} must not share points; got {len(shared)} in common. "
            f"Select other {', '.join(SELECTS)}, or remove one of the two"
        )
    theirs = settings_by_method(its)
    pairs = [(name, made[name], its[name]) for name in ("algorithm", "data")]
    pairs += [  # a setting that is newer than a run was at its default
        (f"{name} of {method}", own.get(name, default), theirs[method].get(name, default))
        for method, own in settings_by_method(made).items()
        if method in theirs
        for name, default in _DEFAULTS.items()
    ]
    for name, value, its_value in pairs:
        if value != its_value:
            raise ValueError(
                f"{one.table} and {other.table} must have the same {name}; "
                f"got {value} and {its_value}"
            )


_DEFAULTS = {
    field.name: json.loads(json.dumps(field.default))
    for field in dataclasses.fields(Settings)
    if field.name not in SELECTS
}


def _runs_of(folder: Path, stem: str) -> list[Run]:
    """Published runs of a panel in one precision, the preset's own first."""
    own = folder / f"{stem}.csv"
    return [Run(own)] * own.exists() + [Run(file) for file in sorted(folder.glob(f"{stem}--*.csv"))]


def published_runs(
    figure: str, preset: str, panels: str | Sequence[str] | None = None
) -> dict[str, list[Run]]:
    """Published runs of a figure by panel, in the registry's order: in fp32, or else in another
    precision that is published. Arguments are those of
    :func:`~spectral_core.paper.study.planning.plan`."""
    folder, found = paths.published_results(figure, preset), {}
    for panel in plan(figure, preset, panels).panels:
        for precision in PRECISIONS:
            if runs := _runs_of(folder, stem_of(panel.name, precision)):
                found.setdefault(panel.name, runs)
    return found


def published(figure: str, preset: str, panels: str | Sequence[str] | None = None) -> pd.DataFrame:
    """Table of :func:`published_runs`, all runs of each panel together.

    Raises:
        NoResults: if there are none.
        DamagedTable: if one was changed; names the file.
        ValueError: if two runs of a panel share points or differ in their settings; names the
            files.
    """
    runs = published_runs(figure, preset, panels)
    if not runs:
        raise NoResults(f"no results of {figure} are published at the preset {preset!r}")
    return pd.concat([_together(of_panel) for of_panel in runs.values()], ignore_index=True)


def _together(runs: Sequence[Run]) -> pd.DataFrame:
    """The table of several runs of one panel: by method, penalty and seed."""
    if len(runs) == 1:
        return runs[0].read()
    for one, other in itertools.combinations(runs, 2):
        _check(one, one.made(), other, other.made())
    table = pd.concat([run.read() for run in runs], ignore_index=True)
    return table.sort_values(
        ["method", "seed", "penalty"],
        kind="stable",  # percentiles keep their order
        key=lambda column: pd.factorize(column)[0] if column.name == "method" else column,
        ignore_index=True,
    )


def counterpart(study: Study) -> pd.DataFrame | None:
    """Published results to compare a study with: the same preset's, or ``None``.

    A study that only selects among its preset's points, or multiplies in another precision, still
    has them.
    """
    if set(study.overrides) - {*SELECTS, "precision"}:
        return None
    try:
        return published(study.figure, study.preset, study.selection)
    except NoResults:
        return None


def every_run(preset: str = "paper") -> Iterator[pd.DataFrame]:
    """Tables of all published panels in all precisions, with ``figure``, ``file``, ``source``,
    ``change`` and ``precision``. Errors are those of :func:`published`."""
    for figure in EXPERIMENTS:
        folder, panels = paths.published_results(figure, preset), plan(figure, preset, "*").panels
        for precision, panel in itertools.product(PRECISIONS, panels):
            if runs := _runs_of(folder, stem_of(panel.name, precision)):
                yield _together(runs).assign(
                    figure=figure,
                    file=str(runs[0].table),
                    source=panel.source,
                    change=panel.change,
                    precision=precision,
                )
