"""Data sets made out of images: features by a frozen network, or pixels of an image folder.

Making one takes minutes, so it is done once and kept in the data directory, below ``prepared``,
under a name that says all that it depends on: which images, and through which network.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from spectral_core._files import write_whole
from spectral_core.data.backbone import Backbone, extractor
from spectral_core.data.features import features
from spectral_core.data.image_folder import open_images
from spectral_core.data.images import ImageSets, stacked
from spectral_core.data.places import Places
from spectral_core.data.raw_data import RAW_DATA
from spectral_core.data.readers import read
from spectral_core.data.search import locate

JOINT = "+"
"""What stands between the name of the images and that of the network in a name."""


class Prepared(NamedTuple):
    """Tensors of a data set, as :class:`~spectral_core.data.Dataset` has them."""

    train_inputs: Tensor
    train_targets: Tensor
    test_inputs: Tensor
    test_targets: Tensor
    classes: tuple[str, ...]
    source: str


def split(name: str) -> tuple[str, Backbone | None]:
    """Return the images' name and the backbone of a data set's name.

    Raises:
        ValueError: if what stands behind the joint is no backbone.
    """
    images, joint, backbone = name.partition(JOINT)
    return images, Backbone.parse(backbone) if joint else None


def prepare(name: str, places: Places) -> Prepared:
    """Return a data set of features or of an image folder; make it if it is not there.

    Args:
        name: ``images-…``, or any data set's name with :data:`JOINT` and a backbone behind it.
        places: the directories in use.

    Raises:
        DataNotFoundError: if the images or the weights are nowhere.
        ValueError: if an image cannot be decoded, or the weights are not those of the network.
    """
    path = places.data_dir / "prepared" / f"{name}.safetensors"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if not path.exists():  # another process may have made it meanwhile
                _make(name, places, path)
    try:
        with safe_open(path, "pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            about = json.loads(file.metadata()["about"])
    except SafetensorError as error:
        raise RuntimeError(
            f"{path} must be whole; got {error}. Delete it to prepare it again"
        ) from error
    return Prepared(**tensors, classes=tuple(about["classes"]), source=about["source"])


def _make(name: str, places: Places, path: Path) -> None:
    images, backbone = split(name)
    sets, source = _open(images, places)
    parts = [path.with_suffix(f".{part}.part") for part in ("train", "test")]
    if backbone is None:
        train, test = (
            stacked(images).flatten(1).float().div_(255) for images in (sets.train, sets.test)
        )
    else:
        extract = extractor(backbone, places)
        train, test = (
            features(images, extract, backbone.resolution, part)
            for images, part in zip((sets.train, sets.test), parts)
        )
    tensors = {
        "train_inputs": train,
        "train_targets": sets.train_targets,
        "test_inputs": test,
        "test_targets": sets.test_targets,
    }
    about = {"about": json.dumps({"classes": sets.classes, "source": source})}
    write_whole(path, lambda aside: save_file(tensors, aside, about))
    for part in parts:
        part.unlink(missing_ok=True)


def _open(images: str, places: Places) -> tuple[ImageSets, str]:
    """Return the images of a known data set, or of a folder, and who they come from."""
    if images not in RAW_DATA:
        return open_images(images), "image folder"
    found = locate(images, places)
    train, train_targets, test, test_targets = read(images, found)
    train, test = _unflattened(train), _unflattened(test)
    sets = ImageSets(train, train_targets, test, test_targets, RAW_DATA[images].classes)
    return sets, found.source


def _unflattened(pixels: Tensor) -> Tensor:
    """Return pixels, (n, channels · side²), as images (n, channels, side, side)."""
    n, length = pixels.shape
    channels = 1 if math.isqrt(length) ** 2 == length else 3
    side = math.isqrt(length // channels)
    return pixels.view(n, channels, side, side)
