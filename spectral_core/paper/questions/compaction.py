"""What pruning buys: accuracy against the weights that are left and the time that they take."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from spectral_core.layers.networks import hidden_widths
from spectral_core.paper.results import publishing
from spectral_core.paper.results.intervals import POINT
from spectral_core.paper.results.standings import NOTHING
from spectral_core.paper.study.figures import EXPERIMENTS, QUESTIONS

SOURCES = tuple(
    name
    for name, figure in EXPERIMENTS.items()
    if (name not in QUESTIONS or name in ("budget", "threshold", "stronger"))
    and all(panel.base.features == "none" for panel in figure.panels)
)
"""Figures whose networks take an image's pixels and are cut by any method or control."""

BATCHES = (1, 1000)
"""Images at once, for which a network is timed."""


def gathered(preset: str = "paper") -> pd.DataFrame:
    """Published results of all methods and controls on the networks as written.

    Args:
        preset: name out of :data:`~spectral_core.paper.study.figures.PRESETS`.

    Returns:
        Table with the columns :data:`spectral_core.paper.results.tables.COLUMNS`; what two figures share
        is there once. Controls that ran in another precision than their network's figure are left
        out: they are compared with other runs.
    """
    return publishing.published_together(SOURCES, preset)


def means(table: pd.DataFrame) -> pd.DataFrame:
    """Each curve's points, as means over seeds.

    Args:
        table: results without penalties.

    Returns:
        One row per panel, method and percentile: ``dataset``, ``activation``, ``hidden``,
        ``accuracy``, ``parameters``, and ``kept``, the nodes left in each layer with the first
        seed.
    """
    return (
        table.groupby(["panel", "method", "percentile"], sort=False)
        .agg(
            dataset=("dataset", "first"),
            activation=("activation", "first"),
            hidden=("hidden", "first"),
            kept=("kept", "first"),
            parameters=("parameters", "mean"),
            accuracy=("accuracy", "mean"),
        )
        .reset_index()
    )


def networks(preset: str = "paper") -> list[tuple[str, str]]:
    """Activation function and widths of all networks that there are to time.

    Args:
        preset: whose published results.

    Returns:
        Pairs such as ``("elu", "500-430-12")``, each once, from the widest to the narrowest; none
        that has lost a whole layer.
    """
    found = means(gathered(preset))[["activation", "kept"]].drop_duplicates()
    hidden = {pair: hidden_widths(pair[1]) for pair in found.itertuples(index=False, name=None)}
    pairs = [pair for pair, widths in hidden.items() if all(widths)]
    return sorted(pairs, key=lambda pair: (pair[0], [-width for width in hidden[pair]]))


def timed(points: pd.DataFrame, rows: Iterable[Mapping[str, Any]], batch: int) -> pd.DataFrame:
    """Points with the time that their networks take.

    Args:
        points: as :func:`means` returns them.
        rows: of the benchmark ``compaction``: ``activation``, ``kept``, ``batch`` and
            ``microseconds`` per image, a spread.
        batch: images at once, out of :data:`BATCHES`.

    Returns:
        The points whose networks were timed, with ``microseconds``, the median per image.
    """
    measured = pd.DataFrame(
        [
            (row["activation"], row["kept"], row["microseconds"]["median"])
            for row in rows
            if row["batch"] == batch
        ],
        columns=["activation", "kept", "microseconds"],
    )
    return points.merge(measured, on=["activation", "kept"])


def front(points: pd.DataFrame, cost: str = "parameters") -> pd.DataFrame:
    """Points that no other one of the same panel beats: none is as accurate for less.

    Args:
        points: as :func:`means` or :func:`timed` returns them.
        cost: column to spend little of.

    Returns:
        The Pareto front of each panel, from the cheapest network to the dearest.
    """
    ordered = points.sort_values(
        ["panel", cost, "accuracy"], ascending=[True, True, False], kind="stable"
    )
    best_before = ordered.groupby("panel", sort=False)["accuracy"].transform(
        lambda accuracy: accuracy.cummax().shift(fill_value=float("-inf"))
    )
    return ordered[ordered["accuracy"] > best_before]


def smallest(points: pd.DataFrame, rows: Sequence[Mapping[str, Any]] = ()) -> pd.DataFrame:
    """The smallest network of each method that is within a point of training in direct space.

    Args:
        points: as :func:`means` returns them. A panel without the uncut network of ``direct`` is
            left out.
        rows: of the benchmark ``compaction``, as :func:`timed` takes them.

    Returns:
        One row per panel and method that has such a network: ``percentile``, ``kept``, ``share`` of
        the weights that are left, and for each of :data:`BATCHES` how many times as fast as the
        uncut network of ``direct`` it is (``speed_1``, ``speed_1000``; missing if not timed).
    """
    uncut = points[(points["method"] == "direct") & (points["percentile"] == 0)]
    uncut = uncut.set_index("panel")
    good = points[points["panel"].isin(uncut.index)]
    lost = good["panel"].map(uncut["accuracy"]) - good["accuracy"]
    good = good[lost.round(9) <= POINT]
    chosen = good.loc[good.groupby(["panel", "method"], sort=False)["parameters"].idxmin()]
    chosen = chosen.assign(share=chosen["parameters"] / chosen["panel"].map(uncut["parameters"]))
    for batch in BATCHES:
        seconds = timed(points, rows, batch).set_index(["panel", "method", "percentile"])
        known = seconds["microseconds"].to_dict()
        chosen[f"speed_{batch}"] = [
            known.get((row.panel, "direct", 0.0), float("nan"))
            / known.get((row.panel, row.method, row.percentile), float("nan"))
            for row in chosen.itertuples()
        ]
    return chosen.reset_index(drop=True)


def answer(points: pd.DataFrame, rows: Sequence[Mapping[str, Any]] = ()) -> str:
    """What does compaction buy? A sentence in Markdown, of the methods measured in all networks.

    Arguments are those of :func:`smallest`. A method that has no such network counts as if it
    needed more than any other.
    """
    found = smallest(points, rows)
    if found.empty:
        return NOTHING
    total = found["panel"].nunique()
    measured = points[points["panel"].isin(found["panel"])].groupby("method")["panel"].nunique()
    told = []
    for method in measured[measured == total].index:
        mine = found[found["method"] == method]
        share = statistics.median([*mine["share"], *[float("inf")] * (total - len(mine))])
        text = f"{method} {_percent(share)} of the weights" if share <= 1 else f"{method} none"
        speed = mine[f"speed_{BATCHES[-1]}"].dropna()
        if share <= 1 and len(speed):
            text += f", {statistics.median(speed):.1f} times as fast"
            text += f" in the {len(speed)} timed" if len(speed) < len(mine) else ""
        cut = (mine["percentile"] > 0).sum()
        told.append((share, f"{text} ({cut} of {total} networks can be cut)"))
    return (
        "The smallest network within a point of the uncut one trained in direct space, in the "
        f"median over networks: {'; '.join(text for _, text in sorted(told))}."
    )


def table(points: pd.DataFrame, rows: Sequence[Mapping[str, Any]] = ()) -> pd.DataFrame:
    """The networks of :func:`smallest` for a reader: a row per panel, a column per method.

    A cell has the share of weights that is left and, where it was timed, how many times as fast the
    network is in the largest of :data:`BATCHES`; ``none`` where no cut is good enough, and ``–``
    where the method was not measured.
    """
    found = smallest(points, rows)
    cells = [
        _percent(row.share) + (f" ({speed:.1f}×)" if speed == speed else "")
        for row, speed in zip(found.itertuples(), found[f"speed_{BATCHES[-1]}"])
    ]
    told = found.assign(cell=cells).pivot(index="panel", columns="method", values="cell")
    measured = points.groupby(["panel", "method"]).size().unstack().notna()
    there = measured.reindex(index=found["panel"].unique(), columns=points["method"].unique())
    told = told.reindex(index=there.index, columns=there.columns).astype(object).fillna("none")
    return told.where(there, "–").rename_axis(index="network", columns=None)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
