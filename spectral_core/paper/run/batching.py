"""Steps that run as one ensemble: which may, how many at once, and what comes out of them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from spectral_core.data import Dataset
from spectral_core.paper.run.work import (
    OnEpoch,
    cut_network,
    initial_network,
    retrained_parts,
    retraining_generator,
    rounds,
    run_cut,
    run_train,
    training_examples,
    training_settings,
)
from spectral_core.paper.study.steps import CutStep, Step, TrainStep
from spectral_core.training.ensemble import member_bytes, most_members, train_ensemble


def groups(steps: Iterable[Step]) -> list[tuple[Step, ...]]:
    """Trainings, or cuts that retrain, in groups that may run as one ensemble.

    Trainings of a group differ in their seeds; cuts in their seeds and percentiles. All networks of
    an ensemble are as wide as the widest, so a group's are within a factor of two.
    """
    alike: dict[Hashable, list[Step]] = {}
    for step in steps:
        alike.setdefault(_kind(step), []).append(step)
    return [tuple(members) for members in alike.values()]


def parts(group: Sequence[Step], data: Dataset, device: str) -> list[Sequence[Step]]:
    """A group in as few parts, about equal, as the memory of the device allows."""
    step = group[0]
    trained = step.trained if isinstance(step, CutStep) else step
    trains = step.retrains if isinstance(step, CutStep) else step.trains
    each = member_bytes(
        (data.input_features, *trained.hidden, data.class_count),
        trained.batch_size,
        len(data.train_targets[: trained.train_images]),
        projects=trained.layers == "spectral" and trains == "eigenvalues",
    )
    count = math.ceil(len(group) / most_members(each, device))
    return [group[i::count] for i in range(count)]


def train_together(
    steps: Sequence[TrainStep],
    data: Dataset,
    device: str = "cpu",
    on_epoch: OnEpoch | None = None,
) -> list[tuple[nn.Sequential, list[float]]]:
    """What :func:`~spectral_core.paper.run.work.run_train` gives a group of steps, to float error."""
    first = steps[0]
    if len(steps) == 1:
        return [run_train(first, data, device, on_epoch)]
    generators = [torch.Generator().manual_seed(step.seed) for step in steps]
    networks = [
        initial_network(step, data, generator).to(device)
        for step, generator in zip(steps, generators)
    ]
    histories = train_ensemble(
        networks,
        *training_examples(first, data, device),
        **training_settings(first),
        generators=generators,
        on_epoch=on_epoch,
    )
    return list(zip(networks, histories))


def cut_together(
    steps: Sequence[CutStep],
    networks: Mapping[TrainStep, nn.Sequential],
    data: Dataset,
    device: str = "cpu",
    on_epoch: OnEpoch | None = None,
) -> list[dict[str, Any]]:
    """What :func:`~spectral_core.paper.run.work.run_cut` gives, to float error, for steps of a group.

    Args:
        steps: cuts of a group, or any single one.
        networks: their trained networks.
        data, device, on_epoch: as for :func:`train_together`.
    """
    first = steps[0]
    if len(steps) == 1:
        return [run_cut(first, networks[first.trained], data, device, on_epoch)]
    orders = {step.trained.seed: retraining_generator(step.trained.seed) for step in steps}
    cut = [networks[step.trained] for step in steps]
    for side_by_side in zip(*(rounds(step, net, data, device) for step, net in zip(steps, cut))):
        cut = [
            retrained_parts(step, cut_network(step, network, data, device, each.nodes))
            for step, network, each in zip(steps, cut, side_by_side)
        ]
        train_ensemble(
            cut,
            *training_examples(first.trained, data, device),
            epochs=side_by_side[0].epochs,
            batch_size=first.trained.batch_size,
            learning_rate=first.trained.learning_rate,
            precision=first.trained.precision,
            generators=[orders[step.trained.seed] for step in steps],
            on_epoch=on_epoch,
        )
    # Measured as a cut of them that takes nothing away would be.
    uncut = {"percentile": 0.0, "retrains": None, "restarts": False, "rounds": 1}
    return [
        run_cut(dataclasses.replace(step, **uncut), network, data, device)
        for step, network in zip(steps, cut)
    ]


def _kind(step: Step) -> Hashable:
    """What the steps of a group have in common."""
    if isinstance(step, TrainStep):
        return dataclasses.replace(step, seed=0)
    trained = dataclasses.replace(step.trained, seed=0)
    return (
        dataclasses.replace(step, trained=trained, percentile=0.0),
        step.epoch_cost.bit_length(),  # the per cent of nodes that train, by powers of two
    )
