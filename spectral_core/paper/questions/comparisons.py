"""Every comparison of two methods that a page states, and the table of their estimates."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from spectral_core import _checks
from spectral_core._files import write_whole
from spectral_core.paper import paths
from spectral_core.paper.results import accuracies, estimates
from spectral_core.paper.results.collect import NoResults
from spectral_core.paper.results.estimates import ALL_LEVELS, FEW_TO_MANY
from spectral_core.paper.results.published import as_csv
from spectral_core.paper.results.statistics import Estimate, holm
from spectral_core.paper.study.panels import CHANGES

UNPRUNED, LIGHT, DEEP = (0.0, 0.0), (5.0, 45.0), (85.0, 95.0)
"""More ranges of pruning levels, in per cent of the nodes."""
LEAST_SEEDS = 3
"""Seeds that a network needs to say what a changed setting does: two leave no useful interval."""
_FOUR = (LIGHT, FEW_TO_MANY, DEEP, ALL_LEVELS)


class Comparison(NamedTuple):
    """Two methods in the same networks; the difference is first − second."""

    topic: str
    """What it is about, out of :data:`TOPICS`."""
    first: str
    second: str
    ranges: tuple[tuple[float, float], ...] = (FEW_TO_MANY, DEEP, ALL_LEVELS)
    source: str = "text"
    change: str = ""
    """The setting that is changed in ``first``."""


_RIVALS = ("direct-retrained", "post-retrained", "fresh", "fresh-short")
_LAYERS = ("direct", "post", "pre", "direct-retrained", "post-retrained")
_PAPER = (("pre", "direct"), ("pre", "post"), ("post", "direct"))

COMPARISONS: tuple[Comparison, ...] = (
    # Does it matter which nodes are kept, at equal training?
    *(Comparison("ranking", "pre", f"pre-{name}") for name in ("random", "smallest")),
    Comparison("ranking", "pre-per-layer", "pre-random-per-layer"),
    # Is it better than retraining other networks?
    *(Comparison("retraining", "pre", rival, _FOUR) for rival in _RIVALS),
    Comparison("retraining", "post-retrained", "direct-retrained", _FOUR),
    Comparison("retraining", "post-retrained-per-layer", "direct-retrained-per-layer"),
    Comparison("retraining", "pre-per-layer", "direct-retrained-per-layer"),
    # How accurate is each network before pruning?
    *(
        Comparison("unpruned", *pair, (UNPRUNED,))
        for pair in (("post", "direct"), ("pre", "direct"), ("pre-unretrained", "direct"))
    ),
    # Is |λ| a good score?
    *(
        Comparison("score", "post", f"post-{name}")
        for name in ("random", "invariant", "connectivity", "taylor")
    ),
    *(Comparison("score", name, "direct-random") for name in ("direct", "direct-per-layer")),
    # Global or layer-wise thresholds?
    *(Comparison("threshold", f"{name}-per-layer", name) for name in _LAYERS),
    *(Comparison("threshold", f"{name}-scaled", name) for name in ("direct", "post")),
    *(
        Comparison("threshold", f"{name}{how}", f"direct{how}")
        for how in ("", "-per-layer", "-scaled")
        for name in ("post", "pre")
        if (name, how) != ("pre", "-scaled")
    ),
    # Is there a stronger variant?
    *(
        Comparison("stronger", "stronger", name)
        for name in ("direct-retrained", "post-retrained", "pre")
    ),
    *(
        Comparison("stronger", "stronger", f"stronger-without-{name}", ((90.0, 90.0), (95.0, 95.0)))
        for name in ("start", "glorot", "decay", "rounds")
    ),
    # Which settings matter?
    *(
        Comparison("settings", method, method, (ALL_LEVELS,), "text", change)
        for change, of_it in CHANGES.items()
        for method in of_it.methods
    ),
    # How far apart are the paper's methods?
    *(
        Comparison("paper", *pair, (LIGHT, FEW_TO_MANY, ALL_LEVELS), source)
        for source in ("text", "released")
        for pair in _PAPER
    ),
    *(
        Comparison("cifar", *pair, (LIGHT, ALL_LEVELS), "jpeg")
        for pair in (*_PAPER, ("direct-inputs", "direct"))
    ),
)
"""Comparisons by topic, in the pages' order."""

TOPICS = tuple(dict.fromkeys(each.topic for each in COMPARISONS))

COLUMNS = (
    *("question", "first", "second", "source", "change", "networks", "depth", "precision"),
    *("lowest_level", "highest_level", "difference", "low", "high", "n", "over", "seeds"),
    *("outcome", "p", "excluded", "collapse_level"),
)
"""Columns of :func:`estimated`: differences and limits are in percentage points; ``seeds`` is the
smallest number of seeds of a network; ``excluded`` counts points (network, seed, level) where a
layer has collapsed, from ``collapse_level`` on, those of networks without any other point too."""


def topic(name: str, table: pd.DataFrame | None = None) -> pd.DataFrame:
    """Rows of :func:`estimated` on one of :data:`TOPICS`, which the column ``question`` names; from
    the file of estimates if no table of results is given."""
    _checks.choice("topic", name, TOPICS)
    if table is not None:
        return estimated(table, [name])
    found = pd.read_csv(paths.results("estimates.csv"), dtype={"depth": str})
    found = found.fillna({"change": ""})
    return found[found["question"] == name].reset_index(drop=True)


def estimate_of(row: Any) -> Estimate:
    """The estimate in a row of :func:`estimated`, a named tuple or a series."""
    return Estimate(row.difference, row.low, row.high, int(row.n), row.over, int(row.excluded))


def certainty() -> pd.DataFrame:
    """Published differences of the paper's methods over all levels, in each network with two seeds
    or more: rows of :func:`estimated` with ``holm``, the p-value corrected for all of them."""
    rows = topic("paper").query("over == 'seeds' and n > 1")
    rows = rows[(rows["lowest_level"] == 5) & (rows["highest_level"] == 95)]
    return rows.assign(holm=holm(rows["p"]))


def estimated(table: pd.DataFrame, topics: Sequence[str] = TOPICS) -> pd.DataFrame:
    """Estimates of every comparison that has results, with the columns :data:`COLUMNS`.

    Of each range of levels: over all networks, over those of each depth, and in each network. The
    results are as :func:`spectral_core.paper.results.accuracies.described` makes them.
    """
    compared = [each for each in COMPARISONS if each.topic in topics]
    rows = [row for comparison in compared for row in _rows(comparison, table)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(comparison: Comparison, table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    topic, first, second, ranges, source, change = comparison
    try:
        every = estimates.differences(
            first,
            second,
            (0.0, 100.0),
            change=change,
            table=table,
            source=source,
            dataset=("cifar10-jpeg",) if source == "jpeg" else ("fashion-mnist", "mnist"),
        )
    except NoResults:
        return
    if change:
        every = every[every.groupby("network")["seed"].transform("nunique") >= LEAST_SEEDS]
    names = {"question": topic, "first": first, "second": second}
    names |= {"source": source, "change": change}
    for levels in ranges:
        found = every[every["level"].between(*levels)]
        each = estimates.per_network(found)  # of those that have not collapsed at every level
        depths = found.drop_duplicates("network").set_index("network")["depth"]
        groups = [tuple(depths.index)]
        groups += [tuple(depths.index[depths == depth]) for depth in depths.unique()]
        groups += [(name,) for name in depths.index]
        for group in filter(None, dict.fromkeys(groups)):
            own = {name: each[name] for name in group if name in each}
            if len(own) > 1 or len(own) == len(group):  # a network has a row of its own already
                yield names | _numbers(found[found["network"].isin(group)], own)


def _numbers(found: pd.DataFrame, each: dict[str, Estimate]) -> dict[str, Any]:
    (first, estimate), *others = each.items()
    if others:
        estimate = estimates.over_networks(list(each.values()))
    lost = found.loc[found["collapsed"], "level"]
    depths = found["depth"].unique()
    return {
        "networks": f"{len(each)} networks" if others else first,
        "depth": f"{depths[0]}" if len(depths) == 1 else "all",
        "precision": "+".join(sorted(found["precision"].unique())),
        "lowest_level": found["level"].min(),
        "highest_level": found["level"].max(),
        "difference": estimate.mean,
        **{name: getattr(estimate, name) for name in ("low", "high", "n", "over")},
        "seeds": found.groupby("network")["seed"].nunique().min(),
        "outcome": estimate.outcome(),
        "p": estimate.p,
        "excluded": int(found["collapsed"].sum()),
        "collapse_level": lost.min() if len(lost) else math.nan,
    }


def write_estimates() -> Path:
    """Write :func:`estimated` of the published results to ``results/estimates.csv``."""
    accuracies.results.cache_clear()  # a run may just have been published
    file = paths.results("estimates.csv")
    text = as_csv(estimated(accuracies.results()))
    write_whole(file, lambda aside: aside.write_text(text, encoding="utf-8"))
    return file
