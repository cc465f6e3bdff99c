"""The forecast: counts by hand, times in proportion to what comparable steps took."""

import dataclasses
import json

import pytest

from spectral_core.layers.networks import spectral_mlp
from spectral_core.paper.run.compute import compute
from spectral_core.paper.run.forecast import Forecast, forecast
from spectral_core.paper.run.provenance import hardware
from spectral_core.paper.study import forecast as forecast_module
from spectral_core.paper.study.planning import plan

SETTINGS = {"methods": ["pre"], "percentiles": (0, 90), "epochs": 10, "retraining_epochs": 2}
NETWORK = spectral_mlp((2, 2, 2), "elu")


def cuts(seeds, **changes):
    return plan("fig03", "smoke", seeds=seeds, **SETTINGS | changes).steps()


def save(store, step, seconds, device="cpu", machine=None):
    made = {"seconds": seconds, "device": device, "hardware": machine or hardware("cpu")}
    store.save(step, {}, made, NETWORK if step.kind == "train" else None)


@pytest.fixture
def measured(store):
    """A store with one seed: ten epochs in 5 s; cuts of 201 and 21 hundredths in 4 and 0.44 s."""
    uncut, deep = cuts([0])
    assert (uncut.trained.cost, uncut.cost, deep.cost) == (1000, 201, 21)
    save(store, uncut.trained, 5.0)
    save(store, uncut, 4.0)
    save(store, deep, 0.44)
    return store


def test_time_is_in_proportion_to_the_cost(measured):
    told = forecast(cuts([0, 1, 2]), measured, workers=2)
    assert (told.stored, told.trainings, told.cuts, told.unknown) == (3, 2, 4, 0)
    assert told.computing == pytest.approx(2 * (5 + 4.44))
    assert told.seconds == pytest.approx(5 + 4.44)


def test_more_workers_than_steps_wait_for_the_longest(measured):
    told = forecast(cuts([0, 1]), measured, workers=8)
    assert told.seconds == pytest.approx(5 + 201 * 4.44 / 222)


def test_epochs_and_percentiles_change_the_time_and_not_the_sort(measured):
    told = forecast(cuts([1], epochs=40, percentiles=[50]), measured, workers=1)
    assert told.computing == pytest.approx(4 * 5 + 101 * 4.44 / 222)


@pytest.mark.parametrize(
    "change",
    [
        {"hidden": 64},
        {"activation": "tanh"},
        {"batch_size": 100},
        {"train_images": 500},
        {"dataset": "mnist"},
        {"methods": ["direct"]},
        {"precision": "bf16"},
    ],
    ids=str,
)
def test_other_work_is_not_compared(measured, change):
    told = forecast(cuts([1], **change), measured, workers=1)
    assert (told.trainings, told.cuts, told.unknown) == (1, 2, 3)
    assert (told.computing, told.seconds) == (0, 0)


@pytest.mark.parametrize("elsewhere", [{"device": "cuda"}, {"machine": "abacus, 9 cores"}], ids=str)
def test_another_machine_is_not_compared(store, elsewhere):
    for cut in cuts([0]):
        save(store, cut.trained, 1.0, **elsewhere)
        save(store, cut, 1.0, **elsewhere)
    assert forecast(cuts([0, 1]), store, workers=1) == Forecast(3, 1, 2, 3, 0, 0)


def test_step_of_another_algorithm_is_not_compared(measured, monkeypatch):
    monkeypatch.setattr(forecast_module, "ALGORITHM", -1)
    assert forecast(cuts([1]), measured, workers=1).unknown == 3


def test_a_record_of_another_version_is_not_compared(measured):
    file = next((measured.root / "cut").glob("*.json"))
    record = json.loads(file.read_text(encoding="utf-8"))
    record["step"]["newer_setting"] = 1
    (measured.root / "cut" / "other.json").write_text(json.dumps(record), encoding="utf-8")
    assert forecast(cuts([0, 1]), measured, workers=1).unknown == 0


def test_every_step_that_is_stored_can_be_read_back(finished):
    study, store = finished
    steps = [*dict.fromkeys(cut.trained for cut in study.steps()), *study.steps()]
    restored = [forecast_module._restore(record["step"]) for record in store.records()]
    assert set(restored) == set(steps)


def test_forecast_is_what_is_then_run(store):
    study = plan("fig03", "smoke", hidden=[8], epochs=1, seeds=2)
    half = dataclasses.replace(study, recipe=dataclasses.replace(study.recipe, seeds=(0,)))
    compute(half.steps(), store, workers=1, progress=False)
    told = forecast([*study.steps(), *half.steps()], store, workers=1)
    assert (told.stored, told.unknown) == (12, 0)
    assert told.computing == pytest.approx(
        sum(record["made"]["seconds"] for record in store.records())
    )
    assert compute(study.steps(), store, workers=1, progress=False).steps == (
        told.trainings + told.cuts
    )
