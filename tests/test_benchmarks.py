"""Benchmarks: every suite runs; times are taken as they should be; tools that must agree do."""

import json
import sys
import time

import pytest
import torch
from click.testing import CliRunner

from benchmarks import __main__ as command
from benchmarks import gpu, onnx, tensorflow
from benchmarks.measure import Skipped, in_turns, ratios, spread
from benchmarks.tools import WAYS, nodes_left, trained
from spectral_core import fold, node_scores, prune
from spectral_core.data import load
from spectral_core.paper import paths
from spectral_core.paper.pages import question_plots
from spectral_core.paper.questions import compression

HERE = [name for name in command.SUITES if name not in ("tensorflow", "gpu", "architectures")]


class Rows(dict):
    """What a suite that needs nothing else gives at its tiny size, in one round, once it is asked
    for."""

    def __missing__(self, suite):
        threads = torch.get_num_threads()
        self[suite] = command.SUITES[suite].run(rounds=1, quick=True)
        torch.set_num_threads(threads)
        torch.set_flush_denormal(False)
        return self[suite]


@pytest.fixture(scope="module")
def rows():
    return Rows()


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


def test_what_the_book_says_of_a_step_is_what_was_measured():
    over = {(row["network"], row["contestant"]): row for row in compression.measured("step")}
    for precision, share in (("fp32", 62), ("bf16", 43)):
        row = over["784-500-10", f"products, {precision}"]
        assert round(100 * row[f"over ours, {precision}"]["median"]) == share
    text = (paths.project() / "book" / "reproduce.md").read_text(encoding="utf-8")
    assert "Matrix products are 62 %" in text and "43 % in bf16" in text
    rate = {
        (row["precision"], row["part"]): row["gflops"]["median"]
        for row in compression.measured("roofline")
    }
    for part in ("first layer, forward", "first layer, gradient of φ"):
        assert rate["fp32", part] > 0.7 * rate["fp32", "large product"]
        assert 0.28 < rate["bf16", part] / rate["bf16", "large product"] < 0.39


# The command, and what may not be here


@pytest.mark.parametrize(
    ("suite", "where", "name", "value", "needs"),
    [
        (tensorflow, vars(tensorflow), "NEEDED", ("no_such",), r"no_such.*\[bench-tf\].*spectral"),
        (onnx, sys.modules, "onnxscript", None, r"needs the extra \[onnx\]"),
        (gpu, vars(torch.cuda), "is_available", lambda: False, "CUDA"),
    ],
)
def test_a_suite_is_left_out_and_names_what_it_needs(monkeypatch, suite, where, name, value, needs):
    monkeypatch.setenv(tensorflow.PYTHON, sys.executable)
    monkeypatch.setitem(where, name, value)
    with pytest.raises(Skipped, match=needs):
        suite.run(quick=True)


def test_a_suite_that_is_left_out_is_no_error(monkeypatch, tmp_path):
    monkeypatch.setenv(tensorflow.PYTHON, str(tmp_path / "python"))
    done = CliRunner().invoke(command.main, ["tensorflow", "--quick"])
    assert done.exit_code == 0
    assert "tensorflow: left out." in done.output and tensorflow.PYTHON in done.output


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


# The clockwork


def test_contestants_take_turns_and_the_first_round_is_not_timed():
    ran = []
    contestants = {"a": lambda: ran.append("a"), "b": lambda: (ran.append("b"), time.sleep(0.02))}
    times = in_turns(contestants, 2)
    assert ran == ["a", "b"] * 3
    assert {name: len(seconds) for name, seconds in times.items()} == {"a": 2, "b": 2}
    assert min(times["b"]) >= 0.02 > max(times["a"])


def test_ratios_are_taken_round_by_round():
    times = {"slow": [2.0, 9.0, 8.0], "fast": [1.0, 3.0, 2.0]}
    assert ratios(times, "slow", "fast") == {"median": 3.0, "least": 2.0, "most": 4.0}
    assert spread([1.0, 4.0, 2.0, 3.0]) == {"median": 2.5, "least": 1.0, "most": 4.0}


# Other tools


@pytest.fixture(scope="module")
def case():
    return trained("spectral", load("digits"), (20, 30), epochs=2, seed=1)


def way(tool, criterion):
    return next(w for w in WAYS if (w.tool, w.criterion, w.per_layer) == (tool, criterion, True))


@pytest.mark.parametrize("each", WAYS, ids=lambda w: f"{w.tool}-{w.criterion}-{w.per_layer}")
def test_each_way_leaves_its_share_and_the_case_as_it_was(case, each):
    before = {name: tensor.clone() for name, tensor in case.network.state_dict().items()}
    x = case.data.train_inputs[:9]
    for keep in (1.0, 0.5, 0.1):
        small = each.prune(case, keep)
        assert abs(nodes_left(small) - 50 * keep) <= 2  # Torch-Pruning rounds
        assert small(x).shape == (9, 10)
        assert keep < 1 or torch.allclose(small(x), case.network(x), atol=1e-5)
    assert all(torch.equal(t, before[name]) for name, t in case.network.state_dict().items())


def test_masks_by_length_are_our_invariant_per_layer(case):
    theirs = way("torch.nn.utils.prune", "ln_structured").prune(case, 0.5)
    ours = way("Spectral Core", "invariant").prune(case, 0.5)
    torch.testing.assert_close(theirs(case.data.train_inputs), ours(case.data.train_inputs))
    assert theirs[0].out_features == 20  # a mask leaves the layer its size


def test_torch_pruning_looks_at_both_sides_of_a_node(case):
    """Its importance in words: the mean of squared lengths of incoming and outgoing weights."""
    plain = fold(case.network)
    incoming, outgoing = plain[0].weight.square().sum(1), plain[2].weight.square().sum(0)
    kept = (incoming + outgoing).topk(10).indices.sort().values
    small = way("Torch-Pruning", "magnitude").prune(case, 0.5)
    assert torch.equal(small[0].weight, plain[0].weight[kept])


def test_rows_are_those_of_one_share_measured_by_itself(rows):
    assert len(rows["tools"]) == 2 * (2 * len(WAYS) - 2 + 2 * sum(w.per_layer for w in WAYS) - 1)
    data = load("digits")
    network = trained("spectral", data, (16,), epochs=1, seed=0).network
    small = prune(network, node_scores(network), nodes=0.1)
    right = small(data.test_inputs).argmax(1) == data.test_targets
    (row,) = (
        row
        for row in rows["tools"]
        if (row["hidden"], row["training"], row["criterion"]) == ("16", "spectral", "eigenvalue")
        and row["keep"] == 0.1
    )
    assert row["accuracy"] == [pytest.approx(float(right.float().mean()))]
    assert row["seed"] == [0] and row["nodes"] == [1]


def test_dots_show_means_with_random_as_the_line_to_beat():
    rows = compression.other_tools().query("per_layer and hidden == '500-500-500'")
    direct, spectral = question_plots.dots(rows, 50, "alt").drawings
    rows = rows.query("training == 'spectral' and keep == 0.5")
    means = 100 * rows.groupby("criterion")["accuracy"].mean()
    labels = [label.get_text() for label in spectral.axes[0].get_yticklabels()]
    order = [question_plots.CRITERIA[name] for name in means.sort_values().index]
    assert labels == order and len(labels) == 7
    assert "|λ|" not in [label.get_text() for label in direct.axes[0].get_yticklabels()]
    line = next(x for x in spectral.axes[0].get_lines() if len(x.get_xdata()) == 2)
    assert line.get_xdata()[0] == pytest.approx(means["random"])
