"""Steps that run as one: levels of a network in one pass, trainings as one ensemble."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from spectral_core.data import Dataset
from spectral_core.paper.run import work
from spectral_core.paper.study.steps import CutStep, Step, TrainStep
from spectral_core.training.ensemble import most_members, train_ensemble
from spectral_core.training.loop import OnEpoch


def jobs(steps: Sequence[Step], ensembles: bool) -> list[tuple[Step, ...]]:
    """Steps in groups that one process runs in one go, the costliest first.

    Levels of one network that is not retrained are a group. So are, as ensembles, trainings that
    differ in their seeds, and retrained networks that differ in their seeds and percentiles; else
    each is a group of its own.
    """
    alike: dict[Hashable, list[Step]] = {}
    for step in steps:
        whole = isinstance(step, CutStep) and step.retrains is None
        kind = step.trained if whole else _kind(step) if ensembles else step
        alike.setdefault((whole, kind), []).append(step)
    groups = map(tuple, alike.values())
    return sorted(groups, key=lambda group: -sum(step.cost for step in group))


def parts(job: Sequence[Step], data: Dataset) -> list[Sequence[Step]]:
    """A job in parts that run as one: curves of levels; or ensembles, as few and as equal as the
    memory of the device allows."""
    step = job[0]
    if isinstance(step, CutStep) and step.retrains is None:
        curves: dict[Hashable, list[Step]] = {}
        for each in job:
            curves.setdefault(replace(each, percentile=0.0), []).append(each)
        return list(curves.values())
    if len(job) == 1:
        return [job]
    trained = step.trained if isinstance(step, CutStep) else step
    trains = step.retrains if isinstance(step, CutStep) else step.trains
    members = most_members(
        (data.input_features, *trained.hidden, data.class_count),
        trained.batch_size,
        work.training_examples(trained, data)[0],
        projects=trained.layers == "spectral" and trains == "eigenvalues",
    )
    count = math.ceil(len(job) / members)
    return [job[i::count] for i in range(count)]


def run_together(
    steps: Sequence[Step],
    networks: Mapping[TrainStep, nn.Sequential],
    data: Dataset,
    on_epoch: OnEpoch | None = None,
) -> list[tuple[dict[str, Any], nn.Sequential | None]]:
    """The result of each step of a part as plain JSON data, and of a training its network: to float
    error, what each gives alone. Cuts take their trained networks from ``networks``.

    After each epoch ``on_epoch`` is called, see :func:`~spectral_core.train`; of an ensemble once,
    with the first one's loss. Each round of pruning counts its epochs from 1.
    """
    if isinstance(steps[0], TrainStep):
        trained = _train_together(steps, data, on_epoch)
        return [({"training_loss": history}, network) for network, history in trained]
    return [(result, None) for result in _cut_together(steps, networks, data, on_epoch)]


def _train_together(
    steps: Sequence[TrainStep], data: Dataset, on_epoch: OnEpoch | None
) -> list[tuple[nn.Sequential, list[float]]]:
    first = steps[0]
    if len(steps) == 1:
        return [work.run_train(first, data, on_epoch)]
    generators = [torch.Generator().manual_seed(step.seed) for step in steps]
    networks = [work.initial_network(step, data, own) for step, own in zip(steps, generators)]
    examples, settings = work.training_examples(first, data), work.training_settings(first)
    histories = train_ensemble(
        networks, *examples, **settings, generators=generators, on_epoch=on_epoch
    )
    return list(zip(networks, histories))


def _cut_together(
    steps: Sequence[CutStep],
    networks: Mapping[TrainStep, nn.Sequential],
    data: Dataset,
    on_epoch: OnEpoch | None,
) -> list[dict[str, Any]]:
    first = steps[0]
    if first.retrains is None:
        return work.run_levels(steps, networks[first.trained], data)
    if len(steps) == 1:
        return [work.run_cut(first, networks[first.trained], data, on_epoch)]
    orders = {step.trained.seed: work.retraining_generator(step.trained.seed) for step in steps}
    for pruned in zip(*(work.rounds(step, networks[step.trained], data) for step in steps)):
        left, (epochs, *_) = zip(*pruned)
        train_ensemble(
            [work.retrained_part(step, network) for step, network in zip(steps, left)],
            *work.training_examples(first.trained, data),
            **work.retraining_settings(first, epochs),
            generators=[orders[step.trained.seed] for step in steps],
            on_epoch=on_epoch,
        )
    return [work.measure(network, data) for network in left]


def _kind(step: Step) -> Hashable:
    """What the steps of an ensemble have in common.

    All of its networks are as wide as the widest, so they are within a factor of two.
    """
    if isinstance(step, TrainStep):
        return replace(step, seed=0)
    return (
        replace(step, trained=replace(step.trained, seed=0), percentile=0.0),
        step.epoch_cost.bit_length(),  # the per cent of nodes that train, by powers of two
    )
