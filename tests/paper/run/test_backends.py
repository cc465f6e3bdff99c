"""The dask backend on a cluster of real worker processes, one of which is killed.

What becomes of a cluster whose workers come late, retire or never come, and of one whose scheduler
is lost, is in the soak.
"""

import asyncio
import contextlib
import json
import os
import re
from functools import partial
from pathlib import Path

import pytest
from made_runs import PATIENCE, command, forked, outcome, wait_until

from spectral_core.paper.run.backends import WorkersLost, open_backend
from spectral_core.paper.run.compute import compute
from spectral_core.paper.run.store import Store
from spectral_core.paper.study.planning import plan

pytest.importorskip("distributed", reason="the extra [dask] is not installed")

import dask
import psutil
from distributed import Client, LocalCluster, Scheduler, Worker


def serve(kind, *arguments, **options):
    """Run a scheduler or a worker in this process until it ends."""

    async def until_its_end():
        async with kind(*arguments, **options) as server:
            await server.finished()

    asyncio.run(until_its_end())


@contextlib.contextmanager
def cluster(folder, workers):
    """A scheduler and workers, each a process of its own; yields its address, and them."""
    file, here = folder / "scheduler.json", {"host": "127.0.0.1", "dashboard_address": ":0"}
    with contextlib.ExitStack() as stack:
        stack.enter_context(forked(serve, Scheduler, **here, scheduler_file=str(file)))
        wait_until(lambda: file.exists() and file.read_text().endswith("}"))  # written whole
        address, folder = json.loads(file.read_text())["address"], str(folder / "space")
        start = partial(forked, serve, Worker, address, **here, nthreads=1, local_directory=folder)
        yield address, [stack.enter_context(start()) for _ in range(workers)]


def stopped_in_the_middle(steps, store, workers):
    """A worker that is now stopped in the middle of a training; ``None`` if none trains."""
    for worker in (psutil.Process(worker.pid) for worker in workers):
        worker.suspend()
        opened = {Path(file.path).stem for file in worker.open_files()}
        if any(step.key in opened and step not in store for step in steps):  # it holds its lock
            return worker
        worker.resume()


@pytest.mark.slow
def test_killed_worker_loses_nothing_and_changes_no_bit(tmp_path, store):
    study = plan("fig03", "smoke", epochs=25, percentiles=(0, 90))
    trainings = list(dict.fromkeys(cut.trained for cut in study.steps()))
    alone = Store(tmp_path / "alone")  # first: what it imports, the forked processes have
    assert compute(study.steps(), alone, workers=1, progress=False).steps == 18
    words = "compute fig03 --preset smoke --epochs 25 --percentiles 0,90 --store store"
    with cluster(tmp_path, workers=2) as (address, workers):
        words += f" --backend dask --scheduler {address}"
        with forked(command, tmp_path, words) as run:
            wait_until(lambda: stopped_in_the_middle(trainings, store, workers)).kill()
            run.join(PATIENCE)
    output, errors = ((tmp_path / name).read_text() for name in ("output", "errors"))
    assert run.exitcode == 0, errors
    assert outcome(store) == outcome(alone)
    assert not list(store.root.glob(".*"))
    # A job whose result its worker took to the grave is found done, so not counted.
    assert 16 <= int(re.search(r"steps run: (\d+)", output)[1]) <= 18
    assert "pruning, 18/18 steps 100%" in errors


@pytest.mark.slow
def test_job_that_kills_its_workers_is_an_error_and_no_endless_wait(tmp_path):
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        cluster(tmp_path, workers=1) as (address, _),
        pytest.raises(WorkersLost, match=r"a job was given up.*\nFinished steps are stored"),
        open_backend("dask", None, address) as run_all,
    ):
        list(run_all(os._exit, [1]))


@contextlib.contextmanager
def open_client(threads):
    """An open dask client, whose worker is threads of this process."""
    options = {"processes": False, "n_workers": 1, "dashboard_address": None}
    with LocalCluster(threads_per_worker=threads, **options) as local, Client(local) as client:
        yield client


def test_open_client_is_used_and_left_open(store):
    study = plan("fig03", "smoke", hidden=[8], epochs=1, seeds=1)
    with open_client(threads=1) as client:
        assert compute(study.steps(), store, progress=False, backend="dask").steps == 12
        assert client.status == "running"


def test_worker_with_more_threads_is_refused(store):
    study = plan("fig03", "smoke", hidden=[8], epochs=1, seeds=1)
    with (
        open_client(threads=2),
        pytest.raises(ValueError, match=r"one thread each, .* --nthreads 1; got 2 at inproc://"),
    ):
        compute(study.steps(), store, progress=False, backend="dask")
    assert not list(store.root.rglob("*.json"))
