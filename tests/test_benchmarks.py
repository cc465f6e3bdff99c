"""Benchmarks: every suite runs; times are taken as they should be."""

import json
import os
import sys
import time

import pytest
import torch
from click.testing import CliRunner

from benchmarks import __main__ as command
from benchmarks import gpu, onnx, tensorflow
from benchmarks.measure import Skipped, in_turns, ratios, side_by_side, spread

HERE = [name for name in command.SUITES if name not in ("tensorflow", "gpu", "reach")]


@pytest.fixture(scope="module")
def rows():
    """What each suite that needs nothing else gives at its tiny size, in one round."""
    threads = torch.get_num_threads()
    found = {name: command.SUITES[name].run(rounds=1, quick=True) for name in HERE}
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)
    return found


def spreads(value):
    """Every spread inside some rows."""
    if isinstance(value, dict) and "median" in value:
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from spreads(inner)


@pytest.mark.parametrize("suite", [name for name in HERE if name != "tools"])
def test_suite_gives_positive_spreads(rows, suite):
    found = list(spreads(rows[suite]))
    assert found
    for each in found:
        assert 0 < each["least"] <= each["median"] <= each["most"]


def test_figures_parts_add_up_to_the_whole(rows):
    *parts, whole = rows["figure"]
    for name, seconds in whole["seconds"].items():
        total = sum(part["seconds"][name]["median"] for part in parts)
        assert seconds["median"] == pytest.approx(total)
        minutes = whole[f"{name}_minutes_of_five_seeds"]["median"]
        assert minutes == pytest.approx(total * 5 / 2 / 60)


def test_every_contestant_of_a_step_is_measured_against_ours_and_the_products(rows):
    for network in {row["network"] for row in rows["step"]}:
        mine = {row["contestant"]: row for row in rows["step"] if row["network"] == network}
        assert {"autograd, fused Adam", "autograd, Adam, DataLoader"} < set(mine)
        for name in ("ours, fp32", "ours, bf16", "products, fp32", "products, bf16"):
            assert mine[name][f"over {name}"]["median"] == 1


# Suites that need what may not be here


def test_without_tensorflow_its_suite_is_left_out_and_names_the_extra(monkeypatch):
    monkeypatch.setattr(tensorflow, "NEEDED", ("no_such_module",))
    monkeypatch.setenv(tensorflow.PYTHON, sys.executable)
    with pytest.raises(Skipped, match=r"no_such_module.*\[bench-tf\].*--no-deps spectraltools"):
        tensorflow.run(quick=True)
    done = CliRunner().invoke(command.main, ["tensorflow", "--quick"])
    assert done.exit_code == 0
    assert "tensorflow: left out." in done.output and "[bench-tf]" in done.output


def test_without_onnx_its_suite_is_left_out_and_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(Skipped, match=r"needs the extra \[onnx\]"):
        onnx.run(quick=True)


def test_a_python_that_is_none_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv(tensorflow.PYTHON, str(tmp_path / "python"))
    with pytest.raises(Skipped, match=tensorflow.PYTHON):
        tensorflow.run(quick=True)


def test_without_a_gpu_its_suite_is_left_out(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(Skipped, match="CUDA"):
        gpu.run(quick=True)


# What is kept


def test_command_merges_a_suites_results_into_the_file(monkeypatch, tmp_path):
    class Suite:
        @staticmethod
        def run(rounds=3, quick=False):
            return [{"rounds": rounds, "quick": quick}]

    monkeypatch.setitem(command.SUITES, "epoch", Suite)
    file = tmp_path / "results.json"
    file.write_text('{"epoch": {"rows": []}, "figure": {"rows": [1]}}', encoding="utf-8")
    done = CliRunner().invoke(command.main, ["epoch", "--rounds", "2", "--results", str(file)])
    assert done.exit_code == 0, done.output
    found = json.loads(file.read_text(encoding="utf-8"))
    assert found["figure"] == {"rows": [1]}
    assert found["epoch"]["rows"] == [{"rounds": 2, "quick": False}]
    assert found["epoch"]["made"]["device"] == "cpu"
    assert set(found["epoch"]["machine"]) == {"cores", "amx_bf16", "avx512_bf16"}


def test_a_merge_that_fails_leaves_the_file_as_it_was(monkeypatch, tmp_path):
    file = tmp_path / "results.json"
    command.merge(file, "epoch", {"rows": [1]})
    before = file.read_bytes()
    with pytest.raises(TypeError):
        command.merge(file, "epoch", {"rows": [object()]})

    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        command.merge(file, "figure", {"rows": [2]})
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


# The clockwork


def test_contestants_take_turns_and_the_first_round_is_not_timed():
    ran = []
    contestants = {"a": lambda: ran.append("a"), "b": lambda: (ran.append("b"), time.sleep(0.02))}
    times = in_turns(contestants, 2)
    assert ran == ["a", "b"] * 3
    assert {name: len(seconds) for name, seconds in times.items()} == {"a": 2, "b": 2}
    assert min(times["b"]) >= 0.02 > max(times["a"])
    in_turns(contestants, 1, warm_up=False)
    assert ran == ["a", "b"] * 4


def test_ratios_are_taken_round_by_round():
    times = {"slow": [2.0, 9.0, 8.0], "fast": [1.0, 3.0, 2.0]}
    assert ratios(times, "slow", "fast") == {"median": 3.0, "least": 2.0, "most": 4.0}
    assert spread([5.0]) == {"median": 5.0, "least": 5.0, "most": 5.0}
    assert spread([1.0, 4.0, 2.0, 3.0]) == {"median": 2.5, "least": 1.0, "most": 4.0}


@pytest.mark.slow
def test_calls_run_in_processes_of_one_thread():
    found = side_by_side(process_and_threads, [(i,) for i in range(2)])
    assert [number for number, *_ in found] == [0, 1]
    assert os.getpid() not in {process for _, process, _ in found}
    assert {threads for *_, threads in found} == {1}


def process_and_threads(number):
    return number, os.getpid(), torch.get_num_threads()
