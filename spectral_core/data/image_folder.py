"""Somebody's own images, in a folder or an archive: known by what they are, not by where."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

from spectral_core.data.images import (
    ImageSets,
    arranged,
    checksum,
    in_archive,
    in_folder,
)
from spectral_core.data.search import DataNotFoundError

GIVEN = "imagefolder:"
"""What stands before the path in the name of a data set."""

_BY_CONTENT = re.compile(r"images-[0-9a-f]{12}")

# Where the images are that this process has been given.
_given: dict[str, Path] = {}


def is_by_content(name: str) -> bool:
    """Whether a name is ``images-`` with twelve digits, as :func:`identify` gives it."""
    return _BY_CONTENT.fullmatch(name) is not None


def identify(name: str) -> str:
    """Return the name by content of an image folder: ``images-`` and a checksum's beginning.

    The checksum is that of the images' paths below the folder, and of their contents: a folder and
    an archive of it have the same.

    Args:
        name: ``imagefolder:PATH``, of a folder or a tar archive, packed or not.

    Raises:
        ValueError: if there is none, a set has no image, or the two have different classes.
    """
    path = Path(name.removeprefix(GIVEN)).expanduser().absolute()
    files = _files(path)
    try:
        arranged(files)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    by_content = f"images-{checksum(files)[:12]}"
    _given[by_content] = path
    return by_content


def open_images(name: str) -> ImageSets:
    """Return images by the name that :func:`identify` has given them in this process.

    Raises:
        DataNotFoundError: if it has not, or they have changed since.
    """
    if name not in _given:
        raise DataNotFoundError(
            f"{name} is not prepared in the data directory; say where its images are: {GIVEN}PATH"
        )
    files = _files(_given[name])
    if f"images-{checksum(files)[:12]}" != name:
        raise DataNotFoundError(f"{_given[name]} has changed since it was first read; start again")
    return arranged(files)


def _files(path: Path) -> dict[str, Path] | dict[str, bytes]:
    if path.is_dir():
        return in_folder(path)
    try:
        return in_archive(path.read_bytes())
    except (OSError, tarfile.TarError) as error:
        raise ValueError(
            f"{GIVEN}PATH must name a folder or a tar archive with train/CLASS/… and test/CLASS/…; "
            f"got {path} ({error})"
        ) from error
