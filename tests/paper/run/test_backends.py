"""The dask backend: jobs that kill their workers, and clients that are open.

What becomes of a cluster whose workers die, come late, retire or never come, and of one whose
scheduler is lost, is in the soak.
"""

import contextlib
import os

import pytest

from spectral_core.paper.run.backends import WorkersLost, open_backend
from spectral_core.paper.run.compute import compute
from spectral_core.paper.study.planning import plan

pytest.importorskip("distributed", reason="the extra [dask] is not installed")

import dask
from distributed import Client, LocalCluster

STEPS = plan("fig03", "smoke", hidden=[8], epochs=1, seeds=1).steps()


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
