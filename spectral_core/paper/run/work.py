"""The work of a step: train a network; prune it, retrain it, measure it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from spectral_core.data import Dataset
from spectral_core.layers.flow import Flow
from spectral_core.layers.networks import direct_mlp, spectral_mlp, train_only
from spectral_core.paper.run.input_pruning import prune_inputs
from spectral_core.paper.study.steps import CutStep, TrainStep
from spectral_core.pruning.prune import prune
from spectral_core.pruning.ranking import node_scores
from spectral_core.pruning.selection import select
from spectral_core.training.evaluation import evaluate
from spectral_core.training.loop import train

OnEpoch = Callable[[int, Any], None]
"""Called after each epoch with its number, from 1, and its loss, or those of an ensemble."""


def initial_network(step: TrainStep, data: Dataset, generator: torch.Generator) -> nn.Sequential:
    """The network as it is before its first training, drawn on the CPU."""
    sizes = (data.input_features, *step.hidden, data.class_count)
    if step.layers == "direct":
        return direct_mlp(sizes, step.activation, output_bias=step.output_bias, generator=generator)
    network = spectral_mlp(
        sizes,
        step.activation,
        output_bias=step.output_bias,
        input_eigenvalues=step.input_eigenvalues,
        eigenvalue_range=step.eigenvalue_range,
        eigenvector_range=step.eigenvector_range,
        generator=generator,
    )
    return train_only(network, step.trains)


def run_train(
    step: TrainStep, data: Dataset, device: str = "cpu", on_epoch: OnEpoch | None = None
) -> tuple[nn.Sequential, list[float]]:
    """Train the network of a step; return it with the mean loss of each epoch, in nats.

    One generator, seeded by the step's seed, draws the initial network and then the order of the
    images.
    """
    generator = torch.Generator().manual_seed(step.seed)
    network = initial_network(step, data, generator).to(device)
    inputs, targets = training_examples(step, data, device)
    settings = training_settings(step)
    history = train(network, inputs, targets, **settings, generator=generator, on_epoch=on_epoch)
    return network, history


def training_settings(step: TrainStep) -> dict[str, Any]:
    """Arguments of :func:`~spectral_core.train` that a step sets."""
    names = ("epochs", "batch_size", "learning_rate", "precision", "penalty", "decay")
    return {name: getattr(step, name) for name in names}


def run_cut(
    step: CutStep,
    network: nn.Sequential,
    data: Dataset,
    device: str = "cpu",
    on_epoch: OnEpoch | None = None,
) -> dict[str, Any]:
    """Cut a trained network, retrain what is left if the step says so, and measure it.

    Returns:
        ``kept`` (nodes left in each hidden layer), ``nodes`` (their sum), ``parameters``,
        ``accuracy`` and ``loss`` on the test set.
    """
    pruned, order = network, retraining_generator(step.trained.seed)
    for each in rounds(step, network, data, device):
        pruned = cut_network(step, pruned, data, device, each.nodes)
        if step.retrains is None:
            continue
        inputs, targets = training_examples(step.trained, data, device)
        train(
            retrained_parts(step, pruned),
            inputs,
            targets,
            epochs=each.epochs,
            batch_size=step.trained.batch_size,
            learning_rate=step.trained.learning_rate,
            precision=step.trained.precision,
            generator=order,
            on_epoch=on_epoch,
        )
    left = Flow(pruned)
    measured = evaluate(pruned, data.test_inputs.to(device), data.test_targets.to(device))
    return {
        "kept": left.widths,
        "nodes": sum(left.widths),
        "parameters": left.parameters(),
        "accuracy": measured.accuracy,
        "loss": measured.loss,
    }


class Round(NamedTuple):
    """One cut of a step, and the training behind it."""

    nodes: int | None
    """Hidden nodes that it leaves; ``None`` for what the percentile does."""
    epochs: int
    """Epochs of the training."""


def rounds(
    step: CutStep, network: nn.Sequential, data: Dataset, device: str = "cpu"
) -> list[Round]:
    """The cuts of a step, of about as many nodes each; the last one has what epochs are left over.

    Together they leave as many nodes in all, and take as many epochs, as a single one would; with a
    threshold per layer, a layer's share may differ from that by a node or two.
    """
    if step.rounds == 1:
        return [Round(None, step.retraining_epochs)]
    scores = _scores(step, network, data, device)
    full = sum(map(len, scores))
    less = full - sum(map(len, select(scores, step.percentile, per_layer=step.per_layer)))
    share, rest = divmod(step.retraining_epochs, step.rounds)
    return [
        Round(full - round(less * i / step.rounds), share + (rest if i == step.rounds else 0))
        for i in range(1, step.rounds + 1)
    ]


def cut_network(
    step: CutStep,
    network: nn.Sequential,
    data: Dataset,
    device: str = "cpu",
    nodes: int | None = None,
) -> nn.Sequential:
    """What a cut leaves of a trained network, or a new one as wide, before any retraining.

    Args:
        step: what ranks the nodes, and the percentile.
        network: as its training, or the round before, left it.
        data: what it was trained on.
        device: where it goes.
        nodes: hidden nodes to keep in place of what the percentile leaves.
    """
    if step.removes == "inputs":
        return prune_inputs(network, step.percentile).to(device)
    scores = _scores(step, network, data, device)
    if step.restarts:  # which of its nodes stay doesn't matter, only how many
        new = dataclasses.replace(step.trained, trains="both")
        start = _generator(step.trained.seed, _RESTART)
        network = initial_network(new, data, start).to(device)
    percentile = step.percentile if nodes is None else None
    return prune(network, scores, percentile, nodes=nodes, per_layer=step.per_layer).to(device)


def _scores(step: CutStep, network: nn.Sequential, data: Dataset, device: str) -> list[Tensor]:
    """Scores of the hidden nodes, the higher the rather to stay; (N_k,) for each layer."""
    inputs = targets = None
    if step.score_images:
        examples = training_examples(step.trained, data, device)
        inputs, targets = (each[: step.score_images] for each in examples)
    chance = _generator(step.trained.seed, _SCORES)  # the same scores for every cut of a seed
    scores = node_scores(network, step.score, inputs, targets, generator=chance)
    if step.scaled:
        scores = [score / score.mean().clamp(min=torch.finfo(score.dtype).tiny) for score in scores]
    return [-score for score in scores] if step.keeps == "smallest" else scores


def retrained_parts(step: CutStep, pruned: nn.Sequential) -> nn.Sequential:
    """Let what the step trains again, and no more, take gradients; returns the network itself."""
    return pruned if step.trained.layers == "direct" else train_only(pruned, step.retrains)


def training_examples(step: TrainStep, data: Dataset, device: str) -> tuple[Tensor, Tensor]:
    """Inputs and targets that a step trains on: all, or the first ``train_images`` of them."""
    chosen = slice(step.train_images)
    return data.train_inputs[chosen].to(device), data.train_targets[chosen].to(device)


def retraining_generator(seed: int) -> torch.Generator:
    """Order of the images in stage 2: the same for every cut of a seed, unlike stage 1's."""
    return _generator(seed, _STAGE_TWO)


# What a seed's generators beside that of the first training are for.
_STAGE_TWO, _SCORES, _RESTART = 2, 3, 4


def _generator(seed: int, purpose: int) -> torch.Generator:
    """Random numbers that no other purpose of a seed has."""
    child = np.random.SeedSequence(seed, spawn_key=(purpose,)).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(child >> np.uint64(1)))
