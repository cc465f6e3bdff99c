"""Pictures: every line shows the table's numbers, in the method's colour, in the page's ink."""

import re

import matplotlib
import numpy as np
import pandas as pd
import pytest
from made_tables import made
from matplotlib.colors import to_hex, to_rgb

from spectral_core.paper.pages import plots, style
from spectral_core.paper.pages.picture import Picture, drawing, inline_svg
from spectral_core.paper.pages.style import HUES, INK, PAPER, look
from spectral_core.paper.results import accuracies
from spectral_core.paper.results.tables import summary
from spectral_core.paper.study.figures import EXPERIMENTS, Panel
from spectral_core.paper.study.methods import METHODS
from spectral_core.paper.study.settings import Settings

METHODS_OF = {hue: [m for m in METHODS if style.training(m) == hue] for hue in HUES}


def lines(axes, method):
    """Lines of a method that go from point to point."""
    return [
        line
        for line in axes.get_lines()
        if to_hex(line.get_color()) == look(method).colour.lower() and len(line.get_xdata()) > 1
        if line.get_linestyle() not in ("None", "none")
    ]


def network(activation="elu", depth=1, methods=("direct", "post", "pre"), dataset="mnist"):
    return Panel.of(Settings(dataset, activation=activation, hidden=(500,) * depth), methods)


# How methods look


def contrast(colour, other):
    def luminance(rgb):
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    low, high = sorted((luminance(to_rgb(colour)), luminance(to_rgb(other))))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("page", ["#ffffff", "#121212"])
def test_each_hue_can_be_seen_on_a_white_and_on_a_dark_page(page):
    assert all(contrast(hue, page) >= 3 for hue in HUES.values())


def test_hue_is_the_training_and_no_two_methods_look_alike():
    assert style.training("direct-retrained") == "direct"
    assert style.training("stronger") == "post"
    assert style.training("fresh") == "pre"
    for hue, methods in METHODS_OF.items():
        assert {look(method).colour for method in methods} == {HUES[hue]}
        assert len({look(method) for method in methods}) == len(methods)
    for each in EXPERIMENTS.values():
        for methods in (one.methods for one in each.panels):
            assert len({look(method)[:2] for method in methods}) == len(methods)


def test_a_control_has_one_dash_and_marker_whatever_its_training():
    for ending in ("random", "per-layer"):
        assert look(f"post-{ending}")[1:] == look(f"pre-{ending}")[1:]
    assert look("direct-retrained")[1:] == look("post-retrained")[1:]


# A picture on a page


@pytest.fixture
def picture():
    figure = drawing(420, 300)
    axes = figure.add_subplot()
    axes.fill_between([0, 1], [0, 1], color=HUES["post"], alpha=0.2)
    axes.plot([0, 1], [0, 1], "o", color=HUES["pre"], markerfacecolor=PAPER)
    axes.text(0, 0, "a & b", color=HUES["direct"])
    return Picture((figure, figure), 'falls from 30 % "on" & <stays>')


def test_svg_takes_ink_paper_and_font_from_the_page(picture):
    text = inline_svg(picture.drawings[0])
    assert INK not in text and PAPER.lower() not in text
    assert "currentColor" in text and "DejaVu" not in text
    assert "<style" not in text and "<metadata" not in text  # they would reach the whole page
    assert "color-mix(in srgb, #b87500 70%, currentColor)" in text
    assert re.search(r'^<svg viewBox="0 0 420 300"', text)


def test_names_within_a_drawing_are_its_own_and_all_are_there(picture):
    one = inline_svg(picture.drawings[0])
    picture.drawings[0].axes[0].set_title("another")
    other = inline_svg(picture.drawings[0])
    ids = [set(re.findall(r' id="([^"]+)"', text)) for text in (one, other)]
    assert ids[0] and not ids[0] & ids[1]
    assert set(re.findall(r'(?:url\(|href=")#([\w-]+)', one)) == ids[0]


# Curves


def test_curves_are_means_over_seeds_in_per_cent(table):
    (figure,) = plots.curves(table, "alt").drawings
    (axes,) = figure.axes
    means = summary(table)
    for method, rows in means.groupby("method"):
        (line,) = lines(axes, method)
        np.testing.assert_allclose(line.get_ydata(), 100 * rows["accuracy"])
        np.testing.assert_allclose(line.get_xdata(), rows["percentile"])
    assert axes.get_xlim() == axes.get_ylim() == (0, 100)
    named = {text.get_text().replace("\n", " ") for text in axes.texts}
    assert {"chance", *(METHODS[m].title for m in ("direct", "post", "pre"))} <= named


def test_band_is_a_standard_deviation_and_a_single_run_has_none(table):
    (figure,) = plots.curves(table, "alt").drawings
    bands = figure.axes[0].collections
    highest = max(path.vertices[:, 1].max() for band in bands for path in band.get_paths())
    means = summary(table)
    assert highest == pytest.approx(100 * (means["accuracy"] + means["accuracy_sd"]).max())
    (single,) = plots.curves(table[table["seed"] == 0], "alt").drawings
    assert not single.axes[0].collections


def test_first_collapse_is_marked_and_only_there():
    results = made(network(depth=3), lambda m, q, *_: 0.9, methods=["direct", "pre"])
    gone = (results["method"] == "direct") & (results["percentile"] >= 70) & (results["seed"] == 1)
    results["kept"] = results["kept"].mask(gone, "450-0-0")
    (axes,) = plots.curves(results, "alt").drawings[0].axes
    crosses = [line for line in axes.get_lines() if line.get_marker() == "x"]
    assert [line.get_xydata().tolist() for line in crosses] == [[[70, 90]]]


def test_points_from_elsewhere_lie_on_top_of_their_own_panel():
    one, two = (
        made(network(name), lambda m, q, *_: 0.9, methods=["pre"]) for name in ("elu", "tanh")
    )
    others = one.assign(accuracy=0.8)
    first, second = plots.curves(pd.concat([one, two]), "alt", run=others).drawings
    (circles,) = [each for each in first.axes[0].get_lines() if each.get_marker() == "o"]
    assert set(circles.get_ydata()) == {80}
    assert all(each.get_marker() != "o" for each in second.axes[0].get_lines())


def test_weights_are_shares_of_the_unpruned_network():
    results = made(network(depth=3), lambda *_: 0.9, parameters=lambda m, q: 800 - 8 * q)
    (figure,) = plots.weights(results, "alt").drawings
    np.testing.assert_allclose(lines(figure.axes[0], "post")[0].get_ydata(), 100 - np.r_[0:100:5])
    with pytest.raises(ValueError, match="at least one panel"):
        plots.curves(results[:0], "alt")


def test_labels_keep_apart_within_the_scale_and_in_order():
    named = [(1.0, "a", ""), (1.5, "b\nb", ""), (50.0, "c", ""), (99.9, "d", "")]
    placed = plots.spread(named, line=4, low=0, high=100)
    heights = [y for y, _, _ in placed]
    assert heights == [2, 8, 50, 98]
    crowded = plots.spread([(99.0, text, "") for text in "abc"], line=4, low=0, high=100)
    assert [y for y, _, _ in crowded] == [90, 94, 98]


# All networks at once


@pytest.fixture
def twelve():
    """Two methods in two networks; the control falls from 60 % on, and collapses in the deep one
    at 90 %."""

    def accuracy(method, q, seed, _):
        return 0.9 + seed / 1000 - (0.1 if method == "pre-random" and q >= 60 else 0)

    tables = [
        made(network("relu", depth, ("pre", "pre-random")), accuracy, seeds=2) for depth in (1, 3)
    ]
    table = accuracies.described(pd.concat(tables))
    gone = (table["depth"] == 3) & (table["method"] == "pre-random") & (table["level"] >= 90)
    return table.assign(collapsed=gone)


def test_reach_is_the_level_before_a_point_is_lost(twelve):
    (figure,) = plots.reach(["pre", "pre-random"], "alt", table=twelve).drawings
    (axes,) = figure.axes
    full, hollow = axes.get_lines()
    assert list(full.get_xdata()) == [95, 95] and list(hollow.get_xdata()) == [55, 55]
    assert hollow.get_markerfacecolor() == PAPER != full.get_markerfacecolor()
    names = [label.get_text() for label in axes.get_yticklabels()]
    headings = [text.get_text() for text in axes.texts]
    assert names == ["ReLU", "ReLU"] and headings == ["MNIST · 1 × 500", "MNIST · 3 × 500"]


def test_differences_end_in_an_arrow_where_a_layer_collapses(twelve):
    shallow, deep = plots.differences("pre", ["pre-random"], "alt", table=twelve).drawings
    by_depth = [lines(figure.axes[0], "pre-random") for figure in (shallow, deep)]
    for thin, thick in by_depth:
        level = pd.Series(thin.get_ydata(), thin.get_xdata())
        np.testing.assert_allclose(level.loc[:55], 0, atol=1e-9)
        np.testing.assert_allclose(level.loc[60:85], 10)
        np.testing.assert_array_equal(thin.get_ydata(), thick.get_ydata())  # of one network
    assert np.isnan(by_depth[1][0].get_ydata()).sum() == 2  # 90 and 95 %
    arrows = [[x.get_marker() for x in f.axes[0].get_lines()] for f in (shallow, deep)]
    assert "^" not in arrows[0] and arrows[1].count("^") == 1
    assert all(figure.axes[0].get_ylim() == (-3, 3) for figure in (shallow, deep))


def test_drawing_leaves_the_look_of_other_pictures_alone(twelve):
    before = dict(matplotlib.rcParams)
    plots.reach(["pre"], "alt", table=twelve)._repr_html_()
    assert dict(matplotlib.rcParams) == before
