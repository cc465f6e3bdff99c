"""Settings by held-out images: nothing of the test set, and the best of a grid."""

import dataclasses
import itertools
import json
from pathlib import Path

import pytest
import torch
from made_runs import SMALL

from spectral_core.data import load
from spectral_core.paper import paths
from spectral_core.paper.run import tuning
from spectral_core.paper.run.tuning import TUNINGS, Tuning, choose, trials
from spectral_core.paper.run.work import hold_out_tenth, run_cut, run_train
from spectral_core.paper.study.figures import EXPERIMENTS
from spectral_core.paper.study.methods import DECAY
from spectral_core.paper.study.panels import Panel
from spectral_core.paper.study.planning import plan
from spectral_core.paper.study.steps import cut_step

PANEL = Panel.of(SMALL, ("direct", "direct-inputs", "pre"))


def test_a_tenth_of_the_training_set_is_held_out_and_the_test_set_left_out():
    whole = load("digits")
    data = hold_out_tenth(whole)
    assert (len(data.train_targets), len(data.test_targets)) == (1437 - 143, 143)
    together = torch.cat([data.train_inputs, data.test_inputs])
    assert sorted(together.tolist()) == sorted(whole.train_inputs.tolist())


def test_accuracies_are_those_of_the_steps_on_held_out_images_and_are_kept(store):
    grid = Tuning({"learning_rate": (1e-3, 1e-2), "epochs": (1, 2)}, (50,))
    record = choose(PANEL, grid, store, workers=1, progress=False)
    data = hold_out_tenth(load("digits"))
    # Methods that differ only in what they remove have the same unpruned network.
    assert list(record["accuracies"]) == ["direct", "pre"] and record["held_out"] == 143
    for method, by_rate in record["accuracies"].items():
        best = {}
        for rate, epochs in itertools.product((1e-3, 1e-2), (1, 2)):
            changes = {"learning_rate": rate, "epochs": epochs, "retraining_epochs": epochs}
            step = cut_step(dataclasses.replace(SMALL, **changes), method, 0, 50)
            accuracy = run_cut(step, run_train(step.trained, data)[0], data)["accuracy"]
            assert accuracy == by_rate[f"{rate:g}"][f"{epochs}"]
            best[accuracy] = {"learning_rate": rate, "epochs": epochs}
        assert record["chosen"][method] == best[max(best)]
    again = choose(PANEL, grid, store, workers=1, progress=False)
    assert again["made"]["seconds"] == record["made"]["seconds"]  # nothing was computed again
    assert {**again, "made": None} == {**record, "made": None}
    assert not any(step in store for step in plan("fig03", "smoke").steps())


def test_a_penalty_is_chosen_by_the_mean_over_pruning_levels(store):
    panel = Panel.of(dataclasses.replace(SMALL, penalties=(0, 1, 10)), ("direct", "pre"))
    grid = Tuning({"penalties": (1e-3, 1)}, (0, 75))
    record, data = (
        choose(panel, grid, store, workers=1, progress=False),
        hold_out_tenth(load("digits")),
    )
    for method, means in record["accuracies"].items():
        for penalty in (1e-3, 1):
            cuts = [cut_step(SMALL, method, 0, q, penalty) for q in (0, 75)]
            network, _ = run_train(cuts[0].trained, data)
            every = [run_cut(cut, network, data)["accuracy"] for cut in cuts]
            assert means[f"{penalty:g}"] == sum(every) / 2 and every[0] != every[1]
        assert record["chosen"][method] == {"penalties": float(max(means, key=means.get))}
    assert record["percentiles"] == [0, 75]


def test_of_equally_accurate_ones_the_smallest_is_chosen(store, monkeypatch):
    accuracies = {(1e-4, 20): 0.5, (1e-4, 40): 0.7, (1e-3, 20): 0.7, (1e-3, 40): 0.6}
    grid = {"learning_rate": (1e-4, 1e-3), "epochs": (20, 40)}
    panel = Panel.of(SMALL, ("direct",))
    result = {"kept": [12], "nodes": 12, "parameters": 9, "loss": 1.0}
    for _, point, (step,) in trials(panel, Tuning(grid)):
        accuracy = accuracies[point["learning_rate"], point["epochs"]]
        store.save(step, {**result, "accuracy": accuracy}, {"seconds": 1.0})
        losses = {"training_loss": [1.0] * step.trained.epochs}
        store.save(step.trained, losses, {"seconds": 1.0}, torch.nn.Linear(1, 1))
    record = choose(panel, Tuning(grid), store, progress=False)
    assert record["chosen"] == {"direct": {"learning_rate": 1e-3, "epochs": 20}}


def test_a_choice_needs_a_method_that_it_is_for(project, store):
    for name, methods in (("training", "direct-inputs"), ("decay", "direct")):
        with pytest.raises(ValueError, match="methods must have"):
            tuning.record(plan("fig10", "smoke", methods=methods), name, store)
    assert not (project / "results").exists()


def test_a_record_is_of_the_panels_whose_settings_it_has_chosen(project):
    chosen = {"learning_rate": 0.5, "epochs": 3}
    panel = Panel.of(SMALL, ("direct",), {"direct": chosen})
    assert tuning.recorded(panel) is None
    paths.results("choices").mkdir(parents=True)
    record = {"chosen": {"direct": chosen}, "hidden": [12]}
    paths.results("choices", "a.json").write_text(json.dumps(record))
    assert tuning.recorded(panel) == record
    for other in ({"hidden": 13}, {"epochs": 4}):
        changed = panel.map(lambda own: dataclasses.replace(own, **other))  # noqa: B023
        assert tuning.recorded(changed) is None


def test_settings_of_figs_10_and_11_and_of_stronger_are_those_that_were_chosen():
    for name in ("fig10", "fig11", "stronger"):
        for panel in EXPERIMENTS[name]:
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
