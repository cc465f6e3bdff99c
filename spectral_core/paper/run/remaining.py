"""What a run has left to do, and how long it takes by the steps of it that are finished."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from spectral_core.paper.run.compute import missing_steps
from spectral_core.paper.run.store import Store
from spectral_core.paper.study.steps import CutStep, Step, with_trainings


class Remaining(NamedTuple):
    """What is left to do for a study, and how long it takes by its own finished steps."""

    stored: int
    trainings: int
    cuts: int
    unknown: int
    """How many of those left resemble no finished step of the study; times leave them out."""
    computing: float
    """Seconds that the others take, added up."""
    seconds: float
    """Seconds from beginning to end."""


def remaining(cuts: Iterable[CutStep], store: Store, *, workers: int) -> Remaining:
    """What :func:`~spectral_core.paper.run.compute.compute` would do; only reads the store.

    Args:
        cuts: steps wanted in the store.
        store: where finished steps are kept.
        workers: processes side by side, at least 1.
    """
    cuts = list(dict.fromkeys(cuts))
    networks, missing = missing_steps(cuts, store)
    spent: dict[Any, list[tuple[float, int]]] = {}
    for step in with_trainings(cuts):
        if record := store.record(step):
            spent.setdefault(_alike(step), []).append((record["made"]["seconds"], step.cost))
    per_cost = {
        kind: sum(seconds for seconds, _ in of) / sum(cost for _, cost in of)
        for kind, of in spent.items()
        if any(cost for _, cost in of)
    }
    computing, seconds, unknown = 0.0, 0.0, 0
    for phase in (networks, missing):
        times = [s.cost * per_cost[_alike(s)] for s in phase if _alike(s) in per_cost]
        unknown += len(phase) - len(times)
        computing += sum(times)
        seconds += max(sum(times) / workers, *times, 0.0)
    stored = sum(map(len, spent.values()))
    return Remaining(stored, len(networks), len(missing), unknown, computing, seconds)


def _alike(step: Step) -> Any:
    """What steps have in common whose times are in proportion to their costs."""
    trained = step.trained if isinstance(step, CutStep) else step
    network = (trained.dataset, trained.hidden, trained.layers, trained.trains, trained.precision)
    if isinstance(step, CutStep):
        return (*network, step.score, step.retrains, step.restarts)
    return network
