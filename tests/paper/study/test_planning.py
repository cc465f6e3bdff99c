"""What is to be computed: the paper's settings, changes to them, and what is refused."""

import dataclasses
import hashlib

import numpy as np
import pytest
import torch

from spectral_core.paper.study.figures import EXPERIMENTS, PRESETS, QUESTIONS
from spectral_core.paper.study.methods import DECAY
from spectral_core.paper.study.panels import AUTHORS_LEVELS, CHANGES, Panel
from spectral_core.paper.study.planning import SETTINGS, plan
from spectral_core.paper.study.settings import Settings
from spectral_core.pruning.selection import select

DRAWN = ("fig03", "fig04", "fig06", "fig07", "fig08", "fig09")
SMALL = Settings("digits", hidden=8)

# SHA-256 of every point of a figure at smoke, quick and paper, all panels, in order: its name and
# the key of its step. What is stored and published is found by them.
POINTS = {
    "fig03": ("48c841b9f5674b1a", "8d58cdc345d9ffc8", "515c74e412d9f559"),
    "fig04": ("4fe86604be1d5813", "aa973cc94fe6d02a", "982d5d8166bb2973"),
    "fig06": ("34d4755e1dda271d", "2e35d0fa5051f32c", "0eada00ea18271d1"),
    "fig07": ("daf17d633bcf73e9", "01a50fbfa50d688c", "a241b6e4b3167f2a"),
    "fig08": ("2c3caf5f97a1dfe3", "47521322c5abb34b", "e45dc539c695c8d2"),
    "fig09": ("cda9dce31f3a6f72", "af03a684ed56c8d8", "fdc5f6e9e1d01d7f"),
    "fig10": ("e4edb25e5cd29a7d", "ed0ef4092658de86", "af9853e92852686e"),
    "fig11": ("106cb50f566a88c2", "182f56b439a81c3c", "31ef2342a8005934"),
    "budget": ("8ab0b73a228bbec8", "f0af38241629c4cb", "c41321280d5fae82"),
    "score": ("206a52a19ae672df", "13ff9b0fac5e1299", "74f7c19c6170f966"),
    "threshold": ("e8408e24fd539906", "ae9660f979d0be65", "d0026509690f705a"),
    "stronger": ("5ea4c4393f975212", "3d27f0de1d72caae", "059071b983630e7b"),
    "settings": ("5a0baee07bbcb793", "3c6752dfaab0869e", "9790a76768c3ef70"),
    "random": ("688a269bbd52fba6", "a790d32164076da8", "b588ab61c18c1633"),
    "benchmark": ("88ab2ac640f12663", "a49c3c4cd8d62c1b", "f41a10c2824dd835"),
    "layerwise": ("6e5b6a45e888ecb0", "44864e05fa3f2735", "06cb843bca8848fb"),
    "ticket": ("378b4a8e5e544471", "0d83ad8efb118c81", "5063910700ed56af"),
    "stage-one": ("57c159aa8996c61a", "696eb5f469baa5ee", "3e4076d45cf92a1d"),
}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_steps_keep_the_names_under_which_they_are_stored(name):
    digests = []
    for preset in PRESETS:
        lines = [
            f"{c.panel.name} {c.method} {c.seed} {c.penalty:g} {c.percentile:g} {c.step.key}"
            for c in plan(name, preset, "*").cells()
        ]
        digests.append(hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16])
    assert tuple(digests) == POINTS[name]


# Settings


def test_defaults_are_the_papers():
    own = plan("fig03", "paper").panels[0].settings["pre"]
    assert own == Settings()
    assert (own.dataset, own.activation, own.hidden) == ("fashion-mnist", "elu", (500,))
    assert (own.epochs, own.retraining_epochs, own.batch_size) == (100, 20, 200)
    assert own.learning_rate == 1e-3
    assert (own.eigenvalue_range, own.eigenvector_range) == ((-0.5, 0.5), (-0.2, 0.2))
    assert own.percentiles == tuple(range(0, 100, 5)) and len(own.seeds) == 5
    assert (own.stage_two, own.train_images) == ("eigenvectors", None)


def test_equal_settings_are_equal_however_they_are_written():
    own = Settings(hidden=12, percentiles=50, penalties=0.5, seeds=3)
    assert (own.hidden, own.percentiles, own.penalties) == ((12,), (50.0,), (0.5,))
    assert own.seeds == (0, 1, 2) and Settings(seeds=[3]).seeds == (3,)
    ranges = {"eigenvalue_range": (-0.0, 1), "eigenvector_range": (0, 1.0)}
    lists = {"eigenvalue_range": [0.0, 1.0], "eigenvector_range": [-0.0, 1]}
    one = {"hidden": 8, "percentiles": (0, 50.0), "learning_rate": 1, "epochs": np.int64(3)}
    other = {"hidden": np.array([8]), "percentiles": [0.0, 50], "learning_rate": 1.0, "epochs": 3}
    one = plan("fig03", "smoke", methods="pre", **one, **ranges)
    other = plan("fig03", "smoke", methods=["pre"], **other, **lists)
    assert one == other and one.steps() == other.steps()
    assert [step.key for step in one.steps()] == [step.key for step in other.steps()]


BAD = [
    ({"epoch": 3}, "Did you mean 'epochs'?"),
    ({"source": "released"}, "setting must be one of"),
    ({"dataset": "fashion_mnist"}, "Did you mean 'fashion-mnist'?"),
    ({"features": "mox"}, "Did you mean 'max'?"),
    ({"backbone_weights": "/nowhere.pth"}, "no such file"),
    ({"activation": "rely"}, "Did you mean 'relu'?"),
    ({"methods": ["prae"]}, "Did you mean 'pre'?"),
    ({"methods": []}, "methods must hold at least one item"),
    ({"methods": [["pre"], ["pre"]]}, "methods must hold each item once"),
    ({"hidden": 0.5}, "hidden[0] must be a whole number of at least 1; got 0.5"),
    ({"hidden": [1, 2.5]}, "hidden[1] must be a whole number of at least 1; got 2.5"),
    ({"hidden_by_method": {"past": [8]}}, "Did you mean 'post'?"),
    ({"hidden_by_method": {"post": [0]}}, "hidden_by_method['post'][0] must be a whole"),
    ({"hidden_by_method": {"fresh": 8}}, "hidden_by_method of digits-elu-32 must be one of"),
    ({"output_bias": 1}, "output_bias must be True or False; got 1"),
    ({"input_eigenvalues": 1}, "input_eigenvalues must be True or False; got 1"),
    ({"epochs": -1}, "epochs must be a whole number of at least 0; got -1"),
    ({"retraining_epochs": 2.0}, "retraining_epochs must be a whole number"),
    ({"stage_two": "eigenvector"}, "Did you mean 'eigenvectors'?"),
    ({"batch_size": 0}, "batch_size must be a whole number of at least 1; got 0"),
    ({"learning_rate": 0}, "learning_rate must be a finite number above 0; got 0"),
    ({"precision": "fp16"}, "precision must be one of"),
    ({"eigenvalue_range": 0.5}, "eigenvalue_range must be a pair (low, high)"),
    ({"eigenvector_range": "glorott"}, "or 'glorot'; got 'glorott'"),
    ({"decay": -1e-4}, "decay must be a finite number of at least 0; got -0.0001"),
    ({"rounds": 0}, "rounds must be a whole number of at least 1; got 0"),
    ({"train_images": 0}, "train_images must be a whole number of at least 1"),
    ({"penalties": -1}, "penalties[0] must be a finite number of at least 0; got -1"),
    ({"percentiles": "50"}, "percentiles must be a list or tuple; got '50'"),
    ({"percentiles": [0, 100.5]}, "percentiles[1] must be a number in [0, 100]"),
    ({"seeds": 0}, "seeds must be a whole number of at least 1; got 0"),
    ({"seeds": [0, 0]}, "seeds must hold each item once"),
    ({"seeds": 10**9}, "seeds must be at most 10,000"),
    ({"name": "fig3"}, "Did you mean 'fig03'?"),
    ({"preset": "quik"}, "Did you mean 'quick'?"),
    ({"panels": "ELU"}, "panels must match some of fashion-mnist-elu-500, "),
    ({"panels": [500]}, "panels must be a pattern"),
]


@pytest.mark.parametrize(("changes", "message"), BAD, ids=str)
def test_bad_setting_is_refused_and_named(changes, message):
    with pytest.raises((TypeError, ValueError)) as caught:
        plan(**{"name": "fig03", "preset": "smoke"} | changes)
    assert message in str(caught.value)


def test_every_setting_has_a_bad_value_that_is_refused():
    assert {name for changes, *_ in BAD for name in changes} >= set(SETTINGS)


# Figures and questions. POINTS pins them; here is what they are for.


@pytest.fixture(scope="module")
def of_figures():
    """Steps of Figs. 3, 4 and 6 to 9 as written."""
    return {step for figure in DRAWN for step in plan(figure, "paper").steps()}


@pytest.mark.parametrize(
    ("name", "pattern", "source"),
    [*((name, "*released", "released") for name in DRAWN), ("fig10", "*jpeg*", "jpeg")],
)
def test_text_settings_come_by_default_and_others_when_asked_for(name, pattern, source):
    every = plan(name, "paper", "*").panels
    assert plan(name, "paper").panels == tuple(p for p in every if p.source == "text")
    assert plan(name, "paper", pattern).panels == tuple(p for p in every if p.source == source)


@pytest.mark.parametrize(
    "name",
    [name for name in QUESTIONS if name not in ("stronger", "settings")],
)
def test_questions_train_no_network_of_the_figures_again(name, of_figures):
    trained = {step.trained for step in of_figures}
    assert {step.trained for step in plan(name, "paper").steps()} <= trained


def test_four_times_the_nodes_are_pruned_to_as_many_as_the_papers_network():
    change = CHANGES["width"]
    scores = torch.rand(2000, generator=torch.Generator().manual_seed(0))

    def kept(nodes, percentiles):
        return [len(select([scores[:nodes]], q)[0]) for q in percentiles]

    assert kept(500 * change.times, change.settings["percentiles"]) == kept(500, AUTHORS_LEVELS)
    (panel,) = plan("settings", "smoke", "fashion-mnist-elu-*-width").panels
    assert panel.base.hidden == (4 * 32,)


# Presets and overrides


def test_panels_are_picked_by_patterns_of_their_names_in_the_registry():
    names = [panel.name for panel in plan("fig06", "smoke", "mnist-tanh-*").panels]
    digits = "digits-tanh-32"
    assert names == [digits, f"{digits}-released", f"{digits}-released-50-epochs"]
    picked = plan("fig06", "paper", ["*relu-500", "*relu*released", "mnist-elu-500"]).panels
    assert [p.name for p in picked] == [
        *("mnist-elu-500", "mnist-relu-500", "mnist-relu-2000-released")
    ]


def test_what_a_method_sets_holds_for_it_alone_until_it_is_overridden(monkeypatch):
    own = {"pre": {"learning_rate": 0.5, "epochs": 7}}
    base = dataclasses.replace(SMALL, epochs=40, stage_two="both")
    monkeypatch.setitem(EXPERIMENTS, "fig03", (Panel.of(base, own=own),))

    def trainings(preset, **changes):
        cells = plan("fig03", preset, **changes).cells()
        return {c.method: (c.step.trained.epochs, c.step.trained.learning_rate) for c in cells}

    assert trainings("paper") == {"direct": (40, 1e-3), "post": (40, 1e-3), "pre": (7, 0.5)}
    assert trainings("quick")["pre"] == (5, 0.5)  # a smaller preset has its smaller sizes
    assert plan("fig03", "quick").panels[0].base.stage_two == "both"
    assert set(trainings("paper", epochs=3).values()) == {(3, 1e-3), (3, 0.5)}
    assert plan("fig03", "paper", epochs=3).overrides == {"epochs": 3}
    assert plan("fig03", "paper", epochs=40).overrides == {"epochs": 40}  # another one for pre
    assert not plan("fig03", "paper", stage_two="both").overrides
    stronger = {"methods": ("stronger",)}
    assert plan("fig03", "paper", **stronger, decay=0.1).overrides == {**stronger, "decay": 0.1}
    assert plan("fig03", "paper", **stronger, decay=DECAY).overrides == stronger


def test_overrides_replace_settings_of_all_methods_and_none_leaves_them():
    study = plan("fig03", "quick", epochs=3, hidden=[8, 4], activation="tanh", batch_size=None)
    preset = plan("fig03", "quick").panels[0]
    new = {"epochs": 3, "hidden": (8, 4), "activation": "tanh"}
    assert study.panels == (preset.map(lambda own: dataclasses.replace(own, **new)),)
    assert study.overrides == new
    same = {"epochs": 5, "activation": "elu", "seeds": 2, "methods": ["direct", "post", "pre"]}
    assert plan("fig03", "quick", **same) == plan("fig03", "quick")
    # fresh has levels of its own
    everywhere = plan("budget", "paper", "mnist-elu-500", percentiles=[0, 40]).cells()
    assert {cell.percentile for cell in everywhere} == {0, 40}
    # and stronger its settings, in whatever figure
    of = {c.percentile: c.step for c in plan("fig03", "quick", methods="stronger").cells()}
    own = plan("stronger", "quick", "fashion-mnist-elu-500").cells()
    assert {c.percentile: c.step for c in own if c.method == "stronger"} == of


def test_widths_by_method_are_part_of_the_name_until_new_widths_hold_for_all(monkeypatch):
    mixed = Panel.of(dataclasses.replace(SMALL, hidden=(8, 8)), own={"post": {"hidden": (16, 16)}})
    assert mixed.name == "digits-elu-8-8-post-16-16"
    monkeypatch.setitem(EXPERIMENTS, "fig03", (mixed,))
    assert plan("fig03", epochs=1).panels[0].settings["post"].hidden == (16, 16)
    (narrow,) = plan("fig03", hidden=(4,)).panels
    assert {own.hidden for own in narrow.settings.values()} == {(4,)}
    only = plan("fig03", hidden_by_method={"pre": (6, 6)}).panels[0]
    assert only.hidden_by_method == {"pre": (6, 6)}  # in place of the panel's own
    study = plan("fig03", hidden=(4,), hidden_by_method={"pre": 6})
    assert study.panels[0].hidden_by_method == {"pre": (6,)}
    assert study.overrides == {"hidden": (4,), "hidden_by_method": {"pre": (6,)}}


def test_panels_that_a_change_makes_one_are_computed_once_the_first_of_them():
    assert len(plan("fig06").panels) == 3 and len(plan("fig06", activation="relu").panels) == 1
    changed = plan("fig10", "quick", "*", dataset="mnist")
    assert [panel.source for panel in changed.panels] == ["text"] * 3


def test_a_choice_of_methods_leaves_the_name_of_a_panel_with_widths_of_their_own():
    whole = plan("fig09", "paper", "*tanh*released").panels[0]
    assert whole.hidden_by_method == {"direct": (800, 800, 800), "post": (800, 800, 800)}
    for methods in (["pre"], ["post"], ["direct", "pre"]):
        chosen = plan("fig09", "paper", "*tanh*released", methods=methods).panels[0]
        assert (chosen.name, list(chosen.methods)) == (whole.name, methods)
    back = plan("fig09", "paper", "*tanh*released", methods=["pre"]).panels[0].of_methods(["post"])
    assert back.settings["post"] == whole.settings["post"]
    small = plan("fig09", "paper", "*tanh*released", methods=["pre"], hidden=20).panels[0]
    assert small.name == "fashion-mnist-tanh-20-released"
