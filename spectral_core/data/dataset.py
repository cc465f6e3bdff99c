"""Datasets as tensors, from raw files whose checksums are right."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from spectral_core import _checks
from spectral_core.data import backbone, image_folder
from spectral_core.data.places import Places
from spectral_core.data.prepared import JOINT, prepare, split
from spectral_core.data.raw_data import RAW_DATA
from spectral_core.data.readers import read
from spectral_core.data.search import locate, survey

DATASETS: tuple[str, ...] = tuple(RAW_DATA)
"""Names of the data sets. ``cifar10-jpeg`` is a copy of CIFAR-10 whose images went through JPEG,
which is lossy; it cannot be downloaded."""

FEATURES: tuple[str, ...] = ("none", *backbone.POOLINGS)
"""What a network may take of an image: its pixels, or features of a frozen MobileNetV2, pooled in
one way or the other."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """A classification dataset in memory.

    Loads are shared within a process: treat the tensors as read-only.

    Attributes:
        name: as :func:`complete_name` gives it.
        train_inputs: float32 tensor of shape (n_train, input_features), values in [0, 1]. Colour
            images are flattened in the order channel, height, width. Features are in [0, 6].
        train_targets: int64 tensor of shape (n_train,), indices into ``classes``.
        test_inputs: float32 tensor of shape (n_test, input_features), like ``train_inputs``.
        test_targets: int64 tensor of shape (n_test,).
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

    def to(self, device: str | torch.device) -> Dataset:
        """Return the dataset with its tensors on a device.

        Args:
            device: such as ``"cpu"`` or ``"cuda"``.

        Returns:
            A copy that shares with this one the tensors that are on the device already.
        """
        names = ("train_inputs", "train_targets", "test_inputs", "test_targets")
        return replace(self, **{name: getattr(self, name).to(device) for name in names})


@dataclass(frozen=True)
class Availability:
    """Whether a dataset is on this machine.

    Attributes:
        name: one of ``DATASETS``.
        found: directory or archive that holds it, or None.
        checksums_ok: whether all files are there with the right checksums.
    """

    name: str
    found: Path | None
    checksums_ok: bool


def identify(name: str) -> str:
    """Return the name of a data set that says which it is wherever its files lie.

    Args:
        name: one of ``DATASETS``; or ``imagefolder:PATH``, a folder or tar archive with images in
            ``train/CLASS/…`` and ``test/CLASS/…``; or ``images-…``, as returned.

    Returns:
        One of ``DATASETS``, or ``images-`` with the first twelve digits of a SHA-256, which is that
        of the images' names and contents.

    Raises:
        TypeError, ValueError: if the name is unknown, or the folder is not laid out like that.
    """
    if isinstance(name, str) and name.startswith(image_folder.GIVEN):
        return image_folder.identify(name)
    if isinstance(name, str) and image_folder.is_by_content(name):
        return name
    return _checks.choice("dataset", name, (*DATASETS, f"{image_folder.GIVEN}PATH"))


def complete_name(dataset: str, features: str = "none", backbone_weights: str = "imagenet") -> str:
    """Return the name, for :func:`load`, that says all that the inputs of a network depend on.

    Args:
        dataset: as :func:`identify` takes it.
        features: one of ``FEATURES``: ``"none"`` for pixels; ``"max"`` or ``"mean"`` for the
            features of a frozen MobileNetV2 (Appendix D), pooled globally.
        backbone_weights: as :func:`spectral_core.data.backbone.identify` takes them.

    Returns:
        Such as ``cifar10+mobilenet_v2-b0353104-imagenet-96-max``: data set, network, beginning of
        its weights' SHA-256, normalisation, resolution, pooling.
    """
    name = identify(dataset)
    if _checks.choice("features", features, FEATURES) == "none":
        return name
    return f"{name}{JOINT}{backbone.Backbone.of(backbone_weights, features)}"


def load(name: str, data_dir: str | os.PathLike[str] | None = None) -> Dataset:
    """Return a dataset, fetching its raw files into the data directory if they are nowhere.

    Pixels are divided by their largest possible value (255; 16 for ``digits``) and flattened. The
    train and test sets are those published; ``digits`` has none and is split 1437 / 360, the same
    way each time, with each class in proportion. Features of images, and the images of a folder,
    are prepared once and kept in the data directory.

    Args:
        name: one of ``DATASETS``, or as :func:`complete_name` returns it. ``digits`` comes with
            scikit-learn and needs no network.
        data_dir: the data directory; by default the environment variable ``SPECTRAL_CORE_DATA``,
            else the user's cache directory. Directories in ``SPECTRAL_CORE_DATA_PATH`` are looked
            into besides.

    Returns:
        The dataset; the same object for the same arguments within a process.

    Raises:
        ValueError: if the name is unknown, or images or weights are not what they should be.
        DataNotFoundError: if no source has a usable copy.
    """
    images, network = split(name) if isinstance(name, str) else (name, None)
    images = identify(images)
    complete = images if network is None else f"{images}{JOINT}{network}"
    return _load(complete, Places.chosen(data_dir))


def fetch(name: str, data_dir: str | os.PathLike[str] | None = None) -> Path:
    """Make sure that a dataset's raw files are on this machine with the right checksums.

    Args:
        name: one of ``DATASETS``.
        data_dir: as in ``load``.

    Returns:
        The directory that holds the files; not the data directory if they were found elsewhere.

    Raises:
        ValueError: if the name is unknown.
        DataNotFoundError: if no source has a usable copy.
    """
    return locate(_checks.choice("name", name, DATASETS), Places.chosen(data_dir)).directory


def available(data_dir: str | os.PathLike[str] | None = None) -> list[Availability]:
    """Tell which datasets are on this machine, without any network and without changing a file.

    Args:
        data_dir: as in ``load``.

    Returns:
        One row for each of ``DATASETS``.
    """
    places = Places.chosen(data_dir)
    return [Availability(name, *survey(name, places)) for name in DATASETS]


def checksums(name: str) -> dict[str, str]:
    """Return raw file name to MD5 of its uncompressed content; nothing for an image folder.

    Args:
        name: as for :func:`load`; an image folder's own checksum is in its name.
    """
    images = name.partition(JOINT)[0]
    return dict(RAW_DATA[images].md5) if images in RAW_DATA else {}


@cache
def _load(name: str, places: Places) -> Dataset:
    if name not in RAW_DATA:
        prepared = prepare(name, places)
        return Dataset(name=name, checksums=checksums(name), **prepared._asdict())
    found = locate(name, places)
    train_inputs, train_targets, test_inputs, test_targets = read(name, found)
    return Dataset(
        name=name,
        train_inputs=train_inputs,
        train_targets=train_targets,
        test_inputs=test_inputs,
        test_targets=test_targets,
        classes=RAW_DATA[name].classes,
        checksums=checksums(name),
        source=found.source,
    )
