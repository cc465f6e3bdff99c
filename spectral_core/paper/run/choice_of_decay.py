"""Weight α of the stronger variant's L2 term, chosen by images held out of the training set.

It counts what is left of the accuracy after a cut, since that is what the L2 term is for. As with
:mod:`spectral_core.paper.run.choice`, the test set is not looked at.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spectral_core import _checks
from spectral_core.data import load
from spectral_core.paper.run.choice import SEED, hold_out_tenth, side_by_side
from spectral_core.paper.run.provenance import made
from spectral_core.paper.study.panels import Panel, Recipe
from spectral_core.paper.study.planning import cut_step
from spectral_core.paper.study.steps import run_cut, run_train
from spectral_core.paper.study.variations import ingredients
from spectral_core.training.loop import single_thread

METHOD = "stronger"
DECAYS = (1e-5, 1e-4, 1e-3, 1e-2)
CUT = 90.0
"""Percentile at which it is chosen."""


def choose_decay(
    panel: Panel,
    recipe: Recipe,
    *,
    decays: Sequence[float] = DECAYS,
    percentile: float = CUT,
    workers: int = 1,
    data_dir: Path | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Choose α for the method ``stronger`` in the network of a panel.

    Args:
        panel: data set and network.
        recipe: everything about training and cut but what makes the variant stronger.
        decays: what there is to choose from.
        percentile: where the network is cut, in [0, 100].
        workers: processes side by side, each on one thread.
        data_dir: where data sets are kept; the user's cache if ``None``.
        progress: whether to show a bar on standard error.

    Returns:
        Plain JSON data: ``inputs``, ``activation`` and ``hidden`` of the panel, ``seed``,
        ``precision``, ``epochs``, ``retraining_epochs``, ``train_images`` and ``percentile``,
        ``held_out`` (number of images), ``accuracies`` (of method and α), ``chosen`` (``decay`` of
        the method) and ``made``.
    """
    decays = _checks.numbers("decays", decays, 0, float("inf"))
    percentile = _checks.number("percentile", percentile, 0, 100)
    _checks.whole_number("workers", workers, least=1)
    start = time.perf_counter()
    held = len(hold_out_tenth(load(panel.inputs, data_dir)).test_targets)
    recipe = dataclasses.replace(recipe, **ingredients())
    jobs = [
        (panel, dataclasses.replace(recipe, decay=decay), percentile, data_dir) for decay in decays
    ]
    found = dict(zip(decays, side_by_side(_accuracy, jobs, workers, progress)))
    best = max(found, key=lambda decay: (found[decay], -decay))  # of equal ones the smallest
    return {
        "inputs": panel.inputs,
        "activation": panel.activation,
        "hidden": list(panel.hidden),
        "seed": SEED,
        "precision": recipe.precision,
        "epochs": recipe.epochs,
        "retraining_epochs": recipe.retraining_epochs,
        "train_images": recipe.train_images,
        "percentile": percentile,
        "held_out": held,
        "accuracies": {METHOD: {f"{decay:g}": accuracy for decay, accuracy in found.items()}},
        "chosen": {METHOD: {"decay": best}},
        "made": made(time.perf_counter() - start, "cpu"),
    }


def _accuracy(panel: Panel, recipe: Recipe, percentile: float, data_dir: Path | None) -> float:
    """Held-out accuracy of the method after a cut, its retraining included."""
    with single_thread():
        data = hold_out_tenth(load(panel.inputs, data_dir))
        step = cut_step(panel, recipe, METHOD, SEED, percentile)
        network, _ = run_train(step.trained, data)
        return run_cut(step, network, data)["accuracy"]
