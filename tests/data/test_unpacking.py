"""Archives: whole or refused, wherever they are cut off or changed."""

import gzip
import os
import tarfile

import pytest
from made_files import flip, md5, tar

from spectral_core.data import unpacking
from spectral_core.data.unpacking import Unusable, check_md5, members, unpack

FILES = {"train/a/1.png": bytes(range(256)) * 3, "train/b/1.png": b"", "test/a/2.png": b"2" * 512}
STORED = {**FILES, "notes.txt": b"x"}


def images(stored) -> dict[str, bytes]:
    return members(stored, lambda name: name.endswith(".png"))


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_archive_cut_off_anywhere_is_refused_or_complete(mode):
    whole = tar(STORED, mode)
    assert images(whole) == FILES
    complete = 0
    for length in range(0, len(whole), 37 if mode == "w" else 3):
        try:
            assert images(whole[:length]) == FILES
            complete += 1
        except Unusable as error:
            assert "truncated" in str(error) and "\n" not in str(error)
    # Only zeros after the block that ends a plain archive may be absent.
    assert complete == 0 or (mode == "w" and complete < 10240 / 37)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_changed_byte_never_loses_a_file(mode):
    whole = tar(STORED, mode)
    for position in range(0, len(whole), 13):
        try:
            files = images(flip(whole, position))
        except Unusable:
            continue
        assert len(files) == len(FILES), position
        assert mode == "w" or files == FILES  # a plain archive has no checksum of contents


def test_hard_links_are_followed(tmp_path):
    (tmp_path / "a.png").write_bytes(b"a")
    os.link(tmp_path / "a.png", tmp_path / "b.png")
    with tarfile.open(tmp_path / "some.tar", "w") as packed:
        for name in ("a.png", "b.png"):
            packed.add(tmp_path / name, name)
    assert images(tmp_path / "some.tar") == {"a.png": b"a", "b.png": b"a"}


def test_size_of_what_is_unpacked_is_bounded(monkeypatch):
    monkeypatch.setattr(unpacking, "LARGEST", 700)
    with pytest.raises(Unusable, match="MD5"):
        unpack(gzip.compress(bytes(1 << 20)), md5(bytes(1 << 20)))  # it is not read to its end


def test_content_is_known_by_its_md5():
    known = "900150983cd24fb0d6963f7d28e17f72"  # RFC 1321, A.5
    assert check_md5(b"abc", known) == unpack(b"abc", known) == unpack(gzip.compress(b"abc"), known)
    for stored in (b"abd", gzip.compress(b"abd"), gzip.compress(b"abc")[:-1]):
        with pytest.raises(Unusable):
            unpack(stored, known)


def test_a_link_where_none_may_be_is_an_error(tmp_path):
    (tmp_path / "dogs").mkdir()
    (tmp_path / "link").symlink_to("dogs")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.add(tmp_path / "link", "train/dog")
    assert images(tmp_path / "a.tar") == {}
    with pytest.raises(Unusable, match="train/dog in it is a link"):
        members(tmp_path / "a.tar", bool, ("train", "test"))
