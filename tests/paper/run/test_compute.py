"""Filling the store: complete, repeatable, resumable after kill -9, and shared by processes."""

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from spectral_core.paper.results.published import publish
from spectral_core.paper.results.tables import collect
from spectral_core.paper.run import batching
from spectral_core.paper.run import compute as compute_module
from spectral_core.paper.run.batching import jobs, parts, train_together
from spectral_core.paper.run.compute import Where, compute, missing_steps
from spectral_core.paper.run.estimate import estimate
from spectral_core.paper.run.store import Store
from spectral_core.paper.study.planning import plan
from spectral_core.training.loop import TrainingDiverged, single_thread

COMMAND = Path(sys.executable).with_name("spectral-core")
PATIENCE = 120  # seconds that a step of a test may take on a busy machine

SMALL = {"hidden": (8,), "epochs": 1, "seeds": 1, "percentiles": (0, 90)}


@contextmanager
def running(store, workers):
    """``spectral-core compute`` in a process group of its own, killed at the end if need be."""
    process = subprocess.Popen(
        [
            *(COMMAND, "compute", "fig03", "--preset", "smoke"),
            *("--store", store.root, "--workers", str(workers)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(store.root.parent)},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            kill_group(process)


def kill_group(process):
    """Kill a process and its workers with signal 9, and wait until they are gone."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()  # the pipes close when nobody holds them any more


def wait_until(condition, process):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.005)


def stored(store):
    """Each stored step's file with its content and time of writing."""
    files = itertools.chain(store.root.glob("train/*"), store.root.glob("cut/*"))
    return {
        file: (file.read_bytes(), file.stat().st_mtime_ns)
        for file in files
        if file.suffix != ".lock" and not file.name.startswith(".")
    }


def records(store):
    return [file for file in stored(store) if file.suffix == ".json"]


def steps_run(output):
    return int(re.search(r"steps run: (\d+)", output).group(1))


def results_only(store):
    """What was computed, without when and where."""
    return {
        file.relative_to(store.root): json.loads(file.read_text())["result"]
        for file in records(store)
    }


def published_csv(study, store, project):
    (csv, _) = publish(study, store)
    assert csv.is_relative_to(project)
    content = csv.read_bytes()
    shutil.rmtree(project / "results")
    return content


@pytest.mark.slow
def test_a_run_that_is_told_to_end_takes_its_workers_along(finished, store):
    trained = [cut.trained for cut in finished.study.steps()]
    with store.lock(trained[-1]), running(store, workers=2) as process:  # one of them must wait
        wait_until(lambda: len(records(store)) >= 3, process)
        process.terminate()
        # The pipes close when nobody holds them any more.
        _, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert error.rstrip().endswith("the same command goes on from here.")


@pytest.mark.slow
def test_killed_run_resumes_and_ends_byte_for_byte_as_an_uninterrupted_one(
    finished, store, project
):
    study, uninterrupted = finished
    trained = list(dict.fromkeys(cut.trained for cut in study.steps()))

    # Whoever holds the lock of a step keeps the run from getting past it, so it is surely killed
    # before its end: first among the trainings, with two workers, then among the cuts.
    with store.lock(trained[-1]), running(store, workers=2) as process:
        wait_until(lambda: len(records(store)) >= 3, process)
        kill_group(process)
    first = stored(store)
    assert 3 <= len(records(store)) < len(trained)

    half = store.root / "train" / f".0123abcd.{trained[-1].key}.json"
    half.write_text('{"step": {')  # what a write cut off by the kill leaves behind

    held_up = min(study.steps(), key=lambda cut: cut.cost)
    with store.lock(held_up), running(store, workers=1) as process:
        wait_until(lambda: len(list(store.root.glob("cut/[!.]*.json"))) >= 2, process)
        kill_group(process)
    second = stored(store)
    assert len(trained) + 2 <= len(records(store)) < len(trained) + len(study.steps())
    assert first.items() <= second.items()  # nothing was computed or written again

    missing = len(trained) + len(study.steps()) - len(records(store))
    with running(store, workers=1) as process:
        output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    assert steps_run(output) == missing
    assert second.items() <= stored(store).items()
    assert results_only(store) == results_only(uninterrupted)
    assert published_csv(study, store, project) == published_csv(study, uninterrupted, project)


@pytest.mark.slow
def test_two_runs_at_once_run_each_step_once(finished, store):
    study, alone = finished
    held = store.lock(study.steps()[0].trained)
    with running(store, workers=1) as one, running(store, workers=1) as other:
        with held:
            for process in (one, other):  # a run has begun once its bar is drawn
                shown = ""
                while "0%" not in shown:
                    assert process.poll() is None
                    shown += process.stderr.read(1)
            time.sleep(0.2)
            assert not records(store)
        outputs = [process.communicate(timeout=PATIENCE) for process in (one, other)]
        assert (one.returncode, other.returncode) == (0, 0), outputs
    assert sum(steps_run(output) for output, _ in outputs) == len(records(store)) == 24
    assert results_only(store) == results_only(alone)


def test_number_of_workers_changes_no_bit(finished, store):
    study, by_one = finished
    assert compute(study.steps(), store, workers=2, progress=False).steps == 24
    assert results_only(store) == results_only(by_one)
    for file in store.root.glob("train/*.safetensors"):
        assert file.read_bytes() == (by_one.root / "train" / file.name).read_bytes()


@pytest.mark.parametrize("workers", [1, 2])
def test_diverging_training_is_an_error_that_stores_nothing(store, workers):
    study = plan("fig03", "smoke", **SMALL | {"epochs": 2}, learning_rate=1e30, methods=["direct"])
    with pytest.raises(TrainingDiverged, match="try a smaller learning rate"):
        compute(study.steps(), store, workers=workers, progress=False)
    assert not stored(store)


def test_only_what_is_missing_is_run(store):
    study = plan("fig03", "smoke", **SMALL)
    everything = 3 + 6  # networks and cuts

    def run(study):
        return compute(study.steps(), store, workers=1, progress=False).steps

    assert run(study) == everything
    complete = stored(store)
    assert run(study) == 0
    assert stored(store) == complete
    assert run(plan("fig03", "smoke", **SMALL | {"percentiles": (0, 50, 90)})) == 3
    assert run(plan("fig03", "smoke", **SMALL, stage_two="both")) == 2
    assert run(plan("fig03", "smoke", **SMALL | {"seeds": 2})) == everything

    cut = study.steps()[0]
    lost = store.root / "cut" / f"{cut.key}.json"
    lost.unlink()
    assert run(study) == 1
    assert (
        results_only(Store(store.root))[lost.relative_to(store.root)]
        == (json.loads(complete[lost][0])["result"])
    )


def test_a_cut_does_not_depend_on_the_cuts_beside_it(finished, store):
    alone = plan("fig03", "smoke", percentiles=(90,), methods=["pre"])
    compute(alone.steps(), store, workers=1, progress=False)
    table = collect(*finished)
    beside = table[(table["percentile"] == 90) & (table["method"] == "pre")]
    assert collect(alone, store).to_csv(index=False) == beside.to_csv(index=False)


def test_repeated_cuts_are_run_once(store):
    cuts = plan("fig03", "smoke", **SMALL).steps()
    assert compute([*cuts, *cuts], store, workers=1, progress=False).steps == 9


def test_cost_is_that_of_the_steps_run(store):
    study = plan("fig03", "smoke", **SMALL)
    start = time.perf_counter()
    cost = compute(study.steps(), store, workers=1, progress=False)
    elapsed = time.perf_counter() - start
    made = {file: json.loads(file.read_text())["made"]["seconds"] for file in records(store)}
    assert cost.steps == len(made) == 9
    assert cost.computing == pytest.approx(sum(made.values()))
    assert cost.computing < cost.seconds < elapsed
    assert compute(study.steps(), store, workers=1, progress=False)[::2] == (0, 0)

    lost = store.root / "cut" / f"{study.steps()[0].key}.json"
    lost.unlink()
    again = compute(study.steps(), store, workers=1, progress=False)
    assert (again.steps, again.computing) == (
        1,
        json.loads(lost.read_text())["made"]["seconds"],
    )


def test_complete_store_is_not_written_to(finished, monkeypatch):
    study, store = finished
    monkeypatch.setattr(compute_module, "_bar", None)
    before = {file: file.stat().st_mtime_ns for file in store.root.rglob("*")}
    assert compute(study.steps(), store).steps == 0
    assert {file: file.stat().st_mtime_ns for file in store.root.rglob("*")} == before


def test_bar_counts_steps(store, capsys):
    compute(plan("fig03", "smoke", **SMALL).steps(), store, workers=1)
    last = capsys.readouterr().err.split("\r")[-1]
    assert re.match(r"pruning, 9/9 steps 100% \|█+\| .* so far, 00:00 left, .* epochs/s", last)


def test_a_step_that_is_stored_meanwhile_is_not_run_again(store):
    """A worker that dies may leave a stored step that it reported to nobody."""
    step = plan("fig03", "smoke", **SMALL).steps()[0].trained
    with compute_module._marked(store) as marker:
        where = Where(store, "cpu", None, marker)
        first, second = (compute_module._run_job((step,), where, True) for _ in range(2))
    assert (first.settled, len(first.seconds), first.busy) == ((step,), 1, ())
    assert second == ((step,), (), (), {})


def test_worker_that_does_not_see_the_store_says_so(store):
    step = plan("fig03", "smoke", **SMALL).steps()[0].trained
    where = Where(store, "cpu", None, "no.run")
    with pytest.raises(FileNotFoundError, match="store must be on a disk that all workers share"):
        compute_module._run_job((step,), where, True)
    assert not store.root.exists()


def test_record_tells_how_a_step_was_made(finished):
    made = [json.loads(file.read_text())["made"] for file in records(finished.store)]
    for one in made:
        assert set(one) == {"at", "seconds", "device", "hardware", "versions", "commit"}
        assert one["device"] == "cpu" and one["seconds"] > 0
        assert one["versions"]["torch"] == torch.__version__


def test_a_step_runs_on_one_thread_whatever_the_caller_has(store, monkeypatch):
    before, during = torch.get_num_threads(), []

    def spy(run):
        def spied(*arguments, **named):
            during.append(torch.get_num_threads())
            return run(*arguments, **named)

        return spied

    for name in ("run_train", "run_levels", "run_cut"):
        monkeypatch.setattr(batching, name, spy(getattr(batching, name)))
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
        ("budget", "*elu-500-500-500", {}),
        ("stronger", "*elu-500-500-500", {"methods": ("stronger",), "retraining_epochs": 5}),
        ("settings", "*elu-500-500-500-input-eigenvalues", {}),
    ],
)
@pytest.mark.slow
def test_steps_that_train_as_one_give_what_they_give_alone(tmp_path, figure, panels, changes):
    study = plan(figure, "smoke", panels, percentiles=(50, 60), epochs=1, **changes)
    alone, as_one = Store(tmp_path / "alone"), Store(tmp_path / "as one")
    compute(study.steps(), alone, workers=1, progress=False)
    compute(study.steps(), as_one, workers=1, progress=False, ensembles=True)
    for step in study.steps():
        one, other = (store.record(step)["result"] for store in (alone, as_one))
        assert one["kept"] == other["kept"]
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-4)
    retrained = {len(job) for job in jobs(study.steps(), True) if job[0].retrains}
    assert min(retrained) > 1


def test_levels_without_retraining_are_one_pass_and_the_others_run_alone():
    cuts = plan("random", "smoke", "mnist-elu-500").steps()
    cuts += plan("fig03", "smoke", methods="pre").steps()
    todo = jobs(cuts, ensembles=False)
    assert sorted(itertools.chain(*todo), key=cuts.index) == cuts
    for job in todo:
        assert len({cut.trained for cut in job}) == 1
        if job[0].retrains is None:
            curves = parts(job, None)
            assert [len(curve) for curve in curves] == [3, 3]
            assert all(len({cut.score for cut in curve}) == 1 for curve in curves)
        else:
            assert len(job) == 1


def test_a_damaged_step_is_named_set_aside_and_computed_again(finished, store, capsys):
    shutil.copytree(finished.store.root, store.root)
    cut, other = finished.study.steps()[:2]
    of_cut, of_network = (
        store.root / "cut" / f"{cut.key}.json",
        store.root / "train" / f"{cut.trained.key}.safetensors",
    )
    whole, network = results_only(store), of_network.read_bytes()
    shutil.copy(store.root / "cut" / f"{other.key}.json", of_cut)
    of_network.write_bytes(network[:-1] + bytes([network[-1] ^ 64]))
    assert missing_steps([cut, other], store) == ([cut.trained], [cut])
    assert compute(finished.study.steps(), store, workers=1, progress=False).steps == 2
    assert results_only(store) == whole and of_network.read_bytes() == network
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and all("computed again" in line for line in lines)
    assert str(of_network) in lines[0] and str(of_cut) in lines[1]
    assert of_cut.with_name(f"{of_cut.name}.damaged").exists()


def test_estimate_is_in_proportion_to_what_the_study_took(finished, store):
    study = plan("fig03", "smoke", seeds=4)
    left = estimate(study.steps(), finished.store, workers=1)
    assert (left.stored, left.trainings, left.cuts, left.unknown) == (24, 6, 18, 0)
    seconds = sum(
        finished.store.record(step)["made"]["seconds"]
        for cut in finished.study.steps()
        for step in {cut, cut.trained}
    )
    assert 0 < left.computing <= seconds * 1.01 and left.seconds == pytest.approx(left.computing)
    nothing = estimate(study.steps(), store, workers=1)
    assert (nothing.stored, nothing.unknown, nothing.seconds) == (0, 48, 0)
    assert not store.root.exists()


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"workers": 0}, ValueError, "workers must be a whole number of at least 1; got 0"),
        ({"workers": -1}, ValueError, "workers must be a whole number of at least 1; got -1"),
        ({"workers": 1.5}, TypeError, "workers must be a whole number of at least 1; got 1.5"),
        ({"backend": "dsk"}, ValueError, "backend must be one of loky, dask; got 'dsk'. Did you"),
        ({"scheduler": "tcp://a:1"}, ValueError, "scheduler must be left out unless backend is"),
        ({"backend": "dask", "workers": 2}, ValueError, "workers must be left out: a dask cluster"),
        ({"backend": "dask", "scheduler": 8786}, TypeError, "scheduler must be an address such"),
        ({"device": "gpu"}, ValueError, "device must be one that torch can use here"),
        ({"device": "cuda:99"}, ValueError, "got 'cuda:99'"),
        ({"device": None}, TypeError, "device must be a name such as 'cpu'; got None"),
    ],
    ids=str,
)
def test_bad_argument_is_refused_before_anything_is_stored(store, changes, error, said):
    with pytest.raises(error) as caught:
        compute(plan("fig03", "smoke").steps(), store, **changes)
    assert said in str(caught.value)
    assert not store.root.exists()


def test_missing_extra_is_named(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    said = r"needs the extra \[dask\]: .* 'spectral-core\[dask\]'"
    with pytest.raises(ModuleNotFoundError, match=said):
        compute(plan("fig03", "smoke").steps(), store, backend="dask", scheduler="tcp://a:1")
    assert not store.root.exists()


def test_other_data_and_networks_are_computed_as_well(store):
    study = plan(
        "fig03", "smoke", **SMALL | {"hidden": (8, 6)}, activation="tanh", train_images=200
    )
    compute(study.steps(), store, workers=1, progress=False)
    table = collect(study, store)
    assert set(table["hidden"]) == {"8-6"}
    assert study.panels[0].hidden == (8, 6)
    assert (table[table["percentile"] == 0]["nodes"] == 14).all()


@pytest.mark.parametrize("workers", [1, 2])
def test_what_does_not_depend_on_a_diverging_training_is_stored(store, workers):
    bad = plan("fig03", "smoke", **SMALL | {"epochs": 2}, learning_rate=1e30, methods="direct")
    good = plan("fig03", "smoke", **SMALL, methods=["direct", "pre"])
    with pytest.raises(
        TrainingDiverged,
        match=r"^of 9 steps, 1 diverged, and 2 lack their network:\ndigits elu 8 direct",
    ):
        compute([*bad.steps(), *good.steps()], store, workers=workers, progress=False)
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

    monkeypatch.setattr("spectral_core.paper.run.compute.train_together", of_good_seeds)
    study = plan("fig03", "smoke", **SMALL | {"seeds": 3}, methods="post")
    with pytest.raises(
        TrainingDiverged, match=r"^of 9 steps, 1 diverged, and 2 .*\n.* seed 1: the loss"
    ):
        compute(study.steps(), store, workers=1, progress=False, ensembles=True)
    assert {step.trained.seed for step in study.steps() if step in store} == {0, 2}


def test_a_broken_loss_names_the_network_and_its_seed(store):
    steps = plan("fig03", "smoke", learning_rate=1e30, seeds=[3], methods="post").steps()
    with pytest.raises(TrainingDiverged, match=r"digits elu 32 spectral seed 3: the loss became"):
        compute(steps, store, workers=1, progress=False)
