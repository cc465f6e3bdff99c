"""Figures of the questions that the paper leaves open: all networks in one grid, or in one list."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spectral_core.layers.networks import ACTIVATION_NAMES
from spectral_core.paper.plots.curves import COLOURS, MARKERS, draw_rerun, one_legend
from spectral_core.paper.questions import compaction, sensitivity
from spectral_core.paper.questions.certainty import PAIRS
from spectral_core.paper.study.figures import CHANGES
from spectral_core.paper.study.methods import METHODS

COSTS = {
    "parameters": "weights left",
    "microseconds": "time per image (µs)",
}
"""What accuracy is set against, and how an axis says it."""


def grid_figure(
    table: pd.DataFrame, published: pd.DataFrame | None = None, band: str = "sd"
) -> Figure:
    """Accuracy against the share of pruned nodes: a row per data set and widths, and in it a plot
    per activation function.

    The plots of a row have one scale. Where no curve of it comes below 0.5, it begins shortly below
    the lowest.

    Args:
        table: results of at least one panel.
        published: published results at the same settings; where they are, the table's are drawn on
            top of them, as by :func:`~spectral_core.paper.plots.curves.rerun_figure`.
        band: see :func:`~spectral_core.paper.plots.curves.pruning_figure`.

    Raises:
        ValueError: if the band is unknown or the table is empty.
    """
    figure, panels = _grid(table, sharey="row")
    drawn, axes_of = [table], {}
    for name, results, axes in panels:
        curves = None if published is None else published[published["panel"] == name]
        draw_rerun(axes, results, curves, band)
        axes.set_xlabel("pruned hidden nodes (%)")
        axes_of[name] = axes
        drawn += [] if curves is None else [curves]
    for _, row in pd.concat(drawn).groupby(["dataset", "hidden"]):
        _show_differences(axes_of[row["panel"].iloc[0]], row)
    one_legend(figure, figure.axes)
    return figure


def _show_differences(axes: Axes, table: pd.DataFrame) -> None:
    """Begin a scale shortly below the lowest curve and its band, unless that comes below 0.5."""
    by_point = table.groupby(["panel", "method", "percentile"])["accuracy"]
    lowest = (by_point.mean() - by_point.std().fillna(0)).min()
    highest = (by_point.mean() + by_point.std().fillna(0)).max()
    if lowest > 0.5:
        axes.set_ylim(math.floor(20 * lowest) / 20, min(1, math.ceil(20 * highest) / 20))
        axes.yaxis.set_major_locator(plt.MaxNLocator(6))


_DEPTH = 0.1  # how far below the best accuracy of the least accurate panel the plots reach


def front_figure(points: pd.DataFrame, cost: str = "parameters") -> Figure:
    """Accuracy against what a network costs, in the grid of :func:`grid_figure`, with the front.

    Args:
        points: as :func:`spectral_core.paper.questions.compaction.means` or
            :func:`~spectral_core.paper.questions.compaction.timed` returns them, at least one.
        cost: name out of :data:`COSTS`; its axis is logarithmic.

    Raises:
        ValueError: if there are no points.
    """
    figure, panels = _grid(points, sharey=True)
    fronts = compaction.front(points, cost)
    for name, mine, axes in panels:
        for method, curve in mine.groupby("method", sort=False):
            axes.plot(
                curve[cost],
                curve["accuracy"],
                marker=MARKERS[method],
                color=COLOURS[method],
                markersize=4,
                linewidth=1,
                label=METHODS[method].title,
            )
        best = fronts[fronts["panel"] == name]
        axes.step(
            best[cost], best["accuracy"], "--", where="post", color="0.3", linewidth=1,
            label="Pareto front",
        )  # fmt: skip
        axes.set(xscale="log", xlabel=COSTS[cost], ylabel="test accuracy")
        axes.tick_params(labelbottom=True)
        axes.legend()
    best = points.groupby("panel")["accuracy"].max()
    figure.axes[0].set_ylim(best.min() - _DEPTH, min(1, best.max() + _DEPTH / 10))
    one_legend(figure, figure.axes, last="Pareto front")
    return figure


def certainty_figure(found: pd.DataFrame) -> Figure:
    """Difference between two methods with its intervals: a row per network, a plot per pair.

    Args:
        found: as :func:`spectral_core.paper.questions.certainty.comparisons` returns it, at least one
            row.

    Raises:
        ValueError: if there is none.
    """
    if found.empty:
        raise ValueError("found must hold at least one comparison; got none")
    networks = list(dict.fromkeys(found["network"]))
    figure, axes = plt.subplots(
        1, len(PAIRS), figsize=(11, 1.6 + 0.32 * len(networks)), sharex=True, sharey=True,
        layout="constrained",
    )  # fmt: skip
    for (first, second), each in zip(PAIRS, axes):
        mine = found[(found["first"] == first) & (found["second"] == second)]
        heights = [networks.index(name) for name in mine["network"]]
        at_once, alone = (
            (100 * mine[f"low{which}"], 100 * mine[f"high{which}"]) for which in ("_at_once", "")
        )
        colour = COLOURS[first]
        each.hlines(heights, *at_once, color=colour, linewidth=1, label="all at once")
        each.hlines(heights, *alone, color=colour, linewidth=4, alpha=0.5, label="by itself")
        each.plot(100 * mine["mean"], heights, linestyle="none", marker="|", color="black")
        each.axvline(0, color="0.5", linewidth=1, zorder=0)
        each.set(title=f"{first} − {second}", xlabel="difference (points)")
    # Intervals of two seeds reach far beyond any difference of accuracies.
    axes[0].set_xlim(-100, 100)
    axes[0].set_xscale("symlog", linthresh=1)
    axes[0].set_xticks([-100, -10, -1, 0, 1, 10, 100], ["−100", "−10", "−1", "0", "1", "10", "100"])
    axes[0].set_yticks(range(len(networks)), networks)
    axes[0].invert_yaxis()
    axes[-1].legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize="small")
    return figure


# Where in its row the networks of a depth stand, and the mark of their average.
_OF_DEPTH = {1: (-0.2, "o"), 3: (0.15, "s")}


def settings_figure(found: pd.DataFrame) -> Figure:
    """What each setting moves: a row per setting, a plot per method, a point per network.

    Black marks are the averages: a disc with one hidden layer, a square with three.

    Args:
        found: as :func:`spectral_core.paper.questions.sensitivity.differences` returns it, at least one
            row.

    Raises:
        ValueError: if there is none.
    """
    if found.empty:
        raise ValueError("found must hold at least one difference; got none")
    rows = [name for name in CHANGES if name in set(found["variation"])]
    methods = [name for name in METHODS if name in set(found["method"])]
    figure, axes = plt.subplots(
        1, len(methods), figsize=(10.5, 1.6 + 0.75 * len(rows)), sharex=True, sharey=True,
        layout="constrained", squeeze=False,
    )  # fmt: skip
    for method, each in zip(methods, axes[0]):
        mine = found[found["method"] == method]
        for height, name in enumerate(rows):
            of_row = mine[mine["variation"] == name]
            for depth, at_depth in of_row.groupby("depth"):
                shift, marker = _OF_DEPTH[depth]
                average = at_depth[at_depth["network"] == sensitivity.ALL]
                single = at_depth[at_depth["network"] != sensitivity.ALL]
                level, low, high = height + shift, 100 * average["low"], 100 * average["high"]
                spread = [level + 0.25 * (i + 1) / (len(single) + 1) for i in range(len(single))]
                each.plot(100 * single["mean"], spread, ".", color=COLOURS[method], alpha=0.6)
                each.hlines([level] * len(average), low, high, color="black", linewidth=1.5)
                each.plot(100 * average["mean"], [level] * len(average), marker, color="black")
        each.axvline(0, color="0.5", linewidth=1, zorder=0)
        each.set(title=method, xlabel="accuracy − as written (points)")
    # Intervals of two seeds reach far beyond any difference of accuracies.
    widest = max(1.0, 130 * found["mean"].abs().max())
    axes[0, 0].set_xlim(-widest, widest)
    axes[0, 0].set_yticks(range(len(rows)), [CHANGES[name].title for name in rows])
    axes[0, 0].invert_yaxis()
    return figure


def _grid(
    table: pd.DataFrame, sharey: bool | str
) -> tuple[Figure, Iterator[tuple[str, pd.DataFrame, Axes]]]:
    """A plot per panel, named, and what belongs in each: the panel's name, its rows, its axes."""
    if table.empty:
        raise ValueError("table must hold the results of at least one panel; got none")
    rows = list(dict.fromkeys(zip(table["dataset"], table["hidden"])))
    columns = [name for name in ACTIVATION_NAMES if name in set(table["activation"])]
    figure, axes = plt.subplots(
        len(rows),
        len(columns),
        figsize=(max(7, 1 + 2.8 * len(columns)), 0.8 + 2.8 * len(rows)),
        sharex=True,
        sharey=sharey,
        layout="constrained",
        squeeze=False,
    )
    for each in axes.flat:
        each.set_visible(False)
    panels = []
    for name, results in table.groupby("panel", sort=False):
        dataset, hidden, activation = results[["dataset", "hidden", "activation"]].iloc[0]
        each = axes[rows.index((dataset, hidden)), columns.index(activation)]
        each.set_visible(True)
        each.set_title(f"{dataset}, {hidden}, {ACTIVATION_NAMES[activation]}", fontsize="small")
        panels.append((name, results, each))
    return figure, iter(panels)
