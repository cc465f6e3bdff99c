"""An empty data directory, and a tiny data set to find or fetch."""

import dataclasses
import os
from types import SimpleNamespace

import numpy as np
import pytest
from made_files import md5

from spectral_core.data.raw_data import RAW_DATA


def idx(array: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty data directory, and no search path."""
    monkeypatch.setenv("SPECTRAL_CORE_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("SPECTRAL_CORE_DATA_PATH", raising=False)
    return tmp_path / "data"


@pytest.fixture
def tiny(home, tmp_path, monkeypatch):
    """Fashion-MNIST made tiny, with an empty machine around it: no mirror, no apt, no files."""
    random = np.random.default_rng(0)
    shapes = ((5, 4, 4), (5,), (3, 4, 4), (3,))
    arrays = [random.integers(0, 10, shape, dtype=np.uint8) for shape in shapes]
    raw = RAW_DATA["fashion-mnist"]
    contents = {name: idx(array) for name, array in zip(raw.md5, arrays, strict=True)}
    checksums = {name: md5(content) for name, content in contents.items()}
    installed, path = tmp_path / "installed", tmp_path / "path"
    raw = dataclasses.replace(raw, md5=checksums, installed=("a package", installed))
    monkeypatch.setenv("SPECTRAL_CORE_DATA_PATH", f"{tmp_path / 'no'}{os.pathsep}{path}")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))

    def use_mirrors(*mirrors: str) -> None:
        found = dataclasses.replace(raw, addresses=mirrors)
        monkeypatch.setitem(RAW_DATA, "fashion-mnist", found)

    use_mirrors()
    return SimpleNamespace(
        arrays=arrays,
        contents=contents,
        checksums=checksums,
        home=home,
        own=home / raw.folder,
        path=path,
        installed=installed,
        use_mirrors=use_mirrors,
    )
