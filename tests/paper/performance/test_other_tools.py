"""Other tools: ways that must agree do, every way leaves what it is told to, tables add up."""

import json

import matplotlib
import numpy as np
import pandas as pd
import pytest
import torch

from spectral_core import fold, layer_scores, node_scores, prune
from spectral_core.data import load
from spectral_core.paper.performance.other_tools import (
    WAYS,
    accuracy_against_nodes,
    from_rows,
    nodes_left,
    to_rows,
    trained,
)
from spectral_core.paper.performance.tools_tables import accuracy_table, margin_table, size_table
from spectral_core.paper.plots.other_tools import COLOURS, MARKERS, TITLES, tools_figure

SHARES = (1.0, 0.5, 0.1)


@pytest.fixture(scope="module")
def case():
    return trained("spectral", load("digits"), (20, 30), "elu", epochs=2, seed=1)


@pytest.fixture(scope="module")
def measured():
    return accuracy_against_nodes("digits", (20, 30), epochs=2, seeds=2, keep=SHARES)


def way(tool, criterion, per_layer):
    (found,) = [
        w for w in WAYS if (w.tool, w.criterion, w.per_layer) == (tool, criterion, per_layer)
    ]
    return found


@pytest.mark.parametrize("each", WAYS, ids=lambda w: f"{w.tool}-{w.criterion}-{w.per_layer}")
@pytest.mark.parametrize("keep", SHARES)
def test_each_way_leaves_its_share_and_the_case_as_it_was(case, each, keep):
    before = {name: tensor.clone() for name, tensor in case.network.state_dict().items()}
    small = each.cut(case, keep)
    assert abs(nodes_left(small) - 50 * keep) <= 2  # Torch-Pruning rounds
    for name, tensor in case.network.state_dict().items():
        assert torch.equal(tensor, before[name])
    x = case.inputs[:9]
    assert small(x).shape == (9, 10)
    if keep == 1:
        torch.testing.assert_close(small(x), case.network(x))


@pytest.mark.parametrize("keep", [0.8, 0.5, 0.1])
def test_masks_by_length_are_our_invariant_per_layer(case, keep):
    theirs = way("torch.nn.utils.prune", "ln_structured", True).cut(case, keep)
    ours = way("Spectral Core", "invariant", True).cut(case, keep)
    torch.testing.assert_close(theirs(case.inputs), ours(case.inputs))
    assert theirs[0].out_features == 20  # a mask leaves the layer its size


def test_torch_pruning_looks_at_both_sides_of_a_node(case):
    """Its importance in words: the mean of squared lengths of incoming and outgoing weights."""
    plain = fold(case.network)
    incoming, outgoing = plain[0].weight.square().sum(1), plain[2].weight.square().sum(0)
    kept = (incoming + outgoing).topk(10).indices.sort().values
    small = way("Torch-Pruning", "magnitude", True).cut(case, 0.5)
    assert torch.equal(small[0].weight, plain[0].weight[kept])


def test_random_is_drawn_from_the_seed(case):
    cut = way("Spectral Core", "random", False).cut
    torch.testing.assert_close(cut(case, 0.5)(case.inputs), cut(case, 0.5)(case.inputs))


def test_rows_are_those_of_one_cut_measured_by_itself(measured):
    assert len(measured) == 2 * len(SHARES) * (len(WAYS) + len(WAYS) - 2)
    data = load("digits")
    found = trained("spectral", data, (20, 30), "elu", epochs=2, seed=1)
    small = prune(found.network, node_scores(found.network), nodes=0.5)
    right = (small(data.test_inputs).argmax(1) == data.test_targets).float().mean()
    row = measured.query(
        "training == 'spectral' and seed == 1 and criterion == 'eigenvalue' "
        "and not per_layer and keep == 0.5"
    )
    assert row["accuracy"].item() == pytest.approx(float(right))
    assert row["nodes"].item() == 25
    assert set(layer_scores(found.network)) == {"0", "2", "4"}


def test_one_hidden_layer_is_measured_once():
    found = accuracy_against_nodes("digits", [8], epochs=1, seeds=1, keep=[0.5])
    assert found["per_layer"].all()
    assert found.groupby("training").size().to_dict() == {"direct": 6, "spectral": 7}


def test_tables_add_up(measured):
    table = accuracy_table(measured)
    assert list(table.columns) == ["100 % kept", "50 % kept", "10 % kept"]
    assert len(table) == len(WAYS) + len(WAYS) - 2
    rows = measured.query(
        "training == 'direct' and criterion == 'magnitude' and per_layer and keep == 0.5"
    )
    mean, sd = 100 * rows["accuracy"].mean(), 100 * rows["accuracy"].std()
    cell = ("direct", "per layer", "Torch-Pruning", "magnitude")
    assert table.loc[cell, "50 % kept"] == f"{mean:.1f} ± {sd:.1f}"
    ours = measured.query(
        "training == 'direct' and criterion == 'connectivity' and per_layer and keep == 0.5"
    )
    margins = 100 * (ours["accuracy"].to_numpy() - rows["accuracy"].to_numpy())
    expected = f"{margins.mean():+.1f} ± {margins.std(ddof=1):.1f}"
    assert margin_table(measured).loc[cell, "50 % kept"] == expected
    assert len(margin_table(measured)) == 6  # two trainings; masks per layer, Torch-Pruning both


def test_rows_of_a_file_hold_the_same(measured):
    rows = json.loads(json.dumps(to_rows(measured)))
    assert len(rows) == len(measured) / 2
    order = ["training", "per_layer", "tool", "criterion", "keep", "seed"]
    again = from_rows(rows).sort_values(order, ignore_index=True)
    pd.testing.assert_frame_equal(
        again[list(measured)], measured.sort_values(order, ignore_index=True)
    )


def test_masks_alone_leave_a_network_its_size():
    table = size_table("digits", [40, 40], keep=0.5)
    masks = table.loc["torch.nn.utils.prune"]
    assert masks["parameters"] == masks["FLOPs"] == "100.0 %"
    full, half = 64 * 40 + 40 * 40 + 40 * 10, 64 * 20 + 20 * 20 + 20 * 10
    for tool in ("Spectral Core", "Torch-Pruning"):
        assert table.loc[tool, "parameters"] == f"{100 * half / full:.1f} %"


def test_figure_draws_every_way_in_its_colour(measured):
    with matplotlib.rc_context():
        matplotlib.use("agg")
        figure = tools_figure(measured)
        assert len(figure.axes) == 4
        for panel, count in zip(figure.axes, (5, 6, 7 - 1, 7)):
            assert len(panel.get_lines()) == count
        labels = {text.get_text() for text in figure.legends[0].get_texts()}
        assert {"eigenvalue", "Torch-Pruning: magnitude"} <= labels and len(labels) == 7
        line = next(n for n in figure.axes[3].get_lines() if n.get_label() == "eigenvalue")
        expected = measured.query(
            "training == 'spectral' and criterion == 'eigenvalue' and per_layer"
        )
        means = expected.groupby("keep")["accuracy"].mean()
        np.testing.assert_allclose(line.get_ydata(), means)
        assert len(tools_figure(measured[measured["per_layer"]]).axes) == 2
        matplotlib.pyplot.close("all")
    criteria = {way.criterion for way in WAYS}
    assert set(COLOURS) == set(MARKERS) == criteria
    assert len(set(COLOURS.values())) == len(set(MARKERS.values())) == len(criteria)
    assert set(TITLES) == set(measured["training"])


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"dataset": "digit"}, ValueError, "Did you mean 'digits'"),
        ({"hidden": []}, ValueError, "hidden must"),
        ({"keep": [0.0]}, ValueError, r"keep\[0\] must be a number in \(0, 1\]"),
        ({"seeds": 0}, ValueError, "seeds must"),
    ],
)
def test_bad_arguments_are_named(settings, error, words):
    arguments = {"dataset": "digits", "hidden": [4], "epochs": 1, "seeds": 1, "keep": [0.5]}
    with pytest.raises(error, match=words):
        accuracy_against_nodes(**arguments | settings)


def test_a_network_without_nodes_in_one_layer_counts_those_of_the_others(case):
    empty = prune(case.network, [torch.zeros(20), torch.ones(30)], nodes=30)
    assert nodes_left(empty) == 30
