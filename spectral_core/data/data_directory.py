"""Changes to the data directory, one process at a time: files come in, bad ones go aside."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from filelock import FileLock

from spectral_core.data.debian import from_package
from spectral_core.data.mirrors import download, mirrors
from spectral_core.data.places import Places
from spectral_core.data.raw_data import RAW_DATA, RawData
from spectral_core.data.raw_files import Unusable, check_md5, inspect, install, members, set_aside

logger = logging.getLogger(__name__)

# Given the names of the wanted files, yields (name, stored bytes) or raises Unusable.
Obtain = Callable[[Collection[str]], Iterator[tuple[str, bytes]]]


@contextmanager
def _sole_writer(name: str, places: Places) -> Iterator[None]:
    places.data_dir.mkdir(parents=True, exist_ok=True)
    with FileLock(places.data_dir / f".{name}.lock"):
        yield


def set_bad_aside(name: str, places: Places) -> None:
    """Set the bad files of a dataset in the data directory aside, if that can be written to."""
    raw = RAW_DATA[name]
    try:
        with _sole_writer(name, places):
            # Looked at now: another process may have put a good file there meanwhile.
            for path, reason in inspect(places.own(raw), raw).bad.items():
                set_aside(path, reason)
    except OSError as error:
        logger.warning("bad files in %s cannot be set aside: %s", places.own(raw), error)


def fetch(name: str, places: Places, tried: list[str]) -> tuple[str, dict[str, bytes]] | None:
    """Get the files of a dataset that the data directory lacks.

    In turn from: an archive in the data directory or on the search path, torchvision's mirrors,
    the Debian package.

    Args:
        name: key of ``RAW_DATA``.
        places: the directories in use.
        tried: each failure is added to it, as "source: reason".

    Returns:
        The source that was used last and the contents by file name, or None if some are lacking.

    Raises:
        OSError: if the data directory cannot be written to.
    """
    raw = RAW_DATA[name]
    with _sole_writer(name, places):
        # Another process may have fetched them while this one waited for its turn.
        source, contents = "data directory", inspect(places.own(raw), raw).contents
        missing = [file_name for file_name in raw.md5 if file_name not in contents]
        sources = _sources(raw, places)
        while missing and (following := next(sources, None)):
            source, obtain = following
            try:
                for file_name, stored in obtain(missing):
                    md5 = raw.md5[file_name]
                    contents[file_name] = install(places.own(raw), file_name, stored, md5)
            except Unusable as error:
                tried.append(f"{source}: {error}")
            missing = [file_name for file_name in raw.md5 if file_name not in contents]
    return None if missing else (source, contents)


def _sources(raw: RawData, places: Places) -> Iterator[tuple[str, Obtain]]:
    """Yield (source, how to obtain files from it), each only when the ones before have failed."""
    for path in places.archives(raw):
        ours = path.parent == places.data_dir
        yield f"archive {path.name}", partial(_from_archive, path, raw, ours)
    try:
        addresses = mirrors(raw)
    except Unusable as error:
        yield "torchvision's mirrors", partial(_refuse, error)
    else:
        for address in addresses:
            yield f"mirror {address}", partial(download, address, raw)
    if raw.debian_package:
        obtain = partial(from_package, raw.debian_package, places.data_dir)
        yield f"Debian package {raw.debian_package}", obtain


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
