"""Epochs of training that the whole machine gets through, against a loop over a DataLoader.

The loop runs in the better of its two ways: one process on all cores, or a process per core.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from benchmarks.loops import name_of, plain_references, problem, race, training
from spectral_core.paper.study.methods import METHODS as EVERY
from spectral_core.paper.study.steps import TrainStep
from spectral_core.training.loop import PRECISIONS

MINUTES = 4
METHODS = ("direct", "post")
"""Plain layers, and spectral layers in which both λ and φ train."""


def run(rounds: int = 3, quick: bool = False) -> list[dict[str, Any]]:
    """Measure 1 and 3 hidden layers; one row per network and method."""
    return every_network(plain_references, rounds, quick)


def every_network(
    references: Callable[[TrainStep], Mapping[str, Callable[[], Any]]], rounds: int, quick: bool
) -> list[dict[str, Any]]:
    """Race every network and method against what trains it otherwise."""
    what, rows = problem(quick), []
    for depth in (1, 3):
        for method in METHODS:
            how = EVERY[method]
            make = partial(training, what, method, depth)
            network = name_of(make(), what)
            case = {"network": network, "layers": how.layers, "trains": how.trains}
            steps = {precision: make(precision=precision) for precision in PRECISIONS}
            label = f"{network}, {method}"
            rows.append(case | race(references(make()), steps, rounds, label))
    return rows
