"""The work of steps: exact repetition, what each stage trains, and what each method keeps."""

import dataclasses
import functools
import itertools

import pytest
import torch
from made_runs import SMALL, cut

from spectral_core.data import load
from spectral_core.layers.conversion import fold
from spectral_core.paper.run import work
from spectral_core.paper.run.work import run_cut, run_levels, run_train
from spectral_core.pruning.prune import prune
from spectral_core.pruning.ranking import node_scores
from spectral_core.pruning.schedule import prune_in_steps
from spectral_core.training.evaluation import evaluate
from spectral_core.training.loop import train

DEEP = {"hidden": (12, 8)}


def pruned(step, network, data):
    """What a single round leaves, before any retraining."""
    return next(work.rounds(step, network, data))[0]


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture(scope="module")
def trained(digits):
    """The network of a step after its first training, each trained once."""
    network = functools.cache(lambda training: run_train(training, digits)[0])
    return lambda step: network(step.trained)


def same_bits(one, other):
    one, other = one.state_dict(), other.state_dict()
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def moved(before, after):
    """Names of the parameters, without their layer's, that differ between two networks in some
    layer, and in all of those that are there and not fixed at 0."""
    moves = {}
    for name, tensor in before.state_dict().items():
        if tensor.any():
            same = torch.equal(tensor, after.state_dict()[name])
            moves.setdefault(name.rpartition(".")[2], set()).add(not same)
    assert all(len(values) == 1 for values in moves.values())
    return {name for name, (value,) in moves.items() if value}


# The first training


@pytest.mark.parametrize("method", ["direct", "post", "pre"])
def test_a_seed_gives_the_same_bits_and_another_one_others(method, digits, trained):
    step = cut(method).trained
    network, losses = run_train(step, digits)
    assert len(losses) == SMALL.epochs and same_bits(network, trained(cut(method)))
    other, others = run_train(cut(method, seed=1).trained, digits)
    assert others != losses and not same_bits(network, other)


def test_stage_one_trains_all_or_eigenvalues_alone_from_the_same_start(digits, trained):
    start, other = (
        work.initial_network(cut(m).trained, digits, torch.Generator().manual_seed(0))
        for m in ("post", "pre")
    )
    assert same_bits(start, other)
    assert moved(start, trained(cut("pre"))) == {"eigenvalues"}
    assert moved(start, trained(cut("post"))) == {"eigenvalues", "eigenvectors"}


# Pruning


@pytest.mark.parametrize(
    "method", ["direct", "post", "direct-per-layer", "post-per-layer", "pre-unretrained"]
)
@pytest.mark.parametrize("widths", [(12,), (12, 8)], ids=str)
def test_levels_in_one_pass_are_those_of_pruning_one_by_one(method, widths, digits, trained):
    steps = [cut(method, q, hidden=widths) for q in (0, 50, 62.5, 90, 100)]
    network = trained(steps[0])
    for step, result in zip(steps, run_levels(steps, network, digits)):
        ranking = node_scores(network, step.score)
        small = prune(network, ranking, step.percentile, per_layer=step.per_layer)
        accuracy, loss = evaluate(small, digits.test_inputs, digits.test_targets)
        kept = [layer.out_features for layer in small[:-1:2]]
        sizes = [layer.in_features * layer.out_features for layer in small[::2]]
        expected = {"kept": kept, "nodes": sum(kept), "parameters": sum(sizes)}
        expected |= {"accuracy": accuracy, "loss": pytest.approx(loss, rel=1e-6)}
        assert result == expected and run_cut(step, network, digits) == expected


@pytest.mark.parametrize("train_images", [None, 40])
@pytest.mark.parametrize("method", ["post-invariant", "post-connectivity", "post-taylor"])
def test_criteria_rank_by_images_that_were_trained_on_alone(method, train_images, digits, trained):
    network = trained(cut("post"))
    step = cut(method, 50, train_images=train_images)
    step = dataclasses.replace(step, score_images=step.score_images and 100)
    count = min(100, train_images or 100)
    inputs, targets = digits.train_inputs[:count], digits.train_targets[:count]
    (expected,) = node_scores(network, step.score, inputs, targets)
    assert torch.equal(work.scores(step, network, digits)[0], expected)


def test_random_rankings_repeat_and_differ_between_seeds_and_draws(digits, trained):
    levels = [cut("direct-random", q) for q in (0, 50, 75)]
    network = trained(levels[0])
    results = run_levels(levels, network, digits)
    assert run_cut(levels[1], network, digits) == results[1]  # whatever the levels beside it
    assert [len(set(result["accuracies"])) > 1 for result in results] == [False, True, True]
    single = dataclasses.replace(levels[1], draws=1)
    assert run_cut(single, network, digits)["accuracy"] == results[1]["accuracies"][0]
    for result in results:
        assert len(result["accuracies"]) == 10
        assert result["accuracy"] == pytest.approx(sum(result["accuracies"]) / 10)
    rankings = [work.scores(cut("post-random", seed=i), network, digits)[0] for i in (0, 0, 1)]
    assert torch.equal(*rankings[:2]) and not torch.equal(*rankings[1:])


@pytest.mark.parametrize("method", ["direct", "post"])
def test_scaled_scores_have_one_threshold_that_no_layers_scale_moves(method, digits):
    step = cut(f"{method}-scaled", 75, **DEEP)
    network, _ = run_train(step.trained, digits)
    kept = run_cut(step, network, digits)["kept"]
    scores = torch.cat([s / s.mean() for s in node_scores(network, step.score)])
    stay = scores >= torch.quantile(scores, 0.75)
    assert kept == [stay[:12].sum().item(), stay[12:].sum().item()]
    with torch.no_grad():  # of weights, or of λ
        (network[2].weight if method == "direct" else network[2].eigenvalues).mul_(1000)
    assert run_cut(step, network, digits)["kept"] == kept


@pytest.mark.parametrize("percentile", [25, 50, 75])
def test_smallest_keeps_what_pre_removes_at_the_mirrored_level(percentile, digits, trained):
    network = trained(cut("pre"))

    def kept(method, q):
        return set(pruned(cut(method, q), network, digits)[0].eigenvalues.tolist())

    everything = set(network[0].eigenvalues.tolist())
    assert kept("pre-smallest", percentile) == everything - kept("pre", 100 - percentile)


# Stage 2


@pytest.mark.parametrize(
    ("method", "settings", "trains"),
    [
        ("pre", {}, {"eigenvectors"}),
        ("pre", {"stage_two": "both"}, {"eigenvalues", "eigenvectors"}),
        ("pre-random", {}, {"eigenvectors"}),
        ("pre-smallest", {}, {"eigenvectors"}),
        ("post-retrained", {}, {"eigenvalues", "eigenvectors"}),
        ("direct-retrained", {}, {"weight"}),
        ("fresh", {}, {"eigenvalues", "eigenvectors"}),
    ],
)
def test_stage_two_trains_what_the_method_says_and_leaves_the_network_as_it_was(
    method, settings, trains, digits, trained
):
    step = cut(method, 50, **settings)
    network = trained(step)
    before = run_train(step.trained, digits)[0]
    small = work.pruned_network(step, network, digits)
    assert moved(pruned(step, network, digits), small) == trains
    assert same_bits(network, before)
    result = run_cut(step, network, digits)
    assert result == work.measure(small, digits)
    accuracy, loss = evaluate(fold(small), digits.test_inputs, digits.test_targets)
    assert result["kept"] == [6] and result["parameters"] == 6 * (64 + 10)
    assert (result["accuracy"], result["loss"]) == (accuracy, pytest.approx(loss, rel=1e-5))


def test_stage_two_has_neither_penalty_nor_decay(digits, trained):
    step = cut("post-retrained")
    with_both = dataclasses.replace(step.trained, penalty=0.1, decay=0.1)
    one, other = (
        work.pruned_network(each, trained(step), digits)
        for each in (step, dataclasses.replace(step, trained=with_both))
    )
    assert same_bits(one, other)


def test_fresh_network_has_the_widths_of_pre_and_a_start_of_its_own(digits, trained):
    step = cut("fresh", 50, **DEEP)
    network = trained(step)
    start = pruned(step, network, digits)
    assert same_bits(start, pruned(step, network, digits))
    other = dataclasses.replace(step, trained=dataclasses.replace(step.trained, seed=1))
    assert not same_bits(start, pruned(other, network, digits))
    assert [layer.out_features for layer in start[::2]] == [
        layer.out_features for layer in pruned(cut("pre", 50, **DEEP), network, digits)[::2]
    ]
    drawn = work.initial_network(step.trained, digits, torch.Generator())
    of_old = {*torch.cat([n[0].eigenvectors for n in (network, drawn)]).flatten().tolist()}
    assert not of_old & {*start[0].eigenvectors.flatten().tolist()}


def test_without_epochs_a_fresh_network_is_its_own_start(digits, trained):
    step = cut("fresh-short", 50, retraining_epochs=0)
    start = next(work.rounds(step, trained(step), digits))[0]
    assert work.run_cut(step, trained(step), digits) == work.measure(start, digits)


def test_order_of_stage_two_is_the_same_for_each_level_of_a_seed_and_no_other():
    def draw(generator):
        return tuple(torch.randperm(100, generator=generator).tolist())

    stage_two = [draw(work.retraining_generator(seed)) for seed in (0, 0, 1)]
    first = draw(torch.Generator().manual_seed(0))
    assert stage_two[0] == stage_two[1] and len({*stage_two, first}) == 3


# In rounds


@pytest.mark.parametrize("count", [1, 3, 4])
@pytest.mark.parametrize("percentile", [0, 30, 62.5])
@pytest.mark.parametrize("method", ["pre", "pre-smallest", "direct-retrained"])
def test_rounds_together_leave_what_one_does_and_take_its_epochs(
    method, percentile, count, digits, trained
):
    step = cut(method, percentile, rounds=count, retraining_epochs=10)
    network = trained(step)
    once = pruned(dataclasses.replace(step, rounds=1), network, digits)
    widths, epochs = zip(
        *((left[0].out_features, epochs) for left, epochs in work.rounds(step, network, digits))
    )
    assert len(epochs) == count and sum(epochs) == 10 and epochs[-1] == max(epochs)
    assert widths[-1] == once[0].out_features
    losses = [before - after for before, after in itertools.pairwise([12, *widths])]
    assert max(losses) - min(losses) <= 1


@pytest.mark.parametrize("method", ["pre", "post-retrained"])
def test_rounds_rank_what_the_round_before_has_trained(method, digits, trained):
    step = cut(method, 75, rounds=3, retraining_epochs=4)
    order = work.retraining_generator(0)
    epochs = iter((1, 1, 2))

    def retrain(smaller, _):
        inputs, targets = digits.train_inputs, digits.train_targets
        smaller = work.retrained_part(step, smaller)
        train(smaller, inputs, targets, epochs=next(epochs), generator=order)

    by_hand = prune_in_steps(trained(step), retrain, nodes=(9, 6, 3)).network
    assert same_bits(work.pruned_network(step, trained(step), digits), by_hand)


def test_rounds_with_a_threshold_per_layer_end_with_the_share_of_each(digits, trained):
    step = cut("pre-per-layer", 75, **DEEP, rounds=3)
    assert run_cut(step, trained(step), digits)["kept"] == [3, 2]
