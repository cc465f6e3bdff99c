"""Settings by held-out images: nothing of the test set, and the best of a grid."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from spectral_core.data import load
from spectral_core.paper import paths
from spectral_core.paper.run import tuning
from spectral_core.paper.run.tuning import TUNINGS, Tuning
from spectral_core.paper.run.work import run_cut, run_train
from spectral_core.paper.study.figures import EXPERIMENTS, Panel
from spectral_core.paper.study.methods import DECAY
from spectral_core.paper.study.planning import plan
from spectral_core.paper.study.settings import Settings
from spectral_core.paper.study.steps import cut_step

SMALL = Settings("digits", hidden=12, epochs=2, retraining_epochs=2)
PANEL = Panel.of(SMALL, ("direct", "direct-inputs", "pre"))


@pytest.fixture(scope="module")
def data():
    return tuning.hold_out_tenth(load("digits"))


def test_a_tenth_of_the_training_set_is_held_out_and_the_test_set_left_out(data):
    whole = load("digits")
    assert (len(data.train_targets), len(data.test_targets)) == (1437 - 143, 143)
    together = torch.cat([data.train_inputs, data.test_inputs])
    assert sorted(together.tolist()) == sorted(whole.train_inputs.tolist())
    other = tuning.hold_out_tenth(whole, seed=1)
    assert not torch.equal(other.test_inputs, data.test_inputs)


def test_accuracies_are_those_of_the_steps_on_held_out_images(data):
    grid = {"learning_rate": (1e-3, 1e-2), "epochs": (1, 2)}
    record = tuning.choose(PANEL, Tuning(grid, percentile=50), progress=False)
    # Methods that differ only in what they remove have the same unpruned network.
    assert list(record["accuracies"]) == ["direct", "pre"] and record["held_out"] == 143
    for method, by_rate in record["accuracies"].items():
        for rate, by_epochs in by_rate.items():
            for epochs, accuracy in by_epochs.items():
                own = dataclasses.replace(
                    SMALL,
                    learning_rate=float(rate),
                    epochs=int(epochs),
                    retraining_epochs=int(epochs),
                )
                step = cut_step(own, method, 0, 50)
                network, _ = run_train(step.trained, data)
                assert run_cut(step, network, data)["accuracy"] == accuracy
        best = record["chosen"][method]
        chosen = by_rate[f"{best['learning_rate']:g}"][f"{best['epochs']:g}"]
        assert chosen == max(a for row in by_rate.values() for a in row.values())


def test_of_equally_accurate_ones_the_smallest_is_chosen(monkeypatch):
    accuracies = {(1e-4, 20): 0.5, (1e-4, 40): 0.7, (1e-3, 20): 0.7, (1e-3, 40): 0.6}
    monkeypatch.setattr(
        tuning, "_in_worker", lambda own, *_: accuracies[own.learning_rate, own.epochs]
    )
    grid = {"learning_rate": (1e-4, 1e-3), "epochs": (20, 40)}
    record = tuning.choose(Panel.of(SMALL, ("direct",)), Tuning(grid), progress=False)
    assert record["chosen"] == {"direct": {"learning_rate": 1e-3, "epochs": 20}}


def test_a_choice_needs_a_method_that_it_is_for(project):
    for name, methods in (("training", "direct-inputs"), ("decay", "direct")):
        with pytest.raises(ValueError, match="methods must have"):
            tuning.record(plan("fig10", "smoke", methods=methods), name, progress=False)
    assert not (project / "results").exists()


def test_a_record_is_of_the_panels_whose_settings_it_has_chosen(project):
    paths.choices().mkdir(parents=True)
    file = paths.choices() / "a.json"
    panel = Panel.of(SMALL, ("direct",), {"direct": {"learning_rate": 0.5, "epochs": 3}})

    def write(**chosen):
        file.write_text(json.dumps({"chosen": chosen, "hidden": [12]}))
        return json.loads(file.read_text())

    assert tuning.recorded(panel) is None
    record = write(direct={"learning_rate": 0.5, "epochs": 3})
    assert tuning.recorded(panel) == record
    assert tuning.recorded(panel.map(lambda own: dataclasses.replace(own, hidden=13))) is None
    assert tuning.recorded(panel.map(lambda own: dataclasses.replace(own, epochs=4))) is None
    write()
    assert tuning.recorded(panel) is None


def test_settings_of_figs_10_and_11_and_of_stronger_are_those_that_were_chosen():
    for name in ("fig10", "fig11", "stronger"):
        for panel in EXPERIMENTS[name].panels:
            record = tuning.recorded(panel)
            chosen = record["chosen"]
            if name == "stronger":
                assert chosen == {"stronger": {"decay": DECAY}}
                rows = record["accuracies"]["stronger"]
                assert float(max(rows, key=rows.get)) == DECAY
                continue
            for method, own in {**chosen, "direct-inputs": chosen["direct"]}.items():
                settings = panel.settings[method]
                assert {n: getattr(settings, n) for n in own} == own
                assert settings.retraining_epochs == settings.epochs
                assert set(own) == set(TUNINGS["training"].grid)


def test_records_name_no_place_of_some_machine():
    files = list((Path(__file__).parents[3] / "results" / "choices").glob("*.json"))
    assert files and not any("/" in file.read_text(encoding="utf-8") for file in files)
