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
def small(home, tmp_path, monkeypatch):
    """Gives a data set other contents, and a search path that is empty; tells all about it."""
    path = tmp_path / "path"
    monkeypatch.setenv("SPECTRAL_CORE_DATA_PATH", f"{tmp_path / 'no'}{os.pathsep}{path}")

    def small(name, arrays, contents, **changes):
        checksums = {file: md5(content) for file, content in contents.items()}
        raw = dataclasses.replace(RAW_DATA[name], md5=checksums, **changes)

        def use_mirrors(*mirrors: str) -> None:
            monkeypatch.setitem(RAW_DATA, name, dataclasses.replace(raw, addresses=mirrors))

        use_mirrors()
        places = {"home": home, "own": home / raw.folder, "path": path}
        made = {"arrays": arrays, "contents": contents, "checksums": checksums}
        return SimpleNamespace(**made, **places, use_mirrors=use_mirrors)

    return small


@pytest.fixture
def tiny(small, tmp_path, monkeypatch):
    """Fashion-MNIST made tiny, with an empty machine around it: no mirror, no apt, no files."""
    random = np.random.default_rng(0)
    shapes = ((5, 4, 4), (5,), (3, 4, 4), (3,))
    arrays = [random.integers(0, 10, shape, dtype=np.uint8) for shape in shapes]
    names = RAW_DATA["fashion-mnist"].md5
    contents = {name: idx(array) for name, array in zip(names, arrays, strict=True)}
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    installed = tmp_path / "installed"
    made = small("fashion-mnist", arrays, contents, installed=("a package", installed))
    made.installed = installed
    return made
