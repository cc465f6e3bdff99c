"""Contents of files, gzipped files and tar archives: whole, and of bounded size."""

import gzip
import hashlib
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Collection
from pathlib import Path

LARGEST = 1 << 28
"""Largest size of one file in bytes, stored or unpacked; the largest one fetched has 170 MB."""
LARGEST_ARCHIVE = 1 << 32
"""Largest size in bytes of all that an archive holds, as it is unpacked into memory."""
_DAMAGE = (
    *(OSError, EOFError, ValueError, LookupError, OverflowError),
    *(zlib.error, lzma.LZMAError, tarfile.TarError),
)


class Unusable(Exception):
    """Why a file, or a source of files, cannot be used."""


def check_file(path: Path, name: str = "") -> None:
    """Raise ``Unusable`` if reading a file might never end: a pipe, a device, a huge file.

    The error gives the file's name, by default the last part of its path. Without such a file, it
    is an ``OSError``.
    """
    size = path.stat().st_size
    if not path.is_file():
        raise Unusable(f"{name or path.name}: not a regular file")
    if size > LARGEST:
        raise Unusable(f"{name or path.name}: larger than {LARGEST >> 20} MiB")


def check_md5(content: bytes, expected: str) -> bytes:
    """Return ``content`` if its MD5 is the expected one, else raise :class:`Unusable`."""
    actual = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if actual != expected:
        raise Unusable(f"MD5 of the content is {actual}, expected {expected}")
    return content


def is_gzipped(stored: bytes) -> bool:
    """Whether a file is gzipped, by its content: some servers unpack the files that they send."""
    return stored.startswith(b"\x1f\x8b")


def unpack(stored: bytes, md5: str) -> bytes:
    """Return the content, of a known MD5, of a plain or gzipped file, or raise ``Unusable``."""
    if not is_gzipped(stored):
        return check_md5(stored, md5)
    try:
        with gzip.open(io.BytesIO(stored)) as file:
            return check_md5(file.read(LARGEST + 1), md5)
    except _DAMAGE as error:
        raise Unusable(f"truncated or damaged gzip ({error})") from error


def members(
    archive: Path | bytes, wanted: Callable[[str], bool], folders: tuple[str, ...] = ()
) -> dict[str, bytes]:
    """Return contents by path of the wanted files in a tar archive, compressed or not, or raise
    ``Unusable`` if it is truncated, damaged or too large, or what is wanted is no file.

    In ``folders``, by their names, no link may be: it might be one to a wanted folder.
    """
    opened = {"name": archive} if isinstance(archive, Path) else {"fileobj": io.BytesIO(archive)}
    contents, left = {}, LARGEST_ARCHIVE
    try:
        with tarfile.open(**opened, tarinfo=_Header) as tar:
            for member in tar:
                name, target = (path.removeprefix("./") for path in (member.name, member.linkname))
                left -= member.size
                if left < 0:
                    raise Unusable(f"it holds more than {LARGEST_ARCHIVE >> 30} GiB")
                if member.issym() and name.partition("/")[0] in folders:
                    raise Unusable(f"{name} in it is a link; pack with tar --dereference")
                if member.isdir() or not wanted(name):
                    continue
                if member.size > LARGEST:
                    raise Unusable(f"{name} in it is larger than {LARGEST >> 20} MiB")
                if member.islnk() and target in contents:
                    contents[name] = contents[target]
                elif member.isreg():
                    contents[name] = tar.extractfile(member).read()
                else:
                    raise Unusable(f"{name} in it is not a regular file")
            while tar.fileobj.read(1 << 20):  # up to the checksum that ends a compressed archive
                pass
    except _DAMAGE as error:
        reason = str(error).partition("\n")[0].rstrip(":")
        raise Unusable(f"truncated, damaged or no tar archive ({reason})") from error
    return contents


def named_members(archive: bytes, names: Collection[str]) -> dict[str, bytes]:
    """Return stored bytes by name of files in an archive, in whichever folder, gzipped or not."""

    def name_of(path: str) -> str:
        return path.rpartition("/")[2].removesuffix(".gz")

    files = members(archive, lambda path: name_of(path) in names)
    stored = {name_of(path): content for path, content in files.items()}
    if absent := [name for name in names if name not in stored]:
        raise Unusable(f"not in the archive: {', '.join(absent)}")
    return stored


class _Header(tarfile.TarInfo):
    """A header whose absence or damage is an error.

    ``tarfile`` takes either for the end of the archive, and follows a negative size for ever.
    """

    @classmethod
    def frombuf(cls, buf: bytes, encoding: str, errors: str) -> tarfile.TarInfo:
        return cls._of_a_size(super().frombuf(buf, encoding, errors))

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> tarfile.TarInfo:
        try:
            return cls._of_a_size(super().fromtarfile(tar))
        except tarfile.EOFHeaderError:  # zeros: the end of a whole archive
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error

    @staticmethod
    def _of_a_size(header: tarfile.TarInfo) -> tarfile.TarInfo:
        if header.size < 0:
            raise tarfile.InvalidHeaderError("negative size")
        return header
