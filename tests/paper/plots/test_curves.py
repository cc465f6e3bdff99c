"""Curves: every one shows the table's numbers, in the paper's colours."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from made_tables import made
from matplotlib.colors import to_hex

from spectral_core.paper.plots import curves
from spectral_core.paper.questions.compaction import SOURCES
from spectral_core.paper.results.tables import summary
from spectral_core.paper.study.figures import FIGURES
from spectral_core.paper.study.methods import METHODS
from spectral_core.paper.study.planning import plan


@pytest.fixture(autouse=True)
def no_window():
    with matplotlib.rc_context():
        matplotlib.use("agg")
        yield
        curves.plt.close("all")


def points_by_colour(axes):
    """Points of each curve by its colour."""
    return {
        to_hex(line.get_color()).upper(): line.get_xydata()
        for line in axes.get_lines()
        if len(line.get_xydata())
    }


def labels(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_every_method_has_a_colour_a_marker_and_a_name():
    assert set(curves.COLOURS) == set(curves.MARKERS) == set(METHODS)
    assert len({strategy.title for strategy in METHODS.values()}) == len(METHODS)


def test_methods_drawn_for_compaction_share_no_colour_and_marker():
    panels = [panel for name in SOURCES for panel in FIGURES[name].panels]
    methods = {method for panel in panels for method in panel.methods}
    assert len({(curves.COLOURS[name], curves.MARKERS[name]) for name in methods}) == len(methods)


def test_methods_of_a_panel_are_told_apart_by_colour_and_by_marker():
    for methods in {panel.methods for figure in FIGURES.values() for panel in figure.panels}:
        for values in (curves.COLOURS, curves.MARKERS):
            assert len({values[method] for method in methods}) == len(methods)


def test_curves_are_means_over_seeds_in_the_methods_colours(table):
    above, _ = curves.pruning_figure(table).axes
    drawn = points_by_colour(above)
    means = summary(table)
    colours = {method: curves.COLOURS[method] for method in means["method"]}
    assert set(drawn) == set(colours.values())
    for method, colour in colours.items():
        expected = means[means["method"] == method][["percentile", "accuracy"]]
        np.testing.assert_allclose(drawn[colour], expected)
    assert labels(above) == [METHODS[method].title for method in ("direct", "post", "pre")]


def test_lower_curves_are_shares_of_the_uncut_networks_parameters(table):
    _, below = curves.pruning_figure(table).axes
    assert below.get_yscale() == "log"
    for points in points_by_colour(below).values():
        np.testing.assert_allclose(points, [(0, 100), (50, 50), (90, 12.5)])  # of 32: 16 and 4


def test_shares_are_of_the_uncut_network_where_a_method_was_not_measured_uncut(table):
    cut = table[(table["method"] != "pre") | (table["percentile"] > 0)]
    _, below = curves.pruning_figure(cut).axes
    drawn = points_by_colour(below)[curves.COLOURS["pre"]]
    np.testing.assert_allclose(drawn, [(50, 50), (90, 12.5)])


def test_the_scale_of_shares_reaches_as_far_down_as_they_do(table):
    assert curves.pruning_figure(table).axes[1].get_ylim() == (1, 130)
    parameters = table["parameters"].where(table["percentile"] < 90, table["parameters"] / 20)
    small = table.assign(parameters=parameters)
    assert curves.pruning_figure(small).axes[1].get_ylim() == (0.1, 130)
    none = table.assign(parameters=table["parameters"].where(table["percentile"] < 90, 0))
    assert curves.pruning_figure(none).axes[1].get_ylim() == (1, 130)


@pytest.mark.parametrize("figure", FIGURES)
def test_every_panel_can_be_published_with_a_picture(figure, tmp_path):
    study = plan(figure, "paper", "*")
    kinds = {}  # panels alike in methods and cuts are drawn alike
    for panel in study.panels:
        recipes = {method: study.recipe_of(panel, method) for method in panel.methods}
        cuts = {method: recipe.percentiles for method, recipe in recipes.items()}
        kinds[tuple(cuts.items())] = panel, cuts, study.recipe_of(panel).penalties
    for panel, cuts, penalties in kinds.values():
        rows = [
            made(panel, lambda *_: 0.5, 1, of_method, penalties, methods=[method])
            for method, of_method in cuts.items()
        ]
        curves.save_picture(pd.concat(rows, ignore_index=True), tmp_path / "picture.png")
        pixels = matplotlib.image.imread(tmp_path / "picture.png")[..., :3].reshape(-1, 3)
        colours = {to_hex(colour) for colour in np.unique(pixels, axis=0)}
        drawn = {curves.COLOURS[method].lower() for method in panel.methods}
        assert drawn <= colours if len(penalties) == 1 else len(colours) > len(penalties)


def test_a_panel_that_was_not_measured_uncut_has_no_shares(table):
    assert len(curves.pruning_figure(table[table["percentile"] > 0]).axes) == 1


def test_missing_methods_leave_the_others_their_colours(table):
    above, _ = curves.pruning_figure(table[table["method"] != "direct"]).axes
    assert set(points_by_colour(above)) == {curves.COLOURS["post"], curves.COLOURS["pre"]}
    assert labels(above) == [METHODS[method].title for method in ("post", "pre")]


@pytest.mark.parametrize(("band", "half"), [("sd", 0.03**0.5), ("semi-dispersion", 0.15)])
def test_band_shows_the_spread_it_names(table, band, half):
    wide = table[(table["method"] == "pre") & (table["seed"] == 0)]
    wide = pd.concat([wide.assign(seed=i, accuracy=a) for i, a in enumerate((0.4, 0.4, 0.7))])
    above, _ = curves.pruning_figure(wide, band).axes
    (shade,) = above.collections
    heights = shade.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == pytest.approx((0.5 - half, 0.5 + half))


def test_semi_dispersion_is_half_the_range_about_the_mean():
    assert curves.semi_dispersion(pd.Series([0.2, 0.3, 0.7])) == pytest.approx((0.15, 0.65))


def test_rerun_is_drawn_as_open_symbols_on_the_published_curves(table):
    ours = table.assign(accuracy=table["accuracy"] / 2)
    (axes,) = curves.rerun_figure(ours, table).axes
    symbols = {
        line.get_label(): line
        for line in axes.get_lines()
        if line.get_label().endswith("this machine")
    }
    assert list(symbols) == [f"{m}, this machine" for m in ("direct", "post", "pre")]
    means = summary(ours)
    for label, line in symbols.items():
        expected = means[means["method"] == label.split(",")[0]]["accuracy"]
        np.testing.assert_allclose(line.get_ydata(), expected)
        assert line.get_linestyle() == "None" and line.get_markerfacecolor() == "white"
    titles = [METHODS[method].title for method in ("direct", "post", "pre")]
    assert labels(axes) == [*titles, *symbols]


def test_rerun_without_published_results_is_drawn_as_curves(table):
    (axes,) = curves.rerun_figure(table, None).axes
    assert set(points_by_colour(axes)) == {curves.COLOURS[method] for method in table["method"]}


@pytest.fixture
def two(table):
    """Results of two panels with different activation functions."""
    return pd.concat([table, table.assign(panel="another", activation="tanh")])


@pytest.mark.parametrize(
    "draw", [curves.pruning_figure, lambda t: curves.rerun_figure(t, t[t["panel"] == "another"])]
)
def test_panels_stand_side_by_side_on_the_same_scale(two, draw):
    axes = draw(two).axes
    columns = [each for each in axes if each.get_title()]
    assert [each.get_title() for each in columns] == ["(a) ELU", "(b) tanh"]
    assert columns[0].get_ylim() == columns[1].get_ylim()
    figure = columns[0].figure
    assert all(each.get_legend() is None for each in figure.axes)
    (legend,) = figure.legends
    named = [text.get_text() for text in legend.get_texts()]
    titles = {METHODS[method].title for method in ("direct", "post", "pre")}
    assert titles <= set(named) and len(named) == len(set(named))


def test_panels_of_one_activation_are_told_apart_by_their_widths(table):
    two = pd.concat([table, table.assign(panel="wide", hidden="64")])
    axes = curves.pruning_figure(two).axes
    assert [each.get_title() for each in axes[:2]] == ["(a) ELU, 32", "(b) ELU, 64"]


def test_reference_is_drawn_as_diamonds_of_the_same_data_activation_and_method(table):
    reference = pd.DataFrame(
        {
            "dataset": ["digits", "digits", "mnist"],
            "activation": ["elu", "relu", "elu"],
            "method": "pre",
            "percentile": [50.0, 60.0, 70.0],
            "accuracy": [0.9, 0.8, 0.7],
        }
    )
    above, _ = curves.pruning_figure(table, reference=reference).axes
    (diamonds,) = [line for line in above.get_lines() if line.get_label() == "_"]
    assert diamonds.get_marker() == "D"
    np.testing.assert_allclose(diamonds.get_xydata(), [(50.0, 0.9)])
    assert to_hex(diamonds.get_color()).upper() == curves.COLOURS["pre"]
    assert labels(above)[-1] == "authors' released means"


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda t: curves.pruning_figure(t, "std"), "band must be one of sd, semi-dispersion"),
        (
            lambda t: curves.rerun_figure(t, None, "semi-dispersal"),
            "Did you mean 'semi-dispersion'?",
        ),
        (lambda t: curves.pruning_figure(t[:0]), "the results of at least one panel; got none"),
        (lambda t: curves.rerun_figure(t[:0], t), "the results of at least one panel; got none"),
    ],
)
def test_bad_argument_is_refused_and_named(table, draw, said):
    with pytest.raises(ValueError) as caught:
        draw(table)
    assert said in str(caught.value)


def test_theme_draws_a_grid_without_box():
    curves.theme()
    assert matplotlib.rcParams["axes.grid"]
    assert not matplotlib.rcParams["axes.spines.top"]


def test_each_weight_of_the_penalty_is_a_curve_of_each_method(table):
    gammas = (0.0, 1e-5, 1.0)
    tables = [table.assign(penalty=gamma, accuracy=i / 4) for i, gamma in enumerate(gammas)]
    figure = curves.penalty_figure(pd.concat(tables))
    axes = figure.axes
    assert [each.get_title() for each in axes] == ["(a) pre", "(b) post", "(c) direct"]
    for each in axes:
        levels = [line.get_ydata()[0] for line in each.get_lines() if len(line.get_ydata())]
        assert levels == [0, 0.25, 0.5]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["0", "1e-05", "1"]


def test_picture_of_several_penalties_has_a_column_per_method(table, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(curves, "penalty_figure", lambda t: drawn.append(t) or curves.plt.figure())
    curves.save_picture(pd.concat([table, table.assign(penalty=0.5)]), tmp_path / "p.png")
    assert len(drawn) == 1
    curves.save_picture(table, tmp_path / "q.png")
    assert len(drawn) == 1 and (tmp_path / "q.png").exists()
