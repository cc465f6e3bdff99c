"""What it takes to import the package, against importing torch alone."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import Any

from benchmarks.measure import in_turns, ratios, spread

MINUTES = 2


def run(rounds: int = 15, quick: bool = False) -> list[dict[str, Any]]:
    """Time a fresh Python that imports each, taking turns; one row."""
    modules = ("torch", "spectral_core")
    times = in_turns(
        {module: partial(_import, module) for module in modules},
        1 if quick else rounds,
        "import",
    )
    return [
        {
            **{f"seconds_{module}": spread(times[module]) for module in modules},
            "ratio": ratios(times, "spectral_core", "torch"),
        }
    ]


def _import(module: str) -> None:
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
