"""Every number that a sentence or a verdict of the book uses: estimates with their intervals.

An estimate is a mean in percentage points with a 95 % confidence interval by Student's t: over the
seeds of one network, paired, or over networks, each with the mean of its seeds. Layer collapse is a
state, not a number: a pruning level at which a hidden layer has no nodes left, with either of two
methods and any of their seeds, is left out of that network's averages and counted.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from spectral_core import _checks
from spectral_core.layers.networks import ACTIVATION_NAMES, hidden_widths
from spectral_core.paper.results.estimate import CONFIDENCE, MARGIN, Estimate, holm, signed
from spectral_core.paper.results.published import every_run
from spectral_core.paper.results.tables import NoResults

__all__ = [
    "ALL_LEVELS", "CONFIDENCE", "FEW_TO_MANY", "FILTERS", "MARGIN", "Estimate", "Reach", "by_level",
    "collapse_level", "described", "difference", "differences", "holm", "losses", "network_name",
    "over_networks", "per_network", "pooled", "reach", "reaches", "results", "selected", "signed",
]  # fmt: skip

FEW_TO_MANY, ALL_LEVELS = (5.0, 80.0), (5.0, 95.0)
"""Ranges of pruning levels, in per cent of the nodes, both ends included."""

DATASET_NAMES = {"fashion-mnist": "Fashion-MNIST", "mnist": "MNIST", "cifar10": "CIFAR-10"}
DATASET_NAMES |= {"cifar10-jpeg": "CIFAR-10 (JPEG copy)", "digits": "digits"}


# The published points


@functools.lru_cache(maxsize=4)
def results(preset: str = "paper") -> pd.DataFrame:
    """Every published point of every experiment, each once.

    Returns:
        The columns of :data:`~spectral_core.paper.results.tables.COLUMNS` and ``source``,
        ``change``, ``precision``, ``depth`` (hidden layers), ``network`` (its name in words),
        ``level`` (the percentile) and ``collapsed`` (whether a hidden layer has no nodes left).
        Do not change it: it is cached.

    Where a later experiment publishes the same point with another accuracy, its networks are of
    another run: the ``precision`` of all its results then names the experiment, as in
    ``bf16, random``, so that methods are compared within one run.

    Raises:
        ValueError: if one experiment publishes the same point with different accuracies.
    """
    return described(pd.concat(every_run(preset), ignore_index=True))


def described(table: pd.DataFrame) -> pd.DataFrame:
    """A table of results with what :func:`results` adds; a point of two experiments is kept once.

    Args:
        table: results, with ``source``, ``change`` and ``precision`` where they are known.
    """
    defaults = {"source": "text", "change": "", "precision": "fp32", "file": "", "figure": ""}
    table = table.assign(**{k: v for k, v in defaults.items() if k not in table})
    point = ["precision", "panel", "method", "seed", "penalty", "percentile"]
    distinct = table.drop_duplicates([*point, "accuracy"])
    first = distinct.groupby(point)["figure"].transform("first")
    others = set(distinct.loc[distinct["figure"] != first, "file"])
    own = table["precision"] + ", " + table["figure"]
    table = table.assign(precision=table["precision"].mask(table["file"].isin(others), own))
    distinct = table.drop_duplicates([*point, "accuracy"])
    if (twice := distinct.duplicated(point, keep=False)).any():
        files = ", ".join(sorted(map(str, distinct.loc[twice, "file"].unique())))
        raise ValueError(f"the same points have different accuracies in {files}")
    widths = distinct["hidden"].map(hidden_widths)
    return distinct.assign(
        depth=widths.map(len),
        network=[
            network_name(*row)
            for row in zip(distinct["dataset"], distinct["activation"], distinct["hidden"])
        ],
        level=distinct["percentile"],
        collapsed=[0 in hidden_widths(kept) for kept in distinct["kept"]],
    ).reset_index(drop=True)


def network_name(dataset: str, activation: str, hidden: str) -> str:
    """``Fashion-MNIST · 3 × 500 · ELU``."""
    widths = hidden_widths(hidden)
    if len(set(widths)) == 1:
        hidden = f"{len(widths)} × {widths[0]}"
    names = (DATASET_NAMES.get(dataset, dataset), hidden, ACTIVATION_NAMES[activation])
    return " · ".join(names)


FILTERS = ("dataset", "activation", "depth", "source", "network", "penalty")
"""Columns by which networks are selected; a value or several."""
_ARCHITECTURE = ["dataset", "activation", "depth"]


def selected(table: pd.DataFrame, method: str, change: str = "", **filters) -> pd.DataFrame:
    """Rows of one method in some networks; the text's settings and no penalty unless filtered.

    Args:
        table: as :func:`described` makes it.
        method: its key.
        change: the setting changed, ``""`` for none.
        filters: values of :data:`FILTERS`, one or several of each.
    """
    table = table[(table["method"] == method) & (table["change"] == change)]
    for name, wanted in ({"source": "text", "penalty": 0.0} | filters).items():
        _checks.choice("filter", name, FILTERS)
        wanted = list(wanted) if isinstance(wanted, tuple | list | set) else [wanted]
        table = table[table[name].isin(wanted)]
    return table


# Differences


def differences(
    first: str,
    second: str,
    levels: tuple[float, float] = FEW_TO_MANY,
    *,
    changes: tuple[str, str] = ("", ""),
    by: str = "percentile",
    table: pd.DataFrame | None = None,
    **filters,
) -> pd.DataFrame:
    """Accuracy of one method minus another's, in every network and seed that has both.

    Both come from one precision per network: the one with more common seeds, fp32 of equals.

    Args:
        first, second: methods; the same one twice if ``changes`` differ.
        levels: smallest and largest pruning level, in per cent of the nodes.
        changes: the setting changed in each, see the experiment ``settings``; ``""`` for none.
        by: ``"percentile"``, or ``"nodes"``: levels are the same where as many nodes are left,
            within one node, of unequal networks, too.
        table: as :func:`described` makes it; the published results if ``None``.
        filters: values of :data:`FILTERS`.

    Returns:
        One row per network, seed and level: ``network``, ``dataset``, ``activation``, ``depth``,
        ``precision``, ``seed``, ``level``, ``first`` and ``second`` (accuracy in per cent),
        ``difference`` (pt) and ``collapsed``: whether, at this level of this network, a layer has
        no nodes left with either method and some seed.

    Raises:
        NoResults: if no network has both.
        ValueError: if a seed that both have lacks one of their common levels.
    """
    _checks.choice("by", by, ("percentile", "nodes"))
    table = results() if table is None else table
    one, other = (selected(table, m, c, **filters) for m, c in zip((first, second), changes))
    if by == "nodes":
        one = one.assign(level=_levels_of_nodes(one, other))
    one, other = (rows[rows["level"].between(*levels)] for rows in (one, other))
    key = [*_ARCHITECTURE, "precision"]
    both = one.merge(other, on=[*key, "seed", "level"], suffixes=("_1", "_2"))
    if both.empty:
        raise NoResults(
            f"no network has {first} and {second} from {levels[0]:g} to {levels[1]:g} %"
        )
    _check_complete(one, other, both, key)
    seeds = both.groupby(key, as_index=False)["seed"].nunique()
    seeds = seeds.sort_values(["seed", "precision"], ascending=False)
    both = both.merge(seeds.drop_duplicates(_ARCHITECTURE)[key], on=key)
    lost = both["collapsed_1"] | both["collapsed_2"]
    found = both[["network_2", *key, "seed", "level"]].rename(columns={"network_2": "network"})
    return found.assign(
        first=100 * both["accuracy_1"],
        second=100 * both["accuracy_2"],
        difference=(100 * (both["accuracy_1"] - both["accuracy_2"])).round(9),
        collapsed=lost.groupby([both["network_2"], both["level"]]).transform("any"),
    )


def _check_complete(
    one: pd.DataFrame, other: pd.DataFrame, both: pd.DataFrame, key: list[str]
) -> None:
    """Refuse to lose a seed: all that two methods share must have all levels that they share."""
    sets = [rows.groupby(key)[["seed", "level"]].agg(set) for rows in (one, other)]
    sizes = both.groupby(key).size()
    for name in sets[0].index.intersection(sets[1].index):
        seeds, levels = (sets[0].loc[name, c] & sets[1].loc[name, c] for c in ("seed", "level"))
        if sizes.get(name, 0) != len(seeds) * len(levels):
            raise ValueError(
                f"seeds {sorted(seeds)} of {one['method'].iloc[0]} and {other['method'].iloc[0]} "
                f"in {' '.join(map(str, name))} must each have the levels "
                f"{sorted(levels)}, once; got {sizes.get(name, 0)} points"
            )


def _levels_of_nodes(first: pd.DataFrame, second: pd.DataFrame) -> list[float]:
    """For each row the level of the other network that leaves as many nodes, within one; or NaN."""
    levels = {}
    for network, rows in second.groupby(_ARCHITECTURE):
        nodes = rows.groupby("level")["nodes"].median()
        for count in first["nodes"].unique():
            gaps = (nodes - count).abs()
            levels[(*network, count)] = gaps.idxmin() if gaps.min() <= 1 else math.nan
    rows = zip(*(first[name] for name in (*_ARCHITECTURE, "nodes")))
    return [levels.get(row, math.nan) for row in rows]


def per_network(found: pd.DataFrame, average: str = "mean") -> dict[str, Estimate]:
    """Estimate over seeds in each network, averaged over levels; none where every level has
    collapsed.

    Args:
        found: as :func:`differences` returns it.
        average: ``"mean"``, or ``"median"``: the difference at a typical level.
    """
    return {
        network: Estimate.of(
            rows[~rows["collapsed"]].groupby("seed")["difference"].agg(average),
            "seeds",
            int(rows["collapsed"].sum()),
        )
        for network, rows in found.groupby("network", sort=False)
        if not rows["collapsed"].all()
    }


def pooled(found: pd.DataFrame, average: str = "mean") -> Estimate:
    """Estimate over networks, each with its mean over seeds; of one network, over seeds.

    Args:
        found: as :func:`differences` returns it.
        average: over levels, as for :func:`per_network`.

    Raises:
        NoResults: if every level of every network has collapsed.
    """
    each = list(per_network(found, average).values())
    if not each:
        raise NoResults("every level of every network has a collapsed layer")
    return over_networks(each) if found["network"].nunique() > 1 else each[0]


def over_networks(estimates: Sequence[Estimate]) -> Estimate:
    """The mean of several networks' estimates, with the interval over networks."""
    excluded = sum(estimate.excluded for estimate in estimates)
    return Estimate.of([estimate.mean for estimate in estimates], "networks", excluded)


def difference(
    first: str, second: str, levels: tuple[float, float] = FEW_TO_MANY, **options
) -> Estimate:
    """Accuracy of one method minus another's, averaged over a range of levels.

    Over networks if several have both, over seeds if one has; arguments and errors are those of
    :func:`differences`.
    """
    return pooled(differences(first, second, levels, **options))


def mean_accuracy(
    method: str, level: float, network: str, *, table: pd.DataFrame | None = None, **filters
) -> float:
    """Mean accuracy of one network at one pruning level, in per cent, over its seeds in fp32; in
    another precision only if there are none.

    Args:
        method: whose networks.
        level: in per cent of the nodes.
        network: in words, as in the column ``network`` of :func:`results`.
        table, filters: as for :func:`differences`.

    Raises:
        NoResults: if the point is not published.
    """
    rows = selected(results() if table is None else table, method, network=network, **filters)
    rows = rows[rows["level"] == level]
    if rows.empty:
        raise NoResults(f"no accuracy of {method} at {level:g} % is published for {network}")
    of_fp32 = rows[rows["precision"] == "fp32"]
    return float(100 * (of_fp32 if len(of_fp32) else rows)["accuracy"].mean())


def by_level(found: pd.DataFrame) -> pd.DataFrame:
    """The difference at each level of each network: ``network``, ``level``, ``mean``, ``low``,
    ``high``, ``n`` and ``collapsed``; the numbers are NaN at levels where a layer has collapsed.

    Args:
        found: as :func:`differences` returns it.
    """
    rows = []
    for (network, level), seeds in found.groupby(["network", "level"], sort=False):
        lost = bool(seeds["collapsed"].any())
        estimate = Estimate.of(seeds["difference"])
        numbers = (math.nan,) * 3 if lost else estimate[:3]
        rows.append((network, level, *numbers, estimate.n, lost))
    columns = ["network", "level", "mean", "low", "high", "n", "collapsed"]
    return pd.DataFrame(rows, columns=columns)


# How far a network can be pruned


class Reach(NamedTuple):
    """How far networks can be pruned within some points of accuracy, in per cent of the nodes."""

    level: float
    """The last level whose mean loss is within the limit; NaN where no level is."""
    low: float
    """The same of the loss's upper confidence limit: certainly within; NaN for a single run."""
    high: float
    """The same of its lower limit: possibly within; NaN for a single run."""
    n: int
    """How many seeds, or networks."""
    over: str = "seeds"
    """``"seeds"``; or ``"networks"``: the mean of their levels and its 95 % interval."""

    def __str__(self) -> str:
        if self.n < 2:
            return f"{self.level:.3g} % (single run)"
        return f"{self.level:.3g} % [{self.low:.3g}, {self.high:.3g}]"


def reach(method: str, network: str, within: float = MARGIN, **options) -> Reach:
    """How far a method can prune one network before it loses more than some points of accuracy.

    Args:
        method: whose curve.
        network: in words, as in the column ``network`` of :func:`results`.
        within: points that may be lost.
        options: as for :func:`reaches`.

    Raises:
        NoResults: if the curve, or its unpruned network, is not published.
    """
    return reaches(method, within, network=network, **options)[network]


def reaches(
    method: str, within: float = MARGIN, unbroken: bool = False, **options
) -> dict[str, Reach]:
    """:func:`reach` of every network; a level with a collapsed layer is never within.

    Args:
        method, within: as for :func:`reach`.
        unbroken: whether every level before the last must be within, too.
        options: as for :func:`losses`.
    """
    found = {}
    for network, lost in losses(method, **options).groupby("network", sort=False):
        lost, ends = lost.sort_values("level"), []
        for name in ("mean", "high", "low"):
            near = (lost[name].round(9) <= within) & ~lost["collapsed"]
            ends.append(float(lost["level"][near.cummin() if unbroken else near].max()))
        n = int(lost["n"].min())
        found[network] = Reach(ends[0], *(ends[1:] if n > 1 else (math.nan, math.nan)), n)
    return found


def losses(
    method: str, *, reference: str = "", table: pd.DataFrame | None = None, **filters
) -> pd.DataFrame:
    """What each level loses against an unpruned network, paired by seed, network by network.

    Args:
        method: whose curve.
        reference: method whose unpruned network counts; the method's own if empty.
        table, filters: as for :func:`differences`.

    Returns:
        ``network``, ``level``, ``mean``, ``low`` and ``high`` (loss in points, positive for a
        loss), ``n`` and ``collapsed``, one row per network and level.
    """
    table = results() if table is None else table
    curve = selected(table, method, **filters)
    unpruned = selected(table, reference or method, **filters)
    unpruned = unpruned[unpruned["level"] == 0]
    rows = []
    for network, points in curve.groupby(_ARCHITECTURE, sort=False):
        whole = unpruned[(unpruned[_ARCHITECTURE] == list(network)).all(axis=1)]
        precision = _precision(points, whole)
        if precision is None:
            continue
        whole = whole[whole["precision"] == precision].set_index("seed")["accuracy"]
        points = points[(points["precision"] == precision) & points["seed"].isin(whole.index)]
        points = points.assign(lost=100 * (points["seed"].map(whole) - points["accuracy"]))
        for level, seeds in points.groupby("level"):
            estimate = Estimate.of(seeds["lost"].round(9))
            lost = bool(seeds["collapsed"].any())
            rows.append((seeds["network"].iloc[0], level, *estimate[:4], lost))
    if not rows:
        raise NoResults(f"no network has a curve of {method} and its unpruned network")
    columns = ["network", "level", "mean", "low", "high", "n", "collapsed"]
    return pd.DataFrame(rows, columns=columns)


def _precision(first: pd.DataFrame, second: pd.DataFrame) -> str | None:
    """The precision in which two methods share most seeds; ``None`` if they share none."""
    shared = {
        precision: len(set(rows["seed"]) & set(second[second["precision"] == precision]["seed"]))
        for precision, rows in first.groupby("precision")
    }
    most = max(shared, key=lambda name: (shared[name], name == "fp32"), default=None)
    return most if most and shared[most] else None


def collapse_level(
    method: str, *, table: pd.DataFrame | None = None, **filters
) -> dict[str, float]:
    """The first level at which a layer of some seed has no nodes left, by network; NaN for none."""
    table = results() if table is None else table
    rows = selected(table, method, **filters)
    first = rows[rows["collapsed"]].groupby("network")["level"].min()
    return {network: float(first.get(network, math.nan)) for network in rows["network"].unique()}
