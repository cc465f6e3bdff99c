"""Fill the store: run the steps that are missing, several at a time."""

import os
import sys
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import joblib
from filelock import FileLock
from tqdm import tqdm

from spectral_core.data import load
from spectral_core.data.directories import DATA_VARIABLE, Directories
from spectral_core.paper.run.backends import RunAll, check_backend, open_backend
from spectral_core.paper.run.batching import jobs
from spectral_core.paper.run.progress import ProgressBar
from spectral_core.paper.run.store import Store, reports_of
from spectral_core.paper.run.worker import Done, Where, check_device, run_job
from spectral_core.paper.study.steps import CutStep, TrainStep
from spectral_core.training.loop import TrainingDiverged


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
    max_wait: float | None = None,
    ensembles: bool | None = None,
) -> Cost:
    """Run every step that the cuts need and the store lacks, or has damaged.

    Networks are trained first, then pruned. A step runs on one thread whatever the number of
    workers, so its numbers don't depend on it. Killed and started again, the run goes on where it
    stopped; two runs at once share the work.

    Args:
        cuts: steps wanted in the store.
        store: where finished steps are kept; for a cluster, on a disk that its workers share.
        workers: processes that run steps side by side, at least 1, at most one per core; all cores
            if ``None`` on a CPU, one process on an accelerator. Not for ``backend="dask"``.
        device: torch device that trains.
        progress: whether to show a bar on standard error, or in a log a line now and then.
        backend: ``"loky"``, processes of this machine; or ``"dask"``, the workers of a cluster,
            each with one thread. A step whose worker dies is computed by another one.
        scheduler: address of the dask scheduler, such as ``"tcp://host:8786"``; the dask client
            that is open if ``None``.
        max_wait: seconds without any worker after which a dask cluster is given up; for ever if
            ``None``.
        ensembles: whether trainings that differ in their seed, or in what pruning left, run as one,
            see :mod:`spectral_core.training.ensemble`: with the numbers of single ones to float
            error. If ``None``, on every device but the CPU, which gains nothing by it.

    Raises:
        TypeError, ValueError: if an argument is out of range or the device is not available.
        ModuleNotFoundError: if dask is wanted and not installed.
        TrainingDiverged: if a loss became NaN or infinite; names each step that did. All that does
            not depend on these is stored by then.
        DataNotFoundError: if a data set cannot be had.
        WorkersLost: if processes or workers died, or their scheduler.
    """
    start = time.perf_counter()
    check_backend(backend, scheduler, workers, max_wait)
    if backend == "loky":  # a cluster's workers have devices of their own
        check_device(device)
    networks, missing = missing_steps(cuts, store)
    if not missing:
        return Cost(0, time.perf_counter() - start, 0.0)
    for name in dict.fromkeys(cut.trained.dataset for cut in missing):
        load(name)  # fetched once, here, before the processes need it
    for step in [*networks, *missing]:
        if problem := store.set_aside(step):
            tqdm.write(f"{problem}; it is set aside and computed again", file=sys.stderr)

    ensembles = device != "cpu" if ensembles is None else ensembles
    todo = jobs(networks, ensembles), jobs(missing, ensembles)
    total, steps = Done(), len(networks) + len(missing)
    processes = at_once(workers, device, max(map(len, todo)))
    with (
        open_backend(backend, processes, scheduler, max_wait) as run_all,
        _marked(store) as marker,
        ProgressBar([*networks, *missing], reports_of(marker), progress) as shown,
    ):
        # Workers elsewhere have current folders and an environment of their own.
        data_dir = Directories.chosen().data_dir if os.environ.get(DATA_VARIABLE) else None
        where = Where(Store(store.root.absolute()), device, data_dir, marker.name)
        _run_phase("training", todo[0], run_all, where, total, shown)
        left = [cut for cut in missing if cut.trained not in total.diverged]
        _run_phase("pruning", jobs(left, ensembles), run_all, where, total, shown)
    if total.diverged:
        lost = len(missing) - len(left)
        summary = (
            f"of {steps} steps, {len(total.diverged)} diverged, and {lost} lack their network:"
        )
        raise TrainingDiverged("\n".join([summary, *total.diverged.values()]))
    return Cost(len(total.seconds), time.perf_counter() - start, sum(total.seconds))


def missing_steps(cuts: Iterable[CutStep], store: Store) -> tuple[list[TrainStep], list[CutStep]]:
    """Trainings and cuts that are not stored whole and would have to be run, each once."""
    missing = [cut for cut in dict.fromkeys(cuts) if cut not in store]
    networks = [step for step in dict.fromkeys(c.trained for c in missing) if step not in store]
    return networks, missing


def at_once(workers: int | None, device: str, jobs: int | None = None) -> int:
    """Processes that run side by side: as many workers as were asked for, at most one per core and
    job; if ``None`` were, one per core, or one on an accelerator."""
    cores = joblib.cpu_count()
    wanted = workers or (cores if device == "cpu" else 1)
    return max(1, min(wanted, cores, jobs or wanted))


@contextmanager
def _marked(store: Store) -> Iterator[Path]:
    """A hidden file that lies in the store while the block runs; sweeps it first."""
    store.sweep()
    marker = store.root / f".{uuid.uuid4().hex}.run"
    marker.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(marker)  # free when this process has ended, in whatever way
    with lock:
        while not marker.exists():  # another run has swept it before it was locked
            lock.release()
            lock.acquire()
        try:
            yield marker
        finally:
            with suppress(PermissionError):  # Windows removes it when the lock is released
                marker.unlink(missing_ok=True)


def _run_phase(
    phase: str, todo: list[Any], run_all: RunAll, where: Where, total: Done, shown: ProgressBar
) -> None:
    """Run some jobs: first what no other run is busy with, then the rest, once that is done."""
    for wait in (False, True):
        busy = []
        shown.begin(phase)
        for done in run_all(partial(run_job, where=where, wait=wait), todo):
            busy += [tuple(done.busy)] if done.busy else []
            total.add(done)
            shown.settle(done.settled, done.diverged)
        todo = busy
