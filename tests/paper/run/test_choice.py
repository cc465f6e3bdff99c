"""Learning rate and epochs by held-out images: nothing of the test set, and prefixes are runs."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from spectral_core import evaluate, train
from spectral_core.data import load
from spectral_core.paper import paths
from spectral_core.paper.study import choice, choices
from spectral_core.paper.study.planning import cut_step, plan
from spectral_core.paper.study.settings import Settings
from spectral_core.paper.study.steps import initial_network, run_train

PANEL = Panel("digits", "elu", (12,), output_bias=True, methods=("direct", "direct-inputs", "pre"))
RECIPE = Recipe(batch_size=50)


@pytest.fixture(scope="module")
def data():
    return choice.hold_out_tenth(load("digits"))


def rows(inputs):
    return {tuple(row) for row in inputs.tolist()}


def test_a_tenth_of_the_training_set_is_held_out_and_the_test_set_left_out(data):
    whole = load("digits")
    assert (len(data.train_targets), len(data.test_targets)) == (1437 - 143, 143)
    together = torch.cat([data.train_inputs, data.test_inputs])
    assert sorted(together.tolist()) == sorted(whole.train_inputs.tolist())
    assert not rows(data.test_inputs) & rows(whole.test_inputs)
    other = choice.hold_out_tenth(whole, seed=1)
    assert not torch.equal(other.test_inputs, data.test_inputs)


def test_fewer_epochs_are_the_beginning_of_more(data):
    found = choice.held_out_accuracies(PANEL, RECIPE, "direct", 1e-2, (1, 3), data)
    for epochs, accuracy in found.items():
        recipe = dataclasses.replace(RECIPE, learning_rate=1e-2, epochs=epochs)
        network, _ = run_train(cut_step(PANEL, recipe, "direct", 0, 0).trained, data)
        assert accuracy == evaluate(network, data.test_inputs, data.test_targets).accuracy


def test_what_retrains_is_measured_behind_stage_two_of_as_many_epochs(data, monkeypatch):
    epochs = []

    def spy(*arguments, **options):
        epochs.append(options["epochs"])
        return train(*arguments, **options)

    monkeypatch.setattr("spectral_core.paper.study.steps.train", spy)
    choice.held_out_accuracies(PANEL, RECIPE, "pre", 1e-2, (1, 2), data)
    assert epochs == [1, 2]


def test_best_is_the_most_accurate_and_of_equals_the_shortest():
    accuracies = {"0.0001": {"20": 0.5, "40": 0.7}, "0.001": {"20": 0.7, "40": 0.6}}
    assert choice.best(accuracies) == {"learning_rate": 1e-3, "epochs": 20}


def test_choice_is_recorded_with_all_that_it_was_made_of(project):
    study = plan("fig10", "smoke", "*jpeg-elu*", methods="direct")
    options = {"learning_rates": (1e-3, 1e-2), "epochs": (1, 2), "progress": False}
    (file,) = choice.record(study, **options)
    found = json.loads(file.read_text(encoding="utf-8"))
    assert file == project / "results" / "choices" / "digits-elu-32.json"
    assert set(found["accuracies"]) == {"direct"} and found["held_out"] == 143
    assert found["chosen"]["direct"] == choice.best(found["accuracies"]["direct"])
    chosen = found["chosen"]["direct"]["learning_rate"]
    panel = dataclasses.replace(
        study.panels[0], recipe_by_method={"direct": {"learning_rate": chosen}, "pre": {}}
    )
    assert choices.recorded(panel) == found
    assert choices.recorded(dataclasses.replace(panel, hidden=(33,))) is None
    assert choices.recorded(dataclasses.replace(panel, recipe_by_method={})) is None


def test_methods_with_the_same_uncut_network_are_measured_once():
    found = choice.choose(PANEL, RECIPE, learning_rates=[1e-2], epochs=[1], progress=False)
    assert list(found["accuracies"]) == ["direct", "pre"]


@pytest.mark.parametrize("change", [{"decay": 100.0}, {"train_images": 50}], ids=str)
def test_all_settings_of_the_training_count(data, change):
    plain, changed = (
        choice.held_out_accuracies(PANEL, recipe, "direct", 1e-2, (3,), data)
        for recipe in (RECIPE, dataclasses.replace(RECIPE, **change))
    )
    assert plain[3] > changed[3] + 0.1


def test_what_a_method_sets_by_itself_counts(data, monkeypatch):
    steps = []

    def spy(step, *arguments):
        steps.append(step)
        return initial_network(step, *arguments)

    monkeypatch.setattr(choice, "initial_network", spy)
    panel = dataclasses.replace(
        PANEL, methods=("pre",), recipe_by_method={"pre": {"eigenvalue_range": (1.0, 1.0)}}
    )
    choice.held_out_accuracies(panel, RECIPE, "pre", 1e-2, (1,), data)
    assert steps[0].eigenvalue_range == (1.0, 1.0)


def test_a_choice_needs_a_method_that_removes_nodes(project):
    study = plan("fig10", "smoke", methods="direct-inputs")
    with pytest.raises(ValueError, match="one that removes nodes, such as direct; got direct-inp"):
        choice.record(study, progress=False)
    assert not (project / "results").exists()


def test_a_record_of_no_choice_is_of_no_panel(project):
    paths.choices().mkdir(parents=True)
    (paths.choices() / "empty.json").write_text('{"chosen": {}, "hidden": [12]}')
    assert choices.recorded(PANEL) is None


def test_settings_of_figs_10_and_11_are_those_that_were_chosen():
    for figure in ("fig10", "fig11"):
        study = plan(figure, "paper", "*")
        for panel in study.panels:
            found = choices.recorded(panel)
            assert found["chosen"] == {
                method: choice.best(by_rate) for method, by_rate in found["accuracies"].items()
            }
            chosen_of = found["chosen"] | {"direct-inputs": found["chosen"]["direct"]}
            for method, chosen in chosen_of.items():
                own = study.recipe_of(panel, method)
                assert {"learning_rate": own.learning_rate, "epochs": own.epochs} == chosen
                assert own.retraining_epochs == own.epochs


def test_records_name_no_place_of_some_machine():
    files = list((Path(__file__).parents[3] / "results" / "choices").glob("*.json"))
    assert files and not any("/" in file.read_text(encoding="utf-8") for file in files)
