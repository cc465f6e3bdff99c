"""What pruning buys: time per image of each published network, unpruned and pruned.

The weights don't matter to the time, so the networks are new ones of the published widths.
"""

from typing import Any

import torch
from torch.utils.benchmark import Timer
from tqdm import tqdm

from benchmarks.measure import spread
from spectral_core import direct_mlp
from spectral_core.layers.networks import hidden_widths
from spectral_core.paper.questions import compression

MINUTES = 8
INPUTS, CLASSES = 784, 10
"""Of MNIST and Fashion-MNIST."""


def run(rounds: int = 3, quick: bool = False) -> list[dict[str, Any]]:
    """Measure at each batch size, on one thread; one row per network and batch.

    The networks take turns within a round. Times are microseconds per image.
    """
    torch.set_num_threads(1)
    points = compression.points()
    pairs = set(zip(points["activation"], points["kept"]))
    widest_first = sorted(pairs, key=lambda pair: (pair[0], [-n for n in hidden_widths(pair[1])]))
    cases = [
        (activation, kept, batch)
        for activation, kept in widest_first[:: 50 if quick else 1]
        for batch in compression.BATCHES
    ]
    found: dict[tuple[str, str, int], list[float]] = {case: [] for case in cases}
    with tqdm(total=rounds * len(cases), leave=False, disable=None, unit="network") as bar:
        for _ in range(rounds):
            for case in cases:
                found[case].append(_microseconds(*case, least_seconds=0.01 if quick else 0.2))
                bar.update()
    return [
        {"activation": activation, "kept": kept, "batch": batch, "microseconds": spread(times)}
        for (activation, kept, batch), times in found.items()
    ]


def _microseconds(activation: str, kept: str, batch: int, least_seconds: float) -> float:
    """Time per image of a network of these widths."""
    network = direct_mlp((INPUTS, *hidden_widths(kept), CLASSES), activation)
    names = {"network": network, "images": torch.rand(batch, INPUTS)}
    with torch.inference_mode():
        timer = Timer("network(images)", globals=names)
        return 1e6 * timer.blocked_autorange(min_run_time=least_seconds).median / batch
