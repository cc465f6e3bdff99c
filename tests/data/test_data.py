"""Getting datasets: hermetic tests on tiny files, a loopback mirror and a stand-in for apt."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import multiprocessing
import os
import pickle
import socket
import subprocess
import sys
import tarfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import numpy as np
import platformdirs
import pytest
import torch

from spectral_core import data
from spectral_core.data import dataset as datasets
from spectral_core.data import download
from spectral_core.data.raw_data import IDX_FILES, RAW_DATA
from spectral_core.data.torchvision_import import import_torchvision

NAME = "fashion-mnist"  # the dataset that has every kind of source
FOLDER = RAW_DATA[NAME].folder
TRAIN_IMAGES = IDX_FILES[0]


def idx(array: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def put(directory: Path, contents: dict[str, bytes], gzipped: bool = False) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        path = directory / (f"{name}.gz" if gzipped else name)
        path.write_bytes(gzip.compress(content, mtime=0) if gzipped else content)
    return directory


def tree(directory: Path) -> dict[str, bytes]:
    """Every file below ``directory``, but for the lock, with its content."""
    files = (path for path in directory.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Fashion-MNIST made tiny, with an empty machine around it: no mirror, no apt, no files."""
    random = np.random.default_rng(0)
    arrays = [
        random.integers(0, 256, shape, dtype=np.uint8) for shape in ((5, 4, 4), (5,), (3, 4, 4))
    ]
    arrays.append(np.array([2, 0, 1], dtype=np.uint8))
    contents = {name: idx(array) for name, array in zip(IDX_FILES, arrays, strict=True)}
    installed = tmp_path / "installed"
    raw = dataclasses.replace(
        RAW_DATA[NAME],
        md5={name: md5(content) for name, content in contents.items()},
        installed=("a package", installed),
    )
    monkeypatch.setitem(RAW_DATA, NAME, raw)
    home, path = tmp_path / "data", tmp_path / "path"
    monkeypatch.setenv("SPECTRAL_CORE_DATA", str(home))
    monkeypatch.setenv(
        "SPECTRAL_CORE_DATA_PATH", os.pathsep.join([str(tmp_path / "no"), str(path)])
    )
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setattr(import_torchvision().datasets.FashionMNIST, "mirrors", [])
    return SimpleNamespace(
        arrays=arrays,
        contents=contents,
        home=home,
        own=home / FOLDER,
        path=path,
        installed=installed,
        use_mirrors=lambda *mirrors: monkeypatch.setattr(
            import_torchvision().datasets.FashionMNIST, "mirrors", list(mirrors)
        ),
    )


def assert_is_tiny(dataset: data.Dataset, tiny: SimpleNamespace) -> None:
    train_pixels, train_targets, test_pixels, test_targets = tiny.arrays
    for inputs, pixels in (
        (dataset.train_inputs, train_pixels),
        (dataset.test_inputs, test_pixels),
    ):
        expected = torch.tensor(pixels.reshape(len(pixels), -1)).float() / 255
        assert inputs.dtype == torch.float32 and torch.equal(inputs, expected)
    for targets, expected in (
        (dataset.train_targets, train_targets),
        (dataset.test_targets, test_targets),
    ):
        assert targets.dtype == torch.int64 and targets.tolist() == expected.tolist()
    assert dataset.checksums == {name: md5(content) for name, content in tiny.contents.items()}


@contextmanager
def mirror(files: dict[str, bytes], *, wait: float = 0, cut: bool = False, during=lambda: None):
    """Serve ``files`` on the loopback; ``wait`` seconds before each answer; yield (url, requests).

    Args:
        files: file name to body.
        wait: seconds before an answer.
        cut: whether to close the connection half-way through the body.
        during: called half-way through each body.
    """
    requests: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/files/")
            requests.append(name)
            time.sleep(wait)
            body = files.get(name)
            if body is None:
                return self.send_error(404)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            half = len(body) // 2
            self.wfile.write(body[:half])
            self.wfile.flush()
            during()
            if not cut:
                self.wfile.write(body[half:])

        def log_message(self, *args: object) -> None:
            pass

        def handle(self) -> None:
            # The client gives up on a mirror that hangs.
            with suppress(ConnectionError):
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/files/", requests
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def raw_server(serve):
    """Call ``serve`` with each connection on the loopback; yield the address."""

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(1 << 16)
            serve(connection)

    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


def gzipped(contents: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in contents.items()}


# --- files found on this machine -----------------------------------------------------------------


@pytest.mark.parametrize("is_gzipped", [False, True])
def test_load_reads_plain_and_gzipped_files(tiny, is_gzipped):
    put(tiny.own, tiny.contents, is_gzipped)
    dataset = data.load(NAME)
    assert_is_tiny(dataset, tiny)
    assert (dataset.name, dataset.input_features, dataset.class_count) == (NAME, 16, 10)
    assert dataset.classes[:2] == ("T-shirt/top", "Trouser")


def test_search_order_and_reading_in_place(tiny):
    for directory, source in (
        (tiny.installed, "a package"),
        (tiny.path / FOLDER, "SPECTRAL_CORE_DATA_PATH"),
    ):
        put(directory, tiny.contents)
        assert data.fetch(NAME) == directory
        datasets._load.cache_clear()
        assert data.load(NAME).source == source
        assert not tiny.home.exists(), "files found in place were copied"
    put(tiny.own, tiny.contents)
    assert data.fetch(NAME) == tiny.own


def test_without_a_home_directory_digits_load_and_others_name_the_variable(tiny, monkeypatch):
    monkeypatch.delenv("SPECTRAL_CORE_DATA")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as for an unknown user
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *_: "~/.cache/spectral-core")
    assert len(data.load("digits").test_targets) == 360
    assert [row.found for row in data.available() if row.name == NAME] == [None]
    with pytest.raises(data.DataNotFoundError, match=r"no home directory.*SPECTRAL_CORE_DATA"):
        data.load(NAME)
    put(tiny.path, tiny.contents)
    assert_is_tiny(data.load(NAME), tiny)


def test_argument_precedes_environment(tiny, tmp_path):
    put(tiny.own, tiny.contents)
    elsewhere = put(tmp_path / "elsewhere" / FOLDER, tiny.contents)
    assert data.fetch(NAME, tmp_path / "elsewhere") == elsewhere


def test_files_directly_in_a_search_path_directory_serve(tiny):
    put(tiny.path, tiny.contents)
    assert data.fetch(NAME) == tiny.path


def test_loads_are_cached_by_the_directories_they_come_from(tiny, tmp_path, monkeypatch):
    put(tiny.own, tiny.contents)
    put(tmp_path / "elsewhere" / FOLDER, tiny.contents)
    first = data.load(NAME)
    assert data.load(NAME) is first and data.load(NAME, tiny.home) is first
    monkeypatch.chdir(tmp_path)
    assert data.load(NAME, "data") is first
    assert data.load(NAME, tmp_path / "elsewhere") is not first


def test_moved_dataset_is_on_the_device_and_shares_what_is_there_already(tiny):
    put(tiny.own, tiny.contents)
    dataset = data.load(NAME)
    same, moved = dataset.to("cpu"), dataset.to("meta")
    for part in ("train_inputs", "train_targets", "test_inputs", "test_targets"):
        assert getattr(same, part) is getattr(dataset, part)
        assert getattr(moved, part).device.type == "meta"
        assert getattr(moved, part).shape == getattr(dataset, part).shape
    assert (moved.name, moved.classes) == (dataset.name, dataset.classes)


def truncate(stored: bytes) -> bytes:
    return stored[:-3]


def flip_bit(stored: bytes) -> bytes:
    return stored[:-20] + bytes([stored[-20] ^ 1]) + stored[-19:]


@pytest.mark.parametrize("damage", [truncate, flip_bit])
@pytest.mark.parametrize("is_gzipped", [False, True])
def test_bad_file_is_fetched_again_and_good_ones_are_kept(tiny, caplog, damage, is_gzipped):
    put(tiny.own, tiny.contents, is_gzipped)
    path = tiny.own / f"{TRAIN_IMAGES}{'.gz' if is_gzipped else ''}"
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    with mirror(gzipped(tiny.contents)) as (url, requests):
        tiny.use_mirrors(url)
        assert_is_tiny(data.load(NAME), tiny)
    assert requests == [f"{TRAIN_IMAGES}.gz"]
    assert path.with_name(f"{path.name}.bad").read_bytes() == damaged
    assert str(path) in caplog.text


@pytest.mark.parametrize("damage", [truncate, flip_bit])
@pytest.mark.parametrize("is_gzipped", [False, True])
def test_bad_file_elsewhere_is_named_and_left_alone(tiny, damage, is_gzipped):
    put(tiny.path / FOLDER, tiny.contents, is_gzipped)
    path = tiny.path / FOLDER / (f"{TRAIN_IMAGES}.gz" if is_gzipped else TRAIN_IMAGES)
    path.write_bytes(damage(path.read_bytes()))
    before = tree(tiny.path)
    with pytest.raises(data.DataNotFoundError) as caught:
        data.load(NAME)
    line = next(line for line in str(caught.value).splitlines() if str(path.parent) in line)
    assert f"{TRAIN_IMAGES}: " in line and ("truncated" in line or "expected" in line)
    assert tree(tiny.path) == before


def test_good_gzipped_copy_serves_beside_a_bad_plain_one(tiny):
    put(tiny.own, tiny.contents, gzipped=True)
    (tiny.own / TRAIN_IMAGES).write_bytes(b"bad")
    assert_is_tiny(data.load(NAME), tiny)


@pytest.mark.parametrize("special", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_pipes_and_devices_are_not_read(tiny, special):
    put(tiny.own, tiny.contents)
    (tiny.own / TRAIN_IMAGES).unlink()
    special(tiny.own / TRAIN_IMAGES)
    with pytest.raises(data.DataNotFoundError, match=f"{TRAIN_IMAGES}: not a regular file"):
        data.load(NAME)


def test_unwritable_data_directory_is_no_obstacle_to_files_elsewhere(tiny):
    tiny.home.write_bytes(b"")  # a file where the directory should be
    with pytest.raises(data.DataNotFoundError, match="cannot be written to"):
        data.load(NAME)
    put(tiny.path / FOLDER, tiny.contents)
    assert_is_tiny(data.load(NAME), tiny)


# --- files that are fetched ----------------------------------------------------------------------


def test_mirror_fills_the_data_directory(tiny):
    served = gzipped(tiny.contents)
    with mirror(served) as (url, requests):
        tiny.use_mirrors(url)
        dataset = data.load(NAME)
        assert_is_tiny(dataset, tiny)
        assert dataset.source == f"mirror {url}"
        assert data.fetch(NAME) == tiny.own
        assert Counter(requests) == Counter(served.keys()), "a file was asked for twice"
    assert tree(tiny.own) == served


def test_file_that_a_server_unpacked_on_the_way_serves(tiny):
    with mirror({f"{name}.gz": content for name, content in tiny.contents.items()}) as (url, _):
        tiny.use_mirrors(url)
        assert_is_tiny(data.load(NAME), tiny)
    assert tree(tiny.own) == tiny.contents


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"files": "wrong"}, "expected"),
        ({"files": "none"}, "HTTP status 404"),
        ({"cut": True}, "Error"),
        ({"wait": 3}, "Timeout"),
    ],
    ids=["wrong file", "no such file", "cut off", "hanging"],
)
def test_next_mirror_after_a_faulty_one(tiny, monkeypatch, fault, reason):
    monkeypatch.setattr(download, "TIMEOUT", (0.5, 0.5))
    good = gzipped(tiny.contents)
    wrong = {name: gzip.compress(b"a page that says to log in") for name in good}
    fault = dict(fault)
    files = {"wrong": wrong, "none": {}}.get(fault.pop("files", None), good)
    start = time.monotonic()
    with mirror(files, **fault) as (bad_url, asked):
        tiny.use_mirrors(bad_url)
        with pytest.raises(data.DataNotFoundError) as caught:
            data.load(NAME)
        line = next(line for line in str(caught.value).splitlines() if bad_url in line)
        assert TRAIN_IMAGES in line and reason in line
        assert tree(tiny.home) == {}, "something unchecked was left in the data directory"
        assert len(asked) == 1, "a mirror that had failed was asked again"
        with mirror(good) as (good_url, _):
            tiny.use_mirrors(bad_url, good_url)
            assert data.load(NAME).source == f"mirror {good_url}"
    assert tree(tiny.own) == good
    assert time.monotonic() - start < 10


def test_mirror_that_trickles_or_never_ends_is_given_up(tiny, monkeypatch):
    monkeypatch.setattr(download, "PATIENCE", 0.5)
    monkeypatch.setattr(download, "LARGEST", 1 << 20)
    monkeypatch.setattr(download._Bounded, "limit", 1 << 20)

    def trickle(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"H")
            time.sleep(0.05)

    def drip_content(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        trickle(connection)

    def never_end(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(bytes(1 << 16))

    for serve, reason in ((trickle, "slow"), (drip_content, "slow"), (never_end, "larger")):
        start = time.monotonic()
        with raw_server(serve) as url:
            tiny.use_mirrors(url)
            with pytest.raises(data.DataNotFoundError, match=reason):
                data.load(NAME)
        assert time.monotonic() - start < 5
    assert tree(tiny.home) == {}


def test_unreachable_mirror_is_given_up_at_once(tiny):
    with mirror({}) as (url, _):
        pass  # the port is closed again
    tiny.use_mirrors(url)
    with pytest.raises(data.DataNotFoundError, match=f"{url}.*ConnectionError"):
        data.load(NAME)


def test_half_a_download_is_never_visible(tiny):
    seen = []
    with mirror(gzipped(tiny.contents), during=lambda: seen.append(tree(tiny.own))) as (url, _):
        tiny.use_mirrors(url)
        data.load(NAME)
    whole = gzipped(tiny.contents)
    assert len(seen) == len(whole)
    for files in seen:
        assert files.items() <= whole.items()


def test_full_disk_leaves_nothing_half_written(tiny, monkeypatch):
    write_bytes = Path.write_bytes

    def fill_disk(path: Path, content: bytes) -> int:
        write_bytes(path, content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    with mirror(gzipped(tiny.contents)) as (url, _), monkeypatch.context() as full:
        tiny.use_mirrors(url)
        full.setattr(Path, "write_bytes", fill_disk)
        with pytest.raises(data.DataNotFoundError, match="No space left"):
            data.load(NAME)
    assert tree(tiny.home) == {}


def load_in_child(home: str, url: str, checksums: dict[str, str], number: int) -> list[int]:
    os.environ["SPECTRAL_CORE_DATA"] = home
    os.environ.pop("SPECTRAL_CORE_DATA_PATH", None)
    RAW_DATA[NAME] = dataclasses.replace(RAW_DATA[NAME], md5=checksums, installed=None)
    import_torchvision().datasets.FashionMNIST.mirrors = [url]
    # Start together: say so, and wait for the other.
    Path(home, f"ready-{number}").touch()
    deadline = time.monotonic() + 60
    while not Path(home, f"ready-{1 - number}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return data.load(NAME).train_targets.tolist()


def test_two_processes_fetch_each_file_once(tiny):
    put(tiny.own, {TRAIN_IMAGES: b"bad"})
    served = gzipped(tiny.contents)
    with (
        mirror(served, wait=0.2) as (url, requests),
        ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool,
    ):
        job = (str(tiny.home), url, dict(RAW_DATA[NAME].md5))
        targets = [
            child.result() for child in [pool.submit(load_in_child, *job, i) for i in (0, 1)]
        ]
    assert targets == [tiny.arrays[1].tolist()] * 2
    assert Counter(requests) == Counter(served.keys())
    assert tree(tiny.own) == {**served, f"{TRAIN_IMAGES}.bad": b"bad"}


def tar(contents: dict[str, bytes], folder: str, mode: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


@pytest.fixture
def apt(tiny, tmp_path, monkeypatch):
    """A stand-in for apt-get and dpkg-deb, whose package is the bare tar archive of its files.

    It knows the package once its lists have been refreshed into a private directory, or from the
    start if the file ``listed`` is there. A file ``offline`` makes each refresh fail.
    """
    directory = tmp_path / "apt"
    directory.mkdir()
    package = directory / "package.tar"
    package.write_bytes(tar(gzipped(tiny.contents), "./usr/share/datasets/fashion-mnist", "w"))
    commands = {
        "apt-get": f"""#!/bin/sh
            echo "$*" >> {directory}/calls
            case "$*" in
            *" update")
                grep -qF "Dir::State::lists \\"$PWD/lists\\";" apt.conf || exit 9
                test -d lists/partial || exit 9
                if test -e {directory}/offline; then echo "E: no address answers" >&2; exit 100; fi
                touch lists/known;;
            *" download dataset-fashion-mnist")
                if test -e {directory}/listed -o -e lists/known; then
                    cp {package} dataset-fashion-mnist_1_all.deb
                else
                    echo "E: Unable to locate package" >&2; exit 100
                fi;;
            esac""",
        "dpkg-deb": '#!/bin/sh\ntest "$1" = --fsys-tarfile && cat "$2"',
    }
    for name, script in commands.items():
        (directory / name).write_text(script)
        (directory / name).chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(directory), "/usr/bin", "/bin"]))
    return directory


@pytest.mark.parametrize(
    ("listed", "tasks"), [(True, ["download"]), (False, ["download", "update", "download"])]
)
def test_debian_package_serves_with_and_without_package_lists(tiny, apt, listed, tasks):
    if listed:
        (apt / "listed").touch()
    dataset = data.load(NAME)
    assert_is_tiny(dataset, tiny)
    assert dataset.source == "Debian package dataset-fashion-mnist"
    calls = (apt / "calls").read_text().split()
    assert [word for word in calls if word in ("download", "update")] == tasks
    # Nothing but the files is left behind.
    assert tree(tiny.home) == {
        f"{FOLDER}/{name}": stored for name, stored in gzipped(tiny.contents).items()
    }


def test_debian_package_comes_after_the_mirrors(tiny, apt):
    with mirror(gzipped(tiny.contents)) as (url, _):
        tiny.use_mirrors(url)
        assert data.load(NAME).source == f"mirror {url}"
    assert not (apt / "calls").exists()


@pytest.mark.parametrize(
    ("files", "reason"),
    [({}, "not in the archive: train-labels"), (None, "truncated"), ("wrong", "train-images.*MD5")],
)
def test_unusable_debian_package_is_reported(tiny, apt, files, reason):
    wrong = dict.fromkeys(tiny.contents, b"wrong") if files == "wrong" else {TRAIN_IMAGES: b""}
    package = tar(wrong, ".", "w")
    (apt / "package.tar").write_bytes(package[:100] if files is None else package)
    (apt / "listed").touch()
    with pytest.raises(data.DataNotFoundError, match=f"dataset-fashion-mnist: .*{reason}"):
        data.load(NAME)
    assert tree(tiny.home) == {}


def test_failing_apt_is_reported(tiny, apt):
    (apt / "offline").touch()
    with pytest.raises(data.DataNotFoundError) as caught:
        data.load(NAME)
    assert "update: E: no address answers" in str(caught.value)
    assert "E: Unable to locate package" in str(caught.value)
    assert tree(tiny.home) == {}


# --- what the user is told -----------------------------------------------------------------------


def test_error_lists_what_was_tried_and_how_to_help(tiny):
    put(tiny.own, {TRAIN_IMAGES: b"bad"})
    with mirror({}) as (url, _):
        tiny.use_mirrors(url)
        with pytest.raises(data.DataNotFoundError) as caught:
            data.fetch(NAME)
    message = str(caught.value)
    tried = [line for line in message.splitlines() if line.startswith("  - ")]
    for place, line in zip(
        [tiny.own, tiny.path.with_name("no"), tiny.path, tiny.installed, url, "Debian package"],
        tried,
        strict=True,
    ):
        assert str(place) in line
    assert f"{TRAIN_IMAGES}: MD5 of the content is {md5(b'bad')}" in tried[0]
    assert "not both on PATH" in tried[-1]
    assert "SPECTRAL_CORE_DATA_PATH" in message and FOLDER in message
    for name, checksum in RAW_DATA[NAME].md5.items():
        assert f"{checksum}  {name}" in message


def test_broken_torchvision_does_not_end_the_search(tiny, apt, monkeypatch):
    def fail() -> None:
        raise RuntimeError("built for another PyTorch")

    monkeypatch.setattr(download, "import_torchvision", fail)
    (apt / "offline").touch()
    with pytest.raises(data.DataNotFoundError, match="built for another PyTorch"):
        data.load(NAME)
    (apt / "listed").touch()
    assert_is_tiny(data.load(NAME), tiny)


@pytest.mark.parametrize("function", [data.load, data.fetch])
def test_unknown_name_is_refused_with_the_nearest(function):
    with pytest.raises(ValueError, match=r"'fashion_mnist'.*'fashion-mnist'"):
        function("fashion_mnist")


def test_available_tells_what_is_here_and_changes_nothing(tiny, tmp_path, monkeypatch):
    monkeypatch.delitem(RAW_DATA, "digits")
    monkeypatch.setattr(datasets, "DATASETS", tuple(RAW_DATA))

    def row() -> data.Availability:
        rows = data.available()
        assert [row.name for row in rows] == list(RAW_DATA)
        return rows[0]

    with mirror(gzipped(tiny.contents)) as (url, requests):
        tiny.use_mirrors(url)
        assert row() == data.Availability(NAME, None, False)
        put(tiny.own, {**tiny.contents, TRAIN_IMAGES: b"bad"})
        before = tree(tmp_path)
        assert row() == data.Availability(NAME, tiny.own, False)
        assert tree(tmp_path) == before
        put(tiny.installed, tiny.contents, gzipped=True)
        assert row() == data.Availability(NAME, tiny.installed, True)
        assert requests == []


def test_import_is_light():
    heavy = ["torchvision", "sklearn", "pooch", "pandas"]
    code = f"import sys, spectral_core.data; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- CIFAR-10 ------------------------------------------------------------------------------------


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """CIFAR-10 made tiny: two images a batch."""
    raw = RAW_DATA["cifar10"]
    random = np.random.default_rng(0)
    batches = {
        name: {
            "data": random.integers(0, 256, (2, 3072), dtype=np.uint8),
            "labels": random.integers(0, 10, 2).tolist(),
        }
        for name in raw.md5
        if "batch_" in name or name == "test_batch"
    }
    contents = {name: pickle.dumps(batch, protocol=2) for name, batch in batches.items()}
    contents["batches.meta"] = pickle.dumps({"label_names": list(raw.classes)}, protocol=2)
    archive = tar(contents, raw.folder, "w:gz")
    checksums = {name: md5(content) for name, content in contents.items()}
    monkeypatch.setitem(
        RAW_DATA,
        "cifar10",
        dataclasses.replace(raw, md5=checksums, archive=(raw.archive[0], md5(archive))),
    )
    reader = import_torchvision().datasets.CIFAR10
    for attribute in ("train_list", "test_list"):
        names = [name for name, _ in getattr(reader, attribute)]
        monkeypatch.setattr(reader, attribute, [[name, checksums[name]] for name in names])
    monkeypatch.setattr(reader, "meta", {**reader.meta, "md5": checksums["batches.meta"]})
    monkeypatch.setattr(reader, "url", "http://127.0.0.1:1/cifar-10-python.tar.gz")
    monkeypatch.setenv("SPECTRAL_CORE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SPECTRAL_CORE_DATA_PATH", str(tmp_path / "path"))
    return SimpleNamespace(
        batches=batches,
        contents=contents,
        archive=archive,
        archive_name=raw.archive[0],
        folder=raw.folder,
        home=tmp_path / "data",
        path=tmp_path / "path",
        use_url=lambda url: monkeypatch.setattr(reader, "url", url),
    )


def assert_is_cifar(dataset: data.Dataset, cifar: SimpleNamespace) -> None:
    train = [cifar.batches[f"data_batch_{i}"] for i in range(1, 6)]
    # A row of a batch has all the red values first, then the green, then the blue ones.
    expected = torch.tensor(np.vstack([batch["data"] for batch in train])).float() / 255
    assert torch.equal(dataset.train_inputs, expected)
    assert dataset.train_targets.tolist() == [label for batch in train for label in batch["labels"]]
    test = cifar.batches["test_batch"]
    assert torch.equal(dataset.test_inputs, torch.tensor(test["data"]).float() / 255)
    assert dataset.test_targets.tolist() == test["labels"]
    assert dataset.test_targets.dtype == torch.int64
    assert set(dataset.checksums) == set(cifar.contents)


def test_cifar10_batches_are_read_in_place(cifar):
    directory = put(cifar.path / cifar.folder, cifar.contents)
    assert_is_cifar(data.load("cifar10"), cifar)
    assert data.fetch("cifar10") == directory
    assert not cifar.home.exists()


@pytest.mark.parametrize("where", ["home", "path"])
def test_cifar10_archive_is_read_in_place(cifar, where):
    archive = put(getattr(cifar, where), {cifar.archive_name: cifar.archive}) / cifar.archive_name
    row = next(row for row in data.available() if row.name == "cifar10")
    assert (row.found, row.checksums_ok) == (archive, True)
    assert_is_cifar(data.load("cifar10"), cifar)
    assert data.fetch("cifar10") == archive
    assert tree(getattr(cifar, where)) == {cifar.archive_name: cifar.archive}


@pytest.mark.parametrize("damage", [truncate, flip_bit])
def test_cifar10_is_downloaded_in_place_of_a_bad_archive(cifar, damage):
    put(cifar.home, {cifar.archive_name: damage(cifar.archive)})
    row = next(row for row in data.available() if row.name == "cifar10")
    assert (row.found, row.checksums_ok) == (cifar.home / cifar.archive_name, False)
    with mirror({cifar.archive_name: cifar.archive}) as (url, requests):
        cifar.use_url(url + cifar.archive_name)
        assert_is_cifar(data.load("cifar10"), cifar)
    assert requests == [cifar.archive_name]
    assert tree(cifar.home / cifar.folder) == cifar.contents


@pytest.mark.parametrize("damage", [truncate, flip_bit])
def test_cifar10_bad_download_is_refused(cifar, damage):
    with mirror({cifar.archive_name: damage(cifar.archive)}) as (url, _):
        cifar.use_url(url + cifar.archive_name)
        with pytest.raises(data.DataNotFoundError, match=f"{url}.*expected"):
            data.load("cifar10")
    assert tree(cifar.home) == {}


# --- real data -----------------------------------------------------------------------------------


def test_facts_agree_with_those_that_torchvision_states():
    datasets = import_torchvision().datasets
    cifar = datasets.CIFAR10
    batches = {name: checksum for name, checksum in cifar.train_list + cifar.test_list}
    batches[cifar.meta["filename"]] = cifar.meta["md5"]
    assert RAW_DATA["cifar10"].md5 == batches
    assert RAW_DATA["cifar10"].folder == cifar.base_folder
    assert RAW_DATA["cifar10"].archive == (cifar.filename, cifar.tgz_md5)
    for name, reader in (("mnist", datasets.MNIST), ("fashion-mnist", datasets.FashionMNIST)):
        published = [file_name.removesuffix(".gz") for file_name, _ in reader.resources]
        assert sorted(published) == sorted(RAW_DATA[name].md5)
        assert RAW_DATA[name].folder == f"{reader.__name__}/raw"
    assert list(RAW_DATA["fashion-mnist"].classes) == datasets.FashionMNIST.classes


def test_digits_are_split_once_and_for_all(monkeypatch, tmp_path):
    from sklearn.datasets import load_digits

    monkeypatch.setenv("SPECTRAL_CORE_DATA", str(tmp_path))
    dataset = data.load("digits")
    assert dataset.train_inputs.shape == (1437, 64) and dataset.test_inputs.shape == (360, 64)
    assert dataset.class_count == 10 and dataset.source == "scikit-learn"
    assert dataset.train_inputs.min() == 0 and dataset.train_inputs.max() == 1

    pixels, targets = load_digits(return_X_y=True)
    samples = Counter(
        (int(target), tuple(row)) for target, row in zip(targets, pixels.tolist(), strict=True)
    )
    ours = Counter(
        (int(target), tuple(row))
        for inputs, labels in (
            (dataset.train_inputs, dataset.train_targets),
            (dataset.test_inputs, dataset.test_targets),
        )
        for target, row in zip(labels, (inputs * 16).tolist(), strict=True)
    )
    assert ours == samples, "each sample of scikit-learn's digits is in one of the two sets"
    share = np.bincount(targets) * 360 / 1797
    assert np.abs(dataset.test_targets.bincount().numpy() - share).max() < 1

    datasets._load.cache_clear()
    again = data.load("digits")
    assert torch.equal(again.train_inputs, dataset.train_inputs)
    assert torch.equal(again.test_targets, dataset.test_targets)


@pytest.mark.parametrize(
    ("name", "mean", "deviation"), [("mnist", 0.1307, 0.3081), ("fashion-mnist", 0.2860, 0.3530)]
)
def test_real_images(name, mean, deviation):
    row = next(row for row in data.available() if row.name == name)
    if not row.checksums_ok:
        pytest.skip(f"{name} is not on this machine; SPECTRAL_CORE_DATA_PATH may point to it")
    dataset = data.load(name)
    assert dataset.train_inputs.shape == (60000, 784) and dataset.test_inputs.shape == (10000, 784)
    # The mean and standard deviation of the training pixels that the literature normalises by.
    assert dataset.train_inputs.mean().item() == pytest.approx(mean, abs=1e-4)
    assert dataset.train_inputs.std().item() == pytest.approx(deviation, abs=1e-4)
    assert set(dataset.train_targets.tolist()) == set(range(10))
    if name == "fashion-mnist":
        assert dataset.test_targets.bincount().tolist() == [1000] * 10
