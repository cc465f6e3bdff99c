"""Who runs the jobs: processes of this machine (loky), or the workers of a dask cluster."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import joblib
from joblib.externals.loky.process_executor import TerminatedWorkerError

from spectral_core import _checks
from spectral_core._extras import needed

if TYPE_CHECKING:
    from distributed import Client

GO_ON = "Finished steps are stored; run the same command again to continue."


class WorkersLost(RuntimeError):
    """The processes that run the steps have died, or cannot be reached."""


BACKENDS = ("loky", "dask")
"""Names of what can run jobs."""

PATIENCE = 20
"""Seconds without a finished job after which a dask cluster is asked whether it has workers."""

RunAll = Callable[[Callable[[Any], Any], Sequence[Any]], Iterator[Any]]
"""Like ``map``, but each result comes as soon as it is ready."""


def check_backend(
    backend: str, scheduler: str | None, workers: int | None, max_wait: float | None = None
) -> None:
    """Raise an error unless the four belong together and the backend is installed.

    Arguments and errors are those of :func:`~spectral_core.paper.run.compute.compute`.
    """
    _checks.choice("backend", backend, BACKENDS)
    if scheduler is not None and not isinstance(scheduler, str):
        raise TypeError(f"scheduler must be an address such as tcp://host:8786; got {scheduler!r}")
    if workers is not None:
        _checks.whole_number("workers", workers, least=1)
    for name, value in (("scheduler", scheduler), ("max_wait", max_wait)):
        if backend == "loky" and value is not None:
            raise ValueError(f"{name} must be left out unless backend is 'dask'; got {value!r}")
    if backend == "dask":
        if workers is not None:
            raise ValueError(f"workers must be left out: a dask cluster has its own; got {workers}")
        needed("distributed", "dask", "backend 'dask'")


@contextmanager
def open_backend(
    backend: str, workers: int | None, scheduler: str | None, max_wait: float | None = None
) -> Iterator[RunAll]:
    """Yield a function that runs one job each on free workers, in the order given.

    A job whose dask worker dies is given to another one, up to dask's ``allowed-failures``.
    Arguments are those of :func:`~spectral_core.paper.run.compute.compute`.
    """
    if backend == "dask":
        with _client(scheduler) as client:
            yield partial(_run_on_cluster, client, max_wait)
    elif workers == 1:  # also where joblib has warned that there is no shared memory
        yield map
    else:
        with joblib.parallel_config("loky", n_jobs=workers, inner_max_num_threads=1):
            yield _run_on_this_machine


def _run_on_this_machine(work: Callable[[Any], Any], jobs: Sequence[Any]) -> Iterator[Any]:
    parallel = joblib.Parallel(return_as="generator_unordered", batch_size=1)
    try:
        yield from parallel(joblib.delayed(_run_in_process)(work, os.getpid(), job) for job in jobs)
    except TerminatedWorkerError as error:
        died = str(error).rpartition("exit codes of the workers are")[2].split("}")[0].strip(" {")
        raise WorkersLost(
            f"a worker process died ({died or 'unknown signal'}); often memory was short: use "
            f"fewer --workers.\n{GO_ON}"
        ) from None


def _run_in_process(work: Callable[[Any], Any], parent: int, job: Any) -> Any:
    _end_with(parent)
    return work(job)


@cache  # once in each process
def _end_with(parent: int) -> None:
    """End this process soon after its parent has, even if that was killed."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _run_on_cluster(
    client: Client, max_wait: float | None, work: Callable[[Any], Any], jobs: Sequence[Any]
) -> Iterator[Any]:
    # Not through joblib's own dask backend: when dask gives a job up because its workers keep
    # dying, that one waits for it forever. A future raises the error.
    from distributed import KilledWorker, as_completed

    futures = client.map(partial(_run_on_worker, work), jobs, pure=False)
    try:
        # With results: what a worker takes to its grave is computed again, not waited for.
        completed = as_completed(futures, loop=client.loop, with_results=True)
        looked = staffed = time.monotonic()
        while not completed.is_empty():
            if completed.has_ready():
                _, result = next(completed)
                if isinstance(result, CancelledError):
                    raise result
                yield result
            elif time.monotonic() - looked > PATIENCE:
                looked = time.monotonic()
                staffed = looked if _has_workers(client) else staffed
                if max_wait is not None and looked - staffed > max_wait:
                    raise WorkersLost(
                        f"the dask cluster has had no worker for {looked - staffed:.0f} s, longer "
                        f"than --max-wait.\n{GO_ON}"
                    )
            else:
                time.sleep(0.05)
    except KilledWorker as error:
        raise WorkersLost(
            f"a job was given up, as the workers that ran it died, the last at "
            f"{error.last_worker.address}; often memory is short, or --lifetime shorter than a "
            f"step.\n{GO_ON}"
        ) from error
    except CancelledError as error:
        raise WorkersLost(f"the dask scheduler was lost; start it again.\n{GO_ON}") from error
    finally:
        for future in futures:
            future.release()  # what has not begun is not begun, after an error


def _has_workers(client: Client) -> bool:
    """Whether a cluster has workers. Says it on standard error if not; has those replaced that have
    retired, where dask started them: only where it adapts does it do so by itself."""
    if client.status != "running":
        return False
    there = len(client.nthreads())
    planned = len(getattr(client.cluster, "plan", ()))
    if there < planned:
        client.cluster.scale(planned)
    if not there:
        address = client.scheduler.address if client.scheduler else "its scheduler"
        advice = f"Start one with: dask worker {address} --nthreads 1"
        if planned:
            advice = f"{planned} were asked for again; see the queue and the log of its jobs"
        print(f"Waiting: the dask cluster at {address} has no workers. {advice}", file=sys.stderr)
    return there > 0


def _run_on_worker(work: Callable[[Any], Any], job: Any) -> Any:
    """Run a job on a dask worker, which must have one thread: torch's settings are a process's."""
    from distributed import get_worker

    worker = get_worker()
    if worker.state.nthreads != 1:
        raise ValueError(
            "dask workers must have one thread each, so start them with --nthreads 1; "
            f"got {worker.state.nthreads} at {worker.address}"
        )
    return work(job)


def _client(scheduler: str | None) -> AbstractContextManager[Client]:
    from distributed import Client, get_client

    if scheduler is not None:
        return Client(scheduler, set_as_default=False)
    try:
        return nullcontext(get_client())  # its owner closes it
    except ValueError as error:
        raise ValueError(
            "scheduler must be an address such as tcp://host:8786 unless a dask client is open; "
            "got None"
        ) from error
