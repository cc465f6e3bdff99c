"""Other tools: ways that must agree do, every way leaves its share, pictures show the numbers."""

import pytest
import torch

from benchmarks.other_tools import WAYS, accuracy_against_nodes, nodes_left, to_rows, trained
from spectral_core import fold, node_scores, prune
from spectral_core.data import load
from spectral_core.paper.pages import question_plots
from spectral_core.paper.questions import compression

SHARES = (1.0, 0.5, 0.1)


@pytest.fixture(scope="module")
def case():
    return trained("spectral", load("digits"), (20, 30), epochs=2, seed=1)


@pytest.fixture(scope="module")
def measured():
    return accuracy_against_nodes("digits", (20, 30), epochs=2, seeds=2, keep=SHARES)


def way(tool, criterion, per_layer):
    wanted = (tool, criterion, per_layer)
    return next(w for w in WAYS if (w.tool, w.criterion, w.per_layer) == wanted)


@pytest.mark.parametrize("each", WAYS, ids=lambda w: f"{w.tool}-{w.criterion}-{w.per_layer}")
@pytest.mark.parametrize("keep", SHARES)
@pytest.mark.slow
def test_each_way_leaves_its_share_and_the_case_as_it_was(case, each, keep):
    before = {name: tensor.clone() for name, tensor in case.network.state_dict().items()}
    small, x = each.prune(case, keep), case.data.train_inputs[:9]
    assert abs(nodes_left(small) - 50 * keep) <= 2  # Torch-Pruning rounds
    assert all(torch.equal(t, before[name]) for name, t in case.network.state_dict().items())
    assert small(x).shape == (9, 10)
    if keep == 1:
        torch.testing.assert_close(small(x), case.network(x))


def test_masks_by_length_are_our_invariant_per_layer(case):
    theirs = way("torch.nn.utils.prune", "ln_structured", True).prune(case, 0.5)
    ours = way("Spectral Core", "invariant", True).prune(case, 0.5)
    torch.testing.assert_close(theirs(case.data.train_inputs), ours(case.data.train_inputs))
    assert theirs[0].out_features == 20  # a mask leaves the layer its size


def test_torch_pruning_looks_at_both_sides_of_a_node(case):
    """Its importance in words: the mean of squared lengths of incoming and outgoing weights."""
    plain = fold(case.network)
    incoming, outgoing = plain[0].weight.square().sum(1), plain[2].weight.square().sum(0)
    kept = (incoming + outgoing).topk(10).indices.sort().values
    small = way("Torch-Pruning", "magnitude", True).prune(case, 0.5)
    assert torch.equal(small[0].weight, plain[0].weight[kept])


@pytest.mark.slow
def test_rows_are_those_of_one_level_measured_by_itself(measured, case):
    assert len(measured) == 2 * len(SHARES) * (len(WAYS) + len(WAYS) - 2)
    small = prune(case.network, node_scores(case.network), nodes=0.5)
    right = small(case.data.test_inputs).argmax(1) == case.data.test_targets
    row = measured.query(
        "training == 'spectral' and seed == 1 and criterion == 'eigenvalue' "
        "and not per_layer and keep == 0.5"
    )
    assert row["accuracy"].item() == pytest.approx(float(right.float().mean()))
    assert row["nodes"].item() == 25


def test_a_row_of_a_file_holds_all_seeds_of_a_case(measured):
    rows = to_rows(measured)
    assert len(rows) == len(measured) / 2 and all(row["seed"] == [0, 1] for row in rows)
    assert sum(sum(row["nodes"]) for row in rows) == measured["nodes"].sum()


def test_dots_show_means_with_random_as_the_line_to_beat(measured):
    rows = measured[measured["per_layer"]]
    direct, spectral = question_plots.dots(rows, 50, "alt").drawings
    rows = rows.query("training == 'spectral' and keep == 0.5")
    means = 100 * rows.groupby("criterion")["accuracy"].mean()
    labels = [label.get_text() for label in spectral.axes[0].get_yticklabels()]
    order = [question_plots.CRITERIA[name] for name in means.sort_values().index]
    assert labels == order and len(labels) == 7
    assert "|λ|" not in [label.get_text() for label in direct.axes[0].get_yticklabels()]
    line = next(x for x in spectral.axes[0].get_lines() if len(x.get_xdata()) == 2)
    assert line.get_xdata()[0] == pytest.approx(means["random"])
    assert set(compression.other_tools()["hidden"]) == {"500", "500-500-500"}


def test_bad_arguments_are_named():
    arguments = {"dataset": "digits", "hidden": [4], "epochs": 1, "seeds": 1, "keep": [0.5]}
    for changed, words in (
        ({"dataset": "digit"}, "Did you mean 'digits'"),
        ({"hidden": []}, "hidden must"),
        ({"keep": [0.0]}, r"keep\[0\] must be a number in \(0, 1\]"),
        ({"seeds": 0}, "seeds must"),
    ):
        with pytest.raises(ValueError, match=words):
            accuracy_against_nodes(**arguments | changed)
