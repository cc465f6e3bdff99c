"""The work of steps: exact repetition, what each stage trains, and what each method keeps."""

import dataclasses
import itertools

import pytest
import torch

from spectral_core.data import load
from spectral_core.layers.networks import ACTIVATIONS
from spectral_core.paper.run import work
from spectral_core.paper.run.work import run_cut, run_levels, run_train
from spectral_core.paper.study.methods import METHODS
from spectral_core.paper.study.settings import Settings
from spectral_core.paper.study.steps import cut_step
from spectral_core.pruning.prune import prune
from spectral_core.pruning.ranking import node_scores
from spectral_core.pruning.schedule import prune_in_steps
from spectral_core.training.evaluation import evaluate
from spectral_core.training.loop import train

SETTINGS = Settings("digits", hidden=12, epochs=2, retraining_epochs=2)
DEEP = {"hidden": (12, 8)}


def cut(method="pre", percentile=50.0, seed=0, **settings):
    return cut_step(dataclasses.replace(SETTINGS, **settings), method, seed, percentile)


def pruned(step, network, data):
    """What a single round leaves, before any retraining."""
    return next(work.rounds(step, network, data)).network


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
    """The networks that are measured by themselves, in order."""
    seen = []

    def spy(network, inputs, targets):
        seen.append(network)
        return evaluate(network, inputs, targets)

    monkeypatch.setattr(work, "evaluate", spy)
    return seen


# The first training


@pytest.mark.parametrize("method", METHODS)
def test_same_seed_gives_the_same_bits(method, digits, trained):
    network, losses = run_train(cut(method).trained, digits)
    assert losses == trained[method][1]
    assert len(losses) == SETTINGS.epochs
    assert same_bits(bits(network), bits(trained[method][0]))


def test_another_seed_gives_another_network(digits, trained):
    network, losses = run_train(cut("post", seed=1).trained, digits)
    assert losses != trained["post"][1]
    assert not same_bits(bits(network), bits(trained["post"][0]))


def test_pre_trains_every_eigenvalue_vector_and_no_eigenvector(digits, trained):
    step = cut("pre").trained
    start = work.initial_network(step, digits, torch.Generator().manual_seed(step.seed))
    for before, after in zip(start, trained["pre"][0]):
        if isinstance(before, ACTIVATIONS["elu"]):
            continue
        assert torch.equal(before.eigenvectors, after.eigenvectors)
        assert not torch.equal(before.eigenvalues, after.eigenvalues)


def test_post_and_pre_start_from_the_same_network(digits):
    post, pre = (
        work.initial_network(cut(m).trained, digits, torch.Generator().manual_seed(0))
        for m in ("post", "pre")
    )
    assert same_bits(bits(post), bits(pre))


def test_only_the_first_images_are_trained_on(digits):
    step = cut(train_images=30).trained
    inputs, targets = work.training_examples(step, digits)
    assert torch.equal(inputs, digits.train_inputs[:30])
    assert torch.equal(targets, digits.train_targets[:30])
    assert len(work.training_examples(cut().trained, digits)[1]) == len(digits.train_targets)


# The cut


@pytest.mark.parametrize("method", [name for name, how in METHODS.items() if not how.restarts])
def test_unpruned_and_not_retrained_the_network_measures_as_it_is(method, digits, trained):
    network = trained[method][0]
    result = run_cut(cut(method, 0, retraining_epochs=0), network, digits)
    assert (result["kept"], result["nodes"]) == ([12], 12)
    assert result["parameters"] == 64 * 12 + 12 * 10
    accuracy, loss = evaluate(network, digits.test_inputs, digits.test_targets)
    assert (result["accuracy"], result["loss"]) == (accuracy, pytest.approx(loss, rel=1e-6))


def by_hand(step, network, digits, **options):
    """Result of pruning by hand, at the step's level."""
    small = prune(network, node_scores(network, step.score), step.percentile, **options)
    accuracy, loss = evaluate(small, digits.test_inputs, digits.test_targets)
    kept = [layer.out_features for layer in small[:-1:2]]
    return {
        "kept": kept,
        "nodes": sum(kept),
        "parameters": sum(layer.in_features * layer.out_features for layer in small[::2]),
        "accuracy": accuracy,
        "loss": pytest.approx(loss, rel=1e-6),
    }


@pytest.mark.parametrize("method", ["direct", "post", "direct-per-layer", "post-per-layer"])
@pytest.mark.parametrize("widths", [(12,), (12, 8)], ids=str)
def test_levels_in_one_pass_are_those_of_pruning_one_by_one(method, widths, digits):
    steps = [cut(method, q, hidden=widths) for q in (0, 50, 62.5, 90, 100)]
    network, _ = run_train(steps[0].trained, digits)
    results = run_levels(steps, network, digits)
    for step, result in zip(steps, results):
        expected = by_hand(step, network, digits, per_layer=step.per_layer)
        assert result == expected and run_cut(step, network, digits) == expected


CRITERIA = ["post-invariant", "post-connectivity", "post-taylor", "post-random"]


@pytest.mark.parametrize("method", CRITERIA)
def test_other_criteria_rank_the_very_networks_of_post(method):
    assert cut(method).trained == cut("post").trained
    assert cut(method).retrains is None
    assert cut(method).key != cut("post").key


@pytest.mark.parametrize("train_images", [None, 40])
@pytest.mark.parametrize("method", CRITERIA[:-1])
def test_other_criteria_rank_by_images_that_were_trained_on_alone(
    method, train_images, digits, trained
):
    network = trained["post"][0]
    step = cut(method, 50, train_images=train_images)
    step = dataclasses.replace(step, score_images=step.score_images and 100)
    count = min(100, train_images or 100)
    inputs, targets = digits.train_inputs[:count], digits.train_targets[:count]
    expected = node_scores(network, step.score, inputs, targets)
    (found,) = work.scores(step, network, digits)
    assert torch.equal(found, expected[0])


def test_random_rankings_repeat_and_differ_between_seeds_and_draws(digits, trained):
    network = trained["direct"][0]
    levels = [cut("direct-random", q) for q in (0, 50, 75)]
    results = run_levels(levels, network, digits)
    assert results == run_levels(levels, network, digits)
    assert run_cut(levels[1], network, digits) == results[1]  # whatever the levels beside it
    assert len(set(results[2]["accuracies"])) > 1
    unpruned, *pruned_results = results
    assert len(set(unpruned["accuracies"])) == 1
    single = dataclasses.replace(levels[1], draws=1)
    assert run_cut(single, network, digits)["accuracy"] == results[1]["accuracies"][0]
    for result in pruned_results:
        assert len(result["accuracies"]) == 10
        assert result["accuracy"] == pytest.approx(sum(result["accuracies"]) / 10)
    rankings = [work.scores(cut("post-random", seed=i), network, digits)[0] for i in (0, 0, 1)]
    assert torch.equal(*rankings[:2]) and not torch.equal(*rankings[1:])


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
@pytest.mark.parametrize("percentile", [0, 30, 62.5])
@pytest.mark.parametrize("method", ["pre", "pre-smallest", "direct-retrained"])
def test_rounds_together_leave_what_one_does_and_take_its_epochs(
    method, percentile, count, digits, trained
):
    network = trained[method][0]
    step = cut(method, percentile, rounds=count, retraining_epochs=10)
    once = pruned(dataclasses.replace(step, rounds=1), network, digits)
    found = [
        (left.out_features, epochs) for (left, *_), epochs in work.rounds(step, network, digits)
    ]
    widths, epochs = zip(*found)
    assert len(found) == count and sum(epochs) == 10 and epochs[-1] == max(epochs)
    assert widths[-1] == once[0].out_features
    losses = [before - after for before, after in itertools.pairwise([12, *widths])]
    assert max(losses) - min(losses) <= 1


@pytest.mark.parametrize("method", ["pre", "post-retrained"])
def test_rounds_rank_what_the_round_before_has_trained(method, digits, trained, measured):
    network, step = trained[method][0], cut(method, 75, rounds=3, retraining_epochs=4)
    result = run_cut(step, network, digits)
    assert result["kept"] == [3]

    order = work.retraining_generator(0)
    epochs = iter((1, 1, 2))

    def retrain(smaller, _):
        inputs, targets = digits.train_inputs, digits.train_targets
        smaller = work.retrained_part(step, smaller)
        train(smaller, inputs, targets, epochs=next(epochs), generator=order)

    by_hand = prune_in_steps(network, retrain, nodes=(9, 6, 3)).network
    assert same_bits(bits(measured[0]), bits(by_hand))


# The same budget for all


@pytest.mark.parametrize(
    ("method", "like"),
    [("direct-retrained", "direct"), ("post-retrained", "post"), ("pre-random", "pre"),
     ("pre-smallest", "pre"), ("fresh", "pre")],
)  # fmt: skip
def test_controls_share_the_trained_networks_of_the_figures(method, like):
    step = cut(method)
    assert step.trained == cut(like).trained and step.key != cut(like).key
    assert step.retraining_epochs == SETTINGS.retraining_epochs + (
        SETTINGS.epochs if method == "fresh" else 0
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
    stage_one = pruned(step, network, digits)
    run_cut(step, network, digits)
    for before, after in zip(stage_one[::2], measured[0][::2]):
        assert torch.equal(before.eigenvalues, after.eigenvalues)
        assert not torch.equal(before.eigenvectors, after.eigenvectors)


@pytest.mark.parametrize("method", ["direct", "post", "pre"])
def test_a_threshold_per_layer_takes_the_same_share_of_each_from_the_very_same_network(
    method, digits
):
    one, each = (cut(name, 75, **DEEP) for name in (method, f"{method}-per-layer"))
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
    step = cut(f"{method}-scaled", 75, **DEEP)
    assert step.trained == cut(method, 75, **DEEP).trained
    network, _ = run_train(step.trained, digits)
    kept = run_cut(step, network, digits)["kept"]
    scores = torch.cat([s / s.mean() for s in node_scores(network, step.score)])
    stay = scores >= torch.quantile(scores, 0.75)
    assert kept == [stay[:12].sum().item(), stay[12:].sum().item()]
    with torch.no_grad():  # of weights, or of λ
        (network[2].weight if method == "direct" else network[2].eigenvalues).mul_(1000)
    assert run_cut(step, network, digits)["kept"] == kept


def test_rounds_with_a_threshold_per_layer_end_with_the_share_of_each(digits):
    step = cut("pre-per-layer", 75, **DEEP, rounds=3)
    network, _ = run_train(step.trained, digits)
    assert run_cut(step, network, digits)["kept"] == [3, 2]


@pytest.mark.parametrize("percentile", [25, 50, 75])
def test_smallest_keeps_what_pre_takes_away_at_the_mirrored_cut(percentile, digits, trained):
    network = trained["pre"][0]

    def kept(method, q):
        left = pruned(cut(method, q), network, digits)[0]
        return set(left.eigenvalues.tolist())

    everything = set(network[0].eigenvalues.tolist())
    smallest = kept("pre-smallest", percentile)
    assert smallest == everything - kept("pre", 100 - percentile)
    assert len(smallest) == len(kept("pre", percentile))


def test_fresh_network_has_the_widths_of_pre_and_a_start_of_its_own(digits, measured):
    network, _ = run_train(cut(**DEEP).trained, digits)
    drawn = work.initial_network(cut(**DEEP).trained, digits, torch.Generator())
    pre = run_cut(cut("pre", 50, **DEEP), network, digits)
    step = cut("fresh", 50, **DEEP)
    start = pruned(step, network, digits)
    assert same_bits(bits(start), bits(pruned(step, network, digits)))
    of_old = {*bits(network)["0.eigenvectors"].flatten().tolist()}
    of_old |= {*bits(drawn)["0.eigenvectors"].flatten().tolist()}
    assert not of_old & {*bits(start)["0.eigenvectors"].flatten().tolist()}
    other = dataclasses.replace(step, trained=dataclasses.replace(step.trained, seed=1))
    assert not same_bits(bits(start), bits(pruned(other, network, digits)))

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
        return torch.randperm(100, generator=work.retraining_generator(seed)).tolist()

    assert draw(0) == draw(0)
    first = torch.randperm(100, generator=torch.Generator().manual_seed(0)).tolist()
    assert len({tuple(draw(0)), tuple(draw(1)), tuple(first)}) == 3


def test_scores_of_all_hidden_layers_form_one_pool(digits):
    step = cut("post", 50, **DEEP)
    network, _ = run_train(step.trained, digits)
    result = run_cut(step, network, digits)
    assert sum(result["kept"]) == result["nodes"] == 10
    first, second = result["kept"]
    assert result["parameters"] == 64 * first + first * second + second * 10
