"""The raw files of a data set: found on this machine, or fetched; used if their checksums match."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from spectral_core._files import write_whole
from spectral_core.data.debian import from_package
from spectral_core.data.directories import (
    DATA_VARIABLE,
    SEARCH_PATH_VARIABLE,
    DataNotFoundError,
    Directories,
)
from spectral_core.data.download import addresses, from_mirror
from spectral_core.data.raw_data import RAW_DATA, RawData
from spectral_core.data.unpacking import (
    Unusable,
    check_file,
    check_md5,
    is_gzipped,
    named_members,
    unpack,
)

logger = logging.getLogger(__name__)

_ABSENT = "absent"


class RawFiles(NamedTuple):
    """A complete set of raw files."""

    place: Path
    """The directory, or the archive, that holds the files."""
    source: str
    """Who they come from, in words, without the name of a private directory."""
    contents: dict[str, bytes]
    """File name to uncompressed content, with its checksum verified."""


def survey(name: str, directories: Directories) -> tuple[Path | None, bool]:
    """Look for a data set on this machine alone, and change nothing.

    Returns:
        Its directory or archive, or None, and whether all checksums match. A place with bad files
        is returned only if there is no good one.
    """
    damaged = None
    for _, place in _places(RAW_DATA[name], directories):
        contents, problems = _inspect(place, RAW_DATA[name])
        if not problems:
            return place, True
        if contents or set(problems.values()) != {_ABSENT}:
            damaged = damaged or place
    return damaged, False


def locate(name: str, directories: Directories) -> RawFiles:
    """Find a data set's raw files, or fetch them into the data directory.

    Searched in turn, and read in place: the data directory, the search path, where a package
    installs the files. If none of them has all files, those that the data directory lacks, or has
    in bad copies, are fetched.

    Raises:
        DataNotFoundError: if no source has them.
    """
    raw, tried = RAW_DATA[name], []
    for source, place in _places(raw, directories):
        contents, problems = _inspect(place, raw)
        if not problems:
            return RawFiles(place, source, contents)
        reason = "; ".join(f"{file_name}: {problem}" for file_name, problem in problems.items())
        if set(problems.values()) != {_ABSENT}:
            logger.warning("damaged files are ignored in %s: %s", place, reason)
        elif not contents:
            reason = "none of the files"
        tried.append(f"{source}, {place}: {reason}")
    try:
        # One process at a time fetches.
        with FileLock(directories.writable() / f".{name}.lock"):
            if fetched := _fetch(raw, directories, tried):
                return fetched
    except (OSError, DataNotFoundError) as error:
        tried.append(f"data directory: {error}")
    raise DataNotFoundError(_message(name, directories, tried))


def _places(raw: RawData, directories: Directories) -> list[tuple[str, Path]]:
    """Return (source, directory or archive) for each place of the files, in search order."""
    places = []
    for entry in directories.all:
        source = "data directory" if entry == directories.data_dir else SEARCH_PATH_VARIABLE
        laid_out = entry / raw.folder
        direct = source == SEARCH_PATH_VARIABLE and not laid_out.is_dir()
        places.append((source, entry if direct else laid_out))
        if raw.archive and (entry / raw.archive[0]).is_file():
            places.append((f"archive {raw.archive[0]}", entry / raw.archive[0]))
    return [*places, raw.installed] if raw.installed else places


def _inspect(place: Path, raw: RawData) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return contents of good files, and what is wrong with the others, by name."""
    contents, problems = {}, {}
    if raw.archive and place.name == raw.archive[0]:
        try:
            check_file(place)
            archive = check_md5(place.read_bytes(), raw.archive[1])
            return named_members(archive, raw.md5), {}
        except (OSError, Unusable) as error:
            return {}, {place.name: str(error)}
    for name, md5 in raw.md5.items():
        for path in (place / name, place / f"{name}.gz"):
            try:
                check_file(path)
                contents[name] = unpack(path.read_bytes(), md5)
                problems.pop(name, None)
                break
            except (FileNotFoundError, NotADirectoryError):
                problems.setdefault(name, _ABSENT)
            except (OSError, Unusable) as error:
                problems[name] = str(error)
    return contents, problems


def _fetch(raw: RawData, directories: Directories, tried: list[str]) -> RawFiles | None:
    """Complete the data directory; add each failure to ``tried``, as "source: reason"."""
    own, source = directories.data_dir / raw.folder, "data directory"
    # Another process may have fetched them while this one waited for its turn.
    contents, missing = _inspect(own, raw)
    sources = _sources(raw, directories, tried)
    while missing and (following := next(sources, None)):
        source, obtain = following
        try:
            for name, stored in obtain(list(missing)):
                contents[name] = _install(own, name, stored, raw.md5[name])
                del missing[name]
        except Unusable as error:
            tried.append(f"{source}: {error}")
    return None if missing else RawFiles(own, source, contents)


def _sources(
    raw: RawData, directories: Directories, tried: list[str]
) -> Iterator[tuple[str, Callable[[Collection[str]], Iterable[tuple[str, bytes]]]]]:
    """Yield (source, how to obtain the files of some names), each when those before have failed."""
    try:
        for address in addresses(raw):
            yield f"mirror {address}", partial(from_mirror, address, raw)
    except Unusable as error:
        tried.append(f"torchvision's mirrors: {error}")
    if package := raw.debian_package:
        obtain = partial(from_package, package, directories.data_dir)
        yield f"Debian package {package}", lambda names: obtain(names).items()


def _install(directory: Path, name: str, stored: bytes, md5: str) -> bytes:
    """Check a fetched file, put it into ``directory``, whole or not at all; return its content."""
    try:
        content = unpack(stored, md5)
    except Unusable as error:
        raise Unusable(f"{name}: {error}") from error
    for damaged in filter(Path.exists, (directory / name, directory / f"{name}.gz")):
        damaged.replace(f"{damaged}.bad")
        logger.warning("%s is damaged and was renamed to *.bad", damaged)
    path = directory / (f"{name}.gz" if is_gzipped(stored) else name)
    write_whole(path, lambda aside: aside.write_bytes(stored))
    return content


def _message(name: str, directories: Directories, tried: list[str]) -> str:
    raw = RAW_DATA[name]
    ways = [f"The archive {raw.archive[0]} in DIR will do as well."] if raw.archive else []
    ways += [f"On Debian, installing {raw.debian_package} will, too."] if raw.debian_package else []
    return "\n".join(
        [
            f"no usable copy of {name!r} was found. Tried:",
            *(f"  - {line}" for line in tried),
            f"To supply the files yourself, put them, plain or gzipped, into DIR/{raw.folder},",
            f"where DIR is {directories.data_dir or f'${DATA_VARIABLE}'}",
            f"or any directory in {SEARCH_PATH_VARIABLE} (separated by {os.pathsep!r}).",
            *ways,
            "The files, and the MD5 of their uncompressed content:",
            *(f"  {md5}  {file_name}" for file_name, md5 in raw.md5.items()),
        ]
    )
