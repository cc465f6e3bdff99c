"""The bar of a run: it moves while a step goes on, and stands at what is done in the end."""

import io

import pytest
from made_runs import wait_until

from spectral_core._progress import bar
from spectral_core.paper.run import progress, worker
from spectral_core.paper.run.compute import compute
from spectral_core.paper.study.planning import plan
from spectral_core.training.loop import TrainingDiverged


@pytest.fixture
def drawn(monkeypatch):
    """The bars that are drawn, by processes that tell of every epoch."""
    bars = []

    def kept(*args, **options):
        bars.append(bar(*args, **options | {"file": io.StringIO()}))
        return bars[-1]

    monkeypatch.setattr(progress, "bar", kept)
    monkeypatch.setattr(progress, "SECONDS", 0.01)
    return bars


@pytest.mark.parametrize("ensembles", [False, True])
def test_the_bar_moves_with_each_epoch_of_trainings_and_retrainings(
    store, drawn, monkeypatch, ensembles
):
    epochs = []

    def run(steps, networks, data, on_epoch):
        before = drawn[0].n
        each = sum(step.epoch_cost for step in steps)

        def seen(epoch, loss):
            progress.time.sleep(progress.SECONDS)
            on_epoch(epoch, loss)
            wait_until(lambda: drawn[0].n >= before + epoch * each)
            epochs.append(each)

        return run_together(steps, networks, data, seen)

    run_together = worker.run_together
    monkeypatch.setattr(worker, "run_together", run)
    small = {"hidden": (8,), "epochs": 2, "retraining_epochs": 3, "percentiles": (0, 50)}
    study = plan("fig03", "smoke", **small, seeds=2)
    compute(study.steps(), store, workers=1, ensembles=ensembles)
    # Two seeds: three trainings of two epochs; two levels of the two-stage method of three.
    assert sum(epochs) == 2 * (3 * 2 * 100 + 3 * (100 + 50))
    assert drawn[0].n == drawn[0].total == sum(epochs) + 2 * 3 * 2 * 3  # and as many tests


def test_what_was_told_of_a_training_that_diverges_is_taken_back(store, drawn, monkeypatch):
    def run(steps, networks, data, on_epoch):
        progress.time.sleep(progress.SECONDS)
        on_epoch(1, 0.5)
        wait_until(lambda: drawn[0].n >= 100)
        raise TrainingDiverged("the loss became nan")

    monkeypatch.setattr(worker, "run_together", run)
    study = plan("fig03", "smoke", hidden=(8,), seeds=1, percentiles=(0,), methods="post")
    with pytest.raises(TrainingDiverged):
        compute(study.steps(), store, workers=1)
    assert drawn[0].n == 0
