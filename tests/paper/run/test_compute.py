"""Filling the store: complete, repeatable, resumable after kill -9, and shared by processes."""

import itertools
import json
import os
import re
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import replace

import joblib
import psutil
import pytest
import torch
from made_runs import PATIENCE, command, forked, outcome, wait_until

from spectral_core._progress import bar
from spectral_core.data import load
from spectral_core.paper.run import batching, worker
from spectral_core.paper.run.batching import jobs
from spectral_core.paper.run.compute import at_once, compute
from spectral_core.paper.run.remaining import remaining
from spectral_core.paper.run.store import Store
from spectral_core.paper.run.worker import Where, run_job
from spectral_core.paper.study.planning import plan
from spectral_core.training.loop import TrainingDiverged, single_thread

SMALL = {"hidden": (8,), "epochs": 1, "seeds": 1, "percentiles": (0, 90)}


def running(store, workers):
    """That study's command in a process of its own, beside its store."""
    words = f"compute fig03 --preset smoke --store {store.root} --workers {workers}"
    return forked(command, store.root.parent, words)


def errors(store):
    """The last two lines that it has said."""
    return (store.root.parent / "errors").read_text().rstrip().splitlines()[-2:]


def processes_in(group):
    """Processes of a group that have not ended."""
    found = []
    for process in psutil.process_iter():
        with suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def stored(store):
    """Each stored step's file with its content and time of writing."""
    return {
        file: (file.read_bytes(), file.stat().st_mtime_ns)
        for file in store.root.glob("*/[!.]*.[js]*")
    }


def records(store):
    return [file for file in stored(store) if file.suffix == ".json"]


@pytest.mark.slow
def test_a_worker_that_dies_is_said_in_two_lines(finished, store):
    trained = [cut.trained for cut in finished.study.steps()]
    with store.lock(trained[-1]), running(store, workers=2) as process:
        wait_until(lambda: len(records(store)) >= 3)
        waiting = [p for p in processes_in(process.pid) if "LokyProcess" in " ".join(p.cmdline())]
        waiting[0].kill()
        process.join(PATIENCE)
    first, second = errors(store)
    assert process.exitcode == 1 and "Error: a worker process died (SIGKILL" in first
    assert "run the same command again" in second


@pytest.mark.slow
def test_a_stopped_run_takes_its_workers_along_and_resumes_without_changing_a_bit(finished, store):
    study, uninterrupted = finished
    trained = list(dict.fromkeys(cut.trained for cut in study.steps()))
    # Whoever holds the lock of a step keeps the run from getting past it, so it is surely stopped
    # before its end: first among the trainings, then among the cuts.
    held_up = min(study.steps(), key=lambda cut: cut.cost)
    stops = [(trained[-1], 1, 3, signal.SIGTERM), (held_up, 2, 20, signal.SIGKILL)]
    for step, workers, enough, sent in stops:
        before = stored(store)
        with store.lock(step), running(store, workers) as process:
            wait_until(lambda: len(records(store)) >= enough)  # noqa: B023
            os.kill(process.pid, sent)
            process.join(PATIENCE)
            wait_until(lambda: not processes_in(process.pid))
        if sent == signal.SIGTERM:
            assert process.exitcode == 130
            assert errors(store)[-1].endswith("run the same command again to continue.")
        assert before.items() <= stored(store).items()  # nothing was computed or written again
    half = store.root / "train" / f".0123abcd.{trained[-1].key}.json"
    half.write_text('{"step": {')  # what a write cut off by the kill leaves behind

    missing = len(trained) + len(study.steps()) - len(records(store))
    before = stored(store)
    assert compute(study.steps(), store, workers=1, progress=False).steps == missing > 0
    assert before.items() <= stored(store).items()
    assert outcome(store) == outcome(uninterrupted)
    assert not list(store.root.glob("**/.*"))


def test_only_what_is_missing_is_run_and_its_cost_and_making_are_told(store, capsys):
    def run(progress=False, **changes):
        cuts = plan("fig03", "smoke", **SMALL | changes).steps()
        return compute([*cuts, *cuts], store, workers=1, progress=progress)

    interrupted = iter(bar(range(2)))  # it stays open
    next(interrupted)
    capsys.readouterr()
    start = time.perf_counter()
    cost = run(progress=True)
    elapsed = time.perf_counter() - start
    first, *lines, last = capsys.readouterr().err.splitlines()
    assert first.startswith("0% |") and len(lines) <= 4  # in a log; the phases' beginnings
    assert re.match(r"pruning, 9/9 steps 100% \|#+\| .* so far, 00:00 left, .* epochs/s", last)

    made = [json.loads(file.read_text())["made"] for file in records(store)]
    assert cost.steps == len(made) == 3 + 6  # networks and cuts
    assert cost.computing == pytest.approx(sum(one["seconds"] for one in made))
    assert cost.computing < cost.seconds < elapsed

    written = {file: file.stat().st_mtime_ns for file in store.root.rglob("*")}
    assert run()[::2] == (0, 0)
    assert {file: file.stat().st_mtime_ns for file in store.root.rglob("*")} == written
    steps, before = plan("fig03", "smoke", **SMALL).steps(), outcome(store)
    for step in (steps[0], steps[-1]):  # it doesn't depend on the levels beside it
        cut = store.root / "cut" / f"{step.key}.json"
        cut.unlink()
        assert run()[::2] == (1, json.loads(cut.read_text())["made"]["seconds"])
        assert outcome(store) == before
    for changes, steps in [({"percentiles": (0, 50)}, 3), ({"stage_two": "both"}, 2)]:
        assert run(**changes).steps == steps
    assert run(seeds=2).steps == 9


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({}, FileNotFoundError, "store must be on a disk that all workers share"),
        ({"code": {"torch": "1.0"}}, RuntimeError, "must have the same torch; the run has 1.0"),
        ({"code": {"spectral_core": "0"}}, RuntimeError, "must have the same spectral_core"),
        ({"device": "gpu"}, ValueError, "device must be one that torch can use here"),
    ],
)
def test_a_worker_without_what_the_run_has_says_so(store, changes, error, said):
    step = plan("fig03", "smoke", **SMALL).steps()[0].trained
    where = replace(Where(store, "cpu", None, "no.run"), **changes)
    with pytest.raises(error, match=said):
        run_job((step,), where, True)
    assert not store.root.exists()


def test_more_processes_than_jobs_or_cores_help_nobody():
    cores = joblib.cpu_count()
    assert at_once(500, "cpu") == at_once(None, "cpu") == cores
    assert at_once(500, "cpu", jobs=1) == at_once(None, "cuda") == 1


def test_a_step_runs_on_one_thread_whatever_the_caller_has(store, monkeypatch):
    before, during = torch.get_num_threads(), []

    def spied(*arguments, run=worker.run_together):
        during.append(torch.get_num_threads())
        return run(*arguments)

    monkeypatch.setattr(worker, "run_together", spied)
    torch.set_num_threads(2)
    try:
        compute(plan("fig03", "smoke", **SMALL).steps(), store, workers=1, progress=False)
        assert torch.get_num_threads() == 2
        # Three trainings, two curves of two levels, two levels that are retrained.
        assert during == [1] * 7
        with pytest.raises(KeyError), single_thread():
            raise KeyError
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("figure", "panels", "changes"),
    [
        ("budget", "*-elu-500-500-500", {}),
        ("stronger", "*-elu-500-500-500", {"methods": ("stronger",), "retraining_epochs": 5}),
        ("settings", "*-elu-500-500-500-input-eigenvalues", {}),
    ],
)
@pytest.mark.slow
def test_steps_that_train_as_one_give_what_they_give_alone(tmp_path, figure, panels, changes):
    small = {"percentiles": (50, 60), "epochs": 1, "hidden": (16,) * 3, "train_images": 600}
    study = plan(figure, "smoke", panels, **small, **changes)
    alone, as_one = Store(tmp_path / "alone"), Store(tmp_path / "as one")
    compute(study.steps(), alone, workers=1, progress=False)
    compute(study.steps(), as_one, workers=1, progress=False, ensembles=True)
    for step in study.steps():
        one, other = (store.record(step)["result"] for store in (alone, as_one))
        assert one["kept"] == other["kept"]
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-4)
    retrained = {len(job) for job in jobs(study.steps(), True) if job[0].retrains}
    assert min(retrained) > 1


def test_time_is_known_before_the_first_run_and_without_data(store):
    small = {"dataset": "cifar10", "features": "max", "train_images": 100, "epochs": 1}
    whole = remaining(plan("fig03", "quick", **small).steps(), store, workers=2)
    assert (whole.stored, whole.trainings, whole.cuts) == (0, 6, 54)
    assert 0 < whole.computing / 2 <= whole.seconds < whole.computing
    assert not store.root.exists()


def test_time_is_in_proportion_to_the_epochs_to_come(finished, store, monkeypatch):
    """By a clock that goes on by one second in each epoch measured, which is of three batches."""
    ticks = itertools.count()
    monkeypatch.setattr("time.perf_counter", lambda: float(next(ticks)))
    study = plan("fig03", "smoke", epochs=6, retraining_epochs=2, seeds=2, percentiles=(0, 50))
    images = len(load("digits").train_targets)
    epoch = images / (3 * study.steps()[0].trained.batch_size)
    trainings = 2 * 3 * 6
    tests = 2 * 3 * 2 * 0.03
    retraining = 2 * 2 * (1 + 0.5)
    left, alone = (remaining(study.steps(), store, workers=workers) for workers in (4, 1))
    assert left.computing == pytest.approx(epoch * (trainings + tests + retraining), rel=0.01)
    assert left.computing / 4 <= left.seconds < left.computing / 2
    assert alone.seconds == pytest.approx(alone.computing)
    assert remaining(finished.study.steps(), finished.store, workers=1).computing == 0


def test_a_training_whose_network_is_damaged_counts_as_missing_alone(finished, tmp_path):
    store = Store(shutil.copytree(finished.store.root, tmp_path / "copy"))
    cuts = finished.study.steps()
    whole = remaining(cuts, store, workers=1).stored
    (store.root / "cut" / f"{cuts[0].key}.json").unlink()
    (store.root / "train" / f"{cuts[0].trained.key}.safetensors").write_bytes(b"spoilt")
    left = remaining(cuts, store, workers=1)
    assert (left.stored, left.trainings, left.cuts) == (whole - 2, 1, 1)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"workers": 0}, ValueError, "workers must be a whole number of at least 1; got 0"),
        ({"backend": "dsk"}, ValueError, "backend must be one of loky, dask; got 'dsk'. Did you"),
        ({"scheduler": "tcp://a:1"}, ValueError, "scheduler must be left out unless backend is"),
        ({"max_wait": 5.0}, ValueError, "max_wait must be left out unless backend is 'dask'; got"),
        ({"backend": "dask", "workers": 2}, ValueError, "workers must be left out: a dask cluster"),
        ({"backend": "dask", "scheduler": 8786}, TypeError, "scheduler must be an address such"),
        ({"backend": "dask"}, ValueError, "scheduler must be an address such as tcp://host:8786"),
        ({"device": "gpu"}, ValueError, "device must be one that torch can use here"),
        ({"device": None}, TypeError, "device must be a name such as 'cpu'; got None"),
    ],
    ids=str,
)
def test_bad_argument_is_refused_before_anything_is_stored(store, changes, error, said):
    with pytest.raises(error) as caught:
        compute(plan("fig03", "smoke").steps(), store, **changes)
    assert said in str(caught.value)
    assert not store.root.exists()


def test_what_does_not_depend_on_a_diverging_training_is_stored(store):
    bad = plan("fig03", "smoke", **SMALL, learning_rate=1e30, methods="direct")
    good = plan("fig03", "smoke", **SMALL, methods=["direct", "pre"])
    with pytest.raises(
        TrainingDiverged,
        match=r"^of 9 steps, 1 diverged, and 2 lack their network:\ndigits elu 8 direct seed 0: "
        r"the loss became .*; try a smaller learning rate",
    ):
        compute([*bad.steps(), *good.steps()], store, workers=1, progress=False)
    assert all(step in store for step in good.steps())
    assert not any(step in store for step in bad.steps())


def test_an_ensemble_goes_on_without_the_member_that_diverges(store, monkeypatch):
    def of_good_seeds(steps, *args):
        seeds = [step.seed for step in steps]
        if 1 in seeds:
            error = TrainingDiverged("the loss became nan")
            error.member = seeds.index(1)
            raise error
        return train_together(steps, *args)

    train_together = batching._train_together
    monkeypatch.setattr(batching, "_train_together", of_good_seeds)
    study = plan("fig03", "smoke", **SMALL | {"seeds": 3}, methods="post")
    with pytest.raises(
        TrainingDiverged, match=r"^of 9 steps, 1 diverged, and 2 .*\n.* seed 1: the loss"
    ):
        compute(study.steps(), store, workers=1, progress=False, ensembles=True)
    assert {step.trained.seed for step in study.steps() if step in store} == {0, 2}
