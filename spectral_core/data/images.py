"""Images in files: ``train/<class>/<file>`` and ``test/<class>/<file>``, in a folder or a tar."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

SETS = ("train", "test")
EXTENSIONS = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Endings, in capitals or not, by which an image is known; other files are passed over."""

Stored = Path | bytes
"""An encoded image: a file, or its content."""


@dataclass(frozen=True, eq=False)
class ImageSets:
    """Images of a training and a test set, whatever their sizes.

    Attributes:
        train: each image of shape (channels, height, width) with 1 or 3 channels, uint8 or float
            in [0, 1]; those of :class:`ImageFiles` are decoded when they are asked for.
        train_targets: int64 tensor of shape (n,), indices into ``classes``.
        test: like ``train``.
        test_targets: like ``train_targets``.
        classes: name of each class.
    """

    train: Sequence[Tensor]
    train_targets: Tensor
    test: Sequence[Tensor]
    test_targets: Tensor
    classes: tuple[str, ...]


class ImageFiles(Sequence[Tensor]):
    """Encoded images, each decoded when it is asked for: uint8, (channels, height, width)."""

    def __init__(self, files: Iterable[tuple[str, Stored]]) -> None:
        self.files = list(files)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Tensor:
        name, stored = self.files[index]
        try:
            return decode(stored)
        except Exception as error:  # each format's decoder raises errors of its own
            raise ValueError(
                f"image must be whole, with 8 bits per channel; got {name} ({error})"
            ) from error


def in_folder(folder: Path) -> dict[str, Path]:
    """Return the images of both sets below a folder, by relative path with forward slashes."""
    found = {}
    for part in SETS:
        for directory, _, names in os.walk(folder / part, followlinks=True):
            for name in filter(_is_image, names):
                path = Path(directory, name)
                found[path.relative_to(folder).as_posix()] = path
    return found


def in_archive(archive: bytes) -> dict[str, bytes]:
    """Return the images in a tar archive, packed or not, by path. Writes nothing.

    Raises:
        tarfile.TarError, OSError: if the archive is broken.
    """
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {
            member.name.removeprefix("./"): tar.extractfile(member).read()
            for member in tar
            if member.isfile() and _is_image(member.name)
        }


def checksum(files: Mapping[str, Stored]) -> str:
    """Return the SHA-256 of the list that ``sha256sum`` writes of some files, sorted by name."""
    digest = hashlib.sha256()
    for name in image_bar(sorted(files), "checksums"):
        stored = files[name]
        content = stored if isinstance(stored, bytes) else stored.read_bytes()
        digest.update(f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode())
    return digest.hexdigest()


def arranged(files: Mapping[str, Stored]) -> ImageSets:
    """Sort encoded images into sets and classes by their paths.

    Classes come in the order of their names. The images of a set come in turn from each class, so
    that the first so many are a fair sample.

    Args:
        files: path, such as ``train/cat/01.jpg``, to file or content.

    Raises:
        ValueError: if a set has no image or the two have different classes.
    """
    by_class: dict[str, dict[str, list[str]]] = {part: {} for part in SETS}
    for name in sorted(files):
        part, *folders = name.split("/")
        if part in SETS and len(folders) > 1:
            by_class[part].setdefault(folders[0], []).append(name)
    for part, found in by_class.items():
        if not found:
            raise ValueError(f"images must lie in train/CLASS/ and test/CLASS/; got none in {part}")
    classes = sorted(by_class["train"])
    if classes != sorted(by_class["test"]):
        odd = sorted(set(classes) ^ set(by_class["test"]))
        raise ValueError(
            f"train and test must have the same classes; got images of {', '.join(odd)} in one only"
        )
    images, targets = {}, {}
    for part in SETS:
        turns = sorted(
            (turn, target, name)
            for target, class_name in enumerate(classes)
            for turn, name in enumerate(by_class[part][class_name])
        )
        images[part] = ImageFiles((name, files[name]) for _, _, name in turns)
        targets[part] = torch.tensor([target for _, target, _ in turns])
    return ImageSets(
        images["train"], targets["train"], images["test"], targets["test"], tuple(classes)
    )


def decode(stored: Stored) -> Tensor:
    """Return an image as a uint8 tensor of shape (channels, height, width).

    Greyscale images have 1 channel, all others 3: red, green, blue. A photograph is turned as its
    camera says.

    Raises:
        Exception: if the image cannot be decoded, or has more than 8 bits per channel.
    """
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(stored) if isinstance(stored, bytes) else stored) as image:
        if image.mode.startswith(("I", "F")):
            raise ValueError(f"mode {image.mode}")
        grey = image.mode in ("1", "L", "LA")
        upright = ImageOps.exif_transpose(image).convert("L" if grey else "RGB")
    pixels = torch.from_numpy(np.array(upright))
    return pixels[None] if grey else pixels.permute(2, 0, 1)


def stacked(images: Sequence[Tensor]) -> Tensor:
    """Return images of one size as one tensor, uint8 of shape (n, channels, height, width).

    There is 1 channel if all images are greyscale, else 3.

    Raises:
        ValueError: if the images are not all of one size.
    """
    decoded = [images[i] for i in image_bar(range(len(images)), "decoding")]
    sizes = sorted({tuple(image.shape[1:]) for image in decoded})
    if len(sizes) > 1:
        (low, narrow), (high, wide) = sizes[0], sizes[-1]
        raise ValueError(
            "images must all have one size unless features are taken of them; got "
            f"{narrow}×{low} and {wide}×{high} pixels"
        )
    channels = max(len(image) for image in decoded)
    return torch.stack([image.expand(channels, -1, -1) for image in decoded])


def image_bar(items: Sequence, text: str) -> tqdm:
    """Return a bar over items, on standard error, for work of more than two seconds."""
    slow = not sys.stderr.isatty()  # a log file wants fewer lines
    return tqdm(items, text, unit=" images", delay=2, mininterval=10.0 if slow else 0.2)


def _is_image(name: str) -> bool:
    return name.lower().endswith(EXTENSIONS)
