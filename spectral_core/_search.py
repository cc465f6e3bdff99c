"""The search for a dataset's raw files: where to look, in which order, and what if all fails."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from filelock import FileLock

from spectral_core._debian import from_package
from spectral_core._mirrors import download, mirrors
from spectral_core._raw_data import RAW_DATA, RawData
from spectral_core._raw_files import (
    Unusable,
    check_md5,
    inspect,
    install,
    members,
    set_aside,
)

logger = logging.getLogger(__name__)

DATA_VARIABLE = "SPECTRAL_CORE_DATA"
SEARCH_PATH_VARIABLE = "SPECTRAL_CORE_DATA_PATH"

# Given the names of the wanted files, yields (name, stored bytes) or raises Unusable.
Obtain = Callable[[Collection[str]], Iterator[tuple[str, bytes]]]


class DataNotFoundError(RuntimeError):
    """No source has a usable copy of a dataset; the message lists them and what to do."""


@dataclass(frozen=True)
class Found:
    """A complete set of raw files.

    Attributes:
        directory: where the files lie.
        source: who they come from, in words, without a path of this machine's user.
        contents: file name to uncompressed content, with its checksum right.
    """

    directory: Path
    source: str
    contents: dict[str, bytes]


def directories(
    raw: RawData, data_dir: Path, search_path: tuple[Path, ...]
) -> list[tuple[str, Path]]:
    """Return (source, directory) for each directory that may hold the files, in search order."""
    result = [("data directory", data_dir / raw.folder)]
    for entry in search_path:
        laid_out = entry / raw.folder
        # Files that lie in the entry itself serve too, but torchvision's reader wants its layout.
        direct = raw.archive is None and not os.path.isdir(laid_out)
        result.append((SEARCH_PATH_VARIABLE, entry if direct else laid_out))
    if raw.installed:
        result.append(raw.installed)
    return result


def archives(raw: RawData, data_dir: Path, search_path: tuple[Path, ...]) -> list[Path]:
    """Return the paths of the dataset's archive that exist, in search order."""
    if raw.archive is None:
        return []
    paths = [entry / raw.archive[0] for entry in (data_dir, *search_path)]
    return [path for path in paths if os.path.isfile(path)]


def survey(name: str, data_dir: Path, search_path: tuple[Path, ...]) -> tuple[Path | None, bool]:
    """Look for a dataset on this machine alone, and change nothing.

    Returns:
        Where it is (a directory, or an archive yet to be unpacked), or None, and whether all
        checksums are right. A place with bad files is named only if there is no good one.
    """
    raw = RAW_DATA[name]
    second_best = None
    for _, directory in directories(raw, data_dir, search_path):
        inspection = inspect(directory, raw)
        if inspection.complete:
            return directory, True
        if not inspection.empty:
            second_best = second_best or directory
    for path in archives(raw, data_dir, search_path):
        try:
            check_md5(path.read_bytes(), raw.archive[1])
            return path, True
        except (OSError, Unusable):
            second_best = second_best or path
    return second_best, False


def locate(name: str, data_dir: Path, search_path: tuple[Path, ...]) -> Found:
    """Find a dataset's raw files, or fetch them into the data directory.

    Looked at in turn: the data directory, the directories of the search path, where a package
    installs the files (all read in place); then an archive in the data directory or on the search
    path, torchvision's mirrors, and the Debian package (put into the data directory). A bad file
    in the data directory is set aside; one elsewhere is passed over.

    Args:
        name: key of ``RAW_DATA``.
        data_dir: the data directory, absolute.
        search_path: further directories, absolute.

    Returns:
        The files, each with its checksum right.

    Raises:
        DataNotFoundError: if no source has them.
    """
    raw = RAW_DATA[name]
    tried: list[str] = []
    for source, directory in directories(raw, data_dir, search_path):
        inspection = inspect(directory, raw)
        if inspection.bad and directory == data_dir / raw.folder:
            _set_bad_aside(name, data_dir)
        if inspection.complete:
            return Found(directory, source, inspection.contents)
        tried.append(f"{source}, {directory}: {inspection.summary}")
    try:
        with _sole_writer(name, data_dir):
            found = _fetch(raw, data_dir, search_path, tried)
    except OSError as error:
        found = None
        tried.append(f"data directory, {data_dir}: cannot be written to ({error})")
    if found is None:
        raise DataNotFoundError(_message(name, data_dir, tried))
    return found


@contextmanager
def _sole_writer(name: str, data_dir: Path) -> Iterator[None]:
    """Let one process at a time change a dataset's files in the data directory."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with FileLock(data_dir / f".{name}.lock"):
        yield


def _set_bad_aside(name: str, data_dir: Path) -> None:
    raw = RAW_DATA[name]
    try:
        with _sole_writer(name, data_dir):
            # Looked at again: another process may have put a good file there meanwhile.
            for path, reason in inspect(data_dir / raw.folder, raw).bad.items():
                set_aside(path, reason)
    except OSError as error:
        logger.warning("bad files in %s cannot be set aside: %s", data_dir / raw.folder, error)


def _fetch(
    raw: RawData, data_dir: Path, search_path: tuple[Path, ...], tried: list[str]
) -> Found | None:
    """Get the files that the data directory lacks; add each failure to ``tried``."""
    directory = data_dir / raw.folder
    # Another process may have fetched them while this one waited for its turn.
    contents = inspect(directory, raw).contents
    source = "data directory"
    missing = [name for name in raw.md5 if name not in contents]
    sources = _sources(raw, data_dir, search_path)
    while missing and (following := next(sources, None)):
        source, obtain = following
        try:
            for name, stored in obtain(missing):
                contents[name] = install(directory, name, stored, raw.md5[name])
        except Unusable as error:
            tried.append(f"{source}: {error}")
        missing = [name for name in raw.md5 if name not in contents]
    return None if missing else Found(directory, source, contents)


def _sources(
    raw: RawData, data_dir: Path, search_path: tuple[Path, ...]
) -> Iterator[tuple[str, Obtain]]:
    """Yield (source, how to obtain files from it), each only when the ones before have failed."""
    for path in archives(raw, data_dir, search_path):
        yield f"archive {path.name}", partial(_from_archive, path, raw, path.parent == data_dir)
    try:
        addresses = mirrors(raw)
    except Unusable as error:
        yield "torchvision's mirrors", partial(_refuse, error)
    else:
        for address in addresses:
            yield f"mirror {address}", partial(download, address, raw)
    if raw.debian_package:
        source = f"Debian package {raw.debian_package}"
        yield source, partial(from_package, raw.debian_package, data_dir)


def _from_archive(
    path: Path, raw: RawData, ours: bool, names: Collection[str]
) -> Iterator[tuple[str, bytes]]:
    try:
        archive = path.read_bytes()
        check_md5(archive, raw.archive[1])
    except (OSError, Unusable) as error:
        if ours and isinstance(error, Unusable):
            set_aside(path, error)
        raise Unusable(f"{path}: {error}") from error
    yield from members(archive, names)


def _refuse(error: Unusable, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
    raise error


def _message(name: str, data_dir: Path, tried: list[str]) -> str:
    raw = RAW_DATA[name]
    lines = [
        f"no usable copy of {name!r} was found. Tried:",
        *(f"  - {line}" for line in tried),
        f"To supply the files yourself, put them, {' or '.join(kinds)}, into",
        f"  {data_dir / raw.folder}",
        f"or into DIR/{raw.folder} and list DIR in the environment variable {SEARCH_PATH_VARIABLE}",
        f"(several are separated by {os.pathsep!r}). {DATA_VARIABLE} names another data directory.",
    ]
    if raw.archive:
        lines.append(f"The archive {raw.archive[0]} directly in either directory serves too.")
    if raw.debian_package:
        lines.append(f"On Debian and its kin, installing {raw.debian_package} serves too.")
    lines.append("The files, and the MD5 of their uncompressed content:")
    lines.extend(f"  {md5}  {file_name}" for file_name, md5 in raw.md5.items())
    return "\n".join(lines)
