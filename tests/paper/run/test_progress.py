"""The bar of a run: it moves while a step goes on, and stands at what is done in the end."""

import time

import pytest
from made_runs import wait_until

from spectral_core._progress import bar
from spectral_core.paper.run import progress, worker
from spectral_core.paper.run.compute import compute
from spectral_core.paper.run.progress import EpochReporter, ProgressBar
from spectral_core.paper.study.planning import plan
from spectral_core.training.loop import TrainingDiverged

SMALL = {"hidden": (8,), "epochs": 2, "retraining_epochs": 3, "percentiles": (0, 50)}


@pytest.fixture
def drawn(monkeypatch):
    """The bars that are drawn, by processes that report every epoch."""
    bars = []
    monkeypatch.setattr(progress, "bar", lambda **options: bars.append(bar(**options)) or bars[-1])
    monkeypatch.setattr(progress, "INTERVAL", 0.01)
    return bars


def epoch_passes(report, epoch):
    """An epoch that takes long enough for its report."""
    time.sleep(2 * progress.INTERVAL)
    report(epoch, 0.5)


@pytest.mark.parametrize("ensembles", [False, True])
def test_the_bar_moves_with_each_epoch_of_trainings_and_retrainings(
    store, drawn, monkeypatch, ensembles
):
    epochs = []

    def run(steps, networks, data, on_epoch):
        before = drawn[0].n
        each = sum(step.epoch_cost for step in steps)

        def seen(epoch, loss):
            epoch_passes(on_epoch, epoch)
            wait_until(lambda: drawn[0].n >= before + epoch * each)
            epochs.append(each)

        return run_together(steps, networks, data, seen)

    run_together = worker.run_together
    monkeypatch.setattr(worker, "run_together", run)
    compute(plan("fig03", "smoke", **SMALL, seeds=2).steps(), store, workers=1, ensembles=ensembles)
    # Two seeds: three trainings of two epochs; two levels of the two-stage method of three.
    assert sum(epochs) == 2 * (3 * 2 * 100 + 3 * (100 + 50))
    assert drawn[0].n == drawn[0].total == sum(epochs) + 2 * 3 * 2 * 3  # and as many tests
    assert not list(store.root.glob(".*"))


def test_what_was_reported_of_a_training_that_diverges_is_taken_back(store, drawn, monkeypatch):
    def run(steps, networks, data, on_epoch):
        epoch_passes(on_epoch, 1)
        wait_until(lambda: drawn[0].n == 100)
        raise TrainingDiverged("the loss became nan")

    monkeypatch.setattr(worker, "run_together", run)
    with pytest.raises(TrainingDiverged):
        compute(plan("fig03", "smoke", **SMALL, seeds=1).steps(), store, workers=1)
    assert drawn[0].n == 0


def test_a_step_that_another_process_runs_again_is_not_counted_twice(tmp_path, drawn):
    folder = tmp_path / ".1.reports"
    trainings = [cut.trained for cut in plan("fig03", "smoke", **SMALL, seeds=1).steps()[::2]]
    with ProgressBar(trainings, folder, enabled=True) as shown:
        for _ in range(2):  # the first one is killed before it says that it has finished
            report = EpochReporter(folder, trainings[:1])
            for epoch in (1, 2):
                epoch_passes(report, epoch)
            wait_until(lambda: drawn[0].n == 200)
            assert report.file.stat().st_size == 200
        shown.settle(trainings[:1], [])
        wait_until(lambda: not list(folder.iterdir()))
    assert drawn[0].n == 200


def test_a_process_that_outlives_its_run_leaves_nothing_behind(tmp_path, drawn):
    steps = [plan("fig03", "smoke", **SMALL).steps()[0].trained]
    with ProgressBar(steps, tmp_path / ".1.reports", enabled=False):
        report = EpochReporter(tmp_path / ".1.reports", steps)
        epoch_passes(report, 1)
    assert not list(tmp_path.iterdir())
