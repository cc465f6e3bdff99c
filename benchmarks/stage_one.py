"""Stage 1 of ``pre``, λ alone with one hidden layer, against the plain loop.

The first layer's projection of the images is made once, so a longer training gains more: over the
paper's 100 epochs, which the suite ``figure`` times, the ratio is larger than over these. No large
matrix product is left in its steps: bf16 would change nothing, and fp32 stands alone.
"""

from __future__ import annotations

from typing import Any

from benchmarks.loops import PER_CORE, plain_references, problem, race, training

MINUTES = 2
EPOCHS = 20


def run(rounds: int = 2, quick: bool = False) -> list[dict[str, Any]]:
    """Measure; one row."""
    epochs = 2 if quick else EPOCHS
    step = training(problem(quick), "pre", epochs=epochs)
    reference = {PER_CORE: plain_references(step)[PER_CORE]}
    found = race(reference, {"fp32": step}, rounds, f"{epochs} epochs", warm_up=False)
    return [{"epochs": epochs, "trains": step.trains, **found}]
