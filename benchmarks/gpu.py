"""All twelve panels of Figs. 3, 4 and 6 to 9, as written, at the paper's settings, on one GPU.

An empty store is filled from beginning to end, as ``spectral-core compute`` does, start and
recording of CUDA graphs included.
"""

from __future__ import annotations

import tempfile
from typing import Any

import torch

from benchmarks.measure import Skipped, in_turns, spread
from spectral_core.study.compute import compute
from spectral_core.study.planning import plan
from spectral_core.study.store import Store

MINUTES = 5
FIGURES = ("fig03", "fig04", "fig06", "fig07", "fig08", "fig09")


def run(rounds: int = 1, quick: bool = False) -> list[dict[str, Any]]:
    """Measure; one row.

    Raises:
        Skipped: if torch sees no CUDA device.
    """
    if not torch.cuda.is_available():
        raise Skipped("It needs a CUDA device, and torch sees none.")
    studies = [plan(name, "smoke" if quick else "paper") for name in FIGURES]
    cuts = [cut for study in studies for cut in study.steps()]

    def fill() -> None:
        with tempfile.TemporaryDirectory() as folder:
            compute(cuts, Store(folder), device="cuda", progress=not quick)

    times = in_turns({"panels": fill}, rounds, "gpu", warm_up=False)["panels"]
    return [
        {
            "panels": sum(len(study.panels) for study in studies),
            "minutes": spread([seconds / 60 for seconds in times]),
            "gpu": torch.cuda.get_device_name(),
        }
    ]
