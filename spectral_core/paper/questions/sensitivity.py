"""Which settings matter: networks with one of them changed, against the same ones as written.

The two are compared seed by seed, and where as many nodes are left: so that four times the nodes
have to do with as many as the paper's network has after its cut.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pandas as pd

from spectral_core.layers.networks import hidden_widths
from spectral_core.paper.results.cells import counted, grid
from spectral_core.paper.results.intervals import POINT, Interval, interval, leads, points
from spectral_core.paper.results.standings import NOTHING, Standing
from spectral_core.paper.study.figures import CHANGES
from spectral_core.paper.study.settings import Settings, in_words

COLUMNS = ("variation", "method", "network", "depth", "seeds", "mean", "low", "high")
"""Columns of :func:`differences`."""

ALL = "all networks"
"""What stands for the average over networks of one depth in the column ``network``."""

Network = tuple[str, str, int]
"""Data set, activation function and number of hidden layers."""


def differences(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracy with a setting changed minus accuracy as written, averaged over all cuts.

    Args:
        table: results of the figure ``settings``, see :data:`spectral_core.paper.results.tables.COLUMNS`.

    Returns:
        One row per variation, method and network that has at least two seeds of both, and one for
        the average over these networks with as many hidden layers, :data:`ALL`, by the seeds that
        they share: ``depth``, the number of hidden layers; ``seeds``, ``mean`` (an accuracy) and
        the ends of its t-interval of 95 %, ``low`` and ``high``; these are missing where the
        networks share fewer than two seeds.
    """
    parts = dict(_parts(table))
    rows = []
    for variation, of_it in CHANGES.items():
        for method, depth in itertools.product(of_it.methods, of_it.depths):
            found = {}
            for (network, name), changed in parts.items():
                written = parts.get((network, ""))
                if name == variation and network[2] == depth and written is not None:
                    by_seed = _by_seed(written, changed, method)
                    found |= {network: by_seed} if len(by_seed) > 1 else {}
            for network, by_seed in found.items():
                rows.append((variation, method, _in_words(network), depth, *_told(by_seed)))
            if found:
                average = pd.DataFrame(found).dropna().mean(axis=1)
                mean = sum(by_seed.mean() for by_seed in found.values()) / len(found)
                told = _told(average) if len(average) > 1 else (len(average), mean, None, None)
                rows.append((variation, method, ALL, depth, *told))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(
        {"mean": float, "low": float, "high": float}
    )


def answer(found: pd.DataFrame) -> str:
    """Which settings matter? Markdown: a sentence, then an item per setting.

    A setting matters if it moves the accuracy of a method by more than a point on average over the
    networks of one depth, and the interval of that leaves out 0.

    Args:
        found: as :func:`differences` returns it.
    """
    if found.empty:
        return NOTHING
    average = found[found["network"] == ALL]
    apart = (average["low"] > 0) | (average["high"] < 0)
    moved = average[apart & (average["mean"].abs() > POINT)]
    perhaps = average[(average["low"] < -POINT) | (average["high"] > POINT)]
    matter = set(moved["variation"])
    undecided = set(perhaps["variation"]) - matter
    measured = [name for name in CHANGES if name in set(average["variation"])]
    named = "; ".join(
        f"{CHANGES[name].title} ({', '.join(map(_moved, rows.itertuples()))})"
        for name, rows in moved.groupby("variation", sort=False)
    )
    items = [effect(name, found) for name in measured]
    return "\n".join(
        [
            f"**{len(matter)} of {len(measured)}** settings move the accuracy of a method by more "
            f"than a point, averaged over cuts and over networks of one depth"
            f"{f': {named}' if named else ''}. {len(undecided)} "
            f"other{'s' if len(undecided) != 1 else ''} may do so, by their intervals.",
            "",
            *items,
        ]
    )


def _moved(row: Any) -> str:
    return f"{row.method} {points(row.mean)} points with {_layers(row.depth)}"


def table(found: pd.DataFrame) -> pd.DataFrame:
    """The differences for a reader, in points: a row per setting and network, a column per method.

    Args:
        found: as :func:`differences` returns it.
    """
    there = found.dropna(subset="low")
    told = there.assign(
        setting=[CHANGES[name].title for name in there["variation"]],
        network=[
            f"{ALL}, {_layers(row.depth)}" if row.network == ALL else row.network
            for row in there.itertuples()
        ],
        text=[
            str(Interval(row.mean, row.low, row.high)).removesuffix(" points")
            for row in there.itertuples()
        ],
    )
    shown = grid(told, ["setting", "network"], "method", "text").fillna("")
    return shown.rename_axis(columns="accuracy − as written (points)")


def variations_table() -> pd.DataFrame:
    """What varies: one row per setting changed, with the paper's value and the one in its place."""
    rows = {}
    for name, each in CHANGES.items():
        changed = each.settings
        if each.times > 1:
            changed = {"hidden": (500 * each.times,)}
        (setting,) = changed
        paper = getattr(Settings(), setting)
        rows[each.title] = {
            "setting": setting.replace("_", " "),
            "in the paper": in_words(paper),
            "changed to": in_words(changed[setting]),
            "methods": ", ".join(each.methods),
            "hidden layers": " and ".join(map(str, each.depths)),
            "panels": f"…-{name}",
        }
    return pd.DataFrame(rows).T.rename_axis("change")


def effect(name: str, found: pd.DataFrame) -> str:
    """What one variation does to each method, an item of a list in Markdown.

    Args:
        name: out of :data:`~spectral_core.paper.study.figures.CHANGES`.
        found: as :func:`differences` returns it; empty if it has no such variation.
    """
    said = []
    found = found[found["variation"] == name]
    for depth, of_depth in found.groupby("depth"):
        by_method = of_depth.groupby("method", sort=False)
        seeds = counted(of_depth.loc[of_depth["network"] == ALL, "seeds"].max())
        told = ", ".join(_effect(*each) for each in by_method)
        said.append(f"with {_layers(depth)} ({seeds}) {told}")
    return f"- {CHANGES[name].title}: {'; '.join(said)}" if said else ""


def _effect(method: str, rows: pd.DataFrame) -> str:
    each, average = rows[rows["network"] != ALL], rows[rows["network"] == ALL].iloc[0]
    networks = Standing(
        {row.network: Interval(row.mean, row.low, row.high) for row in each.itertuples()}
    )
    told = f"{points(average['mean'])} points"
    if average["seeds"] > 1:
        told = str(Interval(*average[["mean", "low", "high"]]))
    return f"{method} {told} {networks.counts}"


def _parts(table: pd.DataFrame) -> Iterator[tuple[tuple[Network, str], pd.DataFrame]]:
    """Rows of each network and variation, "" for the network as written."""
    for panel, rows in table.groupby("panel", sort=False):
        first = rows.iloc[0]
        network = (first["dataset"], first["activation"], len(hidden_widths(first["hidden"])))
        variation = next((name for name in CHANGES if panel.endswith(f"-{name}")), "")
        yield (network, variation), rows


def _by_seed(written: pd.DataFrame, changed: pd.DataFrame, method: str) -> pd.Series:
    """Difference of a method's accuracies where as many nodes are left, one value per seed."""
    one, other = (rows[rows["method"] == method] for rows in (changed, written))
    cuts = other.drop_duplicates("nodes").set_index("nodes")["percentile"]
    one = one.assign(percentile=one["nodes"].map(cuts)).dropna(subset="percentile")
    one = one.drop_duplicates(["seed", "percentile"])
    both = pd.concat([one.assign(method="changed"), other.assign(method="written")])
    return leads(both, "changed", "written").dropna()


def _told(by_seed: pd.Series) -> tuple[float, ...]:
    return len(by_seed), *interval(by_seed)


def _in_words(network: Network) -> str:
    dataset, activation, depth = network
    return f"{dataset}, {activation}, {_layers(depth)}"


def _layers(depth: int) -> str:
    return f"{depth} hidden layer{'s' if depth > 1 else ''}"
