"""Stage 1 of ``pre``, λ alone with one hidden layer, over as many epochs as one really trains.

The first layer's projection of the images is made once, so a longer training gains more. No large
matrix product is left in its steps: bf16 would change nothing, and fp32 stands alone.
"""

from __future__ import annotations

from typing import Any

from benchmarks.loops import PER_CORE, plain_references, problem, race, training

MINUTES = 11
EPOCHS = (20, 100)


def run(rounds: int = 3, quick: bool = False) -> list[dict[str, Any]]:
    """Measure 20 epochs, and 100 in fewer rounds; one row each."""
    short, long = (1, 2) if quick else EPOCHS
    few = max(1, rounds - 1)
    return [_race(short, rounds, True, quick), _race(long, few, False, quick)]


def _race(epochs: int, rounds: int, warm_up: bool, quick: bool) -> dict[str, Any]:
    step = training(problem(quick), "pre", epochs=epochs)
    reference = {PER_CORE: plain_references(step)[PER_CORE]}
    found = race(reference, {"fp32": step}, rounds, f"{epochs} epochs", warm_up)
    return {"epochs": epochs, "trains": step.trains, **found}
