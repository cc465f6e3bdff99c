"""The dask backend on a cluster of real worker processes, one of which is killed."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from spectral_core.paper.run import backends
from spectral_core.paper.run.backends import WorkersLost, open_backend
from spectral_core.paper.run.compute import compute
from spectral_core.paper.run.store import Store
from spectral_core.paper.study.planning import plan

pytest.importorskip("distributed", reason="the extra [dask] is not installed")

import psutil
from distributed import Client, LocalCluster

COMMAND = Path(sys.executable).with_name("spectral-core")
PATIENCE = 300  # seconds that anything may take on a busy machine


@contextlib.contextmanager
def cluster(folder, workers, **settings):
    """A scheduler and workers, each a process of its own; yields its address, it, and them."""
    file = folder / "scheduler.json"
    environment = os.environ | settings

    def start(module, *options):
        command = [sys.executable, "-m", f"distributed.cli.{module}", "--no-dashboard", *options]
        log = open(folder / f"{module}.log", "ab")  # noqa: SIM115
        stack.callback(log.close)
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=folder)
        stack.callback(process.wait)
        stack.callback(process.kill)
        return process

    with contextlib.ExitStack() as stack:
        on_loopback = ("--host", "127.0.0.1")
        scheduler = start("dask_scheduler", *on_loopback, "--port", "0", "--scheduler-file", file)
        wait_until(lambda: file.exists() and file.read_text().endswith("}"))  # written whole
        address = json.loads(file.read_text())["address"]
        options = (address, *on_loopback, "--nthreads", "1", "--no-nanny")
        yield address, scheduler, [start("dask_worker", *options) for _ in range(workers)]


@contextlib.contextmanager
def within_this_process(workers):
    """A cluster that dask has started; yields its client, and what runs jobs on it."""
    options = {"processes": False, "threads_per_worker": 1, "dashboard_address": None}
    with (
        LocalCluster(n_workers=workers, **options) as local,
        Client(local) as client,
        open_backend("dask", None, None) as run_all,
    ):
        yield client, run_all


def wait_until(condition, pause=0.02):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(pause)


def stop_in_the_middle(steps, store, workers):
    """Stop a worker in the middle of a training; return it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for worker in workers:
            worker.send_signal(signal.SIGSTOP)
            opened = {Path(file.path).stem for file in psutil.Process(worker.pid).open_files()}
            for step in steps:  # whoever runs it holds its lock
                if step.key in opened and step not in store:
                    return worker
            worker.send_signal(signal.SIGCONT)
        time.sleep(0.01)
    pytest.fail("no worker ever trained")


def outcome(store):
    """Each network bit for bit, and each result without when and where it was computed."""
    networks = {file.name: file.read_bytes() for file in store.root.glob("train/*.safetensors")}
    results = {file.name: json.loads(file.read_text()) for file in store.root.glob("*/*.json")}
    return networks, {name: record["result"] for name, record in results.items()}


@pytest.mark.slow
def test_killed_worker_loses_nothing_and_changes_no_bit(tmp_path, store):
    study = plan("fig03", "smoke", epochs=60, seeds=2, percentiles=(0, 90))
    trainings = list(dict.fromkeys(cut.trained for cut in study.steps()))
    with cluster(tmp_path, workers=2) as (address, _, workers):
        run = subprocess.Popen(
            [COMMAND, "compute", "fig03", "--preset", "smoke", "--store", "store"]
            + ["--epochs", "60", "--seeds", "2", "--percentiles", "0,90"]
            + ["--backend", "dask", "--scheduler", address],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,  # not the folder of the tests: the workers' place is their own
        )
        try:
            stop_in_the_middle(trainings, store, workers).kill()
            output, errors = run.communicate(timeout=PATIENCE)
        finally:
            run.kill()
            run.wait()
    assert run.returncode == 0, errors

    alone = Store(tmp_path / "alone")
    assert compute(study.steps(), alone, workers=1, progress=False).steps == 18
    assert outcome(store) == outcome(alone)
    assert not list(store.root.glob(".*"))
    # A job whose result its worker took to the grave is found done, so not counted.
    assert 16 <= int(re.search(r"steps run: (\d+)", output)[1]) <= 18
    assert "pruning, 18/18 steps 100%" in errors


@pytest.mark.slow
def test_job_that_kills_its_workers_is_an_error_and_no_endless_wait(tmp_path):
    at_once = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    with (
        cluster(tmp_path, workers=1, **at_once) as (address, *_),
        pytest.raises(WorkersLost, match=r"a job was given up.*\nFinished steps are stored"),
        open_backend("dask", None, address) as run_all,
    ):
        list(run_all(os._exit, [1]))


def test_cluster_without_workers_is_reported_and_goes_on_when_one_comes(monkeypatch, capfd):
    monkeypatch.setattr(backends, "PATIENCE", 0.5)
    with within_this_process(0) as (client, run_all):
        threading.Timer(2, client.cluster.scale, [1]).start()
        assert list(run_all(abs, [-1])) == [1]
    assert "has no workers" in capfd.readouterr().err


@pytest.mark.slow
def test_workers_that_have_retired_are_replaced(monkeypatch):
    monkeypatch.setattr(backends, "PATIENCE", 0.5)
    with within_this_process(1) as (client, run_all):
        client.retire_workers()
        assert list(run_all(abs, [-1])) == [1]


def test_a_cluster_without_workers_is_given_up_after_the_time_that_was_given(monkeypatch):
    monkeypatch.setattr(backends, "PATIENCE", 0.2)
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=None) as local,
        Client(local),
        open_backend("dask", None, None, max_wait=0.3) as run_all,
        pytest.raises(WorkersLost, match="longer than --max-wait"),
    ):
        list(run_all(abs, [-1]))


def test_lost_scheduler_is_an_error(tmp_path):
    with (
        cluster(tmp_path, workers=0) as (address, scheduler, _),
        open_backend("dask", None, address) as run_all,
    ):
        threading.Timer(0.5, scheduler.kill).start()
        with pytest.raises(WorkersLost, match=r"scheduler was lost.*\nFinished steps"):
            list(run_all(abs, [1]))


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


def test_without_a_client_the_address_is_needed(store):
    with pytest.raises(ValueError, match="scheduler must be an address such as tcp://host:8786"):
        compute(plan("fig03", "smoke").steps(), store, progress=False, backend="dask")
    assert not store.root.exists()
