"""Fill the store: run the steps that are missing, several at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import joblib
import torch

from spectral_core import _checks
from spectral_core.data import load
from spectral_core.progress import Tally, progress_bar, show_running
from spectral_core.provenance import made
from spectral_core.steps import CutStep, TrainStep, initial_network, run_cut, run_train
from spectral_core.store import Store


def compute(
    cuts: Iterable[CutStep],
    store: Store,
    *,
    workers: int | None = None,
    device: str = "cpu",
    data_dir: Path | None = None,
    progress: bool = True,
) -> int:
    """Run every step that the cuts need and the store lacks.

    Networks are trained first, then cut. A step runs on one thread whatever the number of
    workers, so its numbers don't depend on it. Killed and started again, the run goes on where it
    stopped; two runs at once share the work.

    Args:
        cuts: cuts wanted in the store.
        store: where finished steps are kept.
        workers: processes that run steps side by side, at least 1; all cores if ``None`` on a
            CPU, one process on an accelerator.
        device: torch device that trains.
        data_dir: where data sets are kept; the user's cache if ``None``.
        progress: whether to show a bar on standard error.

    Returns:
        Number of steps run here; not those that another run did meanwhile.

    Raises:
        TypeError, ValueError: if an argument is out of range or the device is not there.
        TrainingDiverged: if a loss becomes NaN or infinite.
        DataNotFoundError: if a data set cannot be had.
    """
    check_device(device)
    if workers is None:
        workers = joblib.cpu_count() if device == "cpu" else 1
    _checks.whole_number("workers", workers, least=1)

    missing = [cut for cut in dict.fromkeys(cuts) if cut not in store]
    networks = [step for step in dict.fromkeys(c.trained for c in missing) if step not in store]
    for name in dict.fromkeys(cut.trained.dataset for cut in missing):
        load(name, data_dir)  # fetched once, here, before the processes need it

    phases: list[tuple[str, Callable[..., int], list[Any]]] = [
        ("training", _train, sorted(networks, key=_longest_first)),
        ("pruning", _cut, sorted(_jobs(missing), key=_longest_first_job)),
    ]
    total = sum(step.cost for step in [*networks, *missing])
    steps_run = 0
    with (
        progress_bar(total, shown=progress and bool(missing)) as (tally, bar),
        joblib.parallel_config("loky", n_jobs=workers, inner_max_num_threads=1),
    ):
        for phase, work, jobs in phases:
            show_running(bar, f"{phase} 0/{len(jobs)}")
            running = joblib.Parallel(return_as="generator_unordered", batch_size=1)(
                joblib.delayed(work)(job, store, device, data_dir, tally) for job in jobs
            )
            for done, run_here in enumerate(running, start=1):
                steps_run += run_here
                show_running(bar, f"{phase} {done}/{len(jobs)}")
    return steps_run


def check_device(device: str) -> None:
    """Raise ``TypeError`` or ``ValueError`` unless torch can compute on the device."""
    if not isinstance(device, str):
        raise TypeError(f"device must be a name such as 'cpu'; got {device!r}")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"device must be one that torch can use here, such as 'cpu'; got {device!r} ({error})"
        ) from error


def _jobs(cuts: Sequence[CutStep]) -> list[tuple[CutStep, ...]]:
    """Cuts to run in one go: those of one network together if none of them retrains."""
    groups = groupby(cuts, key=lambda cut: (cut.trained, cut.score, cut.retrains is None))
    jobs: list[tuple[CutStep, ...]] = []
    for (_, _, without_retraining), group in groups:
        jobs += [tuple(group)] if without_retraining else [(cut,) for cut in group]
    return jobs


def _longest_first(step: TrainStep | CutStep) -> int:
    return -step.cost


def _longest_first_job(job: Sequence[CutStep]) -> int:
    return -sum(cut.cost for cut in job)


def _train(step: TrainStep, store: Store, device: str, data_dir: Path | None, tally: Tally) -> int:
    """Train a network unless it is stored by now; return the number of steps run, 0 or 1."""
    with single_thread(), store.lock(step):
        if step in store:  # another run has just done it
            tally.add(step.cost)
            return 0
        data = load(step.dataset, data_dir)
        start = time.perf_counter()
        network, history = run_train(step, data, device, on_epoch=lambda *_: tally.add(100))
        result = {"training_loss": history}
        store.save(step, result, made(time.perf_counter() - start, device), network)
        return 1


def _cut(
    cuts: Sequence[CutStep], store: Store, device: str, data_dir: Path | None, tally: Tally
) -> int:
    """Run the cuts of one network that are not stored by now; return how many were run."""
    steps_run = 0
    with single_thread():
        trained = cuts[0].trained
        data = load(trained.dataset, data_dir)
        network = store.load_network(trained, initial_network(trained, data, torch.Generator())).to(
            device
        )
        for step in cuts:
            with store.lock(step):
                if step in store:
                    tally.add(step.cost)
                    continue
                tally.add(1)
                start = time.perf_counter()
                result = run_cut(
                    step, network, data, device, on_epoch=lambda *_: tally.add(cuts[0].epoch_cost)
                )
                store.save(step, result, made(time.perf_counter() - start, device))
                steps_run += 1
    return steps_run


@contextmanager
def single_thread() -> Iterator[None]:
    """Let torch compute on one thread, which makes its sums independent of the machine's cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
