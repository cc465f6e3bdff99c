"""Comparison: counts worked out by hand, accuracy as evaluated, and tables that say them."""

import pandas as pd
import pytest
import torch
from made_networks import Own
from torch import nn

from benchmarks.architectures import SMALL, encoder
from spectral_core import compare, evaluate, node_scores, prune, spectral_mlp, spectralize
from spectral_core.layers.flow import Flow


@pytest.fixture(scope="module")
def compared():
    full = spectral_mlp((784, 300, 100, 10), "relu", bias=True)
    networks = full, prune(full, node_scores(full), percentile=[50, 50])
    x, y = torch.rand(40, 784), torch.randint(10, (40,))
    accuracies = [evaluate(network, x, y).accuracy for network in networks]
    return compare(*networks, x, y), accuracies, networks


def test_lenets_numbers(compared):
    found, accuracies, networks = compared
    assert (found.full.nodes, found.pruned.nodes) == (400, 200)
    assert found.full.channels == found.pruned.channels == 0
    assert found.full.parameters == 266_610
    assert found.pruned.parameters == 784 * 150 + 150 + 150 * 50 + 50 + 50 * 10 + 10
    assert found.full.flops == 2 * (784 * 300 + 300 * 100 + 100 * 10)
    assert found.pruned.flops == Flow(networks[1]).flops()
    assert found.full.latency > 0 and found.pruned.latency > 0 and found.batch == 40
    assert [found.full.accuracy, found.pruned.accuracy] == accuracies
    assert all(network.training for network in networks)


def test_convolutions_count_by_channels_and_places():
    model = nn.Sequential(
        *(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))
    )
    found = compare(spectralize(model), model, torch.rand(2, 3, 6, 6))
    assert found.full.channels == 8 and found.full.nodes == 0
    assert found.full.flops == 2 * (8 * 3 * 9 * 16 + 8 * 5)
    assert found.full.parameters == 8 * 27 + 8 + 45  # folded, as the spectral model is
    assert list(found.table().index)[:2] == ["channels", "parameters"]
    without = compare(model[:4], model[:4], torch.rand(2, 3, 6, 6))
    assert without.full.nodes == 0 and without.full.flops == 2 * 8 * 3 * 9 * 16
    assert without.full.accuracy is None and "accuracy (%)" not in str(without)


def test_networks_of_several_inputs():
    make, example = SMALL["two inputs"]
    found = compare(make(), make(), example())
    assert found.full.flops == 2 * (4 * 9 * 9 + 36 * 8 + 6 * 8 + 8 * 2) and found.batch == 3


def test_table_in_a_terminal_and_in_a_notebook(compared):
    found, (full, pruned), _ = compared
    table = found.table()
    assert isinstance(table, pd.DataFrame) and list(table.columns) == ["full", "pruned", "left"]
    assert list(table.loc["hidden nodes"]) == ["400", "200", "50.0 %"]
    assert table.loc["accuracy (%)", "left"] == f"{100 * (pruned - full):+.1f} pt"
    text, html = str(found), found._repr_html_()
    for cell in ("hidden nodes", "266,610", "50.0 %", "ms per batch of 40"):
        assert cell in text and cell in html
    assert repr(found) == text and "<table" in html


def test_a_model_that_normalises_in_place_is_measured_on_the_numbers_that_it_gets():
    def passes(own, x):
        return own.b(own.a(x.sub_(0.5).div_(0.9)).relu())

    network, x = Own(passes, a=nn.Linear(4, 8), b=nn.Linear(8, 2)), torch.rand(9, 4)
    targets, before = network(x.clone()).argmax(dim=1), x.clone()
    assert compare(network, network, x, targets).full.accuracy == 1 and torch.equal(x, before)


def test_a_frozen_transformer_layer_counts_as_much_as_one_that_trains():
    network, x = encoder().eval(), torch.rand(2, 5, 16)
    trains = compare(network, network, x).full.flops
    network.requires_grad_(False)
    assert compare(network, network, x).full.flops == trains > 0
    assert not any(parameter.requires_grad for parameter in network.parameters())
