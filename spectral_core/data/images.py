"""Images in files: ``train/CLASS/FILE`` and ``test/CLASS/FILE``, in a folder or a tar archive.

Images of one's own are known by what they are, not by where: a checksum is their name.
"""

import hashlib
import io
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from spectral_core._progress import bar
from spectral_core.data.directories import DataNotFoundError
from spectral_core.data.unpacking import Unusable, check_file, members

GIVEN = "imagefolder:"
"""Beginning of a data set's name that continues with the path of its images."""
SETS = ("train", "test")
EXTENSIONS = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Endings, in capitals or not, by which an image is known; other files are ignored."""

Stored = Path | bytes
"""An encoded image: a file, or its content."""

# Paths of the images that this process has been given, by name.
_given: dict[str, Path] = {}


class ImageSets(NamedTuple):
    """Images of a training and a test set, with the names of their classes.

    An image has shape (channels, height, width) with 1 or 3 channels, uint8 or float in [0, 1];
    targets are int64 of shape (n,), indices into ``classes``.
    """

    train: Sequence[Tensor]
    train_targets: Tensor
    test: Sequence[Tensor]
    test_targets: Tensor
    classes: tuple[str, ...]
    source: str = "image folder"


class ImageFiles(Sequence[Tensor]):
    """Encoded images by name, each decoded on access: uint8, (channels, height, width).

    Greyscale images have 1 channel, all others 3: red, green, blue. A photograph is turned upright
    by its EXIF orientation.
    """

    def __init__(self, files: Mapping[str, Stored], place: Path | str) -> None:
        self.files, self.place = list(files.items()), place

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Tensor:
        name, stored = self.files[index]
        try:
            return _decoded(stored)
        except Exception as error:  # each format's decoder raises errors of its own
            reason = re.sub("^cannot identify image file.*", "of no known format", str(error))
            raise DataNotFoundError(
                "an image must be whole, with 8 bits per channel; got "
                f"{self.place}/{name} ({reason}); replace it or take it out"
            ) from error


def identify(name: str) -> str:
    """Name the images in ``imagefolder:PATH``; see :func:`spectral_core.data.identify`.

    A folder and a tar archive of it, compressed or not, have the same name.
    """
    path = Path(os.path.expanduser(name.removeprefix(GIVEN))).absolute()
    files = _files(path)
    arranged(files, path)
    by_content = _name(files)
    _given[by_content] = path
    return by_content


def is_by_content(name: str) -> bool:
    """Whether a name is one that :func:`identify` returns."""
    return re.fullmatch("images-[0-9a-f]{12}", name) is not None


def open_images(name: str) -> ImageSets:
    """Return images by the name that :func:`identify` has returned in this process, or raise
    ``DataNotFoundError`` if it has not, or they have changed since."""
    if name not in _given:
        raise DataNotFoundError(
            f"{name} is not prepared in the data directory; give the path of its images: "
            f"{GIVEN}PATH"
        )
    files = _files(_given[name])
    if _name(files) != name:
        raise DataNotFoundError(f"{_given[name]} has changed since it was first read; start again")
    return arranged(files, _given[name])


def _files(path: Path) -> dict[str, Stored]:
    """Return the encoded images in a folder or tar archive by their paths in it."""
    if not path.is_dir() and not path.is_file():
        raise ValueError(
            f"{GIVEN}PATH must name a folder or a tar archive with train/CLASS/… and test/CLASS/…; "
            f"got {path}, which is neither a folder nor a regular file"
        )
    try:
        return _in_folder(path) if path.is_dir() else members(path, _is_in_a_set, SETS)
    except (OSError, Unusable) as error:
        raise DataNotFoundError(f"the images in {path} cannot be used: {error}") from error


def _is_in_a_set(name: str) -> bool:
    return is_image(name) and name.partition("/")[0] in SETS


def _in_folder(folder: Path) -> dict[str, Path]:
    def fail(error: OSError) -> None:
        raise error

    files = {}
    for part in filter(os.path.isdir, (folder / part for part in SETS)):
        # A link to a folder is followed, but not back to where the path has been.
        visited = {folder.resolve(), *folder.resolve().parents}
        for directory, _, names in os.walk(part, onerror=fail, followlinks=True):
            if (real := Path(directory).resolve()) in visited:
                raise Unusable(f"a link leads to the same folder again: {directory}")
            visited.add(real)
            for path in (Path(directory, name) for name in names):
                name = path.relative_to(folder).as_posix()
                if is_image(name):
                    check_file(path, name)
                    files[name] = path
                elif path.is_symlink() and not path.exists():  # it may be a class
                    raise Unusable(f"{name} is a link to what is not there")
    return files


def _name(files: Mapping[str, Stored]) -> str:
    """Return ``images-`` with the SHA-256 of what ``sha256sum`` lists of the files, by name."""
    digest = hashlib.sha256()
    for name in bar(sorted(files), "checksums", delay=2):
        stored = files[name]
        content = stored if isinstance(stored, bytes) else stored.read_bytes()
        digest.update(
            f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode(errors="surrogateescape")
        )
    return f"images-{digest.hexdigest()[:12]}"


def is_image(name: str) -> bool:
    """Whether a file is an image, by its name."""
    return name.lower().endswith(EXTENSIONS)


def arranged(files: Mapping[str, Stored], place: Path | str) -> ImageSets:
    """Sort encoded images into sets and classes by their paths, such as ``train/cat/01.jpg``.

    Classes are ordered by name. The images of a set come in turn from each class, so that the first
    n of them are a fair sample. If a set has no image or the two have different classes, it is a
    ``ValueError`` that names ``place``, the folder or archive.
    """
    by_class: dict[str, dict[str, list[str]]] = {part: {} for part in SETS}
    for name in sorted(files):
        part, *folders = name.split("/")
        if part in SETS and len(folders) > 1:
            by_class[part].setdefault(folders[0], []).append(name)
    for part, names in by_class.items():
        if not names:
            raise ValueError(
                f"images must lie in train/CLASS/ and test/CLASS/; got none in {place}/{part}"
            )
    classes = sorted(by_class["train"])
    if odd := set(classes) ^ set(by_class["test"]):
        raise ValueError(
            "train and test must have the same classes; got images of "
            f"{', '.join(sorted(odd))} in one only, in {place}"
        )
    sets = []
    for part in SETS:
        turns = sorted(
            (turn, target, name)
            for target, class_name in enumerate(classes)
            for turn, name in enumerate(by_class[part][class_name])
        )
        sets.append(ImageFiles({name: files[name] for _, _, name in turns}, place))
        sets.append(torch.tensor([target for _, target, _ in turns]))
    return ImageSets(*sets, tuple(classes))


def _decoded(stored: Stored) -> Tensor:
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(stored) if isinstance(stored, bytes) else stored) as image:
        if image.mode.startswith(("I", "F")):
            raise ValueError(f"it has mode {image.mode}")
        grey = image.mode in ("1", "L", "LA")
        upright = ImageOps.exif_transpose(image).convert("L" if grey else "RGB")
    pixels = torch.from_numpy(np.array(upright))
    return pixels[None] if grey else pixels.permute(2, 0, 1)


def stacked(*sets: ImageFiles) -> list[Tensor]:
    """Return sets of images as tensors, uint8 of shape (n, channels, height, width), or raise
    ``ValueError`` if they are not all of one size.

    There is 1 channel if all images of all sets are greyscale, else 3.
    """
    decoded = [list(bar(images, "decoding", delay=2)) for images in sets]
    sizes: dict[tuple[int, int], str] = {}
    for images, tensors in zip(sets, decoded):
        for (name, _), tensor in zip(images.files, tensors):
            height, width = tensor.shape[1:]
            sizes.setdefault((height, width), f"{width}×{height} pixels in {images.place}/{name}")
    if len(sizes) > 1:
        raise ValueError(
            "images must all have one size unless features are taken of them; got "
            + " and ".join(list(sizes.values())[:2])
        )
    channels = max(len(image) for tensors in decoded for image in tensors)
    return [torch.stack([image.expand(channels, -1, -1) for image in part]) for part in decoded]


def pixels(images: Tensor) -> Tensor:
    """Return images, uint8 or float in [0, 1], of shape (n, ...), as float32 (n, features)."""
    flat = images.flatten(1)
    return flat.float().div_(255) if flat.dtype == torch.uint8 else flat
