"""From the raw files of each dataset to tensors."""

from __future__ import annotations

import io

import numpy as np
import torch
from torch import Tensor

from spectral_core.data.images import arranged, in_archive, stacked
from spectral_core.data.raw_data import IDX_FILES
from spectral_core.data.search import Found
from spectral_core.data.torchvision_import import import_torchvision

# Samples of shape (n, ...) and classes of shape (n,): the training set, then the test set.
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def read(name: str, found: Found) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return a dataset's tensors.

    Args:
        name: key of ``RAW_DATA``.
        found: its raw files.

    Returns:
        Training inputs, training targets, test inputs and test targets: inputs float32 of shape
        (n, features) in [0, 1], targets int64 of shape (n,).
    """
    reader, largest = _READERS[name]
    train_pixels, train_targets, test_pixels, test_targets = reader(found)
    return (
        _inputs(train_pixels, largest),
        torch.tensor(train_targets, dtype=torch.int64),
        _inputs(test_pixels, largest),
        torch.tensor(test_targets, dtype=torch.int64),
    )


def _inputs(pixels: np.ndarray, largest: int) -> Tensor:
    return torch.tensor(pixels, dtype=torch.float32).flatten(1).div_(largest)


def _read_idx(found: Found) -> Arrays:
    return tuple(_idx_array(found.contents[name]) for name in IDX_FILES)


def _idx_array(content: bytes) -> np.ndarray:
    """Return the array in an IDX file of bytes: magic number, sizes as big-endian int32, data.

    torchvision's reader does the same, but only from an unpacked file on disk.
    """
    rank = content[3]
    shape = np.frombuffer(content, ">u4", count=rank, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)


def _read_cifar10(found: Found) -> Arrays:
    reader = import_torchvision().datasets.CIFAR10
    train, test = (reader(found.directory.parent, train=train) for train in (True, False))
    # torchvision gives (n, height, width, channel).
    return (
        np.moveaxis(train.data, -1, 1),
        np.array(train.targets),
        np.moveaxis(test.data, -1, 1),
        np.array(test.targets),
    )


def _read_image_archive(found: Found) -> Arrays:
    (archive,) = found.contents.values()
    sets = arranged(in_archive(archive))
    return (
        stacked(sets.train).numpy(),
        sets.train_targets.numpy(),
        stacked(sets.test).numpy(),
        sets.test_targets.numpy(),
    )


def _read_digits(found: Found) -> Arrays:
    from sklearn.model_selection import train_test_split

    table = np.loadtxt(io.BytesIO(found.contents["digits.csv"]), delimiter=",", dtype=np.uint8)
    pixels, targets = table[:, :-1], table[:, -1]
    train_pixels, test_pixels, train_targets, test_targets = train_test_split(
        pixels, targets, test_size=360, stratify=targets, random_state=0
    )
    return train_pixels, train_targets, test_pixels, test_targets


# How to read each dataset, and the largest value that a pixel of it can have.
_READERS = {
    "fashion-mnist": (_read_idx, 255),
    "mnist": (_read_idx, 255),
    "cifar10": (_read_cifar10, 255),
    "cifar10-jpeg": (_read_image_archive, 255),
    "digits": (_read_digits, 16),
}
