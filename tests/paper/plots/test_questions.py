"""Figures of open questions: the grid of networks, the front, differences, settings."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from made_tables import made
from matplotlib.colors import to_hex

from spectral_core.paper.plots import curves, questions
from spectral_core.paper.questions import certainty, compaction, sensitivity
from spectral_core.paper.results.by_panel import Curves
from spectral_core.paper.study.figures import CHANGES, Panel
from spectral_core.paper.study.methods import METHODS

METHODS = ("post", "post-taylor")
WIDTHS = ((8,), (8, 8))


@pytest.fixture(autouse=True)
def no_window():
    with matplotlib.rc_context():
        matplotlib.use("agg")
        yield
        curves.plt.close("all")


def results(*activations):
    """Two depths of each activation; a level of its own for each network and method."""
    panels = [Panel("mnist", name, hidden) for hidden in WIDTHS for name in activations]
    tables = [
        made(panel, lambda m, *_, i=i: i / 10 + 0.05 * (m == "post"), methods=METHODS)
        for i, panel in enumerate(panels)
    ]
    return pd.concat(tables, ignore_index=True)


def levels(axes):
    return {
        to_hex(line.get_color()).upper(): set(np.round(line.get_ydata(), 6))
        for line in axes.get_lines()
        if len(line.get_ydata())
    }


def test_a_row_holds_data_set_and_widths_and_a_column_an_activation():
    figure = questions.grid_figure(results("tanh", "elu"))
    assert [each.get_title() for each in figure.axes] == [
        "mnist, 8, ELU", "mnist, 8, tanh", "mnist, 8-8, ELU", "mnist, 8-8, tanh",
    ]  # fmt: skip
    for axes, level in zip(figure.axes, (0.1, 0.0, 0.3, 0.2)):
        assert levels(axes) == {
            curves.COLOURS["post"]: {round(level + 0.05, 6)},
            curves.COLOURS["post-taylor"]: {level},
        }


def test_one_legend_names_the_methods_of_all():
    figure = questions.grid_figure(results("elu", "relu"))
    assert all(each.get_legend() is None for each in figure.axes)
    (legend,) = figure.legends
    assert [t.get_text() for t in legend.get_texts()] == [METHODS[m].title for m in METHODS]


def test_a_network_that_is_missing_leaves_its_place_empty():
    table = results("elu", "relu")
    table = table[(table["activation"] != "relu") | (table["hidden"] != "8")]
    shown = [each.get_visible() for each in questions.grid_figure(table).axes]
    assert shown == [True, False, True, True]


def test_curves_that_lie_close_are_told_apart_on_the_same_scale_along_a_row():
    table = results("tanh", "elu")
    table.loc[table["hidden"] == "8-8", "accuracy"] = 0.93
    table.loc[table["panel"] == "mnist-elu-8-8", "accuracy"] = 0.88
    limits = [each.get_ylim() for each in questions.grid_figure(table).axes]
    assert limits == [(0, 1), (0, 1), (0.85, 0.95), (0.85, 0.95)]
    lower = table.assign(accuracy=0.72)
    limits = [each.get_ylim() for each in questions.grid_figure(table, lower).axes[2:]]
    assert limits == [(0.7, 0.95)] * 2


def test_a_run_is_drawn_on_top_of_published_curves():
    table = results("elu")
    figure = questions.grid_figure(table.assign(accuracy=0.5), table)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    titles = [METHODS[method].title for method in METHODS]
    assert names == [*titles, *(f"{method}, this machine" for method in METHODS)]


def test_a_setting_has_a_row_a_method_a_plot_and_a_network_a_point():
    rows = [
        ("wide-eigenvalues", "pre", "mnist, elu, 1 hidden layer", 1, 5, 0.02, 0.01, 0.03),
        ("wide-eigenvalues", "pre", "mnist, relu, 1 hidden layer", 1, 5, 0.04, 0.01, 0.07),
        ("wide-eigenvalues", "pre", sensitivity.ALL, 1, 5, 0.03, 0.02, 0.04),
        ("wide-eigenvalues", "pre", "mnist, elu, 3 hidden layers", 3, 5, 0.05, 0.01, 0.09),
        ("wide-eigenvalues", "pre", sensitivity.ALL, 3, 5, 0.05, 0.01, 0.09),
        ("both-in-stage-two", "pre", sensitivity.ALL, 1, 5, 0.01, 0.0, 0.02),
        ("wide-eigenvalues", "post", sensitivity.ALL, 1, 5, -0.03, -0.04, -0.02),
    ]
    found = pd.DataFrame(rows, columns=list(sensitivity.COLUMNS))
    left, right = questions.settings_figure(found).axes
    assert (left.get_title(), right.get_title()) == ("post", "pre")
    names = [CHANGES[name].title for name in ("both-in-stage-two", "wide-eigenvalues")]
    assert [text.get_text() for text in left.get_yticklabels()] == names
    drawn = [tuple(np.round(line.get_xdata(), 6)) for line in right.get_lines()]
    assert (2.0, 4.0) in drawn and (3.0,) in drawn and (1.0,) in drawn
    bars = [tuple(c.get_segments()[0][:, 0].round(6)) for c in right.collections]
    assert bars == [(0.0, 2.0), (2.0, 4.0), (1.0, 9.0)]
    discs, squares = ([x for x in right.get_lines() if x.get_marker() == m] for m in "os")
    assert [line.get_xdata()[0].round(6) for line in squares] == [5.0] and len(discs) == 2
    assert squares[0].get_ydata()[0] > discs[1].get_ydata()[0]  # of the same row
    with pytest.raises(ValueError, match="found must hold at least one difference"):
        questions.settings_figure(found[:0])


def test_no_results_are_refused():
    with pytest.raises(ValueError, match="the results of at least one panel; got none"):
        questions.grid_figure(results("elu")[:0])


def pruned(activation, level):
    panel = Panel("mnist", activation, (8,))
    return made(panel, lambda m, q, *_: level - q / 1000, methods=("direct", "post", "pre"))


def test_front_is_drawn_over_every_panels_curves_on_common_scales():
    points = compaction.means(pd.concat([pruned("elu", 0.9), pruned("relu", 0.95)]))
    figure = questions.front_figure(points)
    assert [each.get_title() for each in figure.axes] == ["mnist, 8, ELU", "mnist, 8, ReLU"]
    for axes, level in zip(figure.axes, (0.9, 0.95)):
        *others, front = axes.get_lines()
        assert len(others) == 3 and axes.get_xscale() == "log"
        assert axes.get_xlabel() == "weights left"
        np.testing.assert_allclose(np.max(front.get_ydata()), level)
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()
    (legend,) = figure.legends
    assert [t.get_text() for t in legend.get_texts()][-1] == "Pareto front"
    assert len(legend.get_texts()) == 4


def test_time_is_another_cost_with_its_unit():
    points = compaction.means(pruned("elu", 0.9)).assign(microseconds=range(60, 0, -1))
    (axes,) = questions.front_figure(points, "microseconds").axes
    assert axes.get_xlabel() == "time per image (µs)"
    assert sorted(axes.get_lines()[-1].get_xdata())[0] >= 1


def test_differences_stand_in_points_with_both_intervals():
    panel = Panel("fashion-mnist", "elu", (500,))
    rows = made(
        panel,
        lambda m, q, seed, _: 0.5 + (m == "pre") * (0.1 + 0.01 * seed),
        methods=("direct", "post", "pre"),
    )
    found = certainty.comparisons([Curves("fig03", panel, rows)])
    first, second, third = questions.certainty_figure(found).axes
    assert [each.get_title() for each in (first, second, third)] == [
        "pre − direct", "pre − post", "post − direct",
    ]  # fmt: skip
    at_once, alone = (bars.get_segments()[0][:, 0] for bars in first.collections)
    np.testing.assert_allclose(alone, 100 * found[["low", "high"]].iloc[0])
    assert at_once[0] < alone[0] < alone[1] < at_once[1]
    assert first.get_yticklabels()[0].get_text() == "Fig. 3, ELU, as written"
    with pytest.raises(ValueError, match="at least one comparison"):
        questions.certainty_figure(found[:0])
