"""α by held-out images after a cut: nothing of the test set, and a record that the page tells."""

import dataclasses
import json

import pytest
from spectral_core.paper.run.choice import hold_out_tenth, record
from spectral_core.paper.run.choice_of_decay import choose_decay

from spectral_core.data import load
from spectral_core.paper.study import choice_of_decay, choices
from spectral_core.paper.study.figures import FIGURES
from spectral_core.paper.study.methods import DECAY, ingredients
from spectral_core.paper.study.planning import cut_step, plan
from spectral_core.paper.study.steps import run_cut, run_train

SMALL = {"epochs": 3, "retraining_epochs": 4, "seeds": 1}


@pytest.fixture
def study():
    return plan("stronger", "smoke", "mnist-elu-500", **SMALL)


def test_accuracy_is_that_of_the_stronger_variant_after_the_cut_on_held_out_images(study):
    (panel,) = study.panels
    found = choose_decay(panel, study.recipe, decays=[1e-3], percentile=75, progress=False)
    data = hold_out_tenth(load("digits"))
    recipe = dataclasses.replace(study.recipe, **ingredients() | {"decay": 1e-3})
    step = cut_step(panel, recipe, "stronger", 0, 75)
    assert (step.rounds, step.trained.eigenvalue_range) == (4, (1.0, 1.0))
    accuracy = run_cut(step, run_train(step.trained, data)[0], data)["accuracy"]
    assert found["accuracies"] == {"stronger": {"0.001": accuracy}}
    assert (found["held_out"], found["percentile"], found["epochs"]) == (143, 75, 3)


def test_the_smallest_of_the_most_accurate_is_chosen(study, monkeypatch):
    of = {1e-5: 0.5, 1e-4: 0.7, 1e-3: 0.7, 1e-2: 0.6}
    monkeypatch.setattr(choice_of_decay, "_accuracy", lambda p, recipe, *_: of[recipe.decay])
    found = choose_decay(study.panels[0], study.recipe, progress=False)
    assert found["chosen"] == {"stronger": {"decay": 1e-4}}
    assert list(found["accuracies"]["stronger"]) == ["1e-05", "0.0001", "0.001", "0.01"]


def test_record_is_found_by_every_panel_that_has_its_decay(study, project):
    panels = FIGURES["stronger"].panels
    assert choices.recorded(panels[0]) is None
    assert "is a first guess" in choices.decay_sentence(panels[0])
    assert choices.decay_table(panels[0]) is None
    options = {"decays": [DECAY], "progress": False}
    (file,) = record(study, choose_decay, "-decay", **options)
    assert file == project / "results" / "choices" / "digits-elu-32-decay.json"
    found = json.loads(file.read_text(encoding="utf-8"))
    assert all(choices.recorded(panel) == found for panel in panels)
    assert choices.recorded(FIGURES["budget"].panels[0]) is None
    said = choices.decay_sentence(panels[0])
    assert "143 held-out training images" in said and "for 3 + 4 epochs" in said
    assert said.endswith("it is the smallest of them.")
    assert list(choices.decay_table(panels[0]).columns) == [f"α = {DECAY:g}"]
    found["chosen"]["stronger"]["decay"] = 2 * DECAY
    file.write_text(json.dumps(found), encoding="utf-8")
    assert choices.recorded(panels[0]) is None


def test_decay_of_the_stronger_variant_is_the_recorded_one():
    for panel in FIGURES["stronger"].panels:
        found = choices.recorded(panel)
        assert found["chosen"] == {"stronger": {"decay": DECAY}}
        accuracies = found["accuracies"]["stronger"]
        assert float(max(accuracies, key=accuracies.get)) == DECAY
        assert (found["epochs"], found["retraining_epochs"]) == (100, 20)
        assert choices.decay_sentence(panel).endswith("for 100 + 20 epochs.")
