"""What is to be computed: the paper's settings, changes to them, and what is refused."""

import dataclasses
import hashlib

import numpy as np
import pytest
import torch

from spectral_core.paper.run.tuning import TUNINGS
from spectral_core.paper.study.figures import (
    AUTHORS_LEVELS,
    CHANGES,
    EXPERIMENTS,
    FIGURES,
    PRESETS,
    TRIAL,
    Figure,
    Panel,
)
from spectral_core.paper.study.methods import DECAY, INGREDIENTS, METHODS
from spectral_core.paper.study.planning import SETTINGS, plan
from spectral_core.paper.study.settings import Settings, dictionary
from spectral_core.paper.study.steps import cut_step
from spectral_core.pruning.selection import select

DRAWN = ("fig03", "fig04", "fig06", "fig07", "fig08", "fig09")
SMALL = Settings("digits", hidden=8)

# SHA-256 of every point of a figure at smoke, quick and paper, all panels, in order: its name and
# the key of its step. What is stored and published is found by them.
POINTS = {
    "fig03": ("48c841b9f5674b1a", "f95d7ac45c7d41b9", "515c74e412d9f559"),
    "fig04": ("4fe86604be1d5813", "a7a15c8c654fe603", "982d5d8166bb2973"),
    "fig06": ("34d4755e1dda271d", "bb714fe7783755b9", "0eada00ea18271d1"),
    "fig07": ("daf17d633bcf73e9", "3d7aca19489e1e24", "a241b6e4b3167f2a"),
    "fig08": ("2c3caf5f97a1dfe3", "5d0ff58f5e331d87", "e45dc539c695c8d2"),
    "fig09": ("cda9dce31f3a6f72", "41bbf1d5d5b47dfd", "fdc5f6e9e1d01d7f"),
    "fig10": ("e4edb25e5cd29a7d", "ad1b38d0880303d3", "af9853e92852686e"),
    "fig11": ("106cb50f566a88c2", "e486a860416c5fff", "31ef2342a8005934"),
    "budget": ("8ab0b73a228bbec8", "59fa38de78e3f6ac", "c41321280d5fae82"),
    "score": ("206a52a19ae672df", "7e5bb6063e86397c", "74f7c19c6170f966"),
    "threshold": ("e8408e24fd539906", "0ac40470207ba1e7", "d0026509690f705a"),
    "stronger": ("5ea4c4393f975212", "5c8e56d06af1dfb1", "059071b983630e7b"),
    "settings": ("5a0baee07bbcb793", "243da2a6c6a3fbed", "9790a76768c3ef70"),
    "random": ("688a269bbd52fba6", "290f56c5a46f2e7f", "b588ab61c18c1633"),
    "layerwise": ("6e5b6a45e888ecb0", "d58e81a9978213d2", "06cb843bca8848fb"),
    "ticket": ("378b4a8e5e544471", "4f5daac6e2438945", "5063910700ed56af"),
    "stage-one": ("57c159aa8996c61a", "de23118f0ce35692", "3e4076d45cf92a1d"),
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


def test_every_setting_says_what_it_is_in_one_line():
    entries = dictionary()
    assert [entry.name for entry in entries] == [f.name for f in dataclasses.fields(Settings)]
    for entry in entries:
        assert entry.help and entry.values and "\n" not in entry.help
        assert getattr(Settings(), entry.name) == entry.default


def test_a_mistyped_setting_names_the_nearest_one():
    with pytest.raises(ValueError, match="mean 'epochs'"):
        Settings(epoch=5)


def test_a_single_item_needs_no_list_and_seeds_may_be_a_count():
    own = Settings(hidden=12, percentiles=50, penalties=0.5, seeds=3)
    assert (own.hidden, own.percentiles, own.penalties) == ((12,), (50.0,), (0.5,))
    assert own.seeds == (0, 1, 2) and Settings(seeds=[3]).seeds == (3,)
    assert plan("fig03", methods="pre").panels[0].methods == ("pre",)


def test_equal_settings_have_equal_keys_however_they_are_written():
    ranges = {"eigenvalue_range": (-0.0, 1), "eigenvector_range": (0, 1.0)}
    one = plan("fig03", "smoke", hidden=(8,), percentiles=(0, 50.0), learning_rate=1, **ranges)
    lists = {"eigenvalue_range": [0.0, 1.0], "eigenvector_range": [-0.0, 1]}
    other = plan("fig03", "smoke", hidden=[8], percentiles=[0.0, 50], learning_rate=1.0, **lists)
    assert one.steps() == other.steps()
    assert [step.key for step in one.steps()] == [step.key for step in other.steps()]
    (first, *_), (same, *_) = (plan("fig03", epochs=n).steps() for n in (np.int64(3), 3))
    assert (first, first.key) == (same, same.key)


BAD = [
    ({"epoch": 3}, ValueError, "Did you mean 'epochs'?"),
    ({"hiden": (8,)}, ValueError, "Did you mean 'hidden'?"),
    ({"source": "released"}, ValueError, "setting must be one of"),
    ({"dataset": "fashion_mnist"}, ValueError, "Did you mean 'fashion-mnist'?"),
    ({"dataset": "imagefolder:/nowhere"}, ValueError, "must name a folder or a tar archive"),
    ({"features": "mox"}, ValueError, "Did you mean 'max'?"),
    ({"backbone_weights": "/nowhere.pth"}, ValueError, "no such file"),
    ({"activation": "rely"}, ValueError, "Did you mean 'relu'?"),
    ({"methods": ["prae"]}, ValueError, "Did you mean 'pre'?"),
    ({"methods": []}, ValueError, "methods must hold at least one"),
    ({"methods": ["pre", "pre"]}, ValueError, "methods must hold"),
    ({"hidden": 0.5}, TypeError, "hidden[0] must be a whole number of at least 1; got 0.5"),
    ({"hidden": []}, ValueError, "hidden must hold at least one"),
    ({"hidden": [0]}, ValueError, "hidden[0] must be a whole number of at least 1; got 0"),
    ({"hidden_by_method": {"past": [8]}}, ValueError, "Did you mean 'post'?"),
    (
        {"hidden_by_method": {"post": [0]}},
        ValueError,
        "hidden_by_method['post'][0] must be a whole",
    ),
    ({"hidden_by_method": ["post"]}, TypeError, "hidden_by_method must map"),
    ({"output_bias": 1}, TypeError, "output_bias must be True or False; got 1"),
    ({"input_eigenvalues": 1}, TypeError, "input_eigenvalues must be True or False; got 1"),
    ({"epochs": -1}, ValueError, "epochs must be a whole number of at least 0; got -1"),
    ({"epochs": 2.0}, TypeError, "epochs must be a whole number"),
    ({"epochs": "2"}, TypeError, "epochs must be a whole number of at least 0; got '2'"),
    ({"retraining_epochs": -1}, ValueError, "retraining_epochs must be"),
    ({"stage_two": "eigenvector"}, ValueError, "Did you mean 'eigenvectors'?"),
    ({"batch_size": 0}, ValueError, "batch_size must be a whole number of at least 1; got 0"),
    ({"learning_rate": 0}, ValueError, "learning_rate must be a finite number above 0; got 0"),
    ({"learning_rate": float("nan")}, ValueError, "learning_rate must be"),
    ({"precision": "fp16"}, ValueError, "precision must be one of"),
    ({"eigenvalue_range": 0.5}, TypeError, "eigenvalue_range must be a pair (low, high)"),
    ({"eigenvector_range": (1, 0)}, ValueError, "eigenvector_range must be a pair"),
    ({"eigenvector_range": "glorott"}, ValueError, "Did you mean 'glorot'?"),
    ({"decay": -1e-4}, ValueError, "decay must be a finite number of at least 0; got -0.0001"),
    ({"rounds": 0}, ValueError, "rounds must be a whole number of at least 1; got 0"),
    ({"train_images": 0}, ValueError, "train_images must be a whole number of at least 1"),
    ({"penalties": -1}, ValueError, "penalties[0] must be a finite number of at least 0; got -1"),
    ({"penalties": [0, 0.0]}, ValueError, "penalties must hold each item once"),
    ({"percentiles": [0, 100.5]}, ValueError, "percentiles[1] must be a number in [0, 100]"),
    ({"percentiles": [50, 50.0]}, ValueError, "percentiles must hold"),
    ({"seeds": 0}, ValueError, "seeds must be a whole number of at least 1; got 0"),
    ({"seeds": True}, TypeError, "seeds must be a whole number of at least 1; got True"),
    ({"seeds": [-1]}, ValueError, "seeds[0] must be a whole number of at least 0; got -1"),
    ({"seeds": [0, 0]}, ValueError, "seeds must hold each item once"),
    ({"seeds": 10**9}, ValueError, "seeds must be at most 10,000"),
]


@pytest.mark.parametrize(("changes", "error", "message"), BAD, ids=str)
def test_bad_setting_is_refused_and_named(changes, error, message):
    with pytest.raises(error) as caught:
        plan("fig03", "smoke", **changes)
    assert message in str(caught.value)


def test_every_setting_has_a_bad_value_that_is_refused():
    assert {name for changes, *_ in BAD for name in changes} >= set(SETTINGS)


@pytest.mark.parametrize(
    ("arguments", "nearest"), [(("fig3", "quick"), "fig03"), (("fig03", "quik"), "quick")]
)
def test_unknown_figure_or_preset_is_refused(arguments, nearest):
    with pytest.raises(ValueError, match=f"Did you mean '{nearest}'?"):
        plan(*arguments)


# Figures and questions


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_point_of_a_figure_is_planned_once(name):
    study = plan(name, "quick")
    names = [panel.name for panel in study.panels]
    assert len(set(names)) == len(names) >= 1
    cells = list(study.cells())
    assert len(cells) == sum(
        len(own.seeds) * len(own.penalties) * len(own.percentiles)
        for panel in study.panels
        for own in panel.settings.values()
    )
    points = {(c.panel.name, c.method, c.seed, c.penalty, c.percentile) for c in cells}
    assert len(points) == len(cells)
    assert set(study.steps()) == {cell.step for cell in cells}
    assert not study.overrides


@pytest.mark.parametrize("name", DRAWN)
def test_text_settings_come_by_default_and_released_ones_when_asked_for(name):
    text, released = plan(name, "paper"), plan(name, "paper", "*released")
    assert {panel.source for panel in text.panels} == {"text"}
    assert {panel.source for panel in released.panels} == {"released"}
    trials = tuple(p for p in FIGURES[name].panels if p.source == TRIAL)
    assert plan(name, "paper", "*").panels == text.panels + released.panels + trials
    assert len(trials) == (len(text.panels) if text.panels[0].depth == 1 else 0)
    for panel in text.panels:
        assert set(panel.hidden) == {500} and not panel.hidden_by_method
        assert panel.base.stage_two == "eigenvectors"
    for panel in released.panels:
        assert panel.base.stage_two == "both"
        widths = [panel.settings[method].hidden for method in ("direct", "post", "pre")]
        deep = [(800,) * 3, (800,) * 3, (500,) * 3]
        assert widths == (deep if panel.depth == 3 else [(2000,)] * 3)


@pytest.mark.parametrize("name", ["fig10", "fig11"])
def test_cifar10_comes_by_default_and_a_jpeg_copy_when_asked_for(name):
    text, copy = plan(name, "paper"), plan(name, "paper", "*jpeg*")
    assert plan(name, "paper", "*").panels == text.panels + copy.panels
    grid = TUNINGS["training"].grid
    for study, dataset, weights in [
        (text, "cifar10", "b0353104-imagenet"),
        (copy, "cifar10-jpeg", "067cfda5-symmetric"),
    ]:
        for panel in study.panels:
            assert panel.name == f"{dataset}-{panel.activation}-512"
            assert panel.base.inputs == f"{dataset}+mobilenet_v2-{weights}-96-max"
            for own in panel.settings.values():
                assert own.output_bias and own.batch_size == 32
                assert own.epochs == own.retraining_epochs
                assert own.epochs in grid["epochs"]
                assert own.learning_rate in grid["learning_rate"]
    gammas = (0, 1e-5, 1e-4, 5e-4, 1e-3, 1e-2, 1e-1, 1)
    for preset, expected in [("paper", gammas), ("quick", gammas[::3])]:
        assert plan("fig11", preset).panels[0].base.penalties == expected
    fig10 = set(plan("fig10", "paper").steps())
    assert {c.step for c in plan("fig11", "paper").cells() if c.penalty == 0} <= fig10


@pytest.mark.parametrize(
    "name",
    ["budget", "score", "threshold", "random", "layerwise", "ticket", "stage-one"],
)  # fmt: skip
def test_questions_are_about_networks_of_figures_3_to_9_and_train_none_of_them_again(name):
    drawn = [panel for figure in DRAWN for panel in plan(figure, "paper").panels]
    depths = {3} if name in ("threshold", "layerwise") else {1, 3}
    asked = plan(name, "paper")
    names = [panel.name for panel in asked.panels]
    assert sorted(names) == sorted(panel.name for panel in drawn if panel.depth in depths)
    trained = {step.trained for figure in DRAWN for step in plan(figure, "paper").steps()}
    assert {step.trained for step in asked.steps()} <= trained


def test_one_threshold_and_one_per_layer_are_compared_on_the_same_networks():
    of_figures = {step for figure in DRAWN for step in plan(figure, "paper").steps()}
    for cell in plan("threshold", "paper").cells():
        assert cell.step in of_figures or cell.method.endswith(("-per-layer", "-scaled"))


def test_stronger_is_compared_with_methods_at_their_own_budget():
    study, budget = plan("stronger", "paper"), plan("budget", "paper")
    names = [panel.name for panel in study.panels]
    compared = {p.name for p in budget.panels if p.activation in ("elu", "relu")}
    assert set(names) == compared and len(names) == len(compared) == 8
    papers = ("direct-retrained", "post-retrained", "pre")
    one, other = (
        {c.step for c in of.cells() if c.method in papers and c.panel.name in names}
        for of in (study, budget)
    )
    assert one == other
    for cell in study.cells():
        assert (cell.step.trained.epochs, cell.step.retraining_epochs) == (100, 20)


@pytest.mark.parametrize("without", INGREDIENTS)
def test_each_ingredient_is_left_out_by_itself(without):
    def differing(panel, one, other):
        one, other = (dataclasses.asdict(panel.settings[method]) for method in (one, other))
        return {name for name in one if one[name] != other[name]}

    lacking = f"stronger-without-{without}"
    panels = [panel for panel in plan("stronger", "paper").panels if lacking in panel.methods]
    assert [panel.hidden for panel in panels] == [(500,)] * 4
    for panel in panels:
        changed = differing(panel, "stronger", lacking)
        assert changed == {*INGREDIENTS[without].settings, "percentiles"}
        every = {name for item in INGREDIENTS.values() for name in item.settings}
        assert differing(panel, "stronger", "post-retrained") == every


def text_settings(panel):
    return Settings(panel.dataset, activation=panel.activation)


def test_settings_start_from_the_figures_own_steps_and_change_one_thing_at_a_time():
    of_figures = {step for figure in DRAWN for step in plan(figure, "paper").steps()}
    study = plan("settings", "paper")
    text = {p.name: p for p in study.panels if not p.change}
    assert len(text) == 8
    for cell in study.cells():
        assert cell.panel.change or cell.step in of_figures
    for changed in (panel for panel in study.panels if panel.change):
        change = CHANGES[changed.change]
        hidden = tuple(width // change.times for width in changed.hidden)
        name = Panel.of(dataclasses.replace(text_settings(changed), hidden=hidden)).name
        expected = {"percentiles": AUTHORS_LEVELS, "hidden": changed.hidden, **change.settings}
        assert changed.methods == change.methods
        for own in changed.settings.values():
            assert own == dataclasses.replace(text[name].base, **expected)


def test_four_times_the_nodes_are_pruned_to_as_many_as_the_papers_network():
    change = CHANGES["width"]
    scores = torch.rand(2000, generator=torch.Generator().manual_seed(0))

    def kept(nodes, percentiles):
        return [len(select([scores[:nodes]], q)[0]) for q in percentiles]

    assert kept(500 * change.times, change.settings["percentiles"]) == kept(500, AUTHORS_LEVELS)
    (panel,) = plan("settings", "smoke", "fashion-mnist-elu-*-width").panels
    assert panel.hidden == (4 * 32,)


# Presets and overrides


def test_a_smaller_preset_keeps_the_depth():
    (panel,) = plan("fig04", "smoke").panels
    assert panel.hidden == (32, 32, 32) and panel.dataset == "digits"


def test_panels_are_picked_by_patterns_of_their_names_in_the_registry():
    names = [panel.name for panel in plan("fig06", "smoke", "mnist-tanh-*").panels]
    digits = "digits-tanh-32"
    assert names == [digits, f"{digits}-released", f"{digits}-released-50-epochs"]
    picked = plan("fig06", "paper", ["*relu-500", "*relu*released", "mnist-elu-500"]).panels
    assert [p.name for p in picked] == [
        *("mnist-elu-500", "mnist-relu-500", "mnist-relu-2000-released")
    ]
    with pytest.raises(ValueError, match=r"panels must match some of mnist-elu-500, .*; got .ELU."):
        plan("fig06", "paper", "ELU")
    with pytest.raises(TypeError, match="panels must be a pattern"):
        plan("fig06", "paper", [500])


def test_what_a_method_sets_holds_for_it_alone_until_it_is_overridden(monkeypatch):
    own = {"pre": {"learning_rate": 0.5, "epochs": 7}}
    base = dataclasses.replace(SMALL, epochs=40, stage_two="both")
    monkeypatch.setitem(EXPERIMENTS, "fig03", Figure("own", (Panel.of(base, own=own),)))

    def trainings(preset, **changes):
        cells = plan("fig03", preset, **changes).cells()
        return {c.method: (c.step.trained.epochs, c.step.trained.learning_rate) for c in cells}

    assert trainings("paper") == {"direct": (40, 1e-3), "post": (40, 1e-3), "pre": (7, 0.5)}
    assert trainings("quick")["pre"] == (10, 0.5)  # a smaller preset has its smaller sizes
    assert plan("fig03", "quick").panels[0].base.stage_two == "both"
    assert set(trainings("paper", epochs=3).values()) == {(3, 1e-3), (3, 0.5)}
    assert plan("fig03", "paper", epochs=3).overrides == {"epochs": 3}
    assert plan("fig03", "paper", epochs=40).overrides == {"epochs": 40}  # another one for pre
    assert not plan("fig03", "paper", stage_two="both").overrides
    stronger = {"methods": ("stronger",)}
    assert plan("fig03", "paper", **stronger, decay=0.1).overrides == {**stronger, "decay": 0.1}
    assert plan("fig03", "paper", **stronger, decay=DECAY).overrides == stronger


def test_a_method_may_have_levels_of_its_own():
    panel = plan("budget", "paper", "mnist-elu-500").panels[0]
    levels = {method: own.percentiles for method, own in panel.settings.items()}
    assert levels.pop("fresh") == AUTHORS_LEVELS
    assert set(levels.values()) == {tuple(range(0, 100, 5))}
    everywhere = plan("budget", "paper", "mnist-elu-500", percentiles=[0, 40]).cells()
    assert {cell.percentile for cell in everywhere} == {0, 40}


def test_overrides_replace_settings_of_all_methods_and_none_leaves_them():
    study = plan("fig03", "quick", epochs=3, hidden=[8, 4], activation="tanh", batch_size=None)
    preset = plan("fig03", "quick").panels[0]
    new = {"epochs": 3, "hidden": (8, 4), "activation": "tanh"}
    assert study.panels == (preset.map(lambda own: dataclasses.replace(own, **new)),)
    assert study.overrides == new
    same = {"epochs": 10, "activation": "elu", "seeds": 2, "methods": ["direct", "post", "pre"]}
    assert plan("fig03", "quick", **same) == plan("fig03", "quick")


def test_penalties_are_curves_of_their_own():
    study = plan("fig03", "smoke", penalties=[0, 1e-3], seeds=1, methods="post", percentiles=0)
    assert [(c.penalty, c.step.trained.penalty) for c in study.cells()] == [(0, 0), (1e-3, 1e-3)]


def test_widths_by_method_are_part_of_the_name_until_new_widths_hold_for_all(monkeypatch):
    mixed = Panel.of(dataclasses.replace(SMALL, hidden=(8, 8)), own={"post": {"hidden": (16, 16)}})
    assert mixed.name == "digits-elu-8-8-post-16-16"
    monkeypatch.setitem(EXPERIMENTS, "fig03", Figure("mixed widths", (mixed,)))
    assert plan("fig03", epochs=1).panels[0].settings["post"].hidden == (16, 16)
    (narrow,) = plan("fig03", hidden=(4,)).panels
    assert {own.hidden for own in narrow.settings.values()} == {(4,)}
    study = plan("fig03", hidden=(4,), hidden_by_method={"pre": 6})
    assert study.panels[0].hidden_by_method == {"pre": (6,)}
    assert study.overrides == {"hidden": (4,), "hidden_by_method": {"pre": (6,)}}


def test_panels_that_a_change_makes_one_are_computed_once_the_first_of_them():
    assert len(plan("fig06").panels) == 3 and len(plan("fig06", activation="relu").panels) == 1
    changed = plan("fig10", "quick", "*", dataset="mnist")
    assert [panel.source for panel in changed.panels] == ["text"] * 3
    copies = plan("fig10", "quick", "*jpeg*", dataset="mnist")
    assert [panel.source for panel in copies.panels] == ["jpeg"] * 3


def test_a_method_is_the_same_in_every_figure():
    of = {c.percentile: c.step for c in plan("fig03", "quick", methods="stronger").cells()}
    same = plan("stronger", "quick", "fashion-mnist-elu-500").cells()
    assert {c.percentile: c.step for c in same if c.method == "stronger"} == of
    changed = plan("fig03", methods=["stronger", "post"], rounds=2)
    assert {c.step.rounds for c in changed.cells() if c.method == "stronger"} == {2}
    assert {c.step.trained.decay for c in changed.cells()} == {0.0, DECAY}


# Steps of methods


@pytest.mark.parametrize(
    ("method", "seed", "percentile", "error", "message"),
    [
        ("prae", 0, 50, ValueError, "Did you mean 'pre'?"),
        ("pre", -1, 50, ValueError, "seed must be a whole number of at least 0; got -1"),
        ("pre", 0.5, 50, TypeError, "seed must be a whole number"),
        ("pre", 0, 101, ValueError, "percentile must be a number in [0, 100]; got 101"),
        ("pre", 0, "50", TypeError, "percentile must be a number"),
    ],
)
def test_cut_step_refuses_bad_arguments(method, seed, percentile, error, message):
    with pytest.raises(error) as caught:
        cut_step(SMALL, method, seed, percentile)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("method", "layers", "trains", "score", "retrains", "epochs"),
    [
        ("direct", "direct", "both", "connectivity", None, 0),
        ("post", "spectral", "both", "eigenvalue", None, 0),
        ("pre", "spectral", "eigenvalues", "eigenvalue", "eigenvectors", 20),
        ("pre-unretrained", "spectral", "eigenvalues", "eigenvalue", None, 0),
        ("direct-random", "direct", "both", "random", None, 0),
        ("direct-retrained-per-layer", "direct", "both", "connectivity", "both", 20),
        ("fresh", "spectral", "eigenvalues", "eigenvalue", "both", 120),
        ("fresh-short", "spectral", "eigenvalues", "eigenvalue", "both", 20),
    ],
)
def test_methods_train_rank_and_retrain_as_the_paper_says(
    method, layers, trains, score, retrains, epochs
):
    step = cut_step(SMALL, method, 0, 50)
    assert (step.trained.layers, step.trained.trains, step.score) == (layers, trains, score)
    assert (step.retrains, step.retraining_epochs) == (retrains, epochs)
    no_epochs = cut_step(dataclasses.replace(SMALL, epochs=0, retraining_epochs=0), method, 0, 50)
    assert no_epochs.retrains is None


@pytest.mark.parametrize("method", METHODS)
def test_all_levels_of_a_seed_share_one_trained_network(method):
    cuts = [cut_step(SMALL, method, 0, percentile) for percentile in (0, 50, 90)]
    assert len({cut.trained.key for cut in cuts}) == 1
    assert len({cut.key for cut in cuts}) == 3


@pytest.mark.parametrize(
    ("method", "unused"),
    [
        ("direct", {"stage_two": "both", "retraining_epochs": 7, "eigenvalue_range": (0, 1)}),
        ("direct", {"eigenvector_range": (0, 1)}),
        ("post", {"rounds": 4}),
        ("fresh", {"rounds": 4}),
        ("post", {"stage_two": "both", "retraining_epochs": 7}),
        ("post-retrained", {"stage_two": "both"}),
        ("fresh", {"stage_two": "both"}),
    ],
)
def test_settings_that_a_method_ignores_leave_its_steps_alone(method, unused):
    def key(name, settings):
        return cut_step(settings, name, 0, 50).key

    changed = dataclasses.replace(SMALL, **unused)
    assert key(method, changed) == key(method, SMALL)
    assert key("pre", changed) != key("pre", SMALL)
