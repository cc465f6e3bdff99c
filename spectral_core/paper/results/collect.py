"""Tables of results out of a store, and how they were made."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import pandas as pd

from spectral_core.data import checksums
from spectral_core.layers.networks import hidden_label
from spectral_core.paper.run.store import Store
from spectral_core.paper.run.tuning import recorded
from spectral_core.paper.study.panels import Panel
from spectral_core.paper.study.planning import Study
from spectral_core.paper.study.steps import ALGORITHM, with_trainings

COLUMNS = (
    *("panel", "dataset", "activation", "hidden", "method", "seed", "penalty", "percentile"),
    *("kept", "nodes", "parameters", "accuracy", "loss"),
)
"""Columns of every table of results; the data dictionary says what each means."""

POINT_COLUMNS = ["panel", "method", "penalty", "percentile"]
"""Columns that name a point; its seeds are realisations of it."""


class NoResults(LookupError):
    """Results that were asked for are not there."""


def collect(study: Study, store: Store) -> pd.DataFrame:
    """Table of a study's results out of a store, one row per point, in the study's order.

    Raises:
        NoResults: if the store lacks some of them; says how many and how to compute them.
    """
    rows, missing = [], 0
    for panel, method, seed, penalty, percentile, step in study.cells():
        record = store.record(step)
        if record is None:
            missing += 1
            continue
        measured = record["result"]
        rows.append(
            {
                "panel": panel.name,
                "dataset": panel.base.dataset,
                "activation": panel.base.activation,
                "hidden": hidden_label(panel.settings[method].hidden),
                "method": method,
                "seed": seed,
                "penalty": penalty,
                "percentile": percentile,
                "kept": hidden_label(measured["kept"]),
                **{name: measured[name] for name in ("nodes", "parameters", "accuracy", "loss")},
            }
        )
    if missing:
        raise NoResults(
            f"{missing} of {missing + len(rows)} points of {study.figure} are not computed; "
            f"run: {command(study)}"
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def panel_provenance(study: Study, panel: Panel, store: Store) -> dict[str, Any]:
    """How the results of one panel were made: settings, versions, commit, machine, time, data."""
    cuts = [cell.step for cell in study.cells(panel)]
    records = [store.record(step) for step in with_trainings(cuts)]
    made = [record["made"] for record in records if record is not None]
    return {
        "figure": study.figure,
        "panel": panel.name,
        "preset": study.preset,
        "command": command(study),
        "configuration": {
            "source": panel.source,
            "change": panel.change,
            "settings": {name: dataclasses.asdict(own) for name, own in panel.settings.items()},
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
        "inputs": panel.base.inputs,
        "data": checksums(panel.base.inputs),
        "choice": recorded(panel),
    }


def command(study: Study) -> str:
    """Command line that computes a study."""
    words = [f"spectral-core compute {study.figure} --preset {study.preset}"]
    if study.selection is not None:
        words += [f"--panels '{','.join(study.selection)}'"]
    words += [_option(name.replace("_", "-"), value) for name, value in study.overrides.items()]
    return " ".join(words)


def _option(name: str, value: Any) -> str:
    """A setting as an option of the command line."""
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    if name == "hidden":
        value = hidden_label(value)
    elif name == "hidden-by-method":
        value = ",".join(f"{method}={hidden_label(hidden)}" for method, hidden in value.items())
    elif name == "seeds" and value == tuple(range(len(value))):
        value = len(value)
    elif isinstance(value, tuple):
        value = ",".join(map(str, value)) + ("," if len(value) == 1 else "")
    return f"--{name} {value}"


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Mean ``accuracy`` of each point over its ``seeds``, and ``accuracy_sd``, the standard
    deviation (n − 1)."""
    return (
        table.groupby(POINT_COLUMNS, sort=False)
        .agg(
            accuracy=("accuracy", "mean"),
            accuracy_sd=("accuracy", "std"),
            seeds=("seed", "nunique"),
        )
        .reset_index()
    )


def _distinct(values: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(values))
