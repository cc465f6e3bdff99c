"""Folders and archives of images that are odd, each with what must come of it; for tests and soaks.

An odd one is loaded, or refused within a minute by an error that names what is wrong with which
file. It is never loaded in part, and never waited for.
"""

import bz2
import gzip
import io
import os
import random
import re
import signal
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from made_files import flip, tar
from made_images import FILES, SIDE, picture, write
from PIL import Image

from spectral_core import data

ODD = "train/cat/2.png"
LOADED = "loaded"


class Odd(NamedTuple):
    """One odd folder or archive."""

    name: str
    make: Callable[[Path], Path]
    """Makes it in an empty folder, and returns its path."""
    expected: str
    """``LOADED``, or a regular expression of the error; with both, joined by ``|``, either will do,
    as where a byte is changed that no checksum protects."""


class TooSlow(BaseException):
    """Not to be caught as a failure to read a file."""


def odd_images(seed: int) -> Iterator[Odd]:
    """Yield odd folders and archives; the seed chooses where files are cut off or changed."""
    draw = random.Random(seed)
    for kind in ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "PPM"):
        whole = encoded(draw, kind)
        half, place = draw.randrange(1, len(whole) * 3 // 4), draw.randrange(len(whole))
        yield folder(f"{kind}, whole", {ODD: whole}, LOADED)
        yield folder(f"{kind}, cut off at {half}", {ODD: whole[:half]}, ODD)
        yield folder(f"{kind}, changed at {place}", {ODD: flip(whole, place)}, f"{LOADED}|{ODD}")
    for mode in ("1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "I", "F"):
        stored = {ODD: encoded(draw, "TIFF", mode)}
        yield folder(f"mode {mode}", stored, f"8 bits.*{ODD}" if mode[0] in "IF" else LOADED)
    bomb = encoded(draw, "BMP").replace(SIDE.to_bytes(4, "little"), b"~~~~")
    for content in (b"", b"<html>please log in</html>", draw.randbytes(300), bytes(300), bomb):
        yield folder(f"content: {content!r:.20}", {ODD: content}, ODD)
    sizes = f"one size.*4×4 pixels.* and 9×9 pixels in .*{ODD}"
    yield folder("another size", {ODD: picture(2, side=9)}, sizes)
    yield folder("no image", dict.fromkeys(FILES), "train/CLASS/.*got none in ~/mine/train")
    tests = {name: None for name in FILES if name.startswith("test")}
    yield folder("no test", tests, "got none in ~/mine/test")
    yield folder("another class", {"test/dog/1.png": picture(1)}, "got images of dog in one only")
    yield folder("stray images", {"1.png": b"", "train/1.png": b"", "val/a/1.png": b""}, LOADED)
    for name in ("1\n2.png", "Ωλ.png", os.fsdecode(b"\xff.png"), "x" * 240 + ".png", "-rf *.PNG"):
        yield folder(f"named {name!r:.20}", {f"train/cat/{name}": picture(1)}, LOADED)
    for name, change, expected in (
        ("a loop", lambda cat: (cat / "x").symlink_to(cat.parent), "cat/x"),
        ("a link outwards", lambda cat: (cat / "x").symlink_to("/"), "cat/x"),
        ("a link to itself", lambda cat: (cat / "x.png").symlink_to(cat / "x.png"), "cat/x.png"),
        ("two links to one folder", linked_twice, "train/cat/(a|b)"),
        ("a pipe", lambda cat: os.mkfifo(cat / "x.png"), "cat/x.png: not a regular file"),
        ("a device", lambda cat: (cat / "x.png").symlink_to("/dev/zero"), "x.png: not a regular"),
        ("a dangling link", lambda cat: (cat / "x.png").symlink_to("nowhere"), "cat/x.png"),
        ("a class away", lambda cat: (cat.parent / "dog").symlink_to("nowhere"), "dog is a link"),
        ("a folder named as an image", lambda cat: (cat / "x.png").mkdir(), LOADED),
        ("a huge file", lambda cat: os.truncate(cat / "1.png", 1 << 40), "1.png: larger"),
    ):
        yield folder(name, {}, expected, change)
    # What is cut off or changed in an archive is in test_unpacking.py, at every place.
    whole = tar(FILES, "w:")
    for name, content, expected in (
        ("an empty file", b"", "truncated"),
        ("a zip", b"PK\x05\x06" + bytes(18), "truncated"),
        ("gzipped text", gzip.compress(b"no archive\n" * 99), "truncated"),
        ("gzipped twice", gzip.compress(gzip.compress(whole)), "truncated"),
        ("two bzip2 streams", bz2.compress(whole[:700]) + bz2.compress(whole[700:]), LOADED),
        ("text after its end", whole + b"more\n" * 999, LOADED),
        ("a damaged image", tar({**FILES, ODD: b"?"}, "w:gz"), f"a.tar/{ODD}"),
        ("a pipe", special(tarfile.FIFOTYPE), "x.png in it is not a regular file"),
        ("a link", special(tarfile.SYMTYPE), "x.png in it is a link; pack with tar --dereference"),
        ("a hard link to nothing", special(tarfile.LNKTYPE), "x.png in it is not a regular file"),
        ("a path outwards", tar({**FILES, "../../x.png": b""}, "w:"), LOADED),
        ("a huge file", special(tarfile.REGTYPE, 1 << 40), "holds more than|larger than"),
        ("a negative size", special(tarfile.REGTYPE, -512), "negative size"),
        ("a negative name", special(tarfile.GNUTYPE_LONGNAME, -1), "negative size"),
        ("a negative size aside", special(tarfile.REGTYPE, pax={"size": "-512"}), "negative size"),
        ("a large file", special(tarfile.REGTYPE, 1 << 29), "x.png in it is larger than"),
    ):
        yield archive(name, content, expected)


def outcome(odd: Odd, folder: Path, seconds: int = 60) -> str:
    """Make an odd one in an empty folder, load it, and say what came of it.

    Returns:
        ``LOADED`` or the error, in which the path of the folder is ``~``.

    Raises:
        TooSlow: if it takes too long.
        Exception: if the error is none that :func:`spectral_core.data.load` documents.
    """

    def stop(*_: object) -> None:
        raise TooSlow(f"{odd.name}: no outcome after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        loaded = data.load(f"imagefolder:{odd.make(folder)}", folder / "data")
        assert len(loaded.train_inputs) + len(loaded.test_inputs) >= len(FILES)
        return LOADED
    except (ValueError, data.DataNotFoundError) as error:
        return str(error).replace(str(folder), "~")
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def survived(odd: Odd, came: str) -> bool:
    """Whether the outcome is the expected one: in an error, one line that names the place."""
    named = came == LOADED or "~/" in came
    return named and "\n" not in came and re.search(odd.expected, came) is not None


# How they are made


def folder(
    name: str, files: dict[str, bytes | None], expected: str, change=lambda cat: None
) -> Odd:
    """The folder of ``FILES`` with some of them changed, without those that are ``None``, after a
    change in one class's folder."""
    files = {name: content for name, content in (FILES | files).items() if content is not None}

    def make(place: Path) -> Path:
        (place / "mine").mkdir()
        write(place / "mine", files)
        change(place / "mine/train/cat")
        return place / "mine"

    return Odd(f"{name} in a folder", make, expected)


def archive(name: str, content: bytes, expected: str) -> Odd:
    def make(place: Path) -> Path:
        return write(place, {"a.tar": content}) / "a.tar"

    return Odd(f"archive: {name}", make, expected)


def special(kind: bytes, size: int = 0, pax: dict[str, str] | None = None) -> bytes:
    """An archive of ``FILES`` with the header alone of one more, after the first."""
    header = tarfile.TarInfo("train/cat/x.png")
    header.type, header.size, header.linkname = kind, size, "nowhere"
    header.pax_headers = pax or {}
    packed, end = tar(FILES, "w:"), 2 * tarfile.BLOCKSIZE
    form = tarfile.PAX_FORMAT if pax else tarfile.GNU_FORMAT
    return packed[:end] + header.tobuf(form) + packed[end:]


def linked_twice(cat: Path) -> None:
    for name in "ab":
        (cat / name).symlink_to(cat.parents[1] / "test/cat")


def encoded(draw: random.Random, kind: str, mode: str = "RGB") -> bytes:
    """An image of noise in a format."""
    pixels = np.frombuffer(draw.randbytes(3 * SIDE * SIDE), np.uint8).reshape(SIDE, SIDE, 3)
    image, stored = Image.fromarray(pixels), io.BytesIO()
    image = image.convert("I").convert(mode) if mode == "I;16" else image.convert(mode)
    image.save(stored, kind)
    return stored.getvalue()
