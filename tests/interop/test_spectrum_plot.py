"""The figure of eigenvalues shows each layer's |λ|, what stays and what goes, and the cut."""

import matplotlib.pyplot
import numpy as np
import pytest
import torch
from made_networks import network_of
from torch import nn

from spectral_core import node_scores, plot_spectrum, select, spectralize
from spectral_core.interop.spectrum_plot import GOES, STAYS


@pytest.fixture(autouse=True)
def no_window():
    with matplotlib.rc_context():
        matplotlib.use("agg")
        yield
        matplotlib.pyplot.close("all")


NETWORK = network_of((6, 8, 5, 3), "both")


def lines_of(axes):
    """Lines by what the legend says of them, and their |λ|."""
    lines = {line.get_label(): line for line in axes.get_lines()}
    return lines, {label: line.get_ydata() for label, line in lines.items()}


def test_every_layer_has_its_eigenvalues_the_largest_first():
    figure = plot_spectrum(NETWORK)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["0: 8 eigenvalues", "2: 5 eigenvalues", "4: 3 eigenvalues"]
    for axes, layer in zip(figure.axes, NETWORK[::2]):
        (line,) = axes.get_lines()
        assert line.get_color() == STAYS and axes.get_legend() is None
        ranks, drawn = line.get_xydata()[line.get_xdata().argsort()].T
        lam = layer.eigenvalues.detach().abs().sort(descending=True).values
        np.testing.assert_allclose(drawn, lam)
        np.testing.assert_array_equal(ranks, np.arange(1, len(lam) + 1))
    assert figure.axes[0].get_ylabel() == "|λ| (no unit)" and "rank" in figure.get_supxlabel()


def test_what_goes_is_grey_and_lies_below_the_cut():
    kept = select(node_scores(NETWORK), 50)
    *hidden, last = plot_spectrum(NETWORK, kept).axes
    for axes, indices, layer in zip(hidden, kept, NETWORK[::2]):
        lines, shown = lines_of(axes)
        lam = layer.eigenvalues.detach().abs()
        np.testing.assert_allclose(np.sort(shown["kept"]), lam[indices].sort().values)
        assert len(shown["pruned"]) == len(lam) - len(indices)
        np.testing.assert_allclose(shown["threshold"][0], lam[indices].min())
        assert shown["pruned"].max() < shown["threshold"][0]
        assert lines["pruned"].get_color() == GOES
    assert set(lines_of(last)[0]) == {"kept"}  # the output layer is never pruned


def test_another_ranking_has_no_cut_in_the_spectrum():
    worst = NETWORK[0].eigenvalues.detach().abs().argmin()
    for first, labels in (([int(worst)], {"kept", "pruned"}), ([], {"pruned"})):
        figure = plot_spectrum(NETWORK, [torch.tensor(first, dtype=int), torch.arange(5)])
        assert set(lines_of(figure.axes[0])[0]) == labels


def test_convolutions_are_drawn_and_not_pruned():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(144, 6), nn.Linear(6, 2))
    first, second = plot_spectrum(spectralize(model), [torch.arange(3)]).axes
    assert len(lines_of(first)[1]["kept"]) == 4 and len(lines_of(second)[1]["pruned"]) == 3


def test_eigenvalues_in_half_precision_are_drawn():
    (axes,) = plot_spectrum(spectralize(nn.Sequential(nn.Linear(4, 3)), skip=()).bfloat16()).axes
    assert len(lines_of(axes)[1]["kept"]) == 3
