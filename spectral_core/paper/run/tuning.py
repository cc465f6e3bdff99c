"""Settings chosen by images held out of the training set (Appendix D); the test set is not used."""

from __future__ import annotations

import dataclasses
import itertools
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import torch
from tqdm import tqdm

from spectral_core import _checks
from spectral_core._files import write_whole
from spectral_core.data import Dataset, load
from spectral_core.paper import paths
from spectral_core.paper.run.provenance import made
from spectral_core.paper.run.work import run_cut, run_train
from spectral_core.paper.study.figures import Panel
from spectral_core.paper.study.methods import METHODS
from spectral_core.paper.study.planning import Study
from spectral_core.paper.study.settings import Settings
from spectral_core.paper.study.steps import cut_step
from spectral_core.training.loop import single_thread

SEED = 0
"""Of the networks, and of which images are held out."""


class Tuning(NamedTuple):
    """What is chosen: a grid of settings, and where the network is measured."""

    grid: Mapping[str, Sequence[float]]
    """Values of each setting that is chosen. With epochs, stage 2 has as many as stage 1."""
    percentile: float = 0.0
    """Pruning level at which accuracy counts, stage 2 included where a method retrains."""
    method: str = ""
    """The method that it is for; ``""`` for all of a panel that remove nodes."""


TUNINGS: dict[str, Tuning] = {
    "training": Tuning({"learning_rate": (1e-4, 1e-3), "epochs": (20, 40, 60)}),
    "decay": Tuning({"decay": (1e-5, 1e-4, 1e-3, 1e-2)}, percentile=90.0, method="stronger"),
}
"""Tunings by name: of Figs. 10 and 11, and of the stronger variant's L2 term."""


def hold_out_tenth(data: Dataset, seed: int = SEED) -> Dataset:
    """A data set whose test set is a tenth of the training set, and whose training set is the rest.

    Args:
        data: at least two training images; its own test set is left out.
        seed: of the order from which the tenth is taken.
    """
    n = len(data.train_targets)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    held, left = order[: max(1, n // 10)], order[max(1, n // 10) :]
    return dataclasses.replace(
        data,
        train_inputs=data.train_inputs[left],
        train_targets=data.train_targets[left],
        test_inputs=data.train_inputs[held],
        test_targets=data.train_targets[held],
    )


def held_out_accuracy(settings: Settings, method: str, percentile: float, data: Dataset) -> float:
    """Accuracy of a method on held-out images, in [0, 1], after pruning at a percentile.

    Args:
        settings: of the network.
        method: key of :data:`~spectral_core.paper.study.methods.METHODS`.
        percentile: in [0, 100].
        data: as :func:`hold_out_tenth` returns it.
    """
    step = cut_step(settings, method, SEED, percentile)
    network, _ = run_train(step.trained, data)
    return run_cut(step, network, data)["accuracy"]


def choose(
    panel: Panel,
    tuning: Tuning,
    *,
    workers: int = 1,
    progress: bool = True,
) -> dict[str, Any]:
    """Choose settings for methods of a panel.

    Args:
        panel: data set, network and methods, with all other settings.
        tuning: what is chosen.
        workers: processes side by side, each on one thread.
        progress: whether to show a bar on standard error.

    Returns:
        Plain JSON data: the settings of the panel; ``held_out`` (number of images), ``accuracies``
        (by method, then by the value of each setting in the order of the grid), ``chosen``
        (settings of each method) and ``made``.

    Raises:
        TypeError, ValueError: if an argument is out of range, or no method removes nodes.
    """
    _checks.whole_number("workers", workers, least=1)
    start = time.perf_counter()
    # Methods that differ only in what they remove have the same unpruned network.
    methods = [name for name in panel.methods if METHODS[name].removes == "nodes"]
    methods = [name for name in methods if tuning.method in ("", name)]
    if not methods:
        raise ValueError(
            f"methods must have {tuning.method or 'one that removes nodes, such as direct'}; "
            f"got {', '.join(panel.methods)}"
        )
    held = len(hold_out_tenth(load(panel.base.inputs)).test_targets)
    accuracies, chosen = _over_grid(panel, tuning, methods, workers, progress)
    return {
        "inputs": panel.base.inputs,
        **{name: getattr(panel.base, name) for name in _RECORDED},
        "hidden": list(panel.hidden),
        "seed": SEED,
        "percentile": tuning.percentile,
        "held_out": held,
        "accuracies": accuracies,
        "chosen": chosen,
        "made": made(time.perf_counter() - start, "cpu"),
    }


def _over_grid(
    panel: Panel, tuning: Tuning, methods: Sequence[str], workers: int, progress: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Accuracy of each method at each point of the grid, and the best point of each method."""
    points = [dict(zip(tuning.grid, values)) for values in itertools.product(*tuning.grid.values())]
    pairs = [(method, point) for method in methods for point in points]
    parallel = joblib.Parallel(n_jobs=workers, return_as="generator", batch_size=1)
    results = parallel(
        joblib.delayed(_in_worker)(
            replace(panel.settings[method], **_with_stage_two(point)), method, tuning.percentile
        )
        for method, point in pairs
    )
    bar = tqdm(results, "choosing", total=len(pairs), unit=" networks", disable=not progress)
    accuracies: dict[str, Any] = {}
    best: dict[str, tuple[Any, ...]] = {}
    for (method, point), accuracy in zip(pairs, bar):
        rows = accuracies.setdefault(method, {})
        *outer, last = (f"{value:g}" for value in point.values())
        for value in outer:
            rows = rows.setdefault(value, {})
        rows[last] = accuracy
        # Of equally accurate ones the smallest, the last setting first: the fewest epochs.
        rank = (accuracy, *(-value for value in reversed(point.values())))
        best[method] = max(best.get(method, (rank, point)), (rank, point), key=lambda x: x[0])
    return accuracies, {method: point for method, (_, point) in best.items()}


_RECORDED = ("activation", "precision", "epochs", "retraining_epochs", "train_images")


def record(
    study: Study, name: str, folder: Path | None = None, **options: Any
) -> list[tuple[Path, dict[str, Any]]]:
    """Choose settings for each panel of a study, and write down what was measured.

    Args:
        study: its panels are the ones.
        name: out of :data:`TUNINGS`.
        folder: where the records go; ``results/choices`` if ``None``.
        options: of :func:`choose`.

    Returns:
        The files written, a JSON file per panel, each with what was chosen.
    """
    tuning = TUNINGS[_checks.choice("setting", name, TUNINGS)]
    files = []
    for panel in study.panels:
        made = choose(panel, tuning, **options)
        ending = f"-{name}" if tuning.method else ""
        file = (folder or paths.choices()) / f"{panel.name}{ending}.json"
        text = json.dumps(made, indent=2) + "\n"
        write_whole(file, lambda aside, text=text: aside.write_text(text, encoding="utf-8"))
        files.append((file, made["chosen"]))
    return files


def recorded(panel: Panel) -> dict[str, Any] | None:
    """The record in ``results/choices`` that settings of a panel come from; ``None`` if there is
    none. A panel of another data set may have them, too."""
    for file in sorted(paths.choices().glob("[!.]*.json")):
        record = json.loads(file.read_text(encoding="utf-8"))
        if record["chosen"] and all(
            method in panel.settings and _has(panel.settings[method], chosen, record)
            for method, chosen in record["chosen"].items()
        ):
            return record
    return None


def _has(settings: Settings, chosen: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Whether settings are as a record has chosen them; a weight α is one for all widths."""
    if "decay" not in chosen and list(settings.hidden) != record["hidden"]:
        return False
    return all(getattr(settings, name) == value for name, value in chosen.items())


def _with_stage_two(point: Mapping[str, float]) -> dict[str, float]:
    return {**point, "retraining_epochs": point["epochs"]} if "epochs" in point else dict(point)


def _in_worker(settings: Settings, method: str, percentile: float) -> float:
    with single_thread():
        data = hold_out_tenth(load(settings.inputs))
        return held_out_accuracy(settings, method, percentile, data)
