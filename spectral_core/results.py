"""Tables of results: this machine's, the published ones, and how far they agree."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spectral_core import paths
from spectral_core.data.raw_data import RAW_DATA
from spectral_core.steps import ALGORITHM, hidden_label, with_trainings
from spectral_core.store import Store, write_whole
from spectral_core.study import FIGURES, PRESETS, Panel, Study, plan

COLUMNS = (
    "panel",
    "dataset",
    "activation",
    "hidden",
    "method",
    "seed",
    "percentile",
    "nodes",
    "parameters",
    "accuracy",
    "loss",
)
"""Columns of every table of results; the data dictionary says what each means."""


class NoResults(LookupError):
    """Results that were asked for are not there."""


def collect(study: Study, store: Store) -> pd.DataFrame:
    """Table of a study's results out of a store, one row per point, in the study's order.

    Raises:
        NoResults: if the store lacks some of them; says how many and how to compute them.
    """
    rows, missing = [], 0
    for panel, method, seed, percentile, step in study.cells():
        record = store.record(step)
        if record is None:
            missing += 1
            continue
        measured = record["result"]
        rows.append(
            {
                "panel": panel.name,
                "dataset": panel.dataset,
                "activation": panel.activation,
                "hidden": hidden_label(panel.hidden_of(method)),
                "method": method,
                "seed": seed,
                "percentile": percentile,
                **{name: measured[name] for name in ("nodes", "parameters", "accuracy", "loss")},
            }
        )
    if missing:
        raise NoResults(
            f"{missing} of {missing + len(rows)} points of {study.figure} are not computed; "
            f"run: {command(study)}"
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def publish(study: Study, store: Store) -> list[Path]:
    """Write a study's results and their provenance into ``results/published``.

    Returns:
        The files written: one CSV and one JSON per panel.

    Raises:
        ValueError: if the study departs from its preset: only presets are published.
        NoResults: if the store lacks some of the results.
    """
    if study.overrides:
        raise ValueError(
            "only a preset's own settings are published; got changes to "
            + ", ".join(sorted(study.overrides))
        )
    table = collect(study, store)
    folder = paths.published_results(study.figure, study.preset)
    texts: dict[Path, str] = {}
    for panel in study.panels:
        texts[folder / f"{panel.name}.csv"] = table[table["panel"] == panel.name].to_csv(
            index=False, float_format="%.6g", lineterminator="\n"
        )
        provenance = panel_provenance(study, panel, store)
        texts[folder / f"{panel.name}.json"] = (
            json.dumps(provenance, indent=2, ensure_ascii=False) + "\n"
        )
    for file, text in texts.items():
        write_whole(file, lambda aside, text=text: aside.write_text(text, encoding="utf-8"))
    return list(texts)


def published(figure: str, preset: str) -> pd.DataFrame:
    """Table of the published results of a figure.

    Raises:
        NoResults: if there are none at this preset.
    """
    files = sorted(paths.published_results(figure, preset).glob("[!.]*.csv"))
    if not files:
        raise NoResults(f"no results of {figure} are published at the preset {preset!r}")
    return pd.concat([_read(file) for file in files], ignore_index=True)


def counterpart(study: Study) -> pd.DataFrame | None:
    """Published results to compare a study with: the same preset's, or ``None``.

    A study that only selects among its preset's seeds, methods and cuts still has them.
    """
    if set(study.overrides) - {"seeds", "methods", "percentiles"}:
        return None
    try:
        return published(study.figure, study.preset)
    except NoResults:
        return None


def published_provenance(figure: str, preset: str) -> list[dict[str, Any]]:
    """Provenance of each published panel of a figure."""
    files = sorted(paths.published_results(figure, preset).glob("[!.]*.json"))
    if not files:
        raise NoResults(f"no results of {figure} are published at the preset {preset!r}")
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


def panel_provenance(study: Study, panel: Panel, store: Store) -> dict[str, Any]:
    """How the results of one panel were made: settings, versions, commit, machine, time, data."""
    cuts = [cell.step for cell in study.cells() if cell.panel == panel]
    records = [store.record(step) for step in with_trainings(cuts)]
    made = [record["made"] for record in records if record is not None]
    return {
        "figure": study.figure,
        "panel": panel.name,
        "preset": study.preset,
        "command": command(study),
        "configuration": {
            "panel": dataclasses.asdict(panel),
            "recipe": dataclasses.asdict(study.recipe),
        },
        "algorithm": ALGORITHM,
        "steps": len(made),
        "seconds": round(sum(item["seconds"] for item in made), 1),
        "from": min(item["at"] for item in made),
        "to": max(item["at"] for item in made),
        "hardware": _distinct(item["hardware"] for item in made),
        "device": _distinct(item["device"] for item in made),
        "commit": _distinct(item["commit"] for item in made),
        "versions": {
            name: _distinct(item["versions"][name] for item in made) for name in made[0]["versions"]
        },
        "data": dict(RAW_DATA[panel.dataset].md5),
    }


def command(study: Study) -> str:
    """Command line that computes a study."""
    words = [f"spectral-core compute {study.figure} --preset {study.preset}"]
    words += [
        f"--{name.replace('_', '-')} {_option(name, value)}"
        for name, value in study.overrides.items()
    ]
    return " ".join(words)


def _option(name: str, value: Any) -> str:
    """A setting as the command line takes it."""
    if name == "hidden":
        return hidden_label(value)
    if name == "hidden_by_method":
        return ",".join(f"{method}={hidden_label(hidden)}" for method, hidden in value.items())
    if name == "seeds" and value == tuple(range(len(value))):
        return str(len(value))
    if isinstance(value, tuple):
        return ",".join(str(item) for item in value) + ("," if len(value) == 1 else "")
    return str(value)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Mean over seeds of each point, with its spread.

    Returns:
        One row per panel, method and percentile: ``nodes`` and ``parameters`` (means),
        ``accuracy``, ``accuracy_sd`` (standard deviation, n − 1), ``accuracy_min``,
        ``accuracy_max``, ``loss`` and ``seeds``.
    """
    return (
        table.groupby(["panel", "method", "percentile"], sort=False)
        .agg(
            nodes=("nodes", "mean"),
            parameters=("parameters", "mean"),
            accuracy=("accuracy", "mean"),
            accuracy_sd=("accuracy", "std"),
            accuracy_min=("accuracy", "min"),
            accuracy_max=("accuracy", "max"),
            loss=("loss", "mean"),
            seeds=("seed", "nunique"),
        )
        .reset_index()
    )


def agreement(ours: pd.DataFrame, theirs: pd.DataFrame, floor: float = 0.01) -> pd.DataFrame:
    """Compare mean accuracies of two runs of the same study.

    Two runs agree at a point if their means differ by no more than three standard errors of the
    difference plus ``floor``. The standard deviation is pooled over both runs.

    Args:
        ours: table of results with at least one seed.
        theirs: table to compare with.
        floor: difference in accuracy that is always tolerated, in [0, 1].

    Returns:
        One row per point that both have: ``panel``, ``method``, ``percentile``, ``ours``,
        ``theirs``, ``difference``, ``tolerance`` and ``agrees``.

    Raises:
        NoResults: if the two have no point in common.
    """
    keys = ["panel", "method", "percentile"]
    both = summary(ours).merge(summary(theirs), on=keys, suffixes=("_ours", "_theirs"))
    if both.empty:
        raise NoResults("the two runs have no panel, method and percentile in common")
    n, m = both["seeds_ours"], both["seeds_theirs"]
    squares = (n - 1) * both["accuracy_sd_ours"].fillna(0) ** 2
    squares += (m - 1) * both["accuracy_sd_theirs"].fillna(0) ** 2
    pooled = np.sqrt(squares / (n + m - 2).clip(lower=1))
    both["difference"] = both["accuracy_ours"] - both["accuracy_theirs"]
    both["tolerance"] = floor + 3 * pooled * np.sqrt(1 / n + 1 / m)
    both["agrees"] = both["difference"].abs() <= both["tolerance"]
    both = both.rename(columns={"accuracy_ours": "ours", "accuracy_theirs": "theirs"})
    return both[[*keys, "ours", "theirs", "difference", "tolerance", "agrees"]]


def status(store: Store) -> pd.DataFrame:
    """What is computed here and what is published, one row per panel and preset.

    Returns:
        ``figure``, ``panel``, ``preset``, ``computed`` (points here, of how many), ``latest``
        (when the last of them was, UTC), ``published`` (seeds) and ``when``.
    """
    rows = []
    for figure in FIGURES:
        for preset in PRESETS:
            run = plan(figure, preset)
            for panel in run.panels:
                cells = [cell for cell in run.cells() if cell.panel == panel]
                records = [store.record(cell.step) for cell in cells]
                ends = [record["made"]["at"] for record in records if record is not None]
                seeds, when = _published_panel(figure, preset, panel.name)
                rows.append(
                    {
                        "figure": figure,
                        "panel": panel.name,
                        "preset": preset,
                        "computed": f"{len(ends)}/{len(cells)}",
                        "latest": max(ends, default="-")[:16],
                        "published": f"{seeds} seeds" if seeds else "-",
                        "when": when[:10],
                    }
                )
    return pd.DataFrame(rows)


def _published_panel(figure: str, preset: str, panel: str) -> tuple[int, str]:
    """Number of published seeds of a panel, and when the last of them was computed."""
    csv = paths.published_results(figure, preset) / f"{panel}.csv"
    if not csv.exists():
        return 0, "-"
    provenance = json.loads(csv.with_suffix(".json").read_text(encoding="utf-8"))
    return _read(csv)["seed"].nunique(), provenance["to"]


def _distinct(values: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


def _read(file: Path) -> pd.DataFrame:
    table = pd.read_csv(file, dtype={"hidden": str, "percentile": float})
    if tuple(table.columns[: len(COLUMNS)]) != COLUMNS:
        raise ValueError(f"{file} must have the columns {', '.join(COLUMNS)}; got {list(table)}")
    return table
