"""Data sets as tensors, by their names."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from spectral_core import _checks
from spectral_core.data import backbone, images
from spectral_core.data.directories import Directories
from spectral_core.data.prepared import JOINT, KEYS, prepare, split
from spectral_core.data.raw_data import RAW_DATA
from spectral_core.data.raw_files import Availability, locate, open_raw, survey

DATASETS: tuple[str, ...] = tuple(RAW_DATA)
"""Names of the data sets. ``cifar10-jpeg`` is a copy of CIFAR-10 that went through JPEG, which is
lossy; it cannot be downloaded."""

FEATURES: tuple[str, ...] = ("none", *backbone.POOLINGS)
"""Inputs that a network may take of an image: ``"none"``, its pixels; ``"max"`` or ``"mean"``,
features of a frozen MobileNetV2, pooled globally in that way (Appendix D)."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """A classification data set in memory.

    Loads are shared within a process: treat the tensors as read-only.

    Attributes:
        name: as :func:`complete_name` returns it.
        train_inputs: float32, (n_train, input_features), pixels in [0, 1], of colour images in the
            order channel, height, width; or features in [0, 6].
        train_targets: int64, (n_train,), indices into ``classes``.
        test_inputs: float32, (n_test, input_features), like ``train_inputs``.
        test_targets: int64, (n_test,).
        classes: name of each class.
        checksums: raw file name to MD5 of its uncompressed content.
        source: who the raw files come from, in words.
    """

    name: str
    train_inputs: Tensor = field(repr=False)
    train_targets: Tensor = field(repr=False)
    test_inputs: Tensor = field(repr=False)
    test_targets: Tensor = field(repr=False)
    classes: tuple[str, ...]
    checksums: Mapping[str, str] = field(repr=False)
    source: str

    @property
    def input_features(self) -> int:
        """Number of inputs of one sample."""
        return self.train_inputs.shape[1]

    @property
    def class_count(self) -> int:
        """Number of classes."""
        return len(self.classes)

    def to(self, device: str | torch.device) -> Self:
        """Return a copy with its tensors on a device; those that are there already are shared."""
        return replace(self, **{name: getattr(self, name).to(device) for name in KEYS})


def identify(name: str) -> str:
    """Return a data set's name that does not depend on where its files lie.

    Args:
        name: one of ``DATASETS``; or ``imagefolder:PATH``, a folder or tar archive with images in
            ``train/CLASS/…`` and ``test/CLASS/…``; or ``images-…``, as returned.

    Returns:
        One of ``DATASETS``, or ``images-`` with the first twelve digits of a SHA-256 of the images'
        paths and contents.

    Raises:
        TypeError, ValueError: if the name is unknown, or the folder has another layout.
        DataNotFoundError: if the folder or archive is damaged.
    """
    if isinstance(name, str) and name.startswith(images.GIVEN):
        return images.identify(name)
    if isinstance(name, str) and images.is_by_content(name):
        return name
    return _checks.choice("dataset", name, (*DATASETS, f"{images.GIVEN}PATH"))


def complete_name(dataset: str, features: str = "none", backbone_weights: str = "imagenet") -> str:
    """Return the name, for :func:`load`, that states all that a network's inputs depend on.

    Args:
        dataset: as :func:`identify` takes it.
        features: one of ``FEATURES``.
        backbone_weights: as :func:`spectral_core.data.backbone.identify` takes them.

    Returns:
        Such as ``cifar10+mobilenet_v2-b0353104-imagenet-96-max``: data set, network, beginning of
        its weights' SHA-256, normalisation, resolution, pooling.

    Raises:
        TypeError, ValueError: if an argument is none of these.
    """
    name = identify(dataset)
    if _checks.choice("features", features, FEATURES) == "none":
        return name
    return f"{name}{JOINT}{backbone.Backbone.of(backbone_weights, features)}"


def load(name: str, data_dir: str | os.PathLike[str] | None = None) -> Dataset:
    """Return a data set, after fetching its raw files if they are not on this machine.

    Pixels are divided by their largest possible value (255; 16 for ``digits``) and flattened. The
    train and test sets are those published; ``digits`` has none and is split 1437 / 360, the same
    way each time, with each class in proportion. Features of images, and the images of a folder,
    are prepared once and kept in the data directory.

    Args:
        name: one of ``DATASETS``, or as :func:`complete_name` returns it. ``digits`` comes with
            scikit-learn and needs neither a download nor a data directory.
        data_dir: the data directory; by default the environment variable ``SPECTRAL_CORE_DATA``,
            else the user's cache directory. Directories in ``SPECTRAL_CORE_DATA_PATH`` are searched
            as well.

    Returns:
        The data set; the same object for the same arguments within a process.

    Raises:
        ValueError: if the name is unknown, or the images or weights are of the wrong kind.
        DataNotFoundError: if no source has a usable copy.
    """
    of_images, network = split(name) if isinstance(name, str) else (name, None)
    of_images = identify(of_images)
    complete = of_images if network is None else f"{of_images}{JOINT}{network}"
    return _load(complete, Directories.chosen(data_dir))


@cache
def _load(name: str, directories: Directories) -> Dataset:
    if name in RAW_DATA:
        sets = open_raw(name, directories)
        sets = sets._replace(train=images.pixels(sets.train), test=images.pixels(sets.test))
    else:
        sets = prepare(name, directories)
    return Dataset(name, *sets[:4], sets.classes, checksums(name), sets.source)


def fetch(name: str, data_dir: str | os.PathLike[str] | None = None) -> Path:
    """Make sure that a data set's raw files are on this machine with the right checksums.

    Args:
        name: one of ``DATASETS``.
        data_dir: as in :func:`load`.

    Returns:
        The directory, or the archive, that holds the files, wherever they were found.

    Raises:
        ValueError: if the name is unknown.
        DataNotFoundError: if no source has a usable copy.
    """
    return locate(_checks.choice("name", name, DATASETS), Directories.chosen(data_dir)).place


def available(data_dir: str | os.PathLike[str] | None = None) -> list[Availability]:
    """List which data sets are on this machine, without using the internet or changing a file.

    Args:
        data_dir: as in :func:`load`.

    Returns:
        One row for each of ``DATASETS``.
    """
    directories = Directories.chosen(data_dir)
    return [survey(name, directories) for name in DATASETS]


def checksums(name: str) -> dict[str, str]:
    """Map each raw file to the MD5 of its uncompressed content; empty for an image folder, whose
    name has a checksum."""
    of_images = name.partition(JOINT)[0]
    return dict(RAW_DATA[of_images].md5) if of_images in RAW_DATA else {}
