"""The work of a step: train a network; prune it, retrain it, measure it (Sec. VI).

The paper's method (i), two-stage, is :func:`run_train` of a step that trains λ alone, then
:func:`run_cut` of one that ranks by |λ| and retrains φ. Every other method is the same two
functions with another step. A network is wherever its data are. After each epoch ``on_epoch``
is called, see :func:`~spectral_core.train`.
"""

import dataclasses
import inspect
from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from spectral_core.data import Dataset
from spectral_core.layers.flow import Flow
from spectral_core.layers.networks import direct_mlp, spectral_mlp, train_only
from spectral_core.paper.run.input_pruning import prune_inputs
from spectral_core.paper.study.steps import CutStep, TrainStep
from spectral_core.pruning import schedule
from spectral_core.pruning.curve import measure_cuts
from spectral_core.pruning.prune import prune
from spectral_core.pruning.ranking import node_scores
from spectral_core.pruning.selection import Selection, select
from spectral_core.training.evaluation import evaluate
from spectral_core.training.loop import OnEpoch, train


def run_train(
    step: TrainStep, data: Dataset, on_epoch: OnEpoch | None = None
) -> tuple[nn.Sequential, list[float]]:
    """Stage 1: draw a network and train it; return it with the mean loss of each epoch, in nats.

    One generator, seeded by the step's seed, draws the network and then the order of the images.
    """
    generator = torch.Generator().manual_seed(step.seed)
    network = initial_network(step, data, generator)
    examples = training_examples(step, data)
    settings = training_settings(step)
    losses = train(network, *examples, **settings, generator=generator, on_epoch=on_epoch)
    return network, losses


def run_cut(
    step: CutStep, network: nn.Sequential, data: Dataset, on_epoch: OnEpoch | None = None
) -> dict[str, Any]:
    """Stage 2: prune a trained network, retrain what is left if the step says so, and measure it.

    Returns:
        ``kept`` (nodes left in each hidden layer), ``nodes`` (their sum), ``parameters``,
        ``accuracy`` and ``loss`` on the test set.
    """
    if step.retrains is None:
        return run_levels([step], network, data)[0]
    return measure(pruned_network(step, network, data, on_epoch), data)


def pruned_network(
    step: CutStep, network: nn.Sequential, data: Dataset, on_epoch: OnEpoch | None = None
) -> nn.Sequential:
    """What stage 2 leaves of a trained network: pruned, and retrained if the step says so."""
    examples = training_examples(step.trained, data)
    order = retraining_generator(step.trained.seed)
    for left, epochs in rounds(step, network, data):
        if step.retrains is not None:
            part, settings = retrained_part(step, left), retraining_settings(step, epochs)
            train(part, *examples, **settings, generator=order, on_epoch=on_epoch)
    return left


def run_levels(
    steps: Sequence[CutStep], network: nn.Sequential, data: Dataset
) -> list[dict[str, Any]]:
    """Measure pruning levels of one trained network in one pass, without retraining: of steps that
    are alike but for their percentiles, each one's result as :func:`run_cut` gives it.

    Of random rankings, ``accuracy`` and ``loss`` are means over the draws, ``accuracies`` has each,
    and the rest is the first one's.
    """
    step = steps[0]
    percentiles = [each.percentile for each in steps]
    if step.removes == "inputs":
        return [measure(prune_inputs(network, q), data) for q in percentiles]
    test = data.test_inputs, data.test_targets
    chance = _generator(step.trained.seed, _SCORES)
    draws = [
        measure_cuts(
            network,
            scores(step, network, data, chance),
            *test,
            percentiles,
            per_layer=step.per_layer,
        )
        for _ in range(step.draws)
    ]
    results = []
    for cuts in zip(*draws):
        accuracies = [cut.accuracy for cut in cuts]
        result = {
            "kept": list(cuts[0].widths),
            "nodes": cuts[0].nodes,
            "parameters": cuts[0].parameters,
            "accuracy": fmean(accuracies),
            "loss": fmean(cut.loss for cut in cuts),
        }
        results.append(result | ({"accuracies": accuracies} if step.draws > 1 else {}))
    return results


def measure(network: nn.Sequential, data: Dataset) -> dict[str, Any]:
    """Widths, parameters, accuracy and loss of a network, as :func:`run_cut` gives them."""
    flow = Flow(network)
    accuracy, loss = evaluate(network, data.test_inputs, data.test_targets)
    return {
        "kept": flow.widths,
        "nodes": sum(flow.widths),
        "parameters": flow.parameters(),
        "accuracy": accuracy,
        "loss": loss,
    }


def rounds(
    step: CutStep, network: nn.Sequential, data: Dataset
) -> Iterator[tuple[nn.Sequential, int]]:
    """Prune a network in the rounds of a step: what each of them leaves, and for how many epochs
    the caller retrains it before the next.

    About as many nodes go in each round; the last one has what epochs are left over. Together they
    leave as many nodes in all, and take as many epochs, as a single one would; with a threshold per
    layer, a layer's share may differ from that by a node or two.
    """
    ranking = scores(step, network, data)
    if step.restarts:  # which of its nodes stay doesn't matter, only how many
        restart = _generator(step.trained.seed, _RESTART)
        network = initial_network(step.trained, data, restart)
    if step.rounds == 1:
        once = prune(network, ranking, step.percentile, per_layer=step.per_layer)
        yield once, step.retraining_epochs
        return
    full = sum(map(len, ranking))
    less = full - sum(map(len, select(ranking, step.percentile, per_layer=step.per_layer)))
    selections = [
        Selection(nodes=full - round(less * i / step.rounds), per_layer=step.per_layer)
        for i in range(1, step.rounds + 1)
    ]
    share, rest = divmod(step.retraining_epochs, step.rounds)
    in_steps = schedule.rounds(network, lambda left: scores(step, left, data), selections)
    for i, pruned in enumerate(in_steps, start=1):
        yield pruned.network, share + (rest if i == step.rounds else 0)


def scores(
    step: CutStep,
    network: nn.Sequential,
    data: Dataset,
    chance: torch.Generator | None = None,
) -> list[Tensor]:
    """Scores of the hidden nodes, the higher the rather to stay; (N_k,) for each layer. Random ones
    come from ``chance``; if ``None``, they are the same for every level of a seed."""
    inputs = targets = None
    if step.score_images:
        examples = training_examples(step.trained, data)
        inputs, targets = (part[: step.score_images] for part in examples)
    chance = chance or _generator(step.trained.seed, _SCORES)
    ranking = node_scores(network, step.score, inputs, targets, generator=chance)
    if step.scaled:
        ranking = [row / row.mean().clamp(min=torch.finfo(row.dtype).tiny) for row in ranking]
    return [-row for row in ranking] if step.keeps == "smallest" else ranking


def initial_network(step: TrainStep, data: Dataset, generator: torch.Generator) -> nn.Sequential:
    """The network as it is before its first training, drawn on the CPU."""
    sizes = (data.input_features, *step.hidden, data.class_count)
    common = {"output_bias": step.output_bias, "generator": generator}
    if step.layers == "direct":
        network = direct_mlp(sizes, step.activation, **common)
    else:
        network = spectral_mlp(
            sizes,
            step.activation,
            input_eigenvalues=step.input_eigenvalues,
            eigenvalue_range=step.eigenvalue_range,
            eigenvector_range=step.eigenvector_range,
            **common,
        )
        train_only(network, step.trains)
    return network.to(data.train_inputs.device)


def retrained_part(step: CutStep, pruned: nn.Sequential) -> nn.Sequential:
    """Let what the step retrains, and no more, take gradients; returns the network itself."""
    return pruned if step.trained.layers == "direct" else train_only(pruned, step.retrains)


def hold_out_tenth(data: Dataset) -> Dataset:
    """A data set whose test set is a tenth of the training set, of at least two images, and whose
    training set is the rest."""
    n = len(data.train_targets)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(0))
    held, left = order[: max(1, n // 10)], order[max(1, n // 10) :]
    return dataclasses.replace(
        data,
        train_inputs=data.train_inputs[left],
        train_targets=data.train_targets[left],
        test_inputs=data.train_inputs[held],
        test_targets=data.train_targets[held],
    )


def training_examples(step: TrainStep, data: Dataset) -> tuple[Tensor, Tensor]:
    """Inputs and targets that a step trains on: all, or the first ``train_images`` of them."""
    chosen = slice(step.train_images)
    return data.train_inputs[chosen], data.train_targets[chosen]


def training_settings(step: TrainStep) -> dict[str, Any]:
    """Arguments of :func:`~spectral_core.train` in stage 1: those that the step has by name."""
    return {
        name: getattr(step, name)
        for name in inspect.signature(train).parameters
        if hasattr(step, name)
    }


def retraining_settings(step: CutStep, epochs: int) -> dict[str, Any]:
    """Arguments of :func:`~spectral_core.train` in stage 2, which has no penalty and no decay."""
    return training_settings(step.trained) | {"epochs": epochs, "penalty": 0.0, "decay": 0.0}


def retraining_generator(seed: int) -> torch.Generator:
    """Order of the images in stage 2: the same for every level of a seed, unlike stage 1's."""
    return _generator(seed, _STAGE_TWO)


# What a seed's generators beside that of the first training are for.
_STAGE_TWO, _SCORES, _RESTART = 2, 3, 4


def _generator(seed: int, purpose: int) -> torch.Generator:
    """Random numbers that no other purpose of a seed has."""
    child = np.random.SeedSequence(seed, spawn_key=(purpose,)).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(child >> np.uint64(1)))
