"""What a run will cost, told from what comparable steps took on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from spectral_core.paper.run.compute import missing_steps
from spectral_core.paper.run.provenance import hardware, instructions
from spectral_core.paper.run.store import Store
from spectral_core.paper.study.steps import (
    ALGORITHM,
    CutStep,
    Step,
    TrainStep,
    describe,
    with_trainings,
)

MAY_DIFFER = (
    *("seed", "epochs", "learning_rate", "eigenvalue_range", "eigenvector_range"),
    *("penalty", "decay", "percentile", "retraining_epochs", "rounds"),
)
"""Settings in which comparable steps differ: they matter to the time as to ``step.cost``."""


@dataclass(frozen=True)
class Forecast:
    """What is left to do for a study, and how long it will take."""

    stored: int
    """Steps of the study that are in the store."""
    trainings: int
    """Trainings to run."""
    cuts: int
    """Cuts to run."""
    unknown: int
    """How many of these have no comparable step in the store; the times leave them out."""
    computing: float
    """Seconds that the steps will take, added up."""
    seconds: float
    """Seconds from beginning to end."""


def forecast(
    cuts: Iterable[CutStep], store: Store, *, workers: int, device: str = "cpu"
) -> Forecast:
    """Tell what :func:`~spectral_core.paper.run.compute.compute` would do, and how long it would take.

    Args:
        cuts: cuts wanted in the store.
        store: where finished steps are kept; it is only read.
        workers: processes side by side, at least 1.
        device: torch device that trains.
    """
    cuts = list(cuts)
    study = with_trainings(cuts)
    networks, missing = missing_steps(cuts, store)
    pace = _pace(store, device)
    unknown, computing, seconds = 0, 0.0, 0.0
    for phase in (networks, missing):
        known = [step for step in phase if _comparable(step) in pace]
        times = [pace[_comparable(step)] * step.cost for step in known]
        unknown += len(phase) - len(known)
        computing += sum(times)
        seconds += max(sum(times) / workers, *times, 0.0)
    return Forecast(
        stored=sum(step in store for step in study),
        trainings=len(networks),
        cuts=len(missing),
        unknown=unknown,
        computing=computing,
        seconds=seconds,
    )


def _pace(store: Store, device: str) -> dict[str, float]:
    """Seconds per unit of cost of each sort of step that this machine has stored."""
    spent: dict[str, tuple[float, int]] = {}
    this = hardware(device)
    names = (this, this.replace(f", {instructions()}", ""))  # older records have the shorter one
    for record in store.records():
        made = record["made"]
        if record["step"]["algorithm"] != ALGORITHM or made["device"] != device:
            continue
        if made["hardware"] not in names:
            continue
        step = _restore(record["step"])
        if step is not None:
            seconds, cost = spent.get(_comparable(step), (0.0, 0))
            spent[_comparable(step)] = (seconds + made["seconds"], cost + step.cost)
    return {sort: seconds / cost for sort, (seconds, cost) in spent.items() if cost}


def _comparable(step: Step) -> str:
    """Text that is the same for steps whose times are in proportion to their costs."""

    def without(described: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: without(value) if isinstance(value, Mapping) else value
            for name, value in described.items()
            if name not in MAY_DIFFER
        }

    return json.dumps(without(describe(step)), sort_keys=True)


def _restore(described: Mapping[str, Any]) -> Step | None:
    """The step of a description, as ``describe`` gives it; ``None`` if it has other fields, which
    another version of this package wrote."""
    fields = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in described.items()
        if name not in ("kind", "algorithm")
    }
    try:
        if "trained" not in fields:
            return TrainStep(**fields)
        trained = _restore(fields["trained"])
        return None if trained is None else CutStep(**fields | {"trained": trained})
    except TypeError:
        return None
