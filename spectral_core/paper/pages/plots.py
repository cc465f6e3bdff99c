"""Curves over the pruning level, and the two pictures of all networks at once."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spectral_core.layers.networks import ACTIVATION_NAMES
from spectral_core.paper.pages.output import hidden_layers
from spectral_core.paper.pages.picture import (
    EDGES,
    UNIT,
    WIDTH,
    Picture,
    axes_within,
    canvas,
    drawing,
    themed,
)
from spectral_core.paper.pages.style import INK, PAPER, in_order, look
from spectral_core.paper.results import accuracies, estimates
from spectral_core.paper.results.collect import NoResults
from spectral_core.paper.study.methods import METHODS

_LINE = 13.5  # units from a line of a label to the next
_LIMIT = 3.0  # points at which the scale of differences ends on both sides
CHANCE = 10.0
"""Accuracy of guessing one of ten classes, in per cent."""


# Accuracy and size of one network after another


@themed
def curves(
    table: pd.DataFrame,
    alt: str,
    *,
    titles: Mapping[str, str] | None = None,
    reference: pd.DataFrame | None = None,
    run: pd.DataFrame | None = None,
) -> Picture:
    """Accuracy against the pruning level, a drawing per panel.

    Lines are means over seeds, bands ± one standard deviation (n − 1). A cross marks the first
    level at which a hidden layer of some seed has no nodes left.

    Args:
        table: results of one panel or several, as they are published.
        alt: what the picture shows, in words.
        titles: of the drawings, by panel; the network's name if ``None``.
        reference: accuracies from elsewhere, drawn as diamonds, with the columns ``panel``,
            ``method``, ``percentile`` and ``accuracy``.
        run: results to draw as open circles on top, with the same columns.

    Raises:
        ValueError: if the table is empty.
    """
    drawings = []
    for panel, rows in _panels(table):
        title = rows["network"].iloc[-1] if titles is None else titles[panel]
        points = {
            marker: None if more is None else more[more["panel"] == panel]
            for marker, more in (("D", reference), ("o", run))
        }
        drawings.append(_accuracy(rows, title, points))
    return Picture(tuple(drawings), alt)


@themed
def weights(table: pd.DataFrame, alt: str) -> Picture:
    """Share of weights that is kept against the pruning level, a drawing per panel.

    Args:
        table: results of at least one panel, with the unpruned network of each method.
        alt: what the picture shows, in words.

    Raises:
        ValueError: if the table is empty.
    """
    drawings = []
    for _, rows in _panels(table):
        figure, axes = canvas(rows["network"].iloc[-1], "weights kept (%)", "nodes pruned (%)")
        axes.set(xlim=(0, 100), ylim=(0, 100))
        ends = []
        for method in in_order(rows["method"]):
            mine = rows[rows["method"] == method]
            kept = mine["parameters"].groupby(mine["level"]).mean()
            axes.plot(kept.index, 100 * kept / kept[0.0], **look(method).line)
            ends.append((100 * kept.iloc[-1] / kept[0.0], method))
        _label_ends(axes, ends)
        drawings.append(figure)
    return Picture(tuple(drawings), alt)


def _panels(table: pd.DataFrame) -> Iterable[tuple[str, pd.DataFrame]]:
    if table.empty:
        raise ValueError("table must hold the results of at least one panel; got none")
    return accuracies.described(table).groupby("panel", sort=False)


def _accuracy(rows: pd.DataFrame, title: str, points: Mapping[str, pd.DataFrame | None]) -> Figure:
    figure, axes = canvas(title, "test accuracy (%)", "nodes pruned (%)")
    axes.set(xlim=(0, 100), ylim=(0, 100))
    axes.axhline(CHANCE, color=INK, linewidth=1, linestyle=(0, (1, 2)))
    axes.text(1, CHANCE - 1.5, "chance", va="top", color=INK, fontsize=11)
    ends = []
    for method in in_order(rows["method"]):
        mine = rows[rows["method"] == method]
        by_level = (100 * mine["accuracy"]).groupby(mine["level"])
        means, spread = by_level.mean(), by_level.std()
        colour = look(method).colour
        axes.plot(means.index, means, **look(method).line)
        if spread.notna().any():
            band = (means - spread, means + spread)
            axes.fill_between(means.index, *band, color=colour, alpha=0.18, linewidth=0)
        lost = mine["level"][mine["collapsed"]].min()
        if lost == lost:  # NaN if no layer has collapsed
            axes.plot(lost, means[lost], "x", color=colour, markersize=9, markeredgewidth=2.5)
        ends.append((means.iloc[-1], method))
        for marker, others in points.items():
            if others is not None and len(others):
                _points(axes, others[others["method"] == method], marker, colour)
    _label_ends(axes, ends)
    return figure


# All networks at once


@themed
def reach_dots(methods: Sequence[str], alt: str, **options: Any) -> Picture:
    """How far each network can be pruned before it loses a point: a row per network, a mark per
    method, hollow for controls.

    Args:
        methods: whose marks, in the order of the key.
        alt: what the picture shows, in words.
        options: as for :func:`spectral_core.paper.results.estimates.reaches`.

    Raises:
        NoResults: if a network lacks one of the methods.
    """
    rows = accuracies.selected(methods[0], **options)
    order = {name: i for i, name in enumerate([*dict.fromkeys(rows["dataset"]), *ACTIVATION_NAMES])}
    named = rows.drop_duplicates("network").sort_values(
        ["dataset", "depth", "activation"], key=lambda column: column.map(order).fillna(column)
    )
    networks = list(named["network"])
    places, headings = _rows(networks)
    top = 24 + 17 * -(-len(methods) // 2)
    figure = drawing(WIDTH, top + 24 * (max(places) + 1.4) + EDGES["bottom"])
    axes = axes_within(figure, left=64, right=16, top=top)
    for method in methods:
        colour, dash, marker = look(method)
        reached = estimates.reaches(method, **options)
        if lacking := set(networks) - set(reached):
            raise NoResults(f"no curve of {method} in {', '.join(sorted(lacking))}")
        axes.plot(
            [reached[each].level for each in networks], places, linestyle="none", marker=marker,
            markersize=8, color=colour, markerfacecolor=colour if dash == "-" else PAPER,
            markeredgewidth=1.6, label=METHODS[method].title, clip_on=False,
        )  # fmt: skip
    for name, height in headings.items():
        axes.text(0, height, name, va="center", fontweight="bold")
    axes.set_yticks(places, [name.rsplit(" · ", 1)[1] for name in networks])
    axes.set(xlim=(-3, 103), ylim=(max(places) + 0.7, -0.7), xlabel="nodes pruned (%)")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    figure.legend(loc="upper left", ncols=2, fontsize=12, handletextpad=0.2, columnspacing=1)
    return Picture((figure,), alt)


def _rows(networks: Iterable[str]) -> tuple[list[float], dict[str, float]]:
    """Heights of the rows of networks, and of a heading before each data set and widths."""
    places: list[float] = []
    headings: dict[str, float] = {}
    height = -1.0
    for name in networks:
        heading = name.rsplit(" · ", 1)[0]
        if heading not in headings:
            height += 1.4 if headings else 1
            headings[heading] = height
        height += 1
        places.append(height)
    return places, headings


@themed
def difference_curves(first: str, controls: Sequence[str], alt: str, **options: Any) -> Picture:
    """A method minus each of its controls: a drawing per control and depth, a thin line per
    network, a thick one for their mean, and a band for differences that do not count.

    An arrow stands at the first level at which a layer of some seed has no nodes left, and the line
    ends: it points up where that is the control's, down where it is the method's.

    Args:
        first: the method.
        controls: what it is compared with.
        alt: what the picture shows, in words.
        options: as for :func:`spectral_core.paper.results.estimates.differences`.

    Raises:
        NoResults: if a control has no network in common with the method.
    """
    drawings = []
    for control in controls:
        found = estimates.differences(first, control, estimates.ALL_LEVELS, **options)
        for depth, rows in found.groupby("depth"):
            drawings.append(_difference(rows, control, depth))
    return Picture(tuple(drawings), alt)


def _difference(rows: pd.DataFrame, control: str, depth: int) -> Figure:
    figure, axes = canvas(
        f"− {METHODS[control].title}", "difference (pt)", "nodes pruned (%)", height=214, right=16,
        top=44,
    )  # fmt: skip
    axes.text(0, 1.04, hidden_layers(depth), transform=axes.transAxes)
    axes.set_title(axes.get_title(loc="left"), pad=20)
    axes.set(xlim=(0, 100), ylim=(-_LIMIT, _LIMIT))
    axes.axhspan(-estimates.MARGIN, estimates.MARGIN, color=INK, alpha=0.1, linewidth=0)
    axes.axhline(0, color=INK, linewidth=1)
    colour = look(control).colour
    for _, seeds in rows.groupby("network", sort=False):
        by_level = seeds.groupby("level").agg({"difference": "mean", "collapsed": "any"})
        alive = ~by_level["collapsed"].cummax()
        line = by_level["difference"].where(alive)
        axes.plot(line.index, line, color=colour, linewidth=1, alpha=0.6)
        if not alive.all():
            gone = by_level[~alive].iloc[0]
            side = np.sign(gone["difference"])
            axes.plot(
                gone.name, 0.9 * _LIMIT * side, "^" if side > 0 else "v", color=colour, alpha=0.7
            )
    of_all = rows.groupby("level").agg({"difference": "mean", "collapsed": "any"})
    mean = of_all["difference"].where(~of_all["collapsed"].cummax())
    axes.plot(mean.index, mean, color=colour, linewidth=3)
    return figure


# What drawings share


def _points(axes: Axes, rows: pd.DataFrame, marker: str, colour: str) -> None:
    means = (100 * rows["accuracy"]).groupby(rows["percentile"]).mean()
    axes.plot(
        means.index, means, linestyle="none", marker=marker, markersize=7, color=colour,
        markerfacecolor=PAPER, markeredgewidth=1.8, zorder=3, clip_on=False,
    )  # fmt: skip


def _label_ends(axes: Axes, ends: Iterable[tuple[float, str]]) -> None:
    """Name lines at their right ends, in their colours, and keep the names apart."""
    low, high = axes.get_ylim()
    unit = (high - low) / (axes.get_position().height * axes.figure.get_size_inches()[1] * UNIT)
    named = [(y, textwrap.fill(METHODS[m].title, 15, break_on_hyphens=False), m) for y, m in ends]
    for y, text, method in keep_apart(sorted(named), _LINE * unit, low, high):
        axes.text(
            101.5, y, text, va="center", color=look(method).colour, fontsize=12,
            linespacing=1.05, fontweight="bold",
        )  # fmt: skip


def keep_apart(
    named: Sequence[tuple[float, str, str]], line: float, low: float, high: float
) -> list[tuple[float, str, str]]:
    """Move labels apart, in order, so that none covers another and all stay within the scale.

    Args:
        named: where each would stand, its text and what it names, from the lowest on.
        line: height of a line of text.
        low, high: the scale.
    """
    half = [line * (text.count("\n") + 1) / 2 for _, text, _ in named]
    places = [y for y, _, _ in named]
    edge = low
    for i, tall in enumerate(half):  # upwards from the bottom …
        places[i] = max(places[i], edge + tall)
        edge = places[i] + tall
    edge = high
    for i in reversed(range(len(half))):  # … then down from the top
        places[i] = min(places[i], edge - half[i])
        edge = places[i] - half[i]
    return [(y, text, name) for y, (_, text, name) in zip(places, named)]
