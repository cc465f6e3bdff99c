"""What a run has left to do, and how long it takes at this machine's speed, measured just now."""

import itertools
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import torch

from spectral_core.data import Dataset, load
from spectral_core.data.backbone import FEATURE_COUNT
from spectral_core.data.images import open_images
from spectral_core.data.prepared import split
from spectral_core.data.raw_data import RAW_DATA
from spectral_core.paper.run.compute import missing_steps
from spectral_core.paper.run.store import Store
from spectral_core.paper.run.work import initial_network, training_settings
from spectral_core.paper.study.steps import CutStep, Step, TrainStep, with_trainings
from spectral_core.training.loop import single_thread, train

_BATCHES, _EPOCHS = 3, 3
"""How long a network of each kind trains, to measure its speed."""


class Remaining(NamedTuple):
    """What is left to do for a study, and how long it takes."""

    stored: int
    trainings: int
    cuts: int
    computing: float
    """Seconds of all steps, added up."""
    seconds: float
    """Seconds from beginning to end."""


def remaining(
    cuts: Iterable[CutStep], store: Store, *, workers: int, device: str = "cpu"
) -> Remaining:
    """What :func:`~spectral_core.paper.run.compute.compute` would do; only reads the store.

    A network of each kind trains for a moment, on noise of the size of the images; the other
    epochs are in proportion. On an accelerator it takes less, as trainings there run as one.
    """
    cuts = list(dict.fromkeys(cuts))
    phases = missing_steps(cuts, store)
    epoch = {kind: 0.0 for phase in phases for kind in map(_kind, phase)}
    with single_thread():
        for kind in epoch:
            epoch[kind] = _seconds_per_epoch(kind, device)
    computing, seconds = 0.0, 0.0
    for phase in phases:
        times = [step.cost / 100 * epoch[_kind(step)] for step in phase]
        computing += sum(times)
        seconds += max(sum(times) / workers, *times, 0.0)
    missing = set(itertools.chain(*phases))  # also a training whose network file is damaged
    stored = sum(store.record(s) is not None for s in with_trainings(cuts) if s not in missing)
    return Remaining(stored, *map(len, phases), computing, seconds)


def _kind(step: Step) -> TrainStep:
    """A training whose epochs take as long as those of a step of the unpruned network."""
    if isinstance(step, CutStep):
        step = replace(step.trained, trains=step.retrains or step.trained.trains)
    return replace(step, seed=0, epochs=_EPOCHS, learning_rate=1e-3, penalty=0.0, held_out=False)


def _seconds_per_epoch(step: TrainStep, device: str) -> float:
    features, images, classes = _size(step.dataset)
    images = min(images, step.train_images or images)
    count = min(images, _BATCHES * step.batch_size)
    inputs, targets = torch.rand(count, features), torch.randint(classes, (count,))
    noise = Dataset("noise", inputs, targets, inputs, targets, ("",) * classes, {}, "").to(device)
    ends: list[float] = []
    train(
        initial_network(step, noise, torch.Generator()),
        noise.train_inputs,
        noise.train_targets,
        **training_settings(step),
        on_epoch=lambda *_: ends.append(time.perf_counter()),  # the first one allocates
    )
    return min(b - a for a, b in itertools.pairwise(ends)) * images / count


def _size(dataset: str) -> tuple[int, int, int]:
    """Inputs, training images and classes; of a known data set they need not be on this machine."""
    name, backbone = split(dataset)
    if raw := RAW_DATA.get(name):
        pixels, images, classes = raw.pixels, raw.images, len(raw.classes)
    elif backbone:  # of images that may have several sizes
        own = open_images(name)
        return FEATURE_COUNT, len(own.train_targets), len(own.classes)
    else:
        own = load(name)
        pixels, images, classes = own.input_features, len(own.train_targets), own.class_count
    return FEATURE_COUNT if backbone else pixels, images, classes
