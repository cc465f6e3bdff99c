"""The two ways to train that race: a tutorial's loop over a DataLoader, and this project's."""

from collections.abc import Callable, Mapping
from functools import partial
from statistics import median
from typing import Any, NamedTuple

import joblib
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.measure import in_turns, ratios, side_by_side
from spectral_core.data import load
from spectral_core.paper.run.work import initial_network, run_train, training_examples
from spectral_core.paper.study.settings import Settings
from spectral_core.paper.study.steps import TrainStep, cut_step
from spectral_core.training.loop import OnEpoch


class Problem(NamedTuple):
    """What is learnt, and how wide the networks are."""

    dataset: str
    inputs: int
    """Pixels of an image."""
    width: int
    """Nodes of a hidden layer."""
    images: int | None = None
    """Images to train on; ``None`` for all."""


PAPER = Problem("fashion-mnist", 784, 500)
TINY = Problem("digits", 64, 16, 400)
"""Seconds for every suite: shows that it runs, and nothing else."""


def problem(quick: bool) -> Problem:
    """The paper's problem, or the tiny one."""
    return TINY if quick else PAPER


def training(
    problem: Problem,
    method: str = "post",
    depth: int = 1,
    *,
    epochs: int = 1,
    precision: str = "fp32",
    images: int | None = None,
) -> TrainStep:
    """A method's first training, at the paper's settings but for what is given, on the problem's
    images or the first so many; the plain loop computes in fp32 whatever the precision is."""
    settings = Settings(
        problem.dataset,
        hidden=(problem.width,) * depth,
        epochs=epochs,
        precision=precision,
        train_images=images or problem.images,
    )
    return cut_step(settings, method, 0, 0.0).trained


def name_of(step: TrainStep, problem: Problem) -> str:
    """``784-500-10``: nodes of each layer."""
    return "-".join(map(str, (problem.inputs, *step.hidden, 10)))


def ours(step: TrainStep) -> nn.Sequential:
    """Train as the study does, on one thread."""
    torch.set_num_threads(1)
    return run_train(step, load(step.dataset))[0]


def plain(step: TrainStep, threads: int = 1) -> nn.Sequential:
    """The same by the plain loop."""
    torch.set_num_threads(threads)
    data = load(step.dataset)
    generator = torch.Generator().manual_seed(step.seed)
    network = initial_network(step, data, generator)
    inputs, targets = training_examples(step, data)
    plain_loop(network, inputs, targets, step, step.epochs, generator)
    return network


def plain_loop(
    network: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    step: TrainStep,
    epochs: int,
    generator: torch.Generator,
    on_epoch: OnEpoch | None = None,
) -> None:
    """The loop of any tutorial: modules, DataLoader, Adam."""
    torch.set_flush_denormal(False)  # as torch starts
    examples = DataLoader(
        TensorDataset(inputs, targets),
        batch_size=step.batch_size,
        shuffle=True,
        generator=generator,
    )
    trained = [p for p in network.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(trained, lr=step.learning_rate)
    for epoch in range(1, epochs + 1):
        for x, y in examples:
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(network(x), y)
            loss.backward()
            optimiser.step()
        if on_epoch is not None:
            on_epoch(epoch, loss.item())


def race(
    references: Mapping[str, Callable[[], Any]],
    steps: Mapping[str, TrainStep],
    rounds: int,
    label: str,
) -> dict[str, Any]:
    """Our trainings at each precision, a process per core, against the fastest of some references,
    each of which makes as many trainings.

    Returns ``seconds_per_epoch`` of the whole machine, the median for each; ``reference``, the
    fastest; ``fp32_faster_by`` and so on, against it.
    """
    cores = joblib.cpu_count()
    epochs = next(iter(steps.values())).epochs
    runs = {
        precision: partial(side_by_side, ours, [(step,)] * cores)
        for precision, step in steps.items()
    }
    times = in_turns({**references, **runs}, rounds, label)
    seconds = {name: median(found) for name, found in times.items()}
    best = min(references, key=seconds.__getitem__)
    return {
        "seconds_per_epoch": {name: each / (cores * epochs) for name, each in seconds.items()},
        "reference": best,
        **{f"{precision}_faster_by": ratios(times, best, precision) for precision in steps},
    }


def plain_references(step: TrainStep) -> dict[str, Callable[[], Any]]:
    """The plain loop in its two ways to use a machine: one process, or a process per core."""
    cores = joblib.cpu_count()
    return {
        "DataLoader, one process": lambda: [plain(step, cores) for _ in range(cores)],
        "DataLoader, a process per core": partial(side_by_side, plain, [(step,)] * cores),
    }
