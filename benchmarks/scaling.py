"""How the cost grows: with the width and the depth of a network, with seeds and with workers.

A step of training is timed on one thread, over some of the images; seeds and workers by filling an
empty store as a study does, processes' start included.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import partial
from typing import Any

import joblib

from benchmarks.loops import ours, plain, problem, training
from benchmarks.measure import in_turns, spread
from spectral_core.paper.run.compute import compute
from spectral_core.paper.run.store import Store
from spectral_core.paper.study.planning import plan

MINUTES = 3
WIDTHS = (125, 250, 500, 1000, 2000, 4000)
DEPTHS = (1, 2, 3, 4, 5)
SEEDS = (1, 2, 4)
STEPS = 60


def run(rounds: int = 2, quick: bool = False) -> list[dict[str, Any]]:
    """Measure; one row per network and contestant, and per number of seeds and workers."""
    width = problem(quick).width
    networks = [("width", width * each // 500, (width * each // 500,)) for each in WIDTHS]
    networks += [("depth", depth, (width,) * depth) for depth in DEPTHS]
    rows = []
    for grows, value, hidden in networks:
        rows += _step(grows, value, hidden, rounds, quick)
    for seeds in SEEDS:
        rows += _study(seeds, rounds, quick)
    return rows


def _step(
    grows: str, value: int, hidden: Sequence[int], rounds: int, quick: bool
) -> list[dict[str, Any]]:
    """Seconds of a training step by contestant."""
    steps = 2 if quick else STEPS
    make = partial(
        training, problem(quick), "post", len(hidden), width=hidden[0], images=200 * steps
    )
    contestants = {
        "DataLoader": partial(plain, make()),
        "fp32": partial(ours, make(precision="fp32")),
        "bf16": partial(ours, make(precision="bf16")),
    }
    times = in_turns(contestants, rounds, f"{grows} {value}")
    return [
        {
            "grows": grows,
            "value": value,
            "contestant": name,
            "seconds_per_step": spread([each / steps for each in found]),
        }
        for name, found in times.items()
    ]


def _study(seeds: int, rounds: int, quick: bool) -> list[dict[str, Any]]:
    """Seconds that a study of some seeds takes, by number of workers."""
    preset, epochs = ("smoke", 1) if quick else ("quick", 2)
    study = plan("fig03", preset, methods="post", percentiles=0, seeds=seeds, epochs=epochs)

    def fill(workers: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            compute(study.steps(), Store(folder), workers=workers, progress=False)

    workers = {workers: partial(fill, workers) for workers in _powers_of_two(joblib.cpu_count())}
    times = in_turns(workers, rounds, f"{seeds} seeds, workers", warm_up=False)
    return [
        {"grows": "seeds", "value": seeds, "workers": workers, "seconds": spread(found)}
        for workers, found in times.items()
    ]


def _powers_of_two(most: int) -> list[int]:
    """1, 2, 4, … and the number of cores itself."""
    return sorted({2**i for i in range(most.bit_length()) if 2**i <= most} | {most})
