"""Accuracy against nodes on Fashion-MNIST, by this package and by other tools."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.loops import problem
from benchmarks.measure import Skipped
from benchmarks.other_tools import accuracy_against_nodes, to_rows
from spectral_core.layers.networks import hidden_label

MINUTES = 8
KEEP = (1.0, 0.5, 0.3, 0.2, 0.1, 0.05)


def run(rounds: int = 2, quick: bool = False) -> list[dict[str, Any]]:
    """Measure one and three hidden layers; one row per network, way and share of nodes kept.

    Args:
        rounds: seeds of each training.
        quick: whether to use the tiny problem.

    Raises:
        Skipped: without the extra [torch-pruning].
    """
    torch.set_num_threads(1)
    what, rows = problem(quick), []
    for depth in (1, 3):
        hidden = (what.width,) * depth
        try:
            measured = accuracy_against_nodes(
                what.dataset, hidden, epochs=1 if quick else 20, seeds=rounds, keep=KEEP
            )
        except ModuleNotFoundError as error:
            raise Skipped(str(error)) from error
        rows += [{"hidden": hidden_label(hidden), **row} for row in to_rows(measured)]
    return rows
