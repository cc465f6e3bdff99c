"""Published results of a panel joined with those of further seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd


class Run(NamedTuple):
    """Results of one panel and how they were made."""

    table: pd.DataFrame
    """Columns :data:`spectral_core.paper.results.tables.COLUMNS`."""
    provenance: Mapping[str, Any]
    """As :func:`spectral_core.paper.results.tables.panel_provenance` makes it."""

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds that were run, in order."""
        return tuple(self.provenance["configuration"]["recipe"]["seeds"])


def joined(old: Run, new: Run) -> Run:
    """What is published when a new run of a panel meets one that is published already.

    Realisations are independent, so seeds may be run apart. Runs of the same settings are put
    together; a seed that both have is the new one's. Where the old run had other settings, or the
    new one has all of its seeds, the new one takes its place; what has joined already changes
    nothing.
    """
    if _settings(old) != _settings(new) or set(old.seeds) <= set(new.seeds):
        return new
    if _has_joined(old.provenance, new.provenance):
        return old
    order = ["method", "seed", "penalty"]
    others = old.table[~old.table["seed"].isin(new.seeds)]
    both = pd.concat([others, new.table], ignore_index=True)
    methods = {method: rank for rank, method in enumerate(dict.fromkeys(both["method"]))}
    penalties = {penalty: rank for rank, penalty in enumerate(dict.fromkeys(both["penalty"]))}
    ranks = {"method": methods, "penalty": penalties}
    both = both.sort_values(
        order,
        kind="stable",  # the percentiles keep their order
        key=lambda column: column.map(ranks[column.name]) if column.name in ranks else column,
        ignore_index=True,
    )
    return Run(both, _provenance(old, new))


def _has_joined(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether a run is one of those that were put together already."""
    return (
        new["command"] in old["command"].split("; ")
        and old["from"] <= new["from"]
        and new["to"] <= old["to"]
    )


def _settings(run: Run) -> tuple[Any, ...]:
    """All that two runs must have in common, which is everything but their seeds.

    A setting that is newer than a run was at its default then.
    """
    configuration = run.provenance["configuration"]
    shared = {k: v for k, v in configuration["recipe"].items() if k != "seeds"}
    return run.provenance["algorithm"], configuration["panel"], shared, run.provenance["data"]


def _provenance(old: Run, new: Run) -> dict[str, Any]:
    """How both runs were made: counts and times added up, also of seeds that were run anew."""
    one, other = old.provenance, new.provenance
    recipe = one["configuration"]["recipe"] | {"seeds": sorted({*old.seeds, *new.seeds})}
    return {
        **one,
        "command": one["command"]
        if one["command"] == other["command"]
        else f"{one['command']}; {other['command']}",
        "configuration": one["configuration"] | {"recipe": recipe},
        "steps": one["steps"] + other["steps"],
        "seconds": round(one["seconds"] + other["seconds"], 1),
        "from": min(one["from"], other["from"]),
        "to": max(one["to"], other["to"]),
        **{name: _distinct(one[name], other[name]) for name in ("hardware", "device", "commit")},
        "versions": {
            name: _distinct(found, other["versions"][name])
            for name, found in one["versions"].items()
        },
    }


def _distinct(*lists: list[Any]) -> list[Any]:
    return list(dict.fromkeys(item for each in lists for item in each))
