"""Data sets made out of images: features by a frozen network, or pixels of an image folder.

Making one takes minutes, so it is done once and kept in the data directory, below ``prepared``,
under a name that states all that it depends on: which images, and through which network.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import torch
from filelock import FileLock
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from spectral_core._files import write_whole
from spectral_core.data.backbone import Backbone, extractor, resized
from spectral_core.data.directories import Directories
from spectral_core.data.images import ImageSets, bar, open_images, stacked
from spectral_core.data.raw_data import RAW_DATA
from spectral_core.data.raw_files import locate

logger = logging.getLogger(__name__)

JOINT = "+"
"""Separates the name of the images from that of the network."""
BATCH = 32
"""Images in one pass of the network; faster per image than 8 or 128."""
KEYS = ("train_inputs", "train_targets", "test_inputs", "test_targets")


def split(name: str) -> tuple[str, Backbone | None]:
    """Return the name of a data set's images and its backbone, or raise ``ValueError``."""
    images, joint, backbone = name.partition(JOINT)
    return images, Backbone.parse(backbone) if joint else None


def prepare(name: str, directories: Directories) -> ImageSets:
    """Return a data set of features or of an image folder; make it if it is absent or damaged.

    Args:
        name: ``images-…``, or any data set's name followed by :data:`JOINT` and a backbone.
        directories: the directories in use.

    Returns:
        The sets; images are float32 tensors of shape (n, features).

    Raises:
        DataNotFoundError: if the images or the weights are nowhere.
        ValueError: if an image cannot be decoded, or the weights are not those of the network.
    """
    path = directories.writable() / "prepared" / f"{name}.safetensors"
    if (made := _read(path, name)) is None:
        path.parent.mkdir(exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            made = _read(path, name)  # another process may have made it meanwhile
            if made is None:
                if path.exists():
                    logger.warning("%s is damaged and will be prepared again", path)
                made = _make(name, directories)
                _write(path, name, made)
    return made


def _read(path: Path, name: str) -> ImageSets | None:
    """Return what a file holds; None if it is damaged or there is none."""
    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            tensors = [file.get_tensor(key) for key in KEYS]
            about = json.loads(file.metadata()["about"])
        made = ImageSets(*tensors, tuple(about["classes"]), about["source"])
        # Files of earlier versions have no checksum.
        whole = len(about) == 2 or about["sha256"] == _digest(name, made)
        return made if whole and _is_sound(made) else None
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _write(path: Path, name: str, made: ImageSets) -> None:
    about = {"classes": made.classes, "source": made.source, "sha256": _digest(name, made)}
    tensors, metadata = dict(zip(KEYS, made)), {"about": json.dumps(about)}
    write_whole(path, lambda aside: save_file(tensors, aside, metadata))


def _digest(name: str, made: ImageSets) -> str:
    """Return the SHA-256 of a data set's name and content."""
    digest = hashlib.sha256(json.dumps([name, made.classes, made.source]).encode())
    for tensor in made[:4]:
        digest.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.flatten().numpy())
    return digest.hexdigest()


def _is_sound(made: ImageSets) -> bool:
    """Whether shapes and values can be those of a data set."""
    return all(
        inputs.shape == (len(targets), made.train.shape[-1])
        and (inputs.dtype, targets.dtype) == (torch.float32, torch.int64)
        and bool(inputs.isfinite().all())
        and bool(((targets >= 0) & (targets < len(made.classes))).all())
        for inputs, targets in (made[0:2], made[2:4])
    )


def _make(name: str, directories: Directories) -> ImageSets:
    images, backbone = split(name)
    sets = _open(images, directories)
    if backbone is None:
        train, test = (
            pixels.flatten(1).float().div_(255) for pixels in stacked(sets.train, sets.test)
        )
    else:
        extract = extractor(backbone, directories)
        train, test = (
            features(images, extract, backbone.resolution) for images in (sets.train, sets.test)
        )
    return sets._replace(train=train, test=test)


def _open(images: str, directories: Directories) -> ImageSets:
    """Return the images of a known data set, or of a folder."""
    if images not in RAW_DATA:
        return open_images(images)
    raw, raw_files = RAW_DATA[images], locate(images, directories)
    train, train_targets, test, test_targets = raw.tensors(raw_files.contents)
    train, test = _unflattened(train), _unflattened(test)
    return ImageSets(train, train_targets, test, test_targets, raw.classes, raw_files.source)


def _unflattened(pixels: Tensor) -> Tensor:
    """Return pixels, (n, channels · side²), as images (n, channels, side, side)."""
    n, length = pixels.shape
    channels = 1 if math.isqrt(length) ** 2 == length else 3
    side = math.isqrt(length // channels)
    return pixels.view(n, channels, side, side)


def features(
    images: Sequence[Tensor], extract: Callable[[Tensor], Tensor], resolution: int
) -> Tensor:
    """Return the features of images, float32 of shape (n, 1280).

    Args:
        images: each of shape (1 or 3, height, width), uint8 or float in [0, 1].
        extract: see :func:`~spectral_core.data.backbone.extractor`.
        resolution: height and width that it takes, in pixels.
    """

    def of_batch(start: int) -> Tensor:
        rows = range(start, min(start + BATCH, len(images)))
        return extract(torch.stack([resized(images[i], resolution) for i in rows]))

    starts = range(0, len(images), BATCH)
    return torch.cat(list(bar(_side_by_side(of_batch, starts), "features", len(starts))))


def _side_by_side(work: Callable[[int], Tensor], items: Sequence[int]) -> Iterator[Tensor]:
    """Yield the results in order; each is computed on one thread, so no sum depends on the cores.

    Such small batches keep several threads of one product waiting for each other, too.
    """
    pool, threads = ThreadPoolExecutor(joblib.cpu_count()), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield from pool.map(work, items)
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)
