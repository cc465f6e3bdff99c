"""The last of 100 epochs, three hidden layers, against the plain loop's last epochs.

Once the training set is fitted, gradients and Adam's moments become denormal numbers, with which
a processor may be several times slower. This project flushes them to zero.

In each process, of one thread, three trainings go forward together: one computes an epoch while
the others wait, and all of them are at the same age when they are compared. A process per core,
each with a seed of its own.
"""

from __future__ import annotations

import tempfile
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import joblib

from benchmarks.loops import name_of, ours, plain, problem, training
from benchmarks.measure import epoch_by_epoch, ratios, side_by_side, spread
from spectral_core.paper.run.progress import Tally, progress_bar

MINUTES = 20  # more where denormal numbers are slow
EPOCHS, LAST = 100, 20
CONTESTANTS = {"DataLoader": plain, "fp32": ours, "bf16": ours}

Times = dict[str, list[float]]
"""Seconds of each epoch, by contestant."""


def run(rounds: int = 1, quick: bool = False) -> list[dict[str, Any]]:
    """Measure; one row, its ratios over the last epochs of every seed.

    Args:
        rounds: seeds per core.
        quick: tiny, to see that it runs.
    """
    epochs, last = (4, 2) if quick else (EPOCHS, LAST)
    cores = joblib.cpu_count()
    seeds: list[Times] = []
    work = 100 * epochs * len(CONTESTANTS) * rounds * cores
    with (
        tempfile.TemporaryDirectory() as folder,
        progress_bar(work, not quick, Path(folder)) as (tally, _),
    ):
        for first in range(0, rounds * cores, cores):
            calls = [(first + core, epochs, quick, tally) for core in range(cores)]
            seeds += side_by_side(one_seed, calls)
    late = {name: list(chain(*(times[name][-last:] for times in seeds))) for name in CONTESTANTS}
    return [
        {
            "network": name_of(training(problem(quick), depth=3), problem(quick)),
            "epochs": epochs,
            "last": last,
            "seeds": len(seeds),
            "seconds_of_epochs": {name: [times[name] for times in seeds] for name in CONTESTANTS},
            "seconds_of_last": {name: spread(times) for name, times in late.items()},
            "fp32_faster_by": ratios(late, "DataLoader", "fp32"),
            "bf16_faster_by": ratios(late, "DataLoader", "bf16"),
        }
    ]


def one_seed(seed: int, epochs: int, quick: bool, tally: Tally) -> Times:
    """Train one seed in every way at once."""

    def counted(name: str, on_epoch: Any) -> None:
        precision = "bf16" if name == "bf16" else "fp32"
        step = training(problem(quick), "post", 3, epochs=epochs, precision=precision, seed=seed)

        def count(*done: Any) -> None:
            tally.add(str(seed), 100)
            on_epoch(*done)

        CONTESTANTS[name](step, 1, count)

    return epoch_by_epoch({name: partial(counted, name) for name in CONTESTANTS})
