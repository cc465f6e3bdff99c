"""The raw files of a data set: found on this machine, or fetched; used if their checksums match."""

import logging
import os
from collections.abc import Collection, Iterator
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
from spectral_core.data.download import get
from spectral_core.data.images import ImageSets
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


class Copy(NamedTuple):
    """What one place has of a data set's raw files."""

    place: Path
    """The directory, or the archive, that holds the files."""
    source: str
    """Who they come from, in words, without the name of a private directory."""
    contents: dict[str, bytes]
    """File name to uncompressed content, of files whose checksums match."""
    problems: dict[str, str]
    """File name to what is wrong with it, of all others."""

    @property
    def damaged(self) -> bool:
        """Whether some files, but not all of them with the right checksums, are there."""
        absent = set(self.problems.values()) == {_ABSENT}
        return bool(self.problems) and (bool(self.contents) or not absent)


def open_raw(name: str, directories: Directories) -> ImageSets:
    """Return the images of a data set by its name, found or fetched; see :func:`locate`."""
    raw, copy = RAW_DATA[name], locate(name, directories)
    train, train_targets, test, test_targets = raw.read(copy.contents)
    targets = train_targets.long(), test_targets.long()
    return ImageSets(train, targets[0], test, targets[1], raw.classes, copy.source)


class Availability(NamedTuple):
    """Whether a data set is on this machine."""

    name: str
    """One of ``DATASETS``."""
    found: Path | None
    """Directory or archive that holds it, if any; one with bad files only if there is no other."""
    checksums_ok: bool
    """Whether all files are there with the right checksums."""


def survey(name: str, directories: Directories) -> Availability:
    """Look for a data set on this machine alone, and change nothing."""
    damaged = None
    for copy in _copies(RAW_DATA[name], directories):
        if not copy.problems:
            return Availability(name, copy.place, True)
        if copy.damaged:
            damaged = damaged or copy.place
    return Availability(name, damaged, False)


def locate(name: str, directories: Directories) -> Copy:
    """Find a complete copy of a data set's raw files, or fetch them into the data directory.

    Searched in turn, and read in place: the data directory, the search path, where a package
    installs the files. If none of them has all files, those that the data directory lacks, or has
    in bad copies, are fetched. If no source has them, it is a ``DataNotFoundError``.
    """
    raw, tried = RAW_DATA[name], []
    for copy in _copies(raw, directories):
        if not copy.problems:
            return copy
        reason = "; ".join(f"{file}: {problem}" for file, problem in copy.problems.items())
        if copy.damaged:
            logger.warning("not all files in %s are usable: %s", copy.place, reason)
        tried.append(f"{copy.source}, {copy.place}: {reason if copy.damaged else 'none of them'}")
    try:
        # One process at a time fetches.
        with FileLock(directories.writable() / f".{name}.lock"):
            if fetched := _fetch(raw, directories, tried):
                return fetched
    except (OSError, DataNotFoundError) as error:
        tried.append(f"data directory: {error}")
    raise DataNotFoundError(_message(name, directories, tried))


def _copies(raw: RawData, directories: Directories) -> Iterator[Copy]:
    """Yield what each place has, in search order."""
    for entry in directories.all:
        own = entry == directories.data_dir
        place = entry / raw.folder if own or (entry / raw.folder).is_dir() else entry
        yield _read(place, "data directory" if own else SEARCH_PATH_VARIABLE, raw)
        if raw.archive and (entry / raw.archive[0]).is_file():
            yield _read_archive(entry / raw.archive[0], *raw.archive, raw.md5)
    if raw.installed:
        source, place = raw.installed
        yield _read(place, source, raw)


def _read(place: Path, source: str, raw: RawData) -> Copy:
    contents, problems = {}, {}
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
    return Copy(place, source, contents, problems)


def _read_archive(archive: Path, name: str, md5: str, names: Collection[str]) -> Copy:
    source = f"archive {name}"
    try:
        check_file(archive)
        files = named_members(check_md5(archive.read_bytes(), md5), names)
        return Copy(archive, source, files, {})
    except (OSError, Unusable) as error:
        return Copy(archive, source, {}, {name: str(error)})


def _fetch(raw: RawData, directories: Directories, tried: list[str]) -> Copy | None:
    """Complete the data directory; add each failure to ``tried``, as "source: reason"."""
    own, package = directories.data_dir / raw.folder, raw.debian_package
    sources = {f"mirror {url}": partial(_from_mirror, url, raw) for url in raw.addresses}
    if package:
        sources[f"Debian package {package}"] = partial(from_package, package, directories.data_dir)
    # Another process may have fetched them while this one waited for its turn.
    copy = _read(own, "data directory", raw)
    for source, obtain in sources.items():
        if not copy.problems:
            break
        try:
            for name, stored in obtain(list(copy.problems)):
                copy.contents[name] = _install(own, name, stored, raw.md5[name])
                del copy.problems[name]
            copy = copy._replace(source=source)
        except Unusable as error:
            tried.append(f"{source}: {error}")
    return None if copy.problems else copy


def _from_mirror(url: str, raw: RawData, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Yield (file name, stored bytes) of each of ``names``, unchecked, or raise ``Unusable`` at the
    first download that fails, lest each file waits for a dead host."""
    if raw.archive:
        archive = check_md5(get(url), raw.archive[1])
        yield from named_members(archive, names).items()
    else:
        for name in names:
            yield name, get(f"{url.rstrip('/')}/{name}.gz")


def _install(directory: Path, name: str, stored: bytes, md5: str) -> bytes:
    """Check a fetched file, put it into ``directory``, whole or not at all; return its content."""
    try:
        content = unpack(stored, md5)
    except Unusable as error:
        raise Unusable(f"{name}: {error}") from error
    for damaged in filter(os.path.lexists, (directory / name, directory / f"{name}.gz")):
        damaged.replace(f"{damaged}.bad")
        logger.warning("%s is damaged and was renamed to *.bad", damaged)
    path = directory / (f"{name}.gz" if is_gzipped(stored) else name)
    write_whole(path, lambda aside: aside.write_bytes(stored))
    return content


def _message(name: str, directories: Directories, tried: list[str]) -> str:
    raw = RAW_DATA[name]
    ways = [f"The archive {raw.archive[0]} in DIR also works."] if raw.archive else []
    ways += [f"On Debian, you can install {raw.debian_package}."] if raw.debian_package else []
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
