"""Every number that a sentence or a verdict of the book uses: estimates with their intervals.

An estimate is a mean in percentage points with a 95 % confidence interval by Student's t: over the
seeds of one network, paired, or over networks, each with the mean of its seeds. Layer collapse is a
state, not a number: a pruning level at which a hidden layer has no nodes left, with either of two
methods and any of their seeds, is left out of that network's averages and counted.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from spectral_core.paper.results.accuracies import selected
from spectral_core.paper.results.collect import NoResults
from spectral_core.paper.results.statistics import MARGIN, Estimate, intervals

FEW_TO_MANY, ALL_LEVELS = (5.0, 80.0), (5.0, 95.0)
"""Ranges of pruning levels, in per cent of the nodes, both ends included."""

_ARCHITECTURE = ["dataset", "activation", "depth"]
_RUN = [*_ARCHITECTURE, "precision"]


def differences(
    first: str,
    second: str,
    levels: tuple[float, float] = FEW_TO_MANY,
    *,
    change: str = "",
    penalty: float = 0.0,
    **options,
) -> pd.DataFrame:
    """Accuracy of one method minus another's, in every network and seed that has both.

    Both come from one precision per network: the one with more common seeds, fp32 of equals.

    Args:
        first, second: methods; the same one twice to compare it with a change and without.
        levels: smallest and largest pruning level, in per cent of the nodes.
        change: the setting changed in ``first``, see the experiment ``settings``; ``""`` for none.
            Where it is the ``width``, levels are paired that leave as many nodes, within one.
        penalty: weight γ that ``first`` is trained with; ``second`` is trained without a penalty.
        options: a table and filters, for :func:`~spectral_core.paper.results.accuracies.selected`.

    Returns:
        One row per network, seed and level: ``network``, ``dataset``, ``activation``, ``depth``,
        ``precision``, ``seed``, ``level``, ``first`` and ``second`` (accuracy in per cent),
        ``difference`` (pt) and ``collapsed``: whether, at this level of this network, a layer has
        no nodes left with either method and some seed.

    Raises:
        NoResults: if no network has both.
        ValueError: if a seed that both have lacks one of their common levels.
    """
    one = selected(first, change, penalty=penalty, **options)
    other = selected(second, **options)
    if change == "width":
        one = one.assign(level=_levels_of_nodes(one, other))
    one, other = (rows[rows["level"].between(*levels)] for rows in (one, other))
    found = _paired(one, other)
    if found.empty:
        raise NoResults(
            f"no network has {first} and {second} from {levels[0]:g} to {levels[1]:g} %"
        )
    return found


def _paired(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Rows of two methods, seed by seed and level by level, as :func:`differences` returns them."""
    point = [*_RUN, "seed", "level"]
    both = one[[*point, "accuracy", "collapsed"]].merge(
        other[[*point, "accuracy", "collapsed", "network"]], on=point, suffixes=("_1", "_2")
    )
    _check_complete(one, other, both)
    seeds = both.groupby(_RUN, as_index=False)["seed"].nunique()
    seeds = seeds.sort_values(["seed", "precision"], ascending=False)
    both = both.merge(seeds.drop_duplicates(_ARCHITECTURE)[_RUN], on=_RUN)
    lost = both["collapsed_1"] | both["collapsed_2"]
    return both[["network", *point]].assign(
        first=100 * both["accuracy_1"],
        second=100 * both["accuracy_2"],
        difference=(100 * (both["accuracy_1"] - both["accuracy_2"])).round(9),
        collapsed=lost.groupby([both["network"], both["level"]]).transform("any"),
    )


def _check_complete(one: pd.DataFrame, other: pd.DataFrame, both: pd.DataFrame) -> None:
    """Refuse to lose a seed: all that two methods share must have all levels that they share."""
    others = dict(list(other.groupby(_RUN)))
    points = both.groupby(_RUN).size()
    for run, own in one.groupby(_RUN):
        if run in others:
            seeds, levels = (set(own[c]) & set(others[run][c]) for c in ("seed", "level"))
            if (count := points.get(run, 0)) != len(seeds) * len(levels):
                raise ValueError(
                    f"seeds {sorted(seeds)} of {one['method'].iloc[0]} and "
                    f"{other['method'].iloc[0]} in {' '.join(map(str, run))} must each have the "
                    f"levels {sorted(levels)}, once; got {count} points"
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
    """Estimate over seeds in each network of :func:`differences`, with the ``"mean"`` over levels
    or, at a typical one, the ``"median"``; none where every level has collapsed."""
    return {
        network: Estimate.of(
            rows[~rows["collapsed"]].groupby("seed")["difference"].agg(average),
            "seeds",
            int(rows["collapsed"].sum()),
        )
        for network, rows in found.groupby("network", sort=False)
        if not rows["collapsed"].all()
    }


def pooled(found: pd.DataFrame) -> Estimate:
    """Estimate over the networks of :func:`differences`, each with its mean over seeds; of one
    network, over seeds.

    Raises:
        NoResults: if every level of every network has collapsed.
    """
    each = list(per_network(found).values())
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


def mean_accuracy(method: str, level: float, network: str, **options) -> float:
    """Mean accuracy in per cent of one network, by its name in words, at one pruning level: over
    its seeds in fp32; in another precision only if there are none.

    Raises:
        NoResults: if the point is not published.
    """
    rows = selected(method, network=network, **options)
    at_level = rows[rows["level"] == level].groupby("precision")["accuracy"].mean()
    if at_level.empty:
        raise NoResults(f"no accuracy of {method} at {level:g} % is published for {network}")
    return float(100 * at_level.get("fp32", at_level.iloc[0]))


def by_level(found: pd.DataFrame) -> pd.DataFrame:
    """The difference at each level of each network of :func:`differences`: ``network``, ``level``,
    ``mean``, ``low``, ``high``, ``n`` and ``collapsed``; the numbers are NaN where a layer has
    collapsed."""
    points = found.groupby(["network", "level"], sort=False)
    table = intervals(points["difference"]).assign(collapsed=points["collapsed"].any())
    table.loc[table["collapsed"], ["mean", "low", "high"]] = math.nan
    return table.reset_index()


# How far a network can be pruned


class Reach(NamedTuple):
    """How far networks can be pruned within some points of accuracy, in per cent of the nodes."""

    level: float
    """The last level whose mean loss is within the limit; NaN where no level is."""
    low: float
    """The same of the loss's upper confidence limit: certainly within; NaN for a single run."""
    high: float
    """The same of its lower limit: possibly within, before any level that certainly is not, unless
    the mean is within beyond that; NaN for a single run."""
    n: int
    """How many seeds; or networks, with the mean of their levels and its 95 % interval."""

    @property
    def single(self) -> bool:
        """Whether this is one run, which has no limits."""
        return self.n < 2

    def __str__(self) -> str:
        if self.single:
            return f"{self.level:.3g} % (single run)"
        return f"{self.level:.3g} % [{self.low:.3g}, {self.high:.3g}]"


def reach(method: str, network: str, within: float = MARGIN, **options) -> Reach:
    """:func:`reaches` of one network, by its name in words."""
    return reaches(method, within, network=network, **options)[network]


def reaches(
    method: str,
    within: float = MARGIN,
    *,
    unbroken: bool = False,
    reference: str = "",
    **options,
) -> dict[str, Reach]:
    """How far a method can prune each network before it loses more than some points of accuracy; a
    level with a collapsed layer is never within.

    Args:
        unbroken: whether every level before the last must be within, too.
        reference, options, errors: as for :func:`losses`.
    """
    found = {}
    lost = losses(method, reference=reference, **options)
    for network, loss in by_level(lost).groupby("network", sort=False):
        loss = loss.set_index("level").sort_index()
        near = loss[["mean", "high", "low"]].round(9) <= within
        ends = [float(of[of.cummin() if unbroken else of].index.max()) for _, of in near.items()]
        # A far level where seeds differ widely does not make up for one that is certainly lost.
        beyond = near["low"][~(near.index <= ends[0])].cummin()
        ends[2] = float(np.fmax(ends[0], beyond[beyond].index.max()))
        n = int(loss["n"].min())
        found[network] = Reach(ends[0], *(ends[1:] if n > 1 else (math.nan, math.nan)), n)
    return found


def losses(method: str, *, reference: str = "", **options) -> pd.DataFrame:
    """Accuracy lost by pruning, as rows of :func:`differences`: that of the unpruned network minus
    that at each level, paired by seed.

    Args:
        reference: method whose unpruned network counts; the method's own if empty.
        options: a table and filters, for :func:`~spectral_core.paper.results.accuracies.selected`.

    Raises:
        NoResults: if no network has both the curve and the unpruned network.
    """
    curve = selected(method, **options)
    unpruned = selected(reference or method, **options)
    unpruned = unpruned[unpruned["level"] == 0].drop(columns="level")
    lost = _paired(unpruned.merge(curve[[*_RUN, "level"]].drop_duplicates()), curve)
    if lost.empty:
        raise NoResults(f"no network has a curve of {method} and its unpruned network")
    return lost


def collapse_level(method: str, **options) -> dict[str, float]:
    """The first level at which a layer of some seed has no nodes left, by network; NaN for none."""
    rows = selected(method, **options)
    first = rows[rows["collapsed"]].groupby("network")["level"].min()
    return {network: float(first.get(network, math.nan)) for network in rows["network"].unique()}
