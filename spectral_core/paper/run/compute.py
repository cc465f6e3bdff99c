"""Fill the store: run the steps that are missing, several at a time."""

from __future__ import annotations

import os
import platform
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import torch
from filelock import Timeout
from tqdm import tqdm

from spectral_core.data import Dataset, load
from spectral_core.data.directories import DATA_VARIABLE, Directories
from spectral_core.paper.run.backends import RunAll, check_backend, open_backend
from spectral_core.paper.run.batching import cut_together, jobs, parts, train_together
from spectral_core.paper.run.provenance import commit, made
from spectral_core.paper.run.store import Store
from spectral_core.paper.run.work import initial_network
from spectral_core.paper.study.steps import CutStep, Step, TrainStep
from spectral_core.training.loop import TrainingDiverged, single_thread


class Cost(NamedTuple):
    """What a run took."""

    steps: int
    """Steps run here; not those of another run, nor of a worker that died before it reported."""
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
    progress: bool = True,
    backend: str = "loky",
    scheduler: str | None = None,
    ensembles: bool | None = None,
) -> Cost:
    """Run every step that the cuts need and the store lacks, or has damaged.

    Networks are trained first, then pruned. A step runs on one thread whatever the number of
    workers, so its numbers don't depend on it. Killed and started again, the run goes on where it
    stopped; two runs at once share the work.

    On an accelerator, trainings that differ in their seed, or in what pruning left, run as one, see
    :mod:`spectral_core.training.ensemble`; their numbers are those of the single trainings to float
    error.

    Args:
        cuts: steps wanted in the store.
        store: where finished steps are kept; for a cluster, on a disk that its workers share.
        workers: processes that run steps side by side, at least 1; all cores if ``None`` on a
            CPU, one process on an accelerator. Not for ``backend="dask"``.
        device: torch device that trains.
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
        TypeError, ValueError: if an argument is out of range or the device is not available.
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
        load(name)  # fetched once, here, before the processes need it
    for step in [*networks, *missing]:
        if problem := store.set_aside(step):
            tqdm.write(f"{problem}; it is set aside and computed again", file=sys.stderr)

    ensembles = device != "cpu" if ensembles is None else ensembles
    total = Total(len(networks) + len(missing))
    with (
        open_backend(backend, workers or default_workers(device), scheduler) as run_all,
        _marked(store) as marker,
        _bar([*networks, *missing], progress) as bar,
    ):
        # Workers elsewhere have current folders and an environment of their own.
        data_dir = Directories.chosen().data_dir if os.environ.get(DATA_VARIABLE) else None
        where = Where(Store(store.root.absolute()), device, data_dir, marker)
        _run_phase("training", jobs(networks, ensembles), run_all, where, total, bar)
        left = [cut for cut in missing if cut.trained not in total.diverged]
        _run_phase("pruning", jobs(left, ensembles), run_all, where, total, bar)
    if total.diverged:
        lost = len(missing) - len(left)
        summary = f"of {total.steps} steps, {len(total.diverged)} diverged, and {lost} lack their "
        raise TrainingDiverged("\n".join([f"{summary}network:", *total.diverged.values()]))
    return Cost(total.run, time.perf_counter() - start, total.seconds)


def missing_steps(cuts: Iterable[CutStep], store: Store) -> tuple[list[TrainStep], list[CutStep]]:
    """Trainings and cuts that are not stored whole and would have to be run, each once."""
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


@dataclass
class Total:
    """What has become of the steps of a run so far."""

    steps: int
    settled: int = 0
    run: int = 0
    seconds: float = 0.0
    diverged: dict[Step, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Where:
    """Where a run computes: its store, its device and its data."""

    store: Store
    device: str
    data_dir: Path | None
    marker: str
    """Name of a file in the store that is there while the run is."""

    def check(self) -> None:
        """Raise an error where a worker, perhaps elsewhere, lacks the device or the run's store."""
        commit()  # read now: the folder of the source may change while this process runs
        check_device(self.device)
        if not (self.store.root / self.marker).exists():
            raise FileNotFoundError(
                f"store must be on a disk that all workers share; {platform.node()} does not see "
                f"this run in {self.store.root}"
            )

    def data(self, name: str) -> Dataset:
        """A data set, on the device."""
        return load(name, self.data_dir).to(self.device)


@contextmanager
def _marked(store: Store) -> Iterator[str]:
    """The name of a hidden file that lies in the store while the block runs."""
    marker = store.root / f".{uuid.uuid4().hex}.run"
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()
    try:
        yield marker.name
    finally:
        marker.unlink(missing_ok=True)


def _bar(steps: Sequence[Step], shown: bool) -> tqdm:
    """A progress bar over finished work, in epochs of the unpruned network."""
    return tqdm(
        total=sum(step.cost for step in steps),
        disable=not shown,
        bar_format="{desc} {percentage:3.0f}% |{bar:12}| {elapsed} so far, {remaining} left, "
        "{rate_noinv_fmt}",
        unit=" epochs",
        unit_scale=0.01,
        smoothing=0,
    )


def _run_phase(
    phase: str, todo: list[Any], run_all: RunAll, where: Where, total: Total, bar: tqdm
) -> None:
    """Run some jobs: first what no other run is busy with, then the rest, once that is done."""
    for wait in (False, True):
        busy = []
        bar.set_description_str(f"{phase}, {total.settled}/{total.steps} steps")
        for done in run_all(partial(_run_job, where=where, wait=wait), todo):
            total.settled += len(done.settled)
            total.run += len(done.seconds)
            total.seconds += sum(done.seconds)
            total.diverged |= done.diverged
            busy += [done.busy] if done.busy else []
            bar.set_description_str(f"{phase}, {total.settled}/{total.steps} steps", refresh=False)
            bar.update(sum(step.cost for step in done.settled))
        todo = busy


class Done(NamedTuple):
    """What became of a job."""

    settled: tuple[Step, ...]
    """Its steps that are stored now."""
    seconds: tuple[float, ...]
    """Time that each step took that was run for it."""
    busy: tuple[Step, ...]
    """Steps left out because another run is busy with them."""
    diverged: dict[Step, str]
    """Steps whose loss became NaN or infinite, each with a message."""


def _run_job(job: Sequence[Step], where: Where, wait: bool) -> Done:
    """Run the steps of a job that are not stored by now, on one thread."""
    where.check()
    first = job[0]
    data = where.data(first.dataset if isinstance(first, TrainStep) else first.trained.dataset)
    if isinstance(first, TrainStep):
        run = partial(_train, data=data, where=where)
    else:
        networks = {}
        for trained in dict.fromkeys(cut.trained for cut in job):
            network = initial_network(trained, data, torch.Generator())
            networks[trained] = where.store.load_network(trained, network)
        run = partial(_cut, networks=networks, data=data, where=where)
    with single_thread():
        done = [_run_missing(part, where.store, wait, run) for part in parts(job, data)]
    settled, seconds, busy = (tuple(x for one in done for x in one[i]) for i in range(3))
    return Done(
        settled, seconds, busy, {s: text for one in done for s, text in one.diverged.items()}
    )


def _train(steps: Sequence[TrainStep], data: Dataset, where: Where) -> list[float]:
    """Train networks as one and store them."""
    start = time.perf_counter()
    trained = train_together(steps, data)
    how = made((time.perf_counter() - start) / len(steps), where.device)
    for step, (network, history) in zip(steps, trained):
        where.store.save(step, {"training_loss": history}, how, network)
    return [how["seconds"]] * len(steps)


def _cut(
    steps: Sequence[CutStep], networks: dict[TrainStep, Any], data: Dataset, where: Where
) -> list[float]:
    """Prune networks as one and store the results."""
    start = time.perf_counter()
    results = cut_together(steps, networks, data)
    how = made((time.perf_counter() - start) / len(steps), where.device)
    for step, result in zip(steps, results):
        where.store.save(step, result, how)
    return [how["seconds"]] * len(steps)


def _run_missing(
    part: Sequence[Step], store: Store, wait: bool, run: Callable[[Sequence[Step]], list[float]]
) -> Done:
    """Run the steps of a part that are not stored by now as one, each under its lock.

    Where one of them diverges, the others start again without it. Their locks are taken in the
    order of their keys: two runs that wait for each other's would otherwise do so for ever.
    """
    busy: list[Step] = []
    missing: list[Step] = []
    seconds: list[float] = []
    diverged: dict[Step, str] = {}
    with ExitStack() as locks:
        for step in sorted(part, key=lambda step: step.key):
            try:
                locks.enter_context(store.lock(step, wait))
            except Timeout:
                busy.append(step)
                continue
            if step not in store:  # another run may have just done it
                missing.append(step)
        while missing and not seconds:
            try:
                seconds = run(missing)
            except TrainingDiverged as error:
                step = missing.pop(error.member)
                diverged[step] = f"{step}: {error}"
    settled = tuple(step for step in part if step not in busy and step not in diverged)
    return Done(settled, tuple(seconds), tuple(busy), diverged)
