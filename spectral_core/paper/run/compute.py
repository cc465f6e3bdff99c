"""Fill the store: run the steps that are missing, several at a time."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import torch
from filelock import Timeout

from spectral_core.data import load
from spectral_core.paper.run.backends import check_backend, open_backend
from spectral_core.paper.run.batching import cut_together, groups, parts, train_together
from spectral_core.paper.run.progress import Tally, progress_bar, show_running
from spectral_core.paper.run.provenance import commit, made
from spectral_core.paper.run.store import Store
from spectral_core.paper.run.work import initial_network
from spectral_core.paper.study.steps import CutStep, TrainStep
from spectral_core.training.loop import TrainingDiverged, single_thread


class Cost(NamedTuple):
    """What a run took."""

    steps: int
    """Steps run here; not those of another run, nor of a worker that died before it could tell."""
    seconds: float
    """Time from beginning to end."""
    computing: float
    """Seconds that the steps took, added up, as their records have them."""


def compute(
    cuts: Iterable[CutStep],
    store: Store,
    *,
    workers: int | None = None,
    device: str = "cpu",
    data_dir: Path | None = None,
    progress: bool = True,
    backend: str = "loky",
    scheduler: str | None = None,
    ensembles: bool | None = None,
) -> Cost:
    """Run every step that the cuts need and the store lacks.

    Networks are trained first, then cut. A step runs on one thread whatever the number of
    workers, so its numbers don't depend on it. Killed and started again, the run goes on where it
    stopped; two runs at once share the work.

    On an accelerator, trainings that differ in their seed, or in what a cut left, run as one, see
    :mod:`spectral_core.training.ensemble`; their numbers are those of the single trainings to float error.

    Args:
        cuts: cuts wanted in the store.
        store: where finished steps are kept; for a cluster, on a disk that its workers share.
        workers: processes that run steps side by side, at least 1; all cores if ``None`` on a
            CPU, one process on an accelerator. Not for ``backend="dask"``.
        device: torch device that trains.
        data_dir: where data sets are kept; the user's cache if ``None``.
        progress: whether to show a bar on standard error.
        backend: ``"loky"``, processes of this machine; or ``"dask"``, the workers of a cluster,
            each with one thread. A step whose worker dies is computed by another one.
        scheduler: address of the dask scheduler, such as ``"tcp://host:8786"``; the dask client
            that is open if ``None``.
        ensembles: whether to run trainings as one where that can be; if ``None``, on every device
            but the CPU, which gains nothing by it.

    Returns:
        How many steps were run here, and the time that it took.

    Raises:
        TypeError, ValueError: if an argument is out of range or the device is not there.
        ModuleNotFoundError: if dask is wanted and not installed.
        TrainingDiverged: if a loss became NaN or infinite; names each step that did. All that does
            not depend on these is stored by then.
        DataNotFoundError: if a data set cannot be had.
    """
    start = time.perf_counter()
    check_backend(backend, scheduler, workers)
    if backend == "loky":  # a cluster's workers have devices of their own
        check_device(device)
    if ensembles not in (None, True, False):
        raise TypeError(f"ensembles must be True, False or None; got {ensembles!r}")
    networks, missing = missing_steps(cuts, store)
    if not missing:
        return Cost(0, time.perf_counter() - start, 0.0)
    for name in dict.fromkeys(cut.trained.dataset for cut in missing):
        load(name, data_dir)  # fetched once, here, before the processes need it

    if ensembles is None:
        ensembles = device != "cpu"
    diverged: dict[Any, str] = {}

    def cuts_to_run() -> list[Job]:
        return _jobs([cut for cut in missing if cut.trained not in diverged], ensembles)

    phases = [
        ("training", _train, partial(_trainings, networks, ensembles)),
        ("pruning", _cut, cuts_to_run),
    ]
    steps = [*networks, *missing]
    # Workers elsewhere stand in folders of their own.
    store, data_dir = Store(store.root.absolute()), data_dir and Path(data_dir).absolute()
    settled, steps_run, computing = 0, 0, 0.0
    with (
        open_backend(backend, workers or default_workers(device), scheduler) as run_all,
        progress_bar(sum(step.cost for step in steps), progress, store.root) as (tally, bar),
    ):
        for phase, work, to_run in phases:
            jobs = _longest_first(to_run())
            # First what no other run is busy with; then wait for what they were busy with.
            for wait in (False, True):
                show_running(bar, f"{phase}, {settled}/{len(steps)} steps")
                todo = partial(
                    work, store=store, device=device, data_dir=data_dir, tally=tally, wait=wait
                )
                busy = []
                for done in run_all(todo, jobs):
                    settled += done.settled
                    steps_run += len(done.seconds)
                    computing += sum(done.seconds)
                    busy += [done.busy] if done.busy else []
                    diverged |= done.diverged
                    show_running(bar, f"{phase}, {settled}/{len(steps)} steps")
                jobs = busy
    if diverged:
        lost = sum(cut.trained in diverged for cut in missing)
        said = f"of {len(steps)} steps, {len(diverged)} diverged, and {lost} lack their network:"
        raise TrainingDiverged("\n".join([said, *diverged.values()]))
    return Cost(steps_run, time.perf_counter() - start, computing)


def missing_steps(cuts: Iterable[CutStep], store: Store) -> tuple[list[TrainStep], list[CutStep]]:
    """Trainings and cuts that are not stored and would have to be run, each once."""
    missing = [cut for cut in dict.fromkeys(cuts) if cut not in store]
    networks = [step for step in dict.fromkeys(c.trained for c in missing) if step not in store]
    return networks, missing


def default_workers(device: str) -> int:
    """Number of processes that suits a device: one per core, or one on an accelerator."""
    return joblib.cpu_count() if device == "cpu" else 1


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
"""Steps that one process runs in one go: a training, trainings that run as one, or cuts of one
network."""


class Done(NamedTuple):
    """What became of a job."""

    settled: int
    """Number of its steps that are stored now."""
    seconds: tuple[float, ...]
    """Time that each step took that was run for it."""
    busy: tuple[Any, ...]
    """Steps left out because another run is busy with them."""
    diverged: dict[Any, str]
    """Steps whose loss became NaN or infinite, each with what is to be said."""


def _trainings(steps: Sequence[Any], ensembles: bool) -> list[Job]:
    """Steps that train: each by itself, or those together that may run as one."""
    return groups(steps) if ensembles else [(step,) for step in steps]


def _jobs(cuts: Sequence[CutStep], ensembles: bool = False) -> list[Job]:
    """Cuts to run in one go: those of one network together if none of them retrains."""
    measured = [cut for cut in cuts if cut.retrains is None]
    retrained = [cut for cut in cuts if cut.retrains is not None]
    of_one_network = groupby(measured, key=lambda cut: (cut.trained, cut.score))
    return [*(tuple(group) for _, group in of_one_network), *_trainings(retrained, ensembles)]


def _longest_first(jobs: list[Job]) -> list[Job]:
    return sorted(jobs, key=lambda job: -sum(step.cost for step in job))


def _train(
    job: Job, store: Store, device: str, data_dir: Path | None, tally: Tally, wait: bool
) -> Done:
    """Train the networks of a job as one."""
    _check_worker(store, device, tally)
    data = load(job[0].dataset, data_dir)

    def train(steps: Sequence[TrainStep]) -> dict[str, Any]:
        def on_epoch(*_: Any) -> None:
            for step in steps:
                tally.add(step.key, 100)

        start = time.perf_counter()
        trained = train_together(steps, data, device, on_epoch)
        how = made((time.perf_counter() - start) / len(steps), device)
        for step, (network, history) in zip(steps, trained):
            store.save(step, {"training_loss": history}, how, network)
        return how

    return _run_missing(parts(job, data, device), store, tally, wait, train)


def _cut(
    job: Job, store: Store, device: str, data_dir: Path | None, tally: Tally, wait: bool
) -> Done:
    """Make the cuts of a job, those that retrain as one."""
    _check_worker(store, device, tally)
    data = load(job[0].trained.dataset, data_dir)
    networks = {}
    for trained in dict.fromkeys(cut.trained for cut in job):
        network = initial_network(trained, data, torch.Generator())
        networks[trained] = store.load_network(trained, network).to(device)

    def cut(steps: Sequence[CutStep]) -> dict[str, Any]:
        def on_epoch(*_: Any) -> None:
            for step in steps:
                tally.add(step.key, step.epoch_cost)

        for step in steps:
            tally.add(step.key, 1)
        start = time.perf_counter()
        results = cut_together(steps, networks, data, device, on_epoch)
        how = made((time.perf_counter() - start) / len(steps), device)
        for step, result in zip(steps, results):
            store.save(step, result, how)
        return how

    alone = job[0].retrains is None
    units = [(step,) for step in job] if alone else parts(job, data, device)
    return _run_missing(units, store, tally, wait, cut)


def _check_worker(store: Store, device: str, tally: Tally) -> None:
    """Raise an error where a worker, perhaps elsewhere, lacks the device or the run's store."""
    commit()  # found out now: the folder of the source may change while this process runs
    check_device(device)
    if not tally.folder.is_dir():
        raise FileNotFoundError(
            f"store must be on a disk that all workers share; {platform.node()} does not see "
            f"this run in {store.root}"
        )


def _run_missing(
    units: Sequence[Sequence[Any]],
    store: Store,
    tally: Tally,
    wait: bool,
    run: Callable[[Sequence[Any]], dict[str, Any]],
) -> Done:
    """Run the steps of a job that are not stored by now, each under its lock, on one thread.

    The steps of a unit run as one; where one of them diverges, the others start again without it.
    Their locks are taken in the order of their keys: two runs that wait for each other's would
    otherwise do so for ever.
    """
    seconds: list[float] = []
    busy: list[Any] = []
    diverged: dict[Any, str] = {}
    with single_thread():
        for unit in units:
            missing: list[Any] = []
            with ExitStack() as locks:
                for step in sorted(unit, key=lambda step: step.key):
                    try:
                        locks.enter_context(store.lock(step, wait))
                    except Timeout:
                        busy.append(step)
                        continue
                    tally.begin(step.key)
                    if step in store:  # another run has just done it
                        tally.add(step.key, step.cost)
                    else:
                        missing.append(step)
                while missing:
                    try:
                        seconds += [run(missing)["seconds"]] * len(missing)
                        break
                    except TrainingDiverged as error:
                        step = missing.pop(error.member)
                        diverged[step] = f"{step}: {error}"
                        for other in missing:
                            tally.begin(other.key)
    settled = sum(map(len, units)) - len(busy) - len(diverged)
    return Done(settled, tuple(seconds), tuple(busy), diverged)
