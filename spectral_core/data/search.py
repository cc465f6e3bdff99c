"""The search for a dataset's raw files: in which order, and what to say if all fails."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from spectral_core.data.data_directory import fetch, set_bad_aside
from spectral_core.data.places import DATA_VARIABLE, SEARCH_PATH_VARIABLE, Places
from spectral_core.data.raw_data import RAW_DATA
from spectral_core.data.raw_files import Unusable, check_md5, inspect


class DataNotFoundError(RuntimeError):
    """No source has a usable copy of a dataset; the message lists them and what to do."""


@dataclass(frozen=True)
class Found:
    """A complete set of raw files.

    Attributes:
        directory: where the files lie.
        source: who they come from, in words, without the name of a private directory.
        contents: file name to uncompressed content, with its checksum right.
    """

    directory: Path
    source: str
    contents: dict[str, bytes]


def survey(name: str, places: Places) -> tuple[Path | None, bool]:
    """Look for a dataset on this machine alone, and change nothing.

    Returns:
        Where it is (a directory, or an archive yet to be unpacked), or None, and whether all
        checksums are right. A place with bad files is named only if there is no good one.
    """
    raw = RAW_DATA[name]
    second_best = None
    for _, directory in places.directories(raw):
        inspection = inspect(directory, raw)
        if inspection.complete:
            return directory, True
        if not inspection.empty:
            second_best = second_best or directory
    for path in places.archives(raw):
        try:
            check_md5(path.read_bytes(), raw.archive[1])
            return path, True
        except (OSError, Unusable):
            second_best = second_best or path
    return second_best, False


def locate(name: str, places: Places) -> Found:
    """Find a dataset's raw files, or fetch them into the data directory.

    Looked at in turn, and read in place: the data directory, the directories of the search path,
    where a package installs the files. A bad file in the data directory is set aside; one
    elsewhere is passed over. If none of them has all files, they are fetched.

    Args:
        name: key of ``RAW_DATA``.
        places: the directories in use.

    Returns:
        The files, each with its checksum right.

    Raises:
        DataNotFoundError: if no source has them.
    """
    raw = RAW_DATA[name]
    tried: list[str] = []
    for source, directory in places.directories(raw):
        inspection = inspect(directory, raw)
        if inspection.bad and directory == places.own(raw):
            set_bad_aside(name, places)
        if inspection.complete:
            return Found(directory, source, inspection.contents)
        tried.append(f"{source}, {directory}: {inspection.summary}")
    try:
        if fetched := fetch(name, places, tried):
            return Found(places.own(raw), *fetched)
    except OSError as error:
        tried.append(f"data directory, {places.data_dir}: cannot be written to ({error})")
    raise DataNotFoundError(_message(name, places, tried))


def _message(name: str, places: Places, tried: list[str]) -> str:
    raw = RAW_DATA[name]
    gzipped = ", plain or gzipped," if ".gz" in raw.suffixes else ""
    lines = [
        f"no usable copy of {name!r} was found. Tried:",
        *(f"  - {line}" for line in tried),
        f"To supply the files yourself, put them{gzipped} into",
        f"  {places.own(raw)}",
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
