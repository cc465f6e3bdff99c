"""Raw files on disk: read, checked, put in place whole, or set aside."""

from __future__ import annotations

import gzip
import hashlib
import io
import logging
import os
import tarfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from spectral_core._files import write_whole
from spectral_core.data.raw_data import RawData

logger = logging.getLogger(__name__)


class Unusable(Exception):
    """Why a file, or a source of files, does not serve."""


def is_gzipped(stored: bytes) -> bool:
    """Tell by the content, not by the name: some servers unpack on the way."""
    return stored.startswith(b"\x1f\x8b")


def check_md5(content: bytes, expected: str) -> None:
    """Raise ``Unusable`` if the MD5 of ``content`` is not ``expected``."""
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != expected:
        raise Unusable(f"MD5 of the content is {found}, expected {expected}")


def unpack(stored: bytes, md5: str) -> bytes:
    """Return the uncompressed content of a plain or gzipped file whose checksum is right.

    Args:
        stored: the file as it is stored.
        md5: MD5 that the uncompressed content must have.

    Returns:
        The uncompressed content.

    Raises:
        Unusable: if the file is a broken gzip or the checksum differs.
    """
    try:
        content = gzip.decompress(stored) if is_gzipped(stored) else stored
    except (OSError, EOFError, zlib.error) as error:
        raise Unusable(f"broken gzip ({error})") from error
    check_md5(content, md5)
    return content


def members(archive: bytes, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Yield (file name, stored bytes) of each of ``names`` in a tar archive; write nothing.

    A member is known by its base name, with or without ``.gz``.

    Raises:
        Unusable: if the archive is broken or lacks one of them.
    """
    lacking = set(names)
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            for member in tar:
                name = os.path.basename(member.name).removesuffix(".gz")
                if member.isfile() and name in lacking:
                    lacking.remove(name)
                    yield name, tar.extractfile(member).read()
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise Unusable(f"broken archive ({error})") from error
    if lacking:
        raise Unusable(f"not in the archive: {', '.join(sorted(lacking))}")


@dataclass(frozen=True)
class Inspection:
    """What a directory holds of a set of raw files.

    Attributes:
        contents: file name to uncompressed content, for each file whose checksum is right.
        bad: path to what is wrong with it, for each copy with a wrong content.
        absent: names of the files that are not there.
        problems: why each file that is there, but in no usable copy, is of no use.
    """

    contents: dict[str, bytes] = field(default_factory=dict)
    bad: dict[Path, str] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether every file is there and right."""
        return not self.absent and not self.problems

    @property
    def empty(self) -> bool:
        """Whether none of the files is there, good or bad."""
        return not self.contents and not self.problems

    @property
    def summary(self) -> str:
        """What is wrong, in one line."""
        if self.empty:
            return "none of the files is there"
        return "; ".join([*self.problems, *(f"{name}: not there" for name in self.absent)])


def inspect(directory: Path, raw: RawData) -> Inspection:
    """Read and check each of a dataset's raw files that lies in ``directory``.

    Args:
        directory: need not exist.
        raw: which files.

    Returns:
        What was found. Nothing on disk is changed.
    """
    found = Inspection()
    for name, expected in raw.md5.items():
        problems = []
        for path in (directory / f"{name}{suffix}" for suffix in raw.suffixes):
            try:
                found.contents[name] = unpack(path.read_bytes(), expected)
                break
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                problems.append(f"{path.name}: {error.strerror}")
            except Unusable as error:
                found.bad[path] = str(error)
                problems.append(f"{path.name}: {error}")
        else:
            found.problems.extend(problems)
            if not problems:
                found.absent.append(name)
    return found


def install(directory: Path, name: str, stored: bytes, md5: str) -> bytes:
    """Check a file that has been fetched and put it into ``directory``, whole or not at all.

    Args:
        directory: created if need be.
        name: file name; ``.gz`` is added if ``stored`` is gzipped.
        stored: the file as it is to be stored.
        md5: MD5 that the uncompressed content must have.

    Returns:
        The uncompressed content.

    Raises:
        Unusable: if the checksum differs; nothing is written then.
        OSError: if the directory cannot be written to.
    """
    try:
        content = unpack(stored, md5)
    except Unusable as error:
        raise Unusable(f"{name}: {error}") from error
    path = directory / (f"{name}.gz" if is_gzipped(stored) else name)
    write_whole(path, lambda aside: aside.write_bytes(stored))
    return content


def set_aside(path: Path, reason: object) -> None:
    """Rename a bad file to ``*.bad``, out of the way of a good one, and log it.

    Raises:
        OSError: if the directory cannot be written to.
    """
    os.replace(path, path.with_name(f"{path.name}.bad"))
    logger.warning("%s is unusable and was renamed to %s.bad: %s", path, path.name, reason)
