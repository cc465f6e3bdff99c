"""Curves of accuracy and size against what is pruned, in the paper's colours."""

from __future__ import annotations

import math
import string
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spectral_core import _checks
from spectral_core._files import write_whole
from spectral_core.layers.networks import ACTIVATION_NAMES
from spectral_core.paper.study.methods import METHODS

# The paper's orange, blue and green, in the shades of Okabe and Ito that colour-blind readers
# tell apart; markers say the same again.
COLOURS = {
    "direct": "#E69F00",
    "post": "#0072B2",
    "pre": "#009E73",
    "direct-inputs": "#CC79A7",
    "post-invariant": "#D55E00",
    "post-connectivity": "#56B4E9",
    "post-taylor": "#000000",
    "post-random": "#999999",
    # These five are not drawn beside the others of post.
    "direct-retrained": "#D55E00",
    "post-retrained": "#56B4E9",
    "pre-random": "#999999",
    "pre-smallest": "#CC79A7",
    "fresh": "#000000",
    # These five stand beside direct, post and pre.
    "direct-per-layer": "#D55E00",
    "post-per-layer": "#56B4E9",
    "pre-per-layer": "#000000",
    "direct-scaled": "#CC79A7",
    "post-scaled": "#999999",
    # These five stand beside direct-retrained, post-retrained and pre.
    "stronger": "#000000",
    "stronger-without-start": "#E69F00",
    "stronger-without-glorot": "#CC79A7",
    "stronger-without-decay": "#0072B2",
    "stronger-without-rounds": "#999999",
}
MARKERS = {
    "direct": "o",
    "post": "s",
    "pre": "^",
    "direct-inputs": "v",
    "post-invariant": "D",
    "post-connectivity": "o",
    "post-taylor": "X",
    "post-random": "P",
    "direct-retrained": "o",
    "post-retrained": "s",
    "pre-random": "P",
    "pre-smallest": "v",
    "fresh": "X",
    "direct-per-layer": "D",
    "post-per-layer": "P",
    "pre-per-layer": "p",
    "direct-scaled": "<",
    "post-scaled": ">",
    "stronger": "*",
    "stronger-without-start": "D",
    "stronger-without-glorot": "d",
    "stronger-without-decay": "P",
    "stronger-without-rounds": "X",
}


def semi_dispersion(values: pd.Series) -> tuple[float, float]:
    """Mean ± (max − min)/2: the band that the paper's captions name."""
    half = (values.max() - values.min()) / 2
    return values.mean() - half, values.mean() + half


_IN_FIG_11 = ("pre", "post", "direct", "direct-inputs")
_STILL = {"Software": None}

BANDS: dict[str, str | Callable[[pd.Series], tuple[float, float]]] = {
    "sd": "sd",
    "semi-dispersion": semi_dispersion,
}
"""Bands by name: the standard deviation (n − 1), or half the range, over seeds."""


def pruning_figure(
    table: pd.DataFrame, band: str = "sd", reference: pd.DataFrame | None = None
) -> Figure:
    """Accuracy (above) and parameters kept (below) against the share of pruned nodes.

    Where a panel was not measured uncut, there is nothing to take shares of, and no row below.

    Args:
        table: results of one panel or several, a column each on the same scales, see
            :data:`spectral_core.paper.results.tables.COLUMNS`.
        band: what the shaded band shows over seeds, a name out of :data:`BANDS`.
        reference: accuracies from elsewhere to draw as diamonds, with the columns ``dataset``,
            ``activation``, ``method``, ``percentile`` and ``accuracy``.

    Raises:
        ValueError: if the band is unknown or the table is empty.
    """
    panels = _panels(table)
    heights = (3, 1.3) if all(0 in set(rows["percentile"]) for _, rows in panels) else (3,)
    figure, axes = plt.subplots(
        len(heights),
        len(panels),
        figsize=(7 if len(panels) == 1 else 1 + 3.2 * len(panels), 1.9 + sum(heights)),
        sharex=True,
        sharey="row",
        height_ratios=heights,
        layout="constrained",
        squeeze=False,
    )
    titles = _titles([rows for _, rows in panels])
    for (_, rows), title, column in zip(panels, titles, axes.T, strict=True):
        draw_accuracy(column[0], rows, band)
        if reference is not None:
            draw_reference(column[0], rows, reference)
        for below in column[1:]:
            draw_parameters(below, rows)
        column[0].set_title(title)
        column[-1].set_xlabel("pruned hidden nodes (%)")
    for below in axes[1:]:
        drawn = (share for each in below for line in each.get_lines() for share in line.get_ydata())
        smallest = min(share for share in drawn if share > 0)
        below[0].set_ylim(10.0 ** min(0, math.floor(math.log10(smallest))), 130)  # per cent
    if len(panels) > 1:
        one_legend(figure, axes[0], fontsize="medium")
    return figure


def _panels(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    if table.empty:
        raise ValueError("table must hold the results of at least one panel; got none")
    return list(table.groupby("panel", sort=False))


def _titles(panels: list[pd.DataFrame]) -> list[str]:
    """``(a) ELU``, ``(b) ReLU`` …, or widths where they are what differs; one panel needs none."""
    if len(panels) == 1:
        return [""]
    names = [ACTIVATION_NAMES[rows["activation"].iloc[0]] for rows in panels]
    if len(set(names)) < len(names):
        names = [f"{name}, {rows['hidden'].iloc[0]}" for name, rows in zip(names, panels)]
    return [f"({letter}) {name}" for letter, name in zip(string.ascii_lowercase, names)]


def draw_reference(axes: Axes, table: pd.DataFrame, reference: pd.DataFrame) -> None:
    """Draw accuracies from elsewhere of one panel's data set, activation and methods."""
    same = reference.merge(table[["dataset", "activation", "method"]].drop_duplicates())
    for method, rows in same.groupby("method", sort=False):
        axes.plot(
            rows["percentile"],
            rows["accuracy"],
            linestyle="none",
            marker="D",
            markersize=6,
            markerfacecolor="white",
            markeredgewidth=1.5,
            color=COLOURS[method],
            label="_",
        )
    axes.plot([], [], "D", markerfacecolor="white", color="0.3", label="authors' released means")
    _legend(axes)


def penalty_figure(table: pd.DataFrame, band: str = "sd") -> Figure:
    """Accuracy against the share of pruned nodes, a curve per weight γ of the ℓ1 penalty.

    Args:
        table: results of one panel, a column for each of its methods, see
            :data:`spectral_core.paper.results.tables.COLUMNS`.
        band: see :func:`pruning_figure`.

    Raises:
        ValueError: if the band is unknown or the table is empty.
    """
    _checks.choice("band", band, BANDS)
    _panels(table)
    methods = [name for name in _IN_FIG_11 if name in set(table["method"])]
    columns = min(2, len(methods))
    rows = math.ceil(len(methods) / columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(7 if columns == 1 else 9, 1 + 3.2 * rows),
        sharey=True,
        layout="constrained",
        squeeze=False,
    )
    for spare in axes.flat[len(methods) :]:
        spare.remove()
    penalties = sorted(table["penalty"].unique())
    named = table.assign(penalty=[f"{penalty:g}" for penalty in table["penalty"]])
    colours = ["0.15", *sns.color_palette("viridis_r", len(penalties) - 1)]
    for method, letter, each in zip(methods, "abcd", axes.flat):
        sns.lineplot(
            named[named["method"] == method],
            x="percentile",
            y="accuracy",
            hue="penalty",
            style="penalty",
            hue_order=[f"{penalty:g}" for penalty in penalties],
            style_order=[f"{penalty:g}" for penalty in penalties],
            palette=colours[: len(penalties)],
            errorbar=BANDS[band],
            ax=each,
        )
        each.set(title=f"({letter}) {method}", xlabel="pruned hidden nodes (%)", xlim=(-2, 100))
        each.set(ylabel="test accuracy", ylim=(0, 1))
        if method == "direct-inputs":
            each.set_xlabel("pruned inputs (%)")
    one_legend(figure, figure.axes, fontsize="medium", title="γ", ncols=4)
    return figure


def save_picture(table: pd.DataFrame, file: Path) -> None:
    """Draw a panel into a file, whole or not at all.

    By :func:`pruning_figure`, or by :func:`penalty_figure` if there are several weights γ.
    """
    theme()
    draw = pruning_figure if table["penalty"].nunique() == 1 else penalty_figure
    figure = draw(table)
    # Without matplotlib's version in it, so that the same results are the same file.
    write_whole(file, lambda aside: figure.savefig(aside, metadata=_STILL))
    plt.close(figure)


def rerun_figure(
    ours: pd.DataFrame,
    published: pd.DataFrame | None,
    band: str = "sd",
) -> Figure:
    """A run's accuracies as points, on top of the published curves of the same preset.

    Args:
        ours: results of the run, of one panel or several, a column each.
        published: published results at the same settings; a panel that is not among them is drawn
            as curves.
        band: see :func:`pruning_figure`.
    """
    panels = _panels(ours)
    figure, axes = plt.subplots(
        1,
        len(panels),
        figsize=(7 if len(panels) == 1 else 1 + 3.2 * len(panels), 4.4),
        sharey=True,
        layout="constrained",
        squeeze=False,
    )
    titles = _titles([rows for _, rows in panels])
    for (name, rows), title, each in zip(panels, titles, axes[0], strict=True):
        curves = None if published is None else published[published["panel"] == name]
        draw_rerun(each, rows, curves, band)
        each.set_title(title)
        each.set_xlabel("pruned hidden nodes (%)")
    if len(panels) > 1:
        one_legend(figure, axes[0], fontsize="medium")
    return figure


def draw_rerun(
    axes: Axes,
    ours: pd.DataFrame,
    published: pd.DataFrame | None,
    band: str = "sd",
) -> None:
    """Draw one panel of :func:`rerun_figure`."""
    if published is None or published.empty:
        draw_accuracy(axes, ours, band)
        return
    draw_accuracy(axes, published, band, markers=False)
    for method, rows in ours.groupby("method", sort=False):
        means = rows.groupby("percentile")["accuracy"].mean()
        axes.plot(
            means.index,
            means,
            linestyle="none",
            marker=MARKERS[method],
            markersize=7,
            markerfacecolor="white",
            markeredgewidth=1.8,
            color=COLOURS[method],
            label=f"{method}, this machine",
        )
    _legend(axes)


def draw_accuracy(axes: Axes, table: pd.DataFrame, band: str = "sd", markers: bool = True) -> None:
    """Draw mean accuracy with its band for each method of one panel."""
    _checks.choice("band", band, BANDS)
    _curves(axes, table, "accuracy", errorbar=BANDS[band], markers=markers)
    axes.set(ylabel="test accuracy", ylim=(0, 1), xlim=(-2, 100))
    axes.yaxis.set_major_locator(plt.MultipleLocator(0.1))
    _legend(axes)


def draw_parameters(axes: Axes, table: pd.DataFrame) -> None:
    """Draw the share of weights and biases that is left, on a logarithmic scale.

    Args:
        axes: where.
        table: results of one panel, an uncut network of each width among them.
    """
    full = table.groupby("hidden")["parameters"].transform("max")
    share = table.assign(share=100 * table["parameters"] / full)
    _curves(axes, share, "share", errorbar=None, markers=True)
    axes.set(ylabel="parameters\nkept (%)", yscale="log")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.get_legend().remove()


def theme() -> None:
    """Set the look of every figure of the book."""
    sns.set_theme(style="ticks", context="notebook", font_scale=0.95)
    plt.rcParams.update(
        {
            "axes.grid": True,
            "grid.alpha": 0.35,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.dpi": 110,
            "savefig.dpi": 200,
            "legend.frameon": False,
        }
    )


def _curves(axes: Axes, table: pd.DataFrame, y: str, errorbar: object, markers: bool) -> None:
    methods = [name for name in METHODS if name in set(table["method"])]
    sns.lineplot(
        table,
        x="percentile",
        y=y,
        hue="method",
        hue_order=methods,
        palette=COLOURS,
        style="method" if markers else None,
        style_order=methods if markers else None,
        markers=MARKERS if markers else None,
        dashes=False if markers else None,
        errorbar=errorbar,
        ax=axes,
    )


def one_legend(figure: Figure, axes: Iterable[Axes], last: str = "", **look: Any) -> None:
    """Move what several plots have in their legends below all of them, each name once.

    Args:
        figure: theirs.
        axes: the plots; those without a legend, and hidden ones, are left alone.
        last: the name that stands at the end; the order of the plots if empty.
        look: of the legend, as matplotlib takes it.
    """
    named: dict[str, Artist] = {}
    for legend in [legend for each in axes if (legend := each.get_legend()) is not None]:
        names = [text.get_text() for text in legend.get_texts()]
        named = dict(zip(names, legend.legend_handles)) | named
        legend.remove()
    if last in named:
        named[last] = named.pop(last)
    look = {"loc": "outside lower center", "ncols": 2, "fontsize": "small"} | look
    figure.legend(named.values(), named, **look)


def _legend(axes: Axes) -> None:
    """Name the methods in full, where the curves leave room: they are high on the left."""
    handles, names = axes.get_legend_handles_labels()
    titles = [METHODS[name].title if name in METHODS else name for name in names]
    axes.legend(handles, titles, loc="lower left", fontsize="small")
