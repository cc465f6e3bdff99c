"""Settings by held-out images: nothing of the test set, and the best of a grid."""

import dataclasses
import itertools
import json
from pathlib import Path

import pytest
import torch

from spectral_core.data import load
from spectral_core.paper import paths
from spectral_core.paper.run import tuning
from spectral_core.paper.run.tuning import TUNINGS, Tuning, choose, trials
from spectral_core.paper.run.work import hold_out_tenth, run_cut, run_train
from spectral_core.paper.study.figures import EXPERIMENTS, Panel
from spectral_core.paper.study.methods import DECAY
from spectral_core.paper.study.planning import plan
from spectral_core.paper.study.settings import Settings
from spectral_core.paper.study.steps import cut_step

SMALL = Settings("digits", hidden=12, epochs=2, retraining_epochs=2)
PANEL = Panel.of(SMALL, ("direct", "direct-inputs", "pre"))


def test_a_tenth_of_the_training_set_is_held_out_and_the_test_set_left_out():
    whole = load("digits")
    data = hold_out_tenth(whole)
    assert (len(data.train_targets), len(data.test_targets)) == (1437 - 143, 143)
    together = torch.cat([data.train_inputs, data.test_inputs])
    assert sorted(together.tolist()) == sorted(whole.train_inputs.tolist())


def test_accuracies_are_those_of_the_steps_on_held_out_images_and_are_kept(store):
    grid = {"learning_rate": (1e-3, 1e-2), "epochs": (1, 2)}
    tuning = Tuning(grid, percentile=50)
    record = choose(PANEL, tuning, store, workers=1, progress=False)
    data = hold_out_tenth(load("digits"))
    # Methods that differ only in what they remove have the same unpruned network.
    assert list(record["accuracies"]) == ["direct", "pre"] and record["held_out"] == 143
    for method, by_rate in record["accuracies"].items():
        for (rate, by_epochs), epochs in itertools.product(by_rate.items(), (1, 2)):
            changes = {"learning_rate": float(rate), "epochs": epochs, "retraining_epochs": epochs}
            step = cut_step(dataclasses.replace(SMALL, **changes), method, 0, 50)
            network, _ = run_train(step.trained, data)
            assert run_cut(step, network, data)["accuracy"] == by_epochs[f"{epochs}"]
        best = record["chosen"][method]
        chosen = by_rate[f"{best['learning_rate']:g}"][f"{best['epochs']:g}"]
        assert chosen == max(a for row in by_rate.values() for a in row.values())
    again = choose(PANEL, tuning, store, workers=1, progress=False)
    assert {**again, "made": None} == {**record, "made": None}
    assert again["made"]["seconds"] == record["made"]["seconds"]  # nothing was computed again
    assert not any(step in store for step in plan("fig03", "smoke").steps())


def test_of_equally_accurate_ones_the_smallest_is_chosen(store, monkeypatch):
    accuracies = {(1e-4, 20): 0.5, (1e-4, 40): 0.7, (1e-3, 20): 0.7, (1e-3, 40): 0.6}
    grid = {"learning_rate": (1e-4, 1e-3), "epochs": (20, 40)}
    panel = Panel.of(SMALL, ("direct",))
    result = {"kept": [12], "nodes": 12, "parameters": 9, "loss": 1.0}
    for trial in trials(panel, Tuning(grid)):
        accuracy = accuracies[trial.point["learning_rate"], trial.point["epochs"]]
        store.save(trial.step, {**result, "accuracy": accuracy}, {"seconds": 1.0})
        losses = {"training_loss": [1.0] * trial.step.trained.epochs}
        store.save(trial.step.trained, losses, {"seconds": 1.0}, torch.nn.Linear(1, 1))
    record = choose(panel, Tuning(grid), store, progress=False)
    assert record["chosen"] == {"direct": {"learning_rate": 1e-3, "epochs": 20}}


def test_a_choice_needs_a_method_that_it_is_for(project, store):
    for name, methods in (("training", "direct-inputs"), ("decay", "direct")):
        with pytest.raises(ValueError, match="methods must have"):
            tuning.record(plan("fig10", "smoke", methods=methods), name, store)
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
