"""Raw files: found on this machine, or fetched whole, or refused by name."""

import gzip
import os
import pickle
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import platformdirs
import pytest
import torch
from made_files import flip, gzipped, md5, mirror, tar, tree
from made_images import write

from spectral_core import data
from spectral_core.data import dataset, download
from spectral_core.data.directories import Directories
from spectral_core.data.prepared import KEYS
from spectral_core.data.raw_data import RAW_DATA
from spectral_core.data.raw_files import locate

NAME = "fashion-mnist"  # the data set that has every kind of source
FOLDER = RAW_DATA[NAME].folder
TRAIN_IMAGES = next(iter(RAW_DATA[NAME].md5))


def assert_is(loaded: data.Dataset, tiny: SimpleNamespace) -> None:
    tensors = [getattr(loaded, name) for name in KEYS]
    for inputs, pixels in zip(tensors[::2], tiny.arrays[::2], strict=True):
        expected = torch.tensor(pixels.reshape(len(pixels), -1)).float() / 255
        assert inputs.dtype == torch.float32 and torch.equal(inputs, expected)
    for targets, expected in zip(tensors[1::2], tiny.arrays[1::2], strict=True):
        assert targets.dtype == torch.int64 and targets.tolist() == expected.tolist()
    assert loaded.checksums == tiny.checksums


DAMAGES = {
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-3]),
    "changed": lambda path: path.write_bytes(flip(path.read_bytes(), -20)),
    "empty": lambda path: path.write_bytes(b""),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "a device": lambda path: (path.unlink(), path.symlink_to("/dev/zero")),
    "a link to itself": lambda path: (path.unlink(), path.symlink_to(path)),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "huge": lambda path: os.truncate(path, 1 << 40),
}


# Files on this machine


def test_search_order_and_reading_in_place(tiny):
    for directory, source, packed in (
        (tiny.installed, "a package", dict),
        (tiny.path, "SPECTRAL_CORE_DATA_PATH", gzipped),
        (tiny.path / FOLDER, "SPECTRAL_CORE_DATA_PATH", gzipped),
        (tiny.own, "data directory", dict),
    ):
        write(directory, packed(tiny.contents))
        dataset._load.cache_clear()
        assert_is(data.load(NAME), tiny)
        assert (data.fetch(NAME), data.load(NAME).source) == (directory, source)
        assert tiny.home.exists() == (directory == tiny.own), "files found in place were copied"


def test_loads_are_cached_by_the_directories_they_come_from(tiny, tmp_path, monkeypatch):
    write(tiny.own, tiny.contents)
    elsewhere = write(tmp_path / "elsewhere" / FOLDER, tiny.contents)
    first = data.load(NAME)
    assert data.load(NAME) is first and data.load(NAME, tiny.home) is first
    monkeypatch.chdir(tmp_path)
    assert data.load(NAME, "data") is first
    assert data.load(NAME, tmp_path / "elsewhere") is not first
    assert data.fetch(NAME, tmp_path / "elsewhere") == elsewhere


@pytest.mark.parametrize(
    ("damage", "packed"), [*((name, dict) for name in DAMAGES), ("changed", gzipped)]
)
def test_bad_file_is_named_and_left_alone_until_it_is_fetched_again(tiny, caplog, damage, packed):
    stored = packed(tiny.contents)
    bad = write(tiny.own, stored) / next(iter(stored))
    DAMAGES[damage](bad)
    before = os.lstat(bad)[:7]  # all but the times
    named = rf"{TRAIN_IMAGES}(\.gz)?: .*|Errno.*{TRAIN_IMAGES}"
    with pytest.raises(data.DataNotFoundError, match=named):
        data.load(NAME)
    assert os.lstat(bad)[:7] == before
    with mirror(gzipped(tiny.contents)) as (url, requests):
        tiny.use_mirrors(url)
        assert_is(data.load(NAME), tiny)
    assert requests == [f"{TRAIN_IMAGES}.gz"], "good files were fetched again"
    assert os.path.lexists(f"{bad}.bad") and str(bad) in caplog.text


def test_good_gzipped_copy_serves_beside_a_bad_plain_one(tiny):
    write(tiny.own, {**gzipped(tiny.contents), TRAIN_IMAGES: b"bad"})
    assert_is(data.load(NAME), tiny)


@pytest.mark.parametrize("a_file", [False, True])
def test_without_a_data_directory_what_needs_it_names_the_variable(tiny, monkeypatch, a_file):
    if a_file:
        tiny.home.write_bytes(b"")
    else:
        monkeypatch.delenv("SPECTRAL_CORE_DATA")
        no_home = Mock(side_effect=RuntimeError("could not determine the home directory"))
        monkeypatch.setattr(platformdirs, "user_cache_dir", no_home)
    assert len(data.load("digits").test_targets) == 360
    assert [row.found for row in data.available() if row.name == NAME] == [None]
    with pytest.raises(data.DataNotFoundError, match=r"cannot be written to.* SPECTRAL_CORE_DATA "):
        data.load(NAME)
    write(tiny.path, tiny.contents)
    assert_is(data.load(NAME), tiny)


def test_available_lists_what_is_here_and_changes_nothing(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "DATASETS", (NAME,))
    with mirror(gzipped(tiny.contents)) as (url, requests):
        tiny.use_mirrors(url)
        assert data.available() == [data.Availability(NAME, None, False)]
        write(tiny.own, {**tiny.contents, TRAIN_IMAGES: b"bad"})
        before = tree(tmp_path)
        assert data.available() == [data.Availability(NAME, tiny.own, False)]
        assert tree(tmp_path) == before
        write(tiny.installed, gzipped(tiny.contents))
        assert data.available() == [data.Availability(NAME, tiny.installed, True)]
        assert requests == []


# Files that are fetched


@pytest.mark.parametrize("kept", [gzipped, dict], ids=["as sent", "unpacked on the way"])
def test_mirror_fills_the_data_directory(tiny, kept):
    sent = dict(zip(gzipped(tiny.contents), kept(tiny.contents).values(), strict=True))
    seen = []
    with mirror(sent, during=lambda: seen.append(tree(tiny.own))) as (url, requests):
        tiny.use_mirrors(url)
        loaded = data.load(NAME)
        assert_is(loaded, tiny)
        assert loaded.source == f"mirror {url}" and data.fetch(NAME) == tiny.own
    assert Counter(requests) == Counter(sent.keys()), "a file was asked for twice"
    assert tree(tiny.own) == kept(tiny.contents)
    for files in seen:  # half a download is never visible
        assert files.items() <= kept(tiny.contents).items()


LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"


def endless(start: bytes, piece: bytes, every: float = 0):
    """An answer that never ends, of pieces so many seconds apart."""

    def send(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(piece)
            time.sleep(every)

    return lambda _: mirror({}, instead=send)


FAULTS = {
    "wrong files": (lambda good: mirror(dict.fromkeys(good, gzip.compress(b"log in"))), "expected"),
    "no such file": (lambda _: mirror({}), "HTTP status 404"),
    "cut off": (lambda _: mirror({}, instead=lambda to: to.sendall(LONG + b"half")), "Error"),
    "hanging": (lambda good: mirror(good, wait=3), "Timeout"),
    "closed": (lambda _: nullcontext(("http://127.0.0.1:1/", [])), "ConnectionError"),
    "trickles": (endless(b"", b"H", every=0.05), "slow"),
    "drips": (endless(LONG, b"H", every=0.05), "slow"),
    "never ends": (endless(b"HTTP/1.1 200 OK\r\n\r\n", bytes(1 << 16)), "larger"),
}


@pytest.mark.parametrize(
    ("serve", "reason"),
    [
        pytest.param(*fault, id=name, marks=[pytest.mark.slow] * (fault[1] in ("Timeout", "slow")))
        for name, fault in FAULTS.items()  # those that time out or are slow have to be waited for
    ],
)
def test_faulty_mirror_is_given_up_for_the_next(tiny, monkeypatch, serve, reason):
    monkeypatch.setattr(download, "TIMEOUT", (0.5, 0.5))
    if reason == "slow":
        monkeypatch.setattr(download, "PATIENCE", 0.7)
    monkeypatch.setattr(download, "LARGEST", 1 << 20)
    good = gzipped(tiny.contents)
    start = time.monotonic()
    with serve(good) as (bad_url, asked), mirror(good) as (good_url, _):
        tiny.use_mirrors(bad_url)
        with pytest.raises(data.DataNotFoundError, match=f"{bad_url}: {TRAIN_IMAGES}.*{reason}"):
            data.load(NAME)
        assert tree(tiny.home) == {}, "something unchecked was left in the data directory"
        assert len(asked) <= 1, "a mirror that had failed was asked again"
        tiny.use_mirrors(bad_url, good_url)
        assert data.load(NAME).source == f"mirror {good_url}"
    assert tree(tiny.own) == good
    assert time.monotonic() - start < 10


def test_two_at_once_fetch_each_file_once(tiny):
    write(tiny.own, {TRAIN_IMAGES: b"bad"})
    served = gzipped(tiny.contents)
    with mirror(served, wait=0.2) as (url, requests), ThreadPoolExecutor(2) as pool:
        tiny.use_mirrors(url)
        # Each opens the lock for itself, as two processes do.
        both = [pool.submit(locate, NAME, Directories.chosen()) for _ in range(2)]
        assert [copy.result().contents for copy in both] == [tiny.contents] * 2
    assert Counter(requests) == Counter(served.keys())
    assert tree(tiny.own) == {**served, f"{TRAIN_IMAGES}.bad": b"bad"}


@pytest.fixture
def apt(tiny, tmp_path, monkeypatch):
    """A stand-in for apt-get and dpkg-deb, whose package is the bare tar archive of its files.

    It knows the package once its lists have been refreshed into a private directory, or from the
    start if the file ``listed`` is there. A file ``offline`` makes each refresh fail.
    """
    directory = tmp_path / "apt"
    scripts = {
        "apt-get": f"""#!/bin/sh
            echo "$*" >> {directory}/calls
            case "$*" in
            *" update")
                grep -qF "Dir::State::lists \\"$PWD/lists\\";" private.conf || exit 9
                test -d lists/partial || exit 9
                if test -e {directory}/offline; then echo "E: no address answers" >&2; exit 100; fi
                touch lists/known;;
            *" download dataset-fashion-mnist")
                if test -e {directory}/listed -o -e lists/known; then
                    cp {directory}/package.tar dataset-fashion-mnist_1_all.deb
                else
                    echo "E: Unable to locate package" >&2; exit 100
                fi;;
            esac""",
        "dpkg-deb": '#!/bin/sh\ntest "$1" = --fsys-tarfile && cat "$2"',
    }
    write(directory, {name: script.encode() for name, script in scripts.items()})
    for name in scripts:
        (directory / name).chmod(0o755)
    (directory / "package.tar").write_bytes(tar(gzipped(tiny.contents), "w", "./usr/share"))
    monkeypatch.setenv("PATH", os.pathsep.join([str(directory), "/usr/bin", "/bin"]))
    return directory


@pytest.mark.parametrize(
    ("listed", "tasks"), [(True, ["download"]), (False, ["download", "update", "download"])]
)
def test_debian_package_serves_with_and_without_package_lists(tiny, apt, listed, tasks):
    if listed:
        (apt / "listed").touch()
    loaded = data.load(NAME)
    assert_is(loaded, tiny)
    assert loaded.source == "Debian package dataset-fashion-mnist"
    calls = (apt / "calls").read_text().split()
    assert [word for word in calls if word in ("download", "update")] == tasks
    # Nothing but the files is left behind.
    assert {Path(name).name for name in tree(tiny.home)} == set(gzipped(tiny.contents))


def test_debian_package_comes_after_the_mirrors(tiny, apt):
    with mirror(gzipped(tiny.contents)) as (url, _):
        tiny.use_mirrors(url)
        assert data.load(NAME).source == f"mirror {url}"
    assert not (apt / "calls").exists()
    (apt / "offline").touch()
    with pytest.raises(data.DataNotFoundError) as caught:
        data.load(NAME, apt)
    for reason in ("no address answers", "Unable to locate package"):
        assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("files", "reason"),
    [({}, "not in the archive: train-labels"), (None, "truncated"), ("wrong", "train-images.*MD5")],
)
def test_unusable_debian_package_is_reported(tiny, apt, files, reason):
    wrong = dict.fromkeys(tiny.contents, b"wrong") if files == "wrong" else {TRAIN_IMAGES: b""}
    package = tar(wrong, "w")
    (apt / "package.tar").write_bytes(package[:100] if files is None else package)
    (apt / "listed").touch()
    with pytest.raises(data.DataNotFoundError, match=f"dataset-fashion-mnist: .*{reason}"):
        data.load(NAME)
    assert tree(tiny.home) == {}


def test_error_lists_what_was_tried_and_how_to_help(tiny):
    write(tiny.own, {TRAIN_IMAGES: b"bad"})
    with mirror({}) as (url, _):
        tiny.use_mirrors(url, "http://127.0.0.1:1/closed")
        with pytest.raises(data.DataNotFoundError) as caught:
            data.fetch(NAME)
    message = str(caught.value)
    tried = [line for line in message.splitlines() if line.startswith("  - ")]
    places = [tiny.own, tiny.path.with_name("no"), tiny.path, tiny.installed, url, ":1/", "Debian"]
    for place, line in zip(places, tried, strict=True):
        assert str(place) in line
    assert f"{TRAIN_IMAGES}: MD5 of the content is {md5(b'bad')}" in tried[0]
    for name, checksum in tiny.checksums.items():
        assert f"{checksum}  {name}" in message


# CIFAR-10


@pytest.fixture
def cifar(small, monkeypatch):
    """CIFAR-10 made tiny: two images a batch, of which the last is the test set's."""
    raw, random = RAW_DATA["cifar10"], np.random.default_rng(0)
    # A row has all the red values first, then the green, then the blue ones.
    pixels, labels = random.integers(0, 256, (12, 3072), np.uint8), random.integers(0, 10, 12)
    batches = (
        {"data": pixels[i : i + 2], "labels": labels[i : i + 2].tolist()} for i in range(0, 14, 2)
    )
    contents = {name: pickle.dumps(batch, protocol=2) for name, batch in zip(raw.md5, batches)}
    arrays = (pixels[:10], labels[:10], pixels[10:], labels[10:])
    archive, (name, _) = tar(contents, "w:gz", raw.folder), raw.archive
    made = small("cifar10", arrays, contents, archive=(name, md5(archive)))
    made.name, made.archive = name, archive
    monkeypatch.setattr(dataset, "DATASETS", ("cifar10",))
    return made


def test_cifar10_is_read_in_place_from_batches_or_from_their_archive(cifar):
    for place, files in (
        (cifar.path / cifar.name, {cifar.name: cifar.archive}),
        (cifar.home / cifar.name, {cifar.name: cifar.archive}),
        (cifar.own, cifar.contents),
    ):
        write(place if files is cifar.contents else place.parent, files)
        dataset._load.cache_clear()
        assert data.available() == [data.Availability("cifar10", place, True)]
        assert_is(data.load("cifar10"), cifar)
        assert data.fetch("cifar10") == place


def test_cifar10_is_downloaded_in_place_of_a_bad_archive(cifar):
    bad = {cifar.name: flip(cifar.archive, -20)}
    write(cifar.home, bad)
    assert data.available() == [data.Availability("cifar10", cifar.home / cifar.name, False)]
    with mirror(bad) as (url, _):
        cifar.use_mirrors(url + cifar.name)
        with pytest.raises(data.DataNotFoundError, match=f"{url}.*expected"):
            data.load("cifar10")
    assert tree(cifar.home) == bad
    with mirror({cifar.name: cifar.archive}) as (url, requests):
        cifar.use_mirrors(url + cifar.name)
        assert_is(data.load("cifar10"), cifar)
    assert requests == [cifar.name]
    assert tree(cifar.own) == cifar.contents
