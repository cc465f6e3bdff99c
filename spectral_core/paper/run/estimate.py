"""What a run has left to do, and how long it takes by the steps of it that are finished."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from spectral_core.paper.run.compute import missing_steps
from spectral_core.paper.run.store import Store
from spectral_core.paper.study.steps import CutStep, Step, with_trainings


class Estimate(NamedTuple):
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


def estimate(cuts: Iterable[CutStep], store: Store, *, workers: int) -> Estimate:
    """Estimate what :func:`compute` would do; only reads the store.

    Args:
        cuts: steps wanted in the store.
        store: where finished steps are kept.
        workers: processes side by side, at least 1.
    """
    cuts = list(dict.fromkeys(cuts))
    networks, missing = missing_steps(cuts, store)
    spent: dict[Any, tuple[float, int]] = {}
    stored = 0
    for step in with_trainings(cuts):
        record = store.record(step)
        if record is not None:
            seconds, cost = spent.get(_alike(step), (0.0, 0))
            spent[_alike(step)] = (seconds + record["made"]["seconds"], cost + step.cost)
            stored += 1
    unknown, computing, seconds = 0, 0.0, 0.0
    for phase in (networks, missing):
        known = [step for step in phase if spent.get(_alike(step), (0, 0))[1]]
        times = [step.cost * spent[_alike(step)][0] / spent[_alike(step)][1] for step in known]
        unknown += len(phase) - len(known)
        computing += sum(times)
        seconds += max(sum(times) / workers, *times, 0.0)
    return Estimate(stored, len(networks), len(missing), unknown, computing, seconds)


def _alike(step: Step) -> Any:
    """What steps have in common whose times are in proportion to their costs."""
    trained = step.trained if isinstance(step, CutStep) else step
    network = (trained.dataset, trained.hidden, trained.layers, trained.trains, trained.precision)
    if isinstance(step, CutStep):
        return (*network, step.score, step.retrains, step.restarts)
    return network
