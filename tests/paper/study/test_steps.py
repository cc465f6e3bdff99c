"""Steps: names that hold all of a configuration, exact repetition, and what each stage trains."""

import dataclasses
import itertools

import pytest
import torch

from spectral_core.data import load
from spectral_core.layers.networks import ACTIVATIONS
from spectral_core.paper.study import steps
from spectral_core.paper.study.methods import METHODS
from spectral_core.paper.study.planning import cut_step, plan
from spectral_core.paper.study.settings import Settings
from spectral_core.paper.study.steps import run_cut, run_train
from spectral_core.pruning.prune import prune
from spectral_core.pruning.ranking import node_scores
from spectral_core.pruning.schedule import prune_in_steps
from spectral_core.training.evaluation import evaluate
from spectral_core.training.loop import train

PANEL = Panel("digits", "elu", (12,))
RECIPE = Recipe(epochs=2, retraining_epochs=2)

OTHER_TRAIN_VALUES = {
    "dataset": "mnist",
    "train_images": 100,
    "activation": "tanh",
    "hidden": (12, 12),
    "layers": "direct",
    "trains": "eigenvalues",
    "eigenvalue_range": (-0.5, 0.25),
    "eigenvector_range": None,
    "epochs": 3,
    "batch_size": 100,
    "learning_rate": 2e-3,
    "precision": "bf16",
    "seed": 1,
    "output_bias": True,
    "penalty": 1e-3,
    "decay": 1e-4,
    "input_eigenvalues": True,
}
OTHER_CUT_VALUES = {
    "trained": dataclasses.replace(cut_step(PANEL, RECIPE, "pre", 0, 50).trained, seed=1),
    "score": "connectivity",
    "percentile": 50.5,
    "retrains": "both",
    "retraining_epochs": 3,
    "removes": "inputs",
    "score_images": 100,
    "keeps": "smallest",
    "per_layer": True,
    "scaled": True,
    "restarts": True,
    "rounds": 4,
}


DEEP = Panel("digits", "elu", (12, 8))


def cut(method="pre", percentile=50.0, seed=0, panel=PANEL, **recipe):
    return cut_step(panel, dataclasses.replace(RECIPE, **recipe), method, seed, percentile)


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture(scope="module")
def trained(digits):
    """Network of each method after its first training, with its losses."""
    return {method: run_train(cut(method).trained, digits) for method in METHODS}


def bits(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def same_bits(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture
def measured(monkeypatch):
    """The networks that are measured, in order."""
    seen = []

    def spy(network, inputs, targets):
        seen.append(network)
        return evaluate(network, inputs, targets)

    monkeypatch.setattr(steps, "evaluate", spy)
    return seen


# Names


@pytest.mark.parametrize(
    ("step", "others"),
    [(cut("post").trained, OTHER_TRAIN_VALUES), (cut("pre"), OTHER_CUT_VALUES)],
    ids=["train", "cut"],
)
def test_key_changes_with_every_field(step, others):
    fields = [field.name for field in dataclasses.fields(step)]
    assert sorted(others) == sorted(fields)  # a new field needs a value here
    changed = [dataclasses.replace(step, **{name: others[name]}) for name in fields]
    assert len({step.key, *(other.key for other in changed)}) == len(fields) + 1


def test_equal_settings_have_equal_keys_however_they_are_written():
    ranges = {"eigenvalue_range": (-0.0, 1), "eigenvector_range": (0, 1.0)}
    one = plan("fig03", "smoke", hidden=(8,), percentiles=(0, 50.0), learning_rate=1, **ranges)
    lists = {"eigenvalue_range": [0.0, 1.0], "eigenvector_range": [-0.0, 1]}
    other = plan("fig03", "smoke", hidden=[8], percentiles=[0.0, 50], learning_rate=1.0, **lists)
    assert one.steps() == other.steps()
    assert [step.key for step in one.steps()] == [step.key for step in other.steps()]
    assert cut(percentile=50).key == cut(percentile=50.0).key


def test_a_field_at_its_default_is_not_part_of_the_name():
    """So that a new field leaves the names of finished steps as they are."""
    described = steps.describe(cut("post"))["trained"]
    new = {"removes", "score_images", "keeps", "per_layer", "scaled", "restarts", "rounds"}
    assert not new & set(steps.describe(cut("pre")))
    assert steps.describe(cut("post-taylor"))["score_images"] == 10_000
    assert not {"penalty", "output_bias", "decay", "input_eigenvalues"} & set(described)
    assert steps.describe(cut("post").trained)["seed"] == 0
    changed = dataclasses.replace(cut("post").trained, penalty=0.5)
    assert steps.describe(changed)["penalty"] == 0.5


@pytest.mark.parametrize(
    ("method", "trained", "cut"),
    [
        ("direct", "16fc953d76321efe34bb30e2", "b8da06bbdcf1700697740a6b"),
        ("post", "5c513ff0f332f35e053c8ee0", "99de1538fdecc8bb8d1a4c40"),
        ("pre", "e23da5711786c8e6eac431e3", "9623ca7a91963bc4160293af"),
        ("fresh", "e23da5711786c8e6eac431e3", "eabbff29f6c8ff1e9f349674"),
        ("post-taylor", "5c513ff0f332f35e053c8ee0", "319603db15f2f2afad5b1c30"),
    ],
)
def test_steps_of_the_paper_keep_the_names_under_which_they_are_stored(method, trained, cut):
    step = cut_step(Panel("fashion-mnist", "elu", (500,)), Recipe(), method, 0, 50)
    assert (step.trained.key, step.key) == (trained, cut)


def test_key_changes_with_the_version_of_the_algorithm(monkeypatch):
    before = cut().key, cut().trained.key
    monkeypatch.setattr(steps, "ALGORITHM", steps.ALGORITHM + 1)
    assert cut().key != before[0]
    assert cut().trained.key != before[1]


def test_steps_are_frozen():
    for step in (cut(), cut().trained):
        for field in dataclasses.fields(step):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(step, field.name, None)


def test_steps_say_what_they_are():
    assert str(cut("post", 90)) == "digits elu 12 spectral seed 0 cut by eigenvalue at 90 %"


# The first training


@pytest.mark.parametrize("method", METHODS)
def test_same_seed_gives_the_same_bits(method, digits, trained):
    network, losses = run_train(cut(method).trained, digits)
    assert losses == trained[method][1]
    assert len(losses) == RECIPE.epochs
    assert same_bits(bits(network), bits(trained[method][0]))


def test_another_seed_gives_another_network(digits, trained):
    network, losses = run_train(cut("post", seed=1).trained, digits)
    assert losses != trained["post"][1]
    assert not same_bits(bits(network), bits(trained["post"][0]))


def test_pre_trains_every_eigenvalue_vector_and_no_eigenvector(digits, trained):
    step = cut("pre").trained
    start = steps.initial_network(step, digits, torch.Generator().manual_seed(step.seed))
    for before, after in zip(start, trained["pre"][0]):
        if isinstance(before, ACTIVATIONS["elu"]):
            continue
        assert torch.equal(before.eigenvectors, after.eigenvectors)
        assert not torch.equal(before.eigenvalues, after.eigenvalues)


def test_post_and_pre_start_from_the_same_network(digits):
    post, pre = (
        steps.initial_network(cut(m).trained, digits, torch.Generator().manual_seed(0))
        for m in ("post", "pre")
    )
    assert same_bits(bits(post), bits(pre))


def test_only_the_first_images_are_trained_on(digits):
    step = cut(train_images=30).trained
    inputs, targets = steps.training_examples(step, digits, "cpu")
    assert torch.equal(inputs, digits.train_inputs[:30])
    assert torch.equal(targets, digits.train_targets[:30])
    assert len(steps.training_examples(cut().trained, digits, "cpu")[1]) == len(
        digits.train_targets
    )


# The cut


@pytest.mark.parametrize("method", [name for name in METHODS if name != "fresh"])
def test_uncut_and_not_retrained_the_network_measures_as_it_is(method, digits, trained):
    network = trained[method][0]
    result = run_cut(cut(method, 0, retraining_epochs=0), network, digits)
    assert (result["kept"], result["nodes"]) == ([12], 12)
    assert result["parameters"] == 64 * 12 + 12 * 10
    accuracy, loss = evaluate(network, digits.test_inputs, digits.test_targets)
    assert (result["accuracy"], result["loss"]) == (accuracy, loss)


@pytest.mark.parametrize(("method", "by"), [("direct", "connectivity"), ("post", "eigenvalue")])
def test_direct_and_post_are_cut_by_their_score_and_never_retrained(
    method, by, digits, trained, monkeypatch
):
    network = trained[method][0]
    monkeypatch.setattr(steps, "train", None)  # calling it would fail
    result = run_cut(cut(method, 50), network, digits)
    by_hand = prune(network, node_scores(network, by=by), 50)
    expected = evaluate(by_hand, digits.test_inputs, digits.test_targets)
    assert result == {
        "kept": [6],
        "nodes": 6,
        "parameters": 6 * 64 + 6 * 10,
        "accuracy": expected.accuracy,
        "loss": expected.loss,
    }


CRITERIA = ["post-invariant", "post-connectivity", "post-taylor", "post-random"]


@pytest.mark.parametrize("method", CRITERIA)
def test_other_criteria_rank_the_very_networks_of_post(method):
    assert cut(method).trained == cut("post").trained
    assert cut(method).retrains is None
    assert cut(method).key != cut("post").key


@pytest.mark.parametrize("method", CRITERIA[:-1])
def test_other_criteria_cut_by_their_score(method, digits, trained, measured):
    network = trained["post"][0]
    step = dataclasses.replace(cut(method, 50), score_images=cut(method).score_images and 100)
    run_cut(step, network, digits)
    inputs, targets = digits.train_inputs[:100], digits.train_targets[:100]
    by_hand = prune(network, node_scores(network, step.score, inputs, targets), 50)
    assert same_bits(bits(measured[0]), bits(by_hand))


def test_scores_look_at_images_that_were_trained_on_alone(digits, trained, measured):
    network = trained["post"][0]
    step = cut("post-taylor", 50, train_images=40)
    run_cut(step, network, digits)
    inputs, targets = digits.train_inputs[:40], digits.train_targets[:40]
    by_hand = prune(network, node_scores(network, "taylor", inputs, targets), 50)
    assert same_bits(bits(measured[0]), bits(by_hand))


def test_random_cuts_repeat_are_nested_and_differ_between_seeds(digits, trained):
    network = trained["post"][0]

    def kept(seed, percentile):
        left = steps.cut_network(cut("post-random", percentile, seed), network, digits)
        return {tuple(row.tolist()) for row in left[0].weight}

    assert kept(0, 50) == kept(0, 50)
    assert len(kept(0, 75)) == 3 and kept(0, 75) < kept(0, 50)
    assert len({frozenset(kept(seed, 50)) for seed in range(5)}) > 1


def test_stage_two_trains_eigenvectors_and_leaves_eigenvalues_bit_for_bit(
    digits, trained, measured
):
    network = trained["pre"][0]
    run_cut(cut("pre", 50), network, digits)
    stage_one = prune(network, node_scores(network), 50)
    (stage_two,) = measured
    for before, after in zip(stage_one[::2], stage_two[::2]):
        assert torch.equal(before.eigenvalues, after.eigenvalues)
        assert not torch.equal(before.eigenvectors, after.eigenvectors)


def test_stage_two_of_both_trains_eigenvalues_too(digits, trained, measured):
    network = trained["pre"][0]
    run_cut(cut("pre", 50, stage_two="both"), network, digits)
    stage_one = prune(network, node_scores(network), 50)
    for before, after in zip(stage_one[::2], measured[0][::2]):
        assert not torch.equal(before.eigenvalues, after.eigenvalues)
        assert not torch.equal(before.eigenvectors, after.eigenvectors)


# In rounds


@pytest.mark.parametrize("count", [1, 3, 4])
@pytest.mark.parametrize("percentile", [0, 30, 62.5, 100])
@pytest.mark.parametrize("method", ["pre", "pre-smallest", "post-retrained", "direct-retrained"])
def test_rounds_together_leave_what_one_cut_does_and_take_its_epochs(
    method, percentile, count, digits, trained
):
    network = trained[method][0]
    step = cut(method, percentile, rounds=count, retraining_epochs=10)
    once = steps.cut_network(dataclasses.replace(step, rounds=1), network, digits)
    found = steps.rounds(step, network, digits)
    assert len(found) == count and sum(each.epochs for each in found) == 10
    assert found[-1].epochs == max(each.epochs for each in found)
    if count > 1:
        left = [12, *(each.nodes for each in found)]
        assert left[-1] == once[0].out_features
        losses = [before - after for before, after in itertools.pairwise(left)]
        assert max(losses) - min(losses) <= 1


@pytest.mark.parametrize("method", ["pre", "post-retrained"])
def test_rounds_rank_what_the_round_before_has_trained(method, digits, trained, measured):
    network, step = trained[method][0], cut(method, 75, rounds=3, retraining_epochs=4)
    assert [each.epochs for each in steps.rounds(step, network, digits)] == [1, 1, 2]
    result = run_cut(step, network, digits)
    assert result["kept"] == [3]

    order = steps.retraining_generator(0)
    epochs = iter((1, 1, 2))

    def retrain(smaller, _):
        inputs, targets = digits.train_inputs, digits.train_targets
        smaller = steps.retrained_parts(step, smaller)
        train(smaller, inputs, targets, epochs=next(epochs), generator=order)

    by_hand = prune_in_steps(network, retrain, nodes=(9, 6, 3)).network
    assert same_bits(bits(measured[0]), bits(by_hand))


def test_what_does_not_retrain_or_starts_anew_has_no_rounds():
    for method in ("post", "direct", "direct-inputs", "fresh"):
        assert cut(method, rounds=4) == cut(method)
    assert cut("pre", rounds=4, retraining_epochs=0) == cut("pre", retraining_epochs=0)
    assert cut("pre", rounds=4).key != cut("pre").key


def test_an_epoch_in_rounds_costs_what_they_leave_on_average():
    assert (cut(percentile=80).epoch_cost, cut(percentile=80, rounds=4).epoch_cost) == (20, 50)


# The same budget for all


@pytest.mark.parametrize(
    ("method", "like"),
    [("direct-retrained", "direct"), ("post-retrained", "post"), ("pre-random", "pre"),
     ("pre-smallest", "pre"), ("fresh", "pre")],
)  # fmt: skip
def test_controls_share_the_trained_networks_of_the_figures(method, like):
    step = cut(method)
    assert step.trained == cut(like).trained and step.key != cut(like).key
    assert step.retraining_epochs == RECIPE.retraining_epochs + (
        RECIPE.epochs if method == "fresh" else 0
    )
    both = method in ("direct-retrained", "post-retrained", "fresh")
    assert step.retrains == ("both" if both else "eigenvectors")


@pytest.mark.parametrize(("method", "by"), [("direct", "connectivity"), ("post", "eigenvalue")])
def test_retrained_control_trains_all_of_the_very_network_that_was_cut(
    method, by, digits, trained, measured
):
    network = trained[method][0]
    before = bits(network)
    run_cut(cut(f"{method}-retrained", 50), network, digits)
    start = bits(prune(network, node_scores(network, by=by), 50))
    after = bits(measured[0])
    assert start.keys() == after.keys()
    assert all(start[name].shape == after[name].shape for name in start)
    # λ of departure nodes is fixed at 0.
    same = {name for name in start if torch.equal(start[name], after[name])}
    assert all(not start[name].any() for name in same) and len(same) < len(start)
    assert same_bits(bits(network), before)


@pytest.mark.parametrize("method", ["pre-random", "pre-smallest"])
def test_nodes_kept_otherwise_train_in_their_eigenvectors_alone(method, digits, trained, measured):
    network, step = trained["pre"][0], cut(method, 50)
    stage_one = steps.cut_network(step, network, digits)
    run_cut(step, network, digits)
    for before, after in zip(stage_one[::2], measured[0][::2]):
        assert torch.equal(before.eigenvalues, after.eigenvalues)
        assert not torch.equal(before.eigenvectors, after.eigenvectors)


@pytest.mark.parametrize("method", ["direct", "post", "pre"])
def test_a_threshold_per_layer_takes_the_same_share_of_each_from_the_very_same_network(
    method, digits
):
    one, each = (cut(name, 75, panel=DEEP) for name in (method, f"{method}-per-layer"))
    assert each.trained == one.trained and each.key != one.key
    network, _ = run_train(each.trained, digits)
    scores = node_scores(network, each.score)
    by_hand = [score[score >= torch.quantile(score, 0.75)].numel() for score in scores]
    assert run_cut(each, network, digits)["kept"] == by_hand == [3, 2]
    pooled = torch.cat(scores)
    by_hand = [(score >= torch.quantile(pooled, 0.75)).sum().item() for score in scores]
    assert run_cut(one, network, digits)["kept"] == by_hand


@pytest.mark.parametrize("method", ["direct", "post"])
def test_scaled_scores_have_one_threshold_that_no_layers_scale_moves(method, digits):
    step = cut(f"{method}-scaled", 75, panel=DEEP)
    assert step.trained == cut(method, 75, panel=DEEP).trained
    network, _ = run_train(step.trained, digits)
    kept = run_cut(step, network, digits)["kept"]
    scores = torch.cat([s / s.mean() for s in node_scores(network, step.score)])
    stay = scores >= torch.quantile(scores, 0.75)
    assert kept == [stay[:12].sum().item(), stay[12:].sum().item()]
    with torch.no_grad():  # of weights, or of λ
        (network[2].weight if method == "direct" else network[2].eigenvalues).mul_(1000)
    assert run_cut(step, network, digits)["kept"] == kept


def test_rounds_with_a_threshold_per_layer_end_with_the_share_of_each(digits):
    step = cut("pre-per-layer", 75, panel=DEEP, rounds=3)
    network, _ = run_train(step.trained, digits)
    assert run_cut(step, network, digits)["kept"] == [3, 2]


@pytest.mark.parametrize("percentile", [25, 50, 75])
def test_smallest_keeps_what_pre_takes_away_at_the_mirrored_cut(percentile, digits, trained):
    network = trained["pre"][0]

    def kept(method, q):
        left = steps.cut_network(cut(method, q), network, digits)[0]
        return set(left.eigenvalues.tolist())

    everything = set(network[0].eigenvalues.tolist())
    smallest = kept("pre-smallest", percentile)
    assert smallest == everything - kept("pre", 100 - percentile)
    assert len(smallest) == len(kept("pre", percentile))


def test_fresh_network_has_the_widths_of_pre_and_a_start_of_its_own(digits, measured):
    network, _ = run_train(cut(panel=DEEP).trained, digits)
    drawn = steps.initial_network(cut(panel=DEEP).trained, digits, torch.Generator())
    pre = run_cut(cut("pre", 50, panel=DEEP), network, digits)
    step = cut("fresh", 50, panel=DEEP)
    start = steps.cut_network(step, network, digits)
    assert same_bits(bits(start), bits(steps.cut_network(step, network, digits)))
    of_old = {*bits(network)["0.eigenvectors"].flatten().tolist()}
    of_old |= {*bits(drawn)["0.eigenvectors"].flatten().tolist()}
    assert not of_old & {*bits(start)["0.eigenvectors"].flatten().tolist()}
    other = dataclasses.replace(step, trained=dataclasses.replace(step.trained, seed=1))
    assert not same_bits(bits(start), bits(steps.cut_network(other, network, digits)))

    fresh = run_cut(step, network, digits)
    assert {n: fresh[n] for n in ("kept", "nodes", "parameters")} == {
        n: pre[n] for n in ("kept", "nodes", "parameters")
    }
    for before, after in zip(start[::2], measured[-1][::2]):
        assert not torch.equal(before.eigenvalues, after.eigenvalues)
        assert not torch.equal(before.eigenvectors, after.eigenvectors)


def test_every_cut_starts_from_the_network_of_stage_one(digits, trained):
    network = trained["pre"][0]
    before = bits(network)
    alone = run_cut(cut("pre", 75), network, digits)
    for percentile in (0, 25, 50):
        run_cut(cut("pre", percentile), network, digits)
        assert same_bits(bits(network), before)
    assert run_cut(cut("pre", 75), network, digits) == alone


def test_order_of_stage_two_is_the_same_for_each_cut_of_a_seed_and_no_other():
    def draw(seed):
        return torch.randperm(100, generator=steps.retraining_generator(seed)).tolist()

    assert draw(0) == draw(0)
    first = torch.randperm(100, generator=torch.Generator().manual_seed(0)).tolist()
    assert len({tuple(draw(0)), tuple(draw(1)), tuple(first)}) == 3


def test_scores_of_all_hidden_layers_form_one_pool(digits):
    panel = Panel("digits", "elu", (12, 8))
    step = cut("post", 50, panel=panel)
    network, _ = run_train(step.trained, digits)
    result = run_cut(step, network, digits)
    assert sum(result["kept"]) == result["nodes"] == 10
    first, second = result["kept"]
    assert result["parameters"] == 64 * first + first * second + second * 10
