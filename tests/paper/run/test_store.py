"""The store: a step is there whole or not at all."""

import errno
import json
import os
from pathlib import Path

import pytest
import torch
from filelock import FileLock, Timeout

from spectral_core._files import write_whole
from spectral_core.layers.networks import spectral_mlp
from spectral_core.paper.run import store as store_module
from spectral_core.paper.run.store import Store, reports_of
from spectral_core.paper.study.planning import plan
from spectral_core.paper.study.steps import describe

CUT = plan("fig03", "smoke").steps()[0]
TRAIN = CUT.trained
RESULT = {"kept": [3], "nodes": 3, "parameters": 9, "accuracy": 0.5, "loss": 1.5}
LOSSES = {"training_loss": [2.0] * TRAIN.epochs}
MADE = {"seconds": 1.0}
CHECKSUMS = ("sha256", "checksum")


def network(seed=0):
    return spectral_mlp((4, 3, 2), "elu", generator=torch.Generator().manual_seed(seed))


def files(store):
    return sorted(str(p.relative_to(store.root)) for p in store.root.rglob("*") if p.is_file())


def loads_as_saved(store):
    """Whether the stored network is ``network(0)``, to the last bit."""
    loaded = store.load_network(TRAIN, network(1)).state_dict()
    return all(torch.equal(loaded[name], t) for name, t in network(0).state_dict().items())


class Killed(BaseException):
    """Ends a step from outside, as Ctrl-C does."""


def test_stored_steps_come_back_bit_for_bit(store):
    assert CUT not in store and store.record(CUT) is None
    store.save(CUT, RESULT, MADE)
    record = Store(str(store.root)).record(CUT)
    assert CUT in store and record.pop("checksum")
    assert record == {"step": describe(CUT), "result": RESULT, "made": MADE}
    assert files(store) == [f"cut/{CUT.key}.json"] and TRAIN not in store

    store.save(TRAIN, LOSSES, MADE, network(0))
    assert files(store)[1:] == [f"train/{TRAIN.key}.json", f"train/{TRAIN.key}.safetensors"]
    assert loads_as_saved(store)


def half_written(path, content):
    with path.open("wb") as file:
        file.write(b"half")
    raise Killed


def before_the_record(aside, path, replace=os.replace):
    if path.suffix == ".json":
        raise Killed
    replace(aside, path)


@pytest.mark.parametrize(
    ("where", "name", "breaks", "left"),
    [
        (Path, "write_bytes", half_written, []),
        (os, "replace", before_the_record, [f"train/{TRAIN.key}.safetensors"]),
    ],
)
def test_interrupted_save_leaves_no_step_and_no_half(store, monkeypatch, where, name, breaks, left):
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(where, name, breaks)
        store.save(TRAIN, LOSSES, MADE, network())
    assert TRAIN not in store and store.record(TRAIN) is None
    assert files(store) == left
    store.save(TRAIN, LOSSES, MADE, network())
    assert TRAIN in store


@pytest.mark.parametrize("error", [Killed(), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))])
def test_failed_write_keeps_the_old_file_and_names_it(tmp_path, error):
    target = tmp_path / "made" / "file.txt"
    write_whole(target, lambda path: path.write_text("old"))

    def fail(path):
        path.write_text("half of the n")
        assert target.read_text() == "old"
        raise error

    with pytest.raises(type(error)) as caught:
        write_whole(target, fail)
    assert isinstance(error, Killed) or str(target) in str(caught.value)
    assert target.read_text() == "old"
    assert [p.name for p in target.parent.iterdir()] == ["file.txt"]


def numbers(**changes):
    """Damage that its checksum does not show."""

    def damage(record):
        record = {**record, "result": {**RESULT, **changes}}
        return {**record, "checksum": store_module._checksum(record)}

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: '{"step": ',
        lambda _: "\x00",
        lambda _: "[" * 100_000,
        lambda _: "[]",
        lambda _: {},
        lambda record: {**record, "step": describe(plan("fig03", "smoke").steps()[1])},
        lambda record: {**record, "result": {**RESULT, "accuracy": 0.51}},
        *(numbers(accuracy=value) for value in (None, float("nan"), 2.0)),
        numbers(loss=float("inf")),
        *(numbers(kept=value) for value in (None, [2])),
        numbers(parameters=-1),
    ],
)
def test_a_record_that_is_not_of_its_step_counts_as_missing_and_is_named(store, damage):
    store.save(CUT, RESULT, MADE)
    file = store.root / "cut" / f"{CUT.key}.json"
    assert CUT in store and store.set_aside(CUT) is None
    text = damage(json.loads(file.read_text()))
    file.write_text(text if isinstance(text, str) else json.dumps(text))
    before = file.read_bytes()
    assert CUT not in store and store.record(CUT) is None
    assert file.read_bytes() == before
    assert str(file) in store.set_aside(CUT)
    assert files(store) == [f"cut/{CUT.key}.json.damaged"]


def test_one_bit_of_a_network_is_noticed(store):
    store.save(TRAIN, LOSSES, MADE, network())
    file = store.root / "train" / f"{TRAIN.key}.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 64
    file.write_bytes(content)
    assert TRAIN not in store
    with pytest.raises(RuntimeError, match="must be as it was written"):
        store.load_network(TRAIN, network())
    assert str(file) in store.set_aside(TRAIN)


def test_older_records_have_no_checksum_and_what_they_say_is_checked(store):
    store.save(TRAIN, LOSSES, MADE, network(0))
    store.save(CUT, RESULT, MADE)
    of_network, of_cut = (store.root / step.kind / f"{step.key}.json" for step in (TRAIN, CUT))
    for file in (of_network, of_cut):
        record = json.loads(file.read_text())
        file.write_text(json.dumps({n: v for n, v in record.items() if n not in CHECKSUMS}))
    assert TRAIN in store and loads_as_saved(store) and CUT in store
    of_network.with_suffix(".safetensors").write_bytes(b"half")
    assert TRAIN not in store
    record = json.loads(of_cut.read_text())
    for value in (None, 7, float("nan"), 10**400):
        of_cut.write_text(json.dumps({**record, "result": {**RESULT, "accuracy": value}}))
        assert CUT not in store
    of_cut.unlink()
    of_cut.mkdir()
    assert CUT not in store and str(of_cut) in store.set_aside(CUT)


def test_what_killed_runs_left_is_swept_and_what_others_write_is_not(store):
    with store.lock(CUT), FileLock(store.root / ".1.run"):
        mine, theirs = (store.root / "cut" / f".0a.{key}.json" for key in ("0b", CUT.key))
        for file in (mine, theirs, store.root / ".2.run"):
            file.touch()
        for run in (1, 2, 3):
            reports_of(store.root / f".{run}.run").mkdir()
            (reports_of(store.root / f".{run}.run") / TRAIN.key).touch()
        store.sweep()
        of_living = {store.root / f".1.{what}" for what in ("run", "reports")}
        assert set(store.root.glob("**/.*")) == {theirs, *of_living}
    store.sweep()
    assert not list(store.root.glob("**/.*"))


def test_a_lock_keeps_others_out_of_its_step_alone(store):
    again, other = Store(store.root).lock(CUT), Store(store.root).lock(TRAIN)
    with store.lock(CUT), other.acquire(timeout=0), pytest.raises(Timeout):
        again.acquire(timeout=0.2)
    with again:  # it was let go of
        assert again.blocking and again.timeout < 0  # who waits does so as long as it takes


@pytest.mark.parametrize("name", ["read_text", "read_bytes"])
def test_what_may_not_be_read_is_not_damaged(store, monkeypatch, name):
    store.save(TRAIN, LOSSES, MADE, network(0))
    before = files(store)

    def refuse(path, *_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, name, refuse)
        with pytest.raises(PermissionError, match=TRAIN.key):
            store.set_aside(TRAIN)
        with pytest.raises(PermissionError, match=TRAIN.key):
            _ = TRAIN in store
    assert files(store) == before and TRAIN in store
