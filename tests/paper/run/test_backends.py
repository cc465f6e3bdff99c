"""The dask backend: workers that are killed, jobs that kill theirs, and clients that are open.

What becomes of a cluster whose workers come late, retire or never come, and of one whose scheduler
is lost, is in the soak.
"""

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from made_runs import PATIENCE, outcome, wait_until

from spectral_core.paper.run.backends import WorkersLost, open_backend
from spectral_core.paper.run.compute import compute
from spectral_core.paper.run.store import Store
from spectral_core.paper.study.planning import plan

pytest.importorskip("distributed", reason="the extra [dask] is not installed")

import dask
import psutil
from distributed import Client, LocalCluster

STEPS = plan("fig03", "smoke", hidden=[8], epochs=1, seeds=1).steps()


def stopped_in_the_middle(steps, store, workers):
    """A worker that is now stopped in the middle of a training; ``None`` if none trains."""
    for worker in map(psutil.Process, workers):
        worker.suspend()
        opened = {Path(file.path).stem for file in worker.open_files()}
        if any(step.key in opened and step not in store for step in steps):  # it holds its lock
            return worker
        worker.resume()


@pytest.mark.slow
def test_killed_worker_loses_nothing_and_changes_no_bit(tmp_path, store):
    study = plan("fig03", "smoke", epochs=25, percentiles=(0, 90))
    trainings = list(dict.fromkeys(cut.trained for cut in study.steps()))
    alone = Store(tmp_path / "alone")
    assert compute(study.steps(), alone, workers=1, progress=False).steps == 18
    what = ("--preset", "smoke", "--epochs", "25", "--percentiles", "0,90", "--backend", "dask")
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        program = Path(sys.executable).with_name("spectral-core")
        where = ["--scheduler", cluster.scheduler_address, "--store", store.root]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen([program, "compute", "fig03", *what, *where], **streams) as run:
            workers = [nanny.pid for nanny in cluster.workers.values()]
            wait_until(lambda: stopped_in_the_middle(trainings, store, workers)).kill()
            output, errors = run.communicate(timeout=PATIENCE)
    assert run.returncode == 0, errors
    assert outcome(store) == outcome(alone)
    assert not list(store.root.glob(".*"))
    # A job whose result its worker took to the grave is found done, so not counted.
    assert 16 <= int(re.search(r"steps run: (\d+)", output)[1]) <= 18
    assert "pruning, 18/18 steps 100%" in errors


@pytest.mark.slow
def test_job_that_kills_its_workers_is_an_error_and_no_endless_wait():
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        pytest.raises(WorkersLost, match=r"a job was given up.*\nFinished steps are stored"),
        open_backend("dask", None, cluster.scheduler_address) as run_all,
    ):
        list(run_all(os._exit, [1]))


@contextlib.contextmanager
def open_client(threads):
    """An open dask client, whose worker is threads of this process."""
    options = {"processes": False, "n_workers": 1, "dashboard_address": None}
    with LocalCluster(threads_per_worker=threads, **options) as local, Client(local) as client:
        yield client


def test_open_client_is_used_and_left_open(store):
    with open_client(threads=1) as client:
        assert compute(STEPS, store, progress=False, backend="dask").steps == 12
        assert client.status == "running"


def test_worker_with_more_threads_is_refused(store):
    with (
        open_client(threads=2),
        pytest.raises(ValueError, match=r"one thread each, .* --nthreads 1; got 2 at inproc://"),
    ):
        compute(STEPS, store, progress=False, backend="dask")
    assert not list(store.root.rglob("*.json"))
