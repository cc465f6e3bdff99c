"""Learning rate and number of epochs, chosen by images held out of the training set (Appendix D).

The test set is not looked at. One network per method and learning rate is trained, for the largest
number of epochs: as the learning rate is constant, what it is after fewer epochs is what a shorter
training would have given.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import joblib
import torch
from tqdm import tqdm

from spectral_core import _checks
from spectral_core._files import write_whole
from spectral_core.data import Dataset, load
from spectral_core.paper import paths
from spectral_core.paper.run.provenance import made
from spectral_core.paper.study.methods import STRATEGIES
from spectral_core.paper.study.panels import Panel, Recipe
from spectral_core.paper.study.planning import Study, cut_step
from spectral_core.paper.study.steps import (
    initial_network,
    run_cut,
    training_examples,
    training_settings,
)
from spectral_core.training.loop import single_thread, train

LEARNING_RATES = (1e-4, 1e-3)
EPOCHS = (20, 40, 60)
SEED = 0
"""Of the networks, and of which images are held out."""


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


def held_out_accuracies(
    panel: Panel,
    recipe: Recipe,
    method: str,
    learning_rate: float,
    epochs: Sequence[int],
    data: Dataset,
) -> dict[int, float]:
    """Accuracy of a method's uncut network on held-out images, by epochs of its training.

    Where the method retrains, stage 2 takes as many epochs as stage 1, and it counts what comes
    out of stage 2.

    Args:
        panel: the network.
        recipe: everything about the training but learning rate and epochs; what the panel sets for
            the method by itself goes before it.
        method: name out of :data:`~spectral_core.paper.study.methods.STRATEGIES`.
        learning_rate: Adam's step size.
        epochs: whole numbers of at least 1.
        data: as :func:`hold_out_tenth` returns it.
    """
    own = panel.recipe_by_method.get(method, {})
    recipe = dataclasses.replace(
        recipe, **{**own, "learning_rate": learning_rate, "epochs": max(epochs)}
    )
    found = {}

    def measure(epoch: int, _: float) -> None:
        if epoch in epochs:
            own = dataclasses.replace(recipe, epochs=epoch, retraining_epochs=epoch)
            cut = cut_step(panel, own, method, SEED, percentile=0)
            found[epoch] = run_cut(cut, network, data)["accuracy"]

    step = cut_step(panel, recipe, method, SEED, percentile=0).trained
    generator = torch.Generator().manual_seed(SEED)
    network = initial_network(step, data, generator)
    inputs, targets = training_examples(step, data, "cpu")
    settings = training_settings(step)
    train(network, inputs, targets, **settings, generator=generator, on_epoch=measure)
    return found


def choose(
    panel: Panel,
    recipe: Recipe,
    *,
    learning_rates: Sequence[float] = LEARNING_RATES,
    epochs: Sequence[int] = EPOCHS,
    workers: int = 1,
    data_dir: Path | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Choose learning rate and epochs for each method of a panel.

    Args:
        panel: data set, network and methods.
        recipe: everything about the training but learning rate and epochs, for all methods.
        learning_rates, epochs: what there is to choose from.
        workers: processes side by side, each on one thread.
        data_dir: where data sets are kept; the user's cache if ``None``.
        progress: whether to show a bar on standard error.

    Returns:
        Plain JSON data: ``inputs``, ``activation`` and ``hidden`` of the panel, ``seed``,
        ``precision``, ``held_out`` (number of images), ``accuracies`` (of method, learning rate and
        epochs), ``chosen`` (``learning_rate`` and ``epochs`` of each method) and ``made``.

    Raises:
        TypeError, ValueError: if an argument is out of range, or no method removes nodes.
    """
    rates = _checks.numbers("learning_rates", learning_rates, 0, float("inf"))
    epochs = _checks.whole_numbers("epochs", epochs, least=1)
    _checks.whole_number("workers", workers, least=1)
    start = time.perf_counter()
    # Methods that differ only in what a cut removes have the same uncut network.
    methods = [name for name in panel.methods if STRATEGIES[name].removes == "nodes"]
    if not methods:
        raise ValueError(
            "methods must have one that removes nodes, such as direct; "
            f"got {', '.join(panel.methods)}"
        )
    held = len(hold_out_tenth(load(panel.inputs, data_dir)).test_targets)
    pairs = [(method, rate) for method in methods for rate in rates]
    jobs = [(panel, recipe, method, rate, epochs, data_dir) for method, rate in pairs]
    accuracies: dict[str, dict[str, dict[str, float]]] = {}
    for (method, rate), found in zip(pairs, side_by_side(_in_worker, jobs, workers, progress)):
        named = {str(epoch): accuracy for epoch, accuracy in found.items()}
        accuracies.setdefault(method, {})[f"{rate:g}"] = named
    return {
        "inputs": panel.inputs,
        "activation": panel.activation,
        "hidden": list(panel.hidden),
        "seed": SEED,
        "precision": recipe.precision,
        "held_out": held,
        "accuracies": accuracies,
        "chosen": {method: best(found) for method, found in accuracies.items()},
        "made": made(time.perf_counter() - start, "cpu"),
    }


def best(accuracies: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Learning rate and epochs of the highest accuracy; of equal ones, the fewest epochs.

    Args:
        accuracies: by learning rate, then by epochs, both as text.
    """
    _, epochs, rate = max(
        (accuracy, -int(epochs), float(rate))
        for rate, row in accuracies.items()
        for epochs, accuracy in row.items()
    )
    return {"learning_rate": rate, "epochs": -epochs}


def record(
    study: Study,
    by: Callable[..., dict[str, Any]] = choose,
    suffix: str = "",
    folder: Path | None = None,
    **options: Any,
) -> list[Path]:
    """Choose for each panel of a study, and write down what was measured.

    Args:
        study: its panels are the ones.
        by: what chooses, from a panel and its recipe.
        suffix: of the files' names, behind that of the panel.
        folder: where they go; ``results/choices`` if ``None``.
        options: of ``by``.

    Returns:
        The files written, a JSON file per panel.
    """
    files = []
    for panel in study.panels:
        found = by(panel, study.recipe_of(panel), **options)
        file = (folder or paths.choices()) / f"{panel.name}{suffix}.json"
        text = json.dumps(found, indent=2) + "\n"
        write_whole(file, lambda aside, text=text: aside.write_text(text, encoding="utf-8"))
        files.append(file)
    return files


def side_by_side(
    work: Callable[..., Any], jobs: Sequence[tuple[Any, ...]], workers: int, progress: bool
) -> Iterator[Any]:
    """What some work gives for each job, in order, as it is done.

    Args:
        work: function of a job's items.
        jobs: arguments, a tuple each.
        workers: processes side by side, at least 1.
        progress: whether to show a bar on standard error.
    """
    parallel = joblib.Parallel(n_jobs=workers, return_as="generator", batch_size=1)
    results = parallel(joblib.delayed(work)(*job) for job in jobs)
    yield from tqdm(results, "choosing", total=len(jobs), unit=" trainings", disable=not progress)


def _in_worker(
    panel: Panel,
    recipe: Recipe,
    method: str,
    learning_rate: float,
    epochs: Sequence[int],
    data_dir: Path | None,
) -> dict[int, float]:
    with single_thread():
        data = hold_out_tenth(load(panel.inputs, data_dir))
        return held_out_accuracies(panel, recipe, method, learning_rate, epochs, data)
