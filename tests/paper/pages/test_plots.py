"""Pictures: every line shows the table's numbers, in the method's colour, in the page's ink."""

import itertools
import re

import matplotlib
import numpy as np
import pandas as pd
import pytest
from made_tables import by_rule
from matplotlib.colors import to_hex, to_rgb

from spectral_core.paper.pages import plots, question_plots, style
from spectral_core.paper.pages.picture import Picture, drawing, inline_svg
from spectral_core.paper.pages.style import HUES, INK, PAPER, look
from spectral_core.paper.results.collect import summary
from spectral_core.paper.study.figures import EXPERIMENTS
from spectral_core.paper.study.methods import METHODS


def lines(axes, method):
    """Lines of a method that go from point to point."""
    return [
        line
        for line in axes.get_lines()
        if to_hex(line.get_color()) == look(method).colour.lower() and len(line.get_xdata()) > 1
        if line.get_linestyle() not in ("None", "none")
    ]


def marked(axes, marker):
    return [line for line in axes.get_lines() if line.get_marker() == marker]


# How methods look


def luminance(colour):
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return np.dot(parts, (0.2126, 0.7152, 0.0722)) + 0.05


@pytest.mark.parametrize("page", ["#ffffff", "#121212"])
def test_each_hue_can_be_seen_on_a_white_and_on_a_dark_page(page):
    for hue in HUES.values():
        low, high = sorted((luminance(hue), luminance(page)))
        assert high / low >= 3


def test_hue_is_the_training_and_no_two_methods_look_alike():
    for method, hue in {"direct-retrained": "direct", "stronger": "post", "fresh": "pre"}.items():
        assert style.training(method) == hue and look(method).colour == HUES[hue]
    assert len({look(method) for method in METHODS}) == len(METHODS)
    for panel in itertools.chain.from_iterable(EXPERIMENTS.values()):
        assert len({look(method)[:2] for method in panel.methods}) == len(panel.methods)
    for control in ("random", "per-layer"):  # one dash and marker, whatever the training
        assert look(f"post-{control}")[1:] == look(f"pre-{control}")[1:]


# A picture on a page


def test_svg_takes_ink_paper_and_font_from_the_page_and_its_names_are_its_own():
    figure = drawing(420, 300)
    axes = figure.add_subplot()
    axes.fill_between([0, 1], [0, 1], color=HUES["post"], alpha=0.2)
    axes.plot([0, 1], [0, 1], "o", color=HUES["pre"], markerfacecolor=PAPER)
    axes.text(0, 0, "a & b", color=HUES["direct"])
    text = inline_svg(figure)
    assert INK not in text and PAPER.lower() not in text
    assert "currentColor" in text and "DejaVu" not in text
    assert "<style" not in text and "<metadata" not in text  # they would reach the whole page
    assert "color-mix(in srgb, #b87500 70%, currentColor)" in text
    assert re.search(r'^<svg viewBox="0 0 420 300"', text)
    names = set(re.findall(r' id="([^"]+)"', text))
    assert names and set(re.findall(r'(?:url\(|href=")#([\w-]+)', text)) == names
    axes.set_title("another")
    assert not names & set(re.findall(r' id="([^"]+)"', inline_svg(figure)))
    assert (
        'aria-label="on &quot;a&quot; &amp; &lt;b&gt;"'
        in Picture((figure,), 'on "a" & <b>')._repr_html_()
    )


# Curves


def test_curves_are_means_over_seeds_in_bands_of_a_standard_deviation(table):
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
    paths = [path for band in axes.collections for path in band.get_paths()]
    highest = max(path.vertices[:, 1].max() for path in paths)
    assert highest == pytest.approx(100 * (means["accuracy"] + means["accuracy_sd"]).max())
    (single,) = plots.curves(table[table["seed"] == 0], "alt").drawings
    assert not single.axes[0].collections
    with pytest.raises(ValueError, match="at least one panel"):
        plots.curves(table[:0], "alt")


def test_first_collapse_is_marked_and_only_there():
    lost = {("direct", q, 1): "450-0-0" for q in range(70, 100, 5)}
    results = by_rule(lambda *_: 0.9, ["direct", "pre"], hidden="500-500-500", kept=lost)
    (axes,) = plots.curves(results, "alt").drawings[0].axes
    assert [line.get_xydata().tolist() for line in marked(axes, "x")] == [[[70, 90]]]


def test_points_from_elsewhere_lie_on_top_of_their_own_panel():
    one, two = (by_rule(lambda *_: 0.9, ["pre"], activation=name) for name in ("elu", "tanh"))
    both, run = pd.concat([one, two]), one.assign(accuracy=0.8)
    first, second = plots.curves(both, "alt", run=run).drawings
    (circles,) = marked(first.axes[0], "o")
    assert set(circles.get_ydata()) == {80} and not marked(second.axes[0], "o")


def test_weights_are_shares_of_the_unpruned_network():
    (figure,) = plots.weights(by_rule(lambda *_: 0.9), "alt").drawings
    np.testing.assert_allclose(lines(figure.axes[0], "post")[0].get_ydata(), 100 - np.r_[0:100:5])


def test_labels_keep_apart_within_the_scale_and_in_order():
    named = [(1.0, "a", ""), (1.5, "b\nb", ""), (50.0, "c", ""), (99.9, "d", "")]
    assert [y for y, *_ in plots.keep_apart(named, line=4, low=0, high=100)] == [2, 8, 50, 98]
    crowded = plots.keep_apart([(99.0, text, "") for text in "abc"], line=4, low=0, high=100)
    assert [y for y, *_ in crowded] == [90, 94, 98]


# All networks at once


@pytest.fixture(scope="module")
def two():
    """Two methods in two networks; the control falls from 60 % on, and collapses in the deep one
    at 90 %."""

    def accuracy(method, q, seed):
        return 0.9 + seed / 1000 - (0.1 if method == "pre-random" and q >= 60 else 0)

    def network(hidden, **options):
        return by_rule(accuracy, ["pre", "pre-random"], hidden=hidden, **options)

    lost = {("pre-random", q, 0): "0-1-1" for q in (90, 95)}
    return pd.concat([network("500"), network("500-500-500", kept=lost)])


def test_reach_is_the_level_before_a_point_is_lost(two):
    before = dict(matplotlib.rcParams)
    picture = plots.reach_dots(["pre", "pre-random"], "alt", table=two)
    (axes,) = picture.drawings[0].axes
    full, hollow = axes.get_lines()
    assert list(full.get_xdata()) == [95, 95] and list(hollow.get_xdata()) == [55, 55]
    assert hollow.get_markerfacecolor() == PAPER != full.get_markerfacecolor()
    names = [label.get_text() for label in axes.get_yticklabels()]
    headings = [text.get_text() for text in axes.texts]
    assert names == ["ELU", "ELU"] and headings == ["MNIST · 1 × 500", "MNIST · 3 × 500"]
    picture._repr_html_()
    assert dict(matplotlib.rcParams) == before  # other pictures keep their look


def test_differences_end_in_an_arrow_where_a_layer_collapses(two):
    drawings = plots.difference_curves("pre", ["pre-random"], "alt", table=two).drawings
    for (axes,), last, arrows in zip((each.axes for each in drawings), (95, 85), (0, 1)):
        thin, thick = lines(axes, "pre-random")
        level = pd.Series(thin.get_ydata(), thin.get_xdata())
        np.testing.assert_allclose(level.loc[:55], 0, atol=1e-9)
        np.testing.assert_allclose(level.loc[60:last], 10)
        assert level.loc[last + 1 :].isna().all() and len(level) == 19
        np.testing.assert_array_equal(thin.get_ydata(), thick.get_ydata())  # of one network
        assert len(marked(axes, "^")) == arrows and axes.get_ylim() == (-3, 3)


# Questions


def test_slopes_and_fronts_show_the_numbers_given():
    rows = {(1, "a", "post"): (10.0, 2.0), (3, "a", "post"): (4.0, np.nan)}
    index = pd.MultiIndex.from_tuples(rows, names=["layers", "data", "method"])
    distances = pd.DataFrame(list(rows.values()), index, ["text", "released"])
    one, three = question_plots.slopes(distances, "alt").drawings
    assert list(one.axes[0].get_lines()[0].get_ydata()) == [10.0, 2.0]
    assert list(three.axes[0].get_lines()[0].get_ydata()) == [4.0]
    rows = [("a", "pre", 100, 0.9), ("a", "pre", 10, 0.88), ("b", "pre", 7, 0.5)]
    points = pd.DataFrame(rows, columns=["network", "method", "parameters", "accuracy"])
    (front,) = question_plots.fronts(points, ["a"], ["pre"], "alt").drawings
    line = front.axes[0].get_lines()[0]
    assert line.get_color() == look("pre").colour
    assert list(line.get_xdata()) == [10.0, 100.0] and list(line.get_ydata()) == [88.0, 90.0]
