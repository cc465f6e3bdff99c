"""The figure of eigenvalues shows each layer's |λ|, what stays and what goes, and the cut."""

import matplotlib.pyplot
import numpy as np
import pytest
import torch
from torch import nn

from spectral_core import node_scores, plot_spectrum, select, spectral_mlp, spectralize
from spectral_core.interop.spectrum_plot import GOES, STAYS


@pytest.fixture(autouse=True)
def no_window():
    with matplotlib.rc_context():
        matplotlib.use("agg")
        yield
        matplotlib.pyplot.close("all")


@pytest.fixture
def network():
    return spectral_mlp((6, 8, 5, 3), "elu", generator=torch.Generator().manual_seed(0))


def points(axes):
    """|λ| by what the legend says of it, with the ranks."""
    return {line.get_label(): line.get_xydata() for line in axes.get_lines()}


def test_every_layer_has_its_eigenvalues_the_largest_first(network):
    panels = plot_spectrum(network).axes
    assert [axes.get_title() for axes in panels] == [
        f"{name}: {n} eigenvalues" for name, n in (("0", 8), ("2", 5), ("4", 3))
    ]
    for axes, layer in zip(panels, (network[0], network[2], network[4])):
        (line,) = axes.get_lines()
        assert line.get_color() == STAYS
        drawn = line.get_xydata()
        drawn = drawn[drawn[:, 0].argsort()]
        expected = layer.eigenvalues.detach().abs().sort(descending=True).values
        np.testing.assert_allclose(drawn[:, 1], expected)
        np.testing.assert_array_equal(drawn[:, 0], np.arange(1, len(expected) + 1))
        assert axes.get_legend() is None


def test_what_goes_is_grey_and_lies_below_the_cut(network):
    kept = select(node_scores(network), 50)
    first, second, last = plot_spectrum(network, kept).axes
    for axes, indices, layer in ((first, kept[0], network[0]), (second, kept[1], network[2])):
        shown = points(axes)
        lam = layer.eigenvalues.detach().abs()
        np.testing.assert_allclose(np.sort(shown["stays"][:, 1]), lam[indices].sort().values)
        assert len(shown["goes"]) == len(lam) - len(indices)
        np.testing.assert_allclose(shown["cut"][0, 1], lam[indices].min())
        assert shown["goes"][:, 1].max() < shown["cut"][0, 1]
        grey = [line for line in axes.get_lines() if line.get_label() == "goes"]
        assert grey[0].get_color() == GOES
    assert set(points(last)) == {"stays"}  # the output layer is never pruned


def test_another_ranking_has_no_cut_in_the_spectrum(network):
    lam = network[0].eigenvalues.detach().abs()
    kept = [torch.tensor([int(lam.argmin())]), torch.arange(5)]
    shown = points(plot_spectrum(network, kept).axes[0])
    assert set(shown) == {"stays", "goes"} and len(shown["stays"]) == 1
    nothing = [torch.tensor([], dtype=torch.int64), torch.arange(5)]
    assert set(points(plot_spectrum(network, nothing).axes[0])) == {"goes"}


def test_convolutions_and_axes_have_names():
    model = nn.Sequential(
        *(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 6), nn.ReLU()),
        nn.Linear(6, 2),
    )
    figure = plot_spectrum(spectralize(model), [torch.arange(3)])
    first, second = figure.axes
    assert len(points(first)["stays"]) == 4
    assert first.get_ylabel() == "|λ| (no unit)"
    assert "rank" in figure.get_supxlabel()
    assert len(points(second)["goes"]) == 3
