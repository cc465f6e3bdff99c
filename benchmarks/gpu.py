"""How long one GPU takes for the paper's figures, and how many processes should share it.

All twelve panels of Figs. 3, 4 and 6 to 9, text settings, at the preset paper: an empty store is
filled from beginning to end, as ``spectral-core compute`` does, start of the processes and
recording of CUDA graphs included. Before that Fig. 6 with few epochs, by one process and by many,
which NVIDIA's Multi-Process Service lets compute side by side where it runs.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.measure import Skipped, in_turns, spread
from spectral_core.paper.run.compute import compute
from spectral_core.paper.run.store import Store
from spectral_core.paper.study.planning import Study, plan

MINUTES = 6
FIGURES = ("fig03", "fig04", "fig06", "fig07", "fig08", "fig09")
PROCESSES = 12
PIPES = "CUDA_MPS_PIPE_DIRECTORY"


def run(rounds: int = 1, quick: bool = False) -> list[dict[str, Any]]:
    """Measure; a row for the few epochs by one process, by many, and for all panels."""
    if not torch.cuda.is_available():
        raise Skipped("It needs a CUDA device, and torch sees none.")
    preset = "smoke" if quick else "paper"
    few = [plan("fig06", preset, epochs=3, retraining_epochs=1)]
    every = [plan(name, preset) for name in FIGURES]
    where = {"mps": Path(os.environ.get(PIPES, "/tmp/nvidia-mps")).exists()}
    where |= {"gpu": torch.cuda.get_device_name()}
    by_processes = {str(n): _filling(few, n) for n in (1, PROCESSES)}
    rows = [
        {"part": "Fig. 6, 3 epochs", "processes": int(n), **where, "seconds": spread(seconds)}
        for n, seconds in in_turns(by_processes, rounds, "gpu, processes").items()
    ]
    panels = f"{sum(len(study.panels) for study in every)} panels"
    fill = {panels: _filling(every, PROCESSES)}
    times = in_turns(fill, rounds, "gpu", warm_up=False)[panels]
    return [*rows, {"part": panels, "processes": PROCESSES, **where, "seconds": spread(times)}]


def _filling(studies: list[Study], processes: int) -> Callable[[], None]:
    cuts = [cut for study in studies for cut in study.steps()]

    def fill() -> None:
        with tempfile.TemporaryDirectory() as folder:
            compute(cuts, Store(folder), device="cuda", workers=processes, progress=False)

    return fill
