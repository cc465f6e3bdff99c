"""What is to be computed: the paper's settings, changes to them, and what is refused."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from spectral_core.layers.networks import hidden_label
from spectral_core.paper.study import choice
from spectral_core.paper.study.figures import FIGURES, PRESETS, QUESTIONS, Figure, Preset
from spectral_core.paper.study.methods import STRATEGIES
from spectral_core.paper.study.panels import TRIAL, Panel, Recipe
from spectral_core.paper.study.planning import cut_step, plan
from spectral_core.paper.study.variations import AUTHORS_CUTS, DECAY, INGREDIENTS, VARIATIONS
from spectral_core.pruning.selection import select

PANEL = Panel("digits", "elu", (8,))


def test_paper_preset_is_the_papers_setting():
    recipe = plan("fig03", "paper").recipe
    assert (recipe.epochs, recipe.retraining_epochs, recipe.batch_size) == (100, 20, 200)
    assert recipe.learning_rate == 1e-3
    assert recipe.eigenvalue_range == (-0.5, 0.5)
    assert recipe.eigenvector_range == (-0.2, 0.2)
    assert recipe.percentiles == tuple(range(0, 100, 5))
    assert len(recipe.seeds) == 5
    assert recipe.stage_two == "eigenvectors"
    assert recipe.train_images is None


def test_fig03_is_fashion_mnist_with_500_elu_nodes():
    (panel,) = plan("fig03", "paper").panels
    assert (panel.dataset, panel.activation, panel.hidden) == ("fashion-mnist", "elu", (500,))
    assert panel.methods == ("direct", "post", "pre")


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_has_a_plan_at_every_preset(figure, preset):
    study = plan(figure, preset)
    names = [panel.name for panel in study.panels]
    assert len(set(names)) == len(names) >= 1
    recipes = [study.recipe_of(panel, method) for panel in study.panels for method in panel.methods]
    cells = list(study.cells())
    assert len(cells) == sum(
        len(own.seeds) * len(own.penalties) * len(own.percentiles) for own in recipes
    )
    named = {(c.panel.name, c.method, c.seed, c.penalty, c.percentile) for c in cells}
    assert len(named) == len(cells)
    assert set(study.steps()) == {cell.step for cell in cells}
    assert not study.overrides


@pytest.mark.parametrize("figure", sorted(set(FIGURES) - {"fig10", "fig11", *QUESTIONS}))
def test_panels_as_written_come_by_themselves_and_those_as_released_when_asked_for(figure):
    written, released = plan(figure, "paper"), plan(figure, "paper", "*released")
    assert {panel.variant for panel in written.panels} == {""}
    assert {panel.variant for panel in released.panels} == {"released"}
    trials = tuple(p for p in FIGURES[figure].panels if p.variant == TRIAL)
    assert plan(figure, "paper", "*").panels == written.panels + released.panels + trials
    assert len(trials) == (len(written.panels) if len(written.panels[0].hidden) == 1 else 0)
    for panel in written.panels:
        assert set(panel.hidden) == {500} and not panel.hidden_by_method
        assert written.recipe_of(panel).stage_two == "eigenvectors"
    for panel in released.panels:
        assert released.recipe_of(panel).stage_two == "both"
        widths = [panel.hidden_of(method) for method in ("direct", "post", "pre")]
        deep = [(800,) * 3, (800,) * 3, (500,) * 3]
        assert widths == (deep if len(panel.hidden) == 3 else [(2000,)] * 3)


@pytest.mark.parametrize("figure", ["fig10", "fig11"])
def test_cifar10_itself_comes_by_itself_and_a_jpeg_copy_when_asked_for(figure):
    written, copy = plan(figure, "paper"), plan(figure, "paper", "*jpeg*")
    assert plan(figure, "paper", "*").panels == written.panels + copy.panels
    for study, dataset, weights in [
        (written, "cifar10", "b0353104-imagenet"),
        (copy, "cifar10-jpeg", "067cfda5-symmetric"),
    ]:
        for panel in study.panels:
            assert panel.name == f"{dataset}-{panel.activation}-512"
            assert panel.inputs == f"{dataset}+mobilenet_v2-{weights}-96-max"
            assert panel.output_bias and study.recipe_of(panel).batch_size == 32
            for method in panel.methods:
                own = study.recipe_of(panel, method)
                assert own.epochs == own.retraining_epochs
                assert (own.epochs, own.learning_rate) in itertools.product(
                    choice.EPOCHS, choice.LEARNING_RATES
                )
    assert [panel.activation for panel in plan("fig10", "paper").panels] == ["elu", "relu", "tanh"]
    gammas = (0, 1e-5, 1e-4, 5e-4, 1e-3, 1e-2, 1e-1, 1)
    for preset, expected in [("paper", gammas), ("quick", gammas[::3])]:
        penalised = plan("fig11", preset)
        assert penalised.recipe_of(penalised.panels[0]).penalties == expected


def test_fig11_without_penalty_is_fig10():
    fig10 = set(plan("fig10", "paper").steps())
    fig11 = plan("fig11", "paper").cells()
    assert {cell.step for cell in fig11 if cell.penalty == 0} <= fig10


@pytest.mark.parametrize("question", ["budget", "score"])
def test_questions_are_about_the_networks_of_figures_3_to_9_and_train_none_of_them_again(question):
    figures = ("fig03", "fig04", "fig06", "fig07", "fig08", "fig09")
    drawn = [panel for figure in figures for panel in plan(figure, "paper").panels]
    asked = plan(question, "paper").panels
    assert {panel.name for panel in asked} == {panel.name for panel in drawn}
    assert len(asked) == len(drawn) == 12
    trained = {step.trained for figure in figures for step in plan(figure, "paper").steps()}
    assert {step.trained for step in plan(question, "paper").steps()} <= trained


def test_one_threshold_and_one_per_layer_are_compared_on_the_networks_of_three_hidden_layers():
    figures = ("fig04", "fig08", "fig09")
    drawn = [panel for figure in figures for panel in plan(figure, "paper").panels]
    study = plan("threshold", "paper")
    assert {panel.name for panel in study.panels} == {panel.name for panel in drawn}
    of_figures = {step for figure in figures for step in plan(figure, "paper").steps()}
    trained = {step.trained for step in of_figures}
    for cell in study.cells():
        assert cell.step.trained in trained
        assert cell.step in of_figures or cell.method.endswith(("-per-layer", "-scaled"))


def test_stronger_stands_beside_the_papers_methods_at_the_budget_that_they_had():
    study, budget = plan("stronger", "paper"), plan("budget", "paper")
    names = [panel.name for panel in study.panels]
    compared = {p.name for p in budget.panels if p.activation in ("elu", "relu")}
    assert set(names) == compared and len(names) == len(compared) == 8
    papers = ("direct-retrained", "post-retrained", "pre")
    one, other = (
        {c.step for c in each.cells() if c.method in papers and c.panel.name in names}
        for each in (study, budget)
    )
    assert one == other
    for cell in study.cells():
        assert (cell.step.trained.epochs, cell.step.retraining_epochs) == (100, 20)


@pytest.mark.parametrize("without", INGREDIENTS)
def test_each_ingredient_is_taken_away_by_itself(without):
    def differing(panel, one, other):
        one, other = (study.recipe_of(panel, method) for method in (one, other))
        names = [field.name for field in dataclasses.fields(Recipe)]
        return {name for name in names if getattr(one, name) != getattr(other, name)}

    study = plan("stronger", "paper")
    lacking = [p for p in study.panels if f"stronger-without-{without}" in p.methods]
    assert [panel.hidden for panel in lacking] == [(500,)] * 4
    for panel in lacking:
        changed = differing(panel, "stronger", f"stronger-without-{without}")
        assert changed == {*INGREDIENTS[without].recipe, "percentiles"}
        every = {name for each in INGREDIENTS.values() for name in each.recipe}
        assert differing(panel, "stronger", "post-retrained") == every


def test_settings_start_from_the_figures_own_steps_and_change_one_thing_at_a_time():
    figures = ("fig03", "fig04", "fig06", "fig07", "fig08", "fig09")
    of_figures = {step for figure in figures for step in plan(figure, "paper").steps()}
    study = plan("settings", "paper")
    written = {p.name: p for p in study.panels if not p.variation}
    assert len(written) == 8
    for cell in study.cells():
        assert cell.panel.variation or cell.step in of_figures
    for panel in study.panels:
        if not panel.variation:
            continue
        variation, recipe = VARIATIONS[panel.variation], study.recipe_of(panel)
        hidden = tuple(width // variation.times for width in panel.hidden)
        base = dataclasses.replace(panel, hidden=hidden, variation="")
        assert panel.name == "-".join(
            [panel.dataset, panel.activation, hidden_label(panel.hidden), panel.variation]
        )
        of_panel = {"hidden": panel.hidden, **variation.panel}
        assert (
            dataclasses.replace(
                written[base.name],
                **of_panel,
                methods=variation.methods,
                recipe={"percentiles": AUTHORS_CUTS} | variation.recipe,
                variation=panel.variation,
            )
            == panel
        )
        plain = study.recipe_of(written[base.name])
        fewer = dataclasses.replace(plain, percentiles=AUTHORS_CUTS)
        assert recipe == dataclasses.replace(fewer, **variation.recipe)
        assert (recipe == fewer) == bool(variation.panel)


def test_four_times_the_nodes_are_cut_to_as_many_as_the_papers_network():
    variation = VARIATIONS["width"]
    scores = torch.rand(2000, generator=torch.Generator().manual_seed(0))

    def kept(nodes, percentiles):
        return [len(select([scores[:nodes]], q)[0]) for q in percentiles]

    wide = kept(500 * variation.times, variation.recipe["percentiles"])
    assert wide == kept(500, AUTHORS_CUTS)
    (panel,) = plan("settings", "smoke", "fashion-mnist-elu-*-width").panels
    assert panel.hidden == (4 * 32,)


def test_what_a_method_sets_by_itself_holds_for_it_alone_until_it_is_overridden(monkeypatch):
    by_method = {"pre": {"learning_rate": 0.5, "epochs": 7}}
    own = dataclasses.replace(PANEL, recipe={"epochs": 40}, recipe_by_method=by_method)
    monkeypatch.setitem(FIGURES, "fig03", Figure("own recipe", (own,)))

    def trainings(preset, **changes):
        cells = plan("fig03", preset, **changes).cells()
        return {c.method: (c.step.trained.epochs, c.step.trained.learning_rate) for c in cells}

    assert trainings("paper") == {"direct": (40, 1e-3), "post": (40, 1e-3), "pre": (7, 0.5)}
    # A smaller preset keeps its smaller sizes.
    assert trainings("quick")["pre"] == (10, 0.5)
    assert set(trainings("paper", epochs=3).values()) == {(3, 1e-3), (3, 0.5)}
    assert plan("fig03", "paper", epochs=3).overrides == {"epochs": 3}
    assert plan("fig03", "paper", epochs=40).overrides == {"epochs": 40}  # another one for pre


def test_a_method_may_have_cuts_of_its_own():
    study = plan("budget", "paper", "mnist-elu-500", seeds=2)
    cuts = {
        method: [
            cell.percentile for cell in study.cells() if (cell.method, cell.seed) == (method, 1)
        ]
        for method in study.panels[0].methods
    }
    assert cuts.pop("fresh") == [30, 50, 70, 80, 90, 95]
    assert all(each == list(range(0, 100, 5)) for each in cuts.values())
    everywhere = plan("budget", "paper", "mnist-elu-500", percentiles=[0, 40]).cells()
    assert {cell.percentile for cell in everywhere} == {0, 40}


def test_panels_are_picked_by_patterns_of_their_names_in_the_registry():
    names = [panel.name for panel in plan("fig06", "smoke", "mnist-tanh-*").panels]
    digits = "digits-tanh-32"
    assert names == [digits, f"{digits}-released", f"{digits}-released-50-epochs"]
    picked = plan("fig06", "paper", ["*relu-500", "*relu*released", "mnist-elu-500"]).panels
    assert [p.name for p in picked] == [
        "mnist-elu-500",
        "mnist-relu-500",
        "mnist-relu-2000-released",
    ]
    with pytest.raises(ValueError, match=r"panels must match some of mnist-elu-500, .*; got .ELU."):
        plan("fig06", "paper", "ELU")
    with pytest.raises(TypeError, match="panels must be a pattern"):
        plan("fig06", "paper", [500])


def test_a_panels_own_recipe_holds_until_it_is_overridden(monkeypatch):
    own = dataclasses.replace(PANEL, recipe={"stage_two": "both", "epochs": 40})
    monkeypatch.setitem(FIGURES, "fig03", Figure("own recipe", (own,)))

    def recipe(preset, **changes):
        study = plan("fig03", preset, **changes)
        return study.recipe_of(study.panels[0])

    assert (recipe("paper").stage_two, recipe("paper").epochs) == ("both", 40)
    # A smaller preset keeps its smaller sizes.
    assert (recipe("quick").stage_two, recipe("quick").epochs) == ("both", 10)
    changed = plan("fig03", "paper", stage_two="eigenvectors", epochs=40)
    assert recipe("paper", stage_two="eigenvectors").stage_two == "eigenvectors"
    assert changed.overrides == {"stage_two": "eigenvectors"}


def test_a_smaller_preset_keeps_the_depth():
    (panel,) = plan("fig04", "smoke").panels
    assert panel.hidden == (32, 32, 32) and panel.dataset == "digits"


def test_penalties_are_curves_of_their_own():
    study = plan("fig03", "smoke", penalties=[0, 1e-3], seeds=1, methods="post", percentiles=0)
    assert [(c.penalty, c.step.trained.penalty) for c in study.cells()] == [(0, 0), (1e-3, 1e-3)]
    assert len(study.steps()) == 2


def test_overrides_replace_fields_of_panels_and_recipe_and_none_leaves_them():
    study = plan("fig03", "quick", epochs=3, hidden=[8, 4], activation="tanh", batch_size=None)
    assert study.recipe == dataclasses.replace(PRESETS["quick"].recipe, epochs=3)
    assert study.panels == (Panel("fashion-mnist", "tanh", (8, 4)),)
    assert study.overrides == {"epochs": 3, "hidden": (8, 4), "activation": "tanh"}


def test_a_setting_that_is_the_presets_own_is_no_change():
    own = plan("fig03", "quick", epochs=PRESETS["quick"].recipe.epochs, activation="elu", seeds=2)
    assert own == plan("fig03", "quick") and not own.overrides


def test_a_single_item_needs_no_list():
    study = plan("fig03", hidden=12, methods="pre", percentiles=50)
    assert study.panels[0].hidden == (12,) and study.panels[0].methods == ("pre",)
    assert study.recipe.percentiles == (50.0,)


def test_mistyped_fields_name_the_nearest_valid_one():
    with pytest.raises(ValueError, match=r"setting of Recipe must be one of.*mean 'epochs'"):
        Recipe(epoch=5)
    with pytest.raises(ValueError, match=r"setting of Panel must be one of.*mean 'methods'"):
        Panel("digits", "elu", (5,), method=("pre",))


def test_seeds_are_a_count_or_a_list():
    assert plan("fig03", seeds=3).recipe.seeds == (0, 1, 2)
    assert plan("fig03", seeds=[3]).recipe.seeds == (3,)


def test_panel_name_tells_widths_apart():
    mixed = dataclasses.replace(PANEL, hidden=(8, 8), hidden_by_method={"post": [16, 16]})
    assert mixed.name == "digits-elu-8-8-post-16-16"
    assert (mixed.hidden_of("post"), mixed.hidden_of("pre")) == ((16, 16), (8, 8))


def test_new_widths_hold_for_every_method(monkeypatch):
    mixed = dataclasses.replace(PANEL, hidden_by_method={"post": (16,)})
    monkeypatch.setitem(FIGURES, "fig03", Figure("mixed widths", (mixed,)))
    (panel,) = plan("fig03", hidden=(4,)).panels
    assert {panel.hidden_of(method) for method in panel.methods} == {(4,)}
    (panel,) = plan("fig03", epochs=1).panels
    assert panel.hidden_of("post") == (16,)


def test_panels_that_a_change_makes_equal_are_computed_once(monkeypatch):
    both = (PANEL, dataclasses.replace(PANEL, activation="tanh"))
    monkeypatch.setitem(FIGURES, "fig03", Figure("two panels", both))
    assert len(plan("fig03").panels) == 2
    assert len(plan("fig03", activation="relu").panels) == 1


def test_a_method_is_the_same_in_every_figure():
    of = {c.percentile: c.step for c in plan("fig03", "quick", methods="stronger").cells()}
    same = plan("stronger", "quick", "fashion-mnist-elu-500").cells()
    assert {c.percentile: c.step for c in same if c.method == "stronger"} == of
    changed = plan("fig03", methods=["stronger", "post"], rounds=2)
    assert {c.step.rounds for c in changed.cells() if c.method == "stronger"} == {2}
    assert {c.step.trained.decay for c in changed.cells()} == {0.0, DECAY}


def test_a_change_to_what_a_method_sets_by_itself_is_told():
    changed = plan("fig03", "paper", methods=["stronger"], decay=0.0)
    assert changed.overrides == {"methods": ("stronger",), "decay": 0.0}
    assert plan("fig03", "paper", methods=["stronger"], decay=DECAY).overrides == {
        "methods": ("stronger",)
    }


def test_of_panels_that_a_change_makes_one_the_one_as_written_stays():
    changed = plan("fig10", "quick", "*", dataset="mnist")
    assert [panel.variant for panel in changed.panels] == ["", "", ""]
    copies = plan("fig10", "quick", "*jpeg*", dataset="mnist")
    assert [panel.variant for panel in copies.panels] == ["jpeg", "jpeg", "jpeg"]


def test_a_whole_number_of_numpy_is_one():
    (first, *_), (same, *_) = (plan("fig03", epochs=n).steps() for n in (np.int64(3), 3))
    assert (first, first.key) == (same, same.key)


@pytest.mark.parametrize("kind", [Panel, Recipe, Figure, Preset])
def test_configurations_are_frozen(kind):
    made = {
        Panel: PANEL,
        Recipe: Recipe(),
        Figure: FIGURES["fig03"],
        Preset: PRESETS["quick"],
    }[kind]
    for field in dataclasses.fields(kind):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(made, field.name, None)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"epoch": 3}, ValueError, "Did you mean 'epochs'?"),
        ({"hiden": (8,)}, ValueError, "Did you mean 'hidden'?"),
        ({"dataset": "fashion_mnist"}, ValueError, "Did you mean 'fashion-mnist'?"),
        ({"activation": "rely"}, ValueError, "Did you mean 'relu'?"),
        ({"methods": ["prae"]}, ValueError, "Did you mean 'pre'?"),
        ({"methods": {}}, ValueError, "methods must hold at least one item"),
        ({"methods": []}, ValueError, "methods must hold at least one"),
        ({"methods": ["pre", "pre"]}, ValueError, "methods must hold"),
        ({"stage_two": "eigenvector"}, ValueError, "Did you mean 'eigenvectors'?"),
        ({"hidden": 0.5}, TypeError, "hidden[0] must be a whole number of at least 1; got 0.5"),
        ({"hidden": []}, ValueError, "hidden must hold at least one"),
        ({"hidden": [0]}, ValueError, "hidden[0] must be a whole number of at least 1; got 0"),
        ({"hidden": [8.5]}, TypeError, "hidden[0] must be a whole number"),
        ({"hidden_by_method": {"past": [8]}}, ValueError, "Did you mean 'post'?"),
        ({"hidden_by_method": {"post": 8}}, TypeError, "hidden_by_method['post'] must be"),
        ({"features": "mox"}, ValueError, "Did you mean 'max'?"),
        ({"dataset": "imagefolder:/nowhere"}, ValueError, "must name a folder or a tar archive"),
        ({"backbone_weights": "/nowhere.pth"}, ValueError, "there is no such file"),
        ({"recipe_by_method": {}}, ValueError, "setting must be one of"),
        ({"hidden_by_method": ["post"]}, TypeError, "hidden_by_method must map"),
        ({"epochs": -1}, ValueError, "epochs must be a whole number of at least 0; got -1"),
        ({"epochs": 2.0}, TypeError, "epochs must be a whole number"),
        ({"epochs": "2"}, TypeError, "epochs must be a whole number of at least 0; got '2'"),
        ({"retraining_epochs": -1}, ValueError, "retraining_epochs must be"),
        ({"batch_size": 0}, ValueError, "batch_size must be a whole number of at least 1; got 0"),
        ({"learning_rate": 0}, ValueError, "learning_rate must be a finite number above 0; got 0"),
        ({"learning_rate": float("nan")}, ValueError, "learning_rate must be"),
        ({"eigenvalue_range": 0.5}, TypeError, "eigenvalue_range must be a pair (low, high)"),
        ({"eigenvector_range": (1, 0)}, ValueError, "eigenvector_range must be a pair"),
        ({"percentiles": [0, 100.5]}, ValueError, "percentiles[1] must be a number in [0, 100]"),
        ({"percentiles": [-1]}, ValueError, "percentiles[0] must be a number in [0, 100]; got -1"),
        ({"percentiles": [50, 50.0]}, ValueError, "percentiles must hold"),
        ({"percentiles": 500}, ValueError, "percentiles[0] must be a number in [0, 100]; got 500"),
        ({"seeds": 0}, ValueError, "seeds must be a whole number of at least 1; got 0"),
        ({"seeds": True}, TypeError, "seeds must be a whole number of at least 1; got True"),
        ({"seeds": [-1]}, ValueError, "seeds[0] must be a whole number of at least 0; got -1"),
        ({"seeds": [0, 0]}, ValueError, "seeds must hold each item once"),
        (
            {"penalties": -1},
            ValueError,
            "penalties[0] must be a finite number of at least 0; got -1",
        ),
        ({"penalties": [0, 0.0]}, ValueError, "penalties must hold each item once"),
        ({"output_bias": 1}, TypeError, "output_bias must be True or False; got 1"),
        ({"variant": "released"}, ValueError, "setting must be one of"),
        ({"variation": "width"}, ValueError, "setting must be one of"),
        ({"input_eigenvalues": 1}, TypeError, "input_eigenvalues must be True or False; got 1"),
        ({"eigenvector_range": "glorott"}, ValueError, "Did you mean 'glorot'?"),
        ({"decay": -1e-4}, ValueError, "decay must be a finite number of at least 0; got -0.0001"),
        ({"rounds": 0}, ValueError, "rounds must be a whole number of at least 1; got 0"),
        ({"train_images": 0}, ValueError, "train_images must be a whole number of at least 1"),
    ],
    ids=str,
)
def test_bad_setting_is_refused_and_named(changes, error, said):
    with pytest.raises(error) as caught:
        plan("fig03", "smoke", **changes)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fig3", "quick"), "got 'fig3'. Did you mean 'fig03'?"),
        (("fig03", "quik"), "Did you mean 'quick'?"),
    ],
)
def test_unknown_figure_or_preset_is_refused(arguments, said):
    with pytest.raises(ValueError) as caught:
        plan(*arguments)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("method", "seed", "percentile", "error", "said"),
    [
        ("prae", 0, 50, ValueError, "Did you mean 'pre'?"),
        ("pre", -1, 50, ValueError, "seed must be a whole number of at least 0; got -1"),
        ("pre", 0.5, 50, TypeError, "seed must be a whole number"),
        ("pre", 0, 101, ValueError, "percentile must be a number in [0, 100]; got 101"),
        ("pre", 0, "50", TypeError, "percentile must be a number"),
    ],
)
def test_cut_step_refuses_bad_arguments(method, seed, percentile, error, said):
    with pytest.raises(error) as caught:
        cut_step(PANEL, Recipe(), method, seed, percentile)
    assert said in str(caught.value)


def test_methods_train_rank_and_retrain_as_the_paper_says():
    direct, post, pre = (cut_step(PANEL, Recipe(), m, 0, 50) for m in ("direct", "post", "pre"))
    assert (direct.trained.layers, direct.trained.trains, direct.score) == (
        "direct", "both", "connectivity",
    )  # fmt: skip
    assert (post.trained.layers, post.trained.trains, post.score) == (
        "spectral", "both", "eigenvalue",
    )  # fmt: skip
    assert (pre.trained.layers, pre.trained.trains, pre.score) == (
        "spectral", "eigenvalues", "eigenvalue",
    )  # fmt: skip
    assert (direct.retrains, direct.retraining_epochs) == (None, 0)
    assert (post.retrains, post.retraining_epochs) == (None, 0)
    assert (pre.retrains, pre.retraining_epochs) == ("eigenvectors", 20)


def test_no_epochs_of_retraining_is_no_retraining():
    pre = cut_step(PANEL, Recipe(retraining_epochs=0), "pre", 0, 50)
    assert (pre.retrains, pre.retraining_epochs) == (None, 0)


@pytest.mark.parametrize("method", STRATEGIES)
def test_all_cuts_of_a_seed_share_one_trained_network(method):
    cuts = [cut_step(PANEL, Recipe(), method, 0, percentile) for percentile in (0, 50, 90)]
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
    before = cut_step(PANEL, Recipe(), method, 0, 50)
    assert cut_step(PANEL, Recipe(**unused), method, 0, 50).key == before.key
    assert cut_step(PANEL, Recipe(**unused), "pre", 0, 50).key != (
        cut_step(PANEL, Recipe(), "pre", 0, 50).key
    )
