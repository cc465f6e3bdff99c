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
from filelock import Timeout

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

    phases = [
        ("training", _train, _longest_first([(step,) for step in networks])),
        ("pruning", _cut, _longest_first(_jobs(missing))),
    ]
    total = sum(step.cost for step in [*networks, *missing])
    steps_run = 0
    with (
        progress_bar(total, shown=progress and bool(missing)) as (tally, bar),
        joblib.parallel_config("loky", n_jobs=workers, inner_max_num_threads=1),
    ):
        for phase, work, jobs in phases:
            # First what no other run is busy with; then wait for what they were busy with.
            for wait in (False, True):
                show_running(bar, f"{phase} 0/{len(jobs)}")
                running = joblib.Parallel(return_as="generator_unordered", batch_size=1)(
                    joblib.delayed(work)(job, store, device, data_dir, tally, wait) for job in jobs
                )
                busy = []
                for done, (run_here, left) in enumerate(running, start=1):
                    steps_run += run_here
                    busy += [left] if left else []
                    show_running(bar, f"{phase} {done}/{len(jobs)}")
                jobs = busy
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


Job = tuple[Any, ...]
"""Steps that one process runs in one go: a training, or cuts of one network."""


def _jobs(cuts: Sequence[CutStep]) -> list[Job]:
    """Cuts to run in one go: those of one network together if none of them retrains."""
    groups = groupby(cuts, key=lambda cut: (cut.trained, cut.score, cut.retrains is None))
    jobs: list[Job] = []
    for (_, _, without_retraining), group in groups:
        jobs += [tuple(group)] if without_retraining else [(cut,) for cut in group]
    return jobs


def _longest_first(jobs: list[Job]) -> list[Job]:
    return sorted(jobs, key=lambda job: -sum(step.cost for step in job))


def _train(
    job: Job, store: Store, device: str, data_dir: Path | None, tally: Tally, wait: bool
) -> tuple[int, Job]:
    """Train the network of a job."""

    def train(step: TrainStep) -> None:
        data = load(step.dataset, data_dir)
        start = time.perf_counter()
        network, history = run_train(step, data, device, on_epoch=lambda *_: tally.add(100))
        result = {"training_loss": history}
        store.save(step, result, made(time.perf_counter() - start, device), network)

    return _run_missing(job, store, tally, wait, train)


def _cut(
    job: Job, store: Store, device: str, data_dir: Path | None, tally: Tally, wait: bool
) -> tuple[int, Job]:
    """Make the cuts of a job, all of one network."""
    trained = job[0].trained
    data = load(trained.dataset, data_dir)
    network = initial_network(trained, data, torch.Generator())
    store.load_network(trained, network).to(device)

    def cut(step: CutStep) -> None:
        tally.add(1)
        start = time.perf_counter()
        result = run_cut(
            step, network, data, device, on_epoch=lambda *_: tally.add(step.epoch_cost)
        )
        store.save(step, result, made(time.perf_counter() - start, device))

    return _run_missing(job, store, tally, wait, cut)


def _run_missing(
    job: Job, store: Store, tally: Tally, wait: bool, run: Callable[[Any], None]
) -> tuple[int, Job]:
    """Run the steps of a job that are not stored by now, each under its lock, on one thread.

    Returns:
        The number of steps run, and the steps left out because another run is busy with them.
    """
    steps_run, busy = 0, []
    with single_thread():
        for step in job:
            try:
                with store.lock(step, wait):
                    if step in store:  # another run has just done it
                        tally.add(step.cost)
                    else:
                        run(step)
                        steps_run += 1
            except Timeout:
                busy.append(step)
    return steps_run, tuple(busy)


@contextmanager
def single_thread() -> Iterator[None]:
    """Let torch compute on one thread, which makes its sums independent of the machine's cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
