"""Every comparison of two methods that a page states, and the table of their estimates."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from spectral_core import _checks
from spectral_core._files import write_whole
from spectral_core.paper import paths
from spectral_core.paper.results import estimates
from spectral_core.paper.results.estimates import Estimate
from spectral_core.paper.results.tables import NoResults
from spectral_core.paper.study.variations import VARIATIONS

LIGHT, TO_80, DEEP, ALL = (5.0, 45.0), (5.0, 80.0), (85.0, 95.0), (5.0, 95.0)
"""Ranges of pruning levels, in per cent of the nodes."""


class Comparison(NamedTuple):
    """Two methods in the same networks; the difference is first − second."""

    question: str
    """Which question it serves."""
    first: str
    second: str
    ranges: tuple[tuple[float, float], ...] = (TO_80, DEEP, ALL)
    source: str = "text"
    change: str = ""
    """The setting that is changed in ``first``."""


_RIVALS = ("direct-retrained", "post-retrained", "fresh", "fresh-short")
_LAYERS = ("direct", "post", "pre", "direct-retrained", "post-retrained")

COMPARISONS: tuple[Comparison, ...] = (
    # Does it matter which nodes are kept, at equal training?
    *(Comparison("ranking", "pre", f"pre-{name}") for name in ("random", "smallest")),
    Comparison("ranking", "pre-per-layer", "pre-random-per-layer"),
    # Is it better than retraining other networks?
    *(Comparison("retraining", "pre", rival, (LIGHT, TO_80, DEEP, ALL)) for rival in _RIVALS),
    Comparison("retraining", "post-retrained", "direct-retrained", (LIGHT, TO_80, DEEP, ALL)),
    Comparison("retraining", "post-retrained-per-layer", "direct-retrained-per-layer"),
    Comparison("retraining", "pre-per-layer", "direct-retrained-per-layer"),
    Comparison("retraining", "pre", "pre-unretrained", ((0.0, 0.0),)),
    # Is |λ| a good score?
    *(
        Comparison("score", "post", f"post-{name}")
        for name in ("random", "invariant", "connectivity", "taylor")
    ),
    Comparison("score", "direct", "direct-random"),
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
        Comparison("settings", method, method, (ALL,), "text", change)
        for change, of_it in VARIATIONS.items()
        for method in of_it.methods
    ),
    # How far apart are the paper's methods?
    *(
        Comparison("paper", *pair, (LIGHT, TO_80, ALL), source)
        for source in ("text", "released")
        for pair in (("pre", "direct"), ("pre", "post"), ("post", "direct"))
    ),
)
"""Comparisons by question, in the pages' order."""

QUESTIONS = tuple(dict.fromkeys(each.question for each in COMPARISONS))

COLUMNS = (
    *("question", "first", "second", "source", "change", "networks", "depth", "precision"),
    *("lowest_level", "highest_level", "difference", "low", "high", "n", "over", "seeds"),
    *("outcome", "p", "excluded", "collapse_level"),
)
"""Columns of :func:`estimated`: differences and limits are in percentage points; ``seeds`` is the
smallest number of seeds of a network; ``excluded`` counts points (network, seed, level) where a
layer has collapsed, from ``collapse_level`` on."""


@functools.lru_cache(maxsize=1)
def _published() -> pd.DataFrame:
    return estimated(estimates.results())


def question(name: str, table: pd.DataFrame | None = None) -> pd.DataFrame:
    """Rows of :func:`estimated` that serve one question.

    Args:
        name: out of :data:`QUESTIONS`.
        table: results as for :func:`estimated`; the published ones if ``None``.
    """
    found = _published() if table is None else estimated(table)
    rows = found[found["question"] == _checks.choice("question", name, QUESTIONS)]
    return rows.reset_index(drop=True)


def estimate_of(row: Any) -> Estimate:
    """The estimate in a row of :func:`estimated`, a named tuple or a series."""
    return Estimate(row.difference, row.low, row.high, int(row.n), row.over, int(row.excluded))


def estimated(table: pd.DataFrame) -> pd.DataFrame:
    """Estimates of every comparison that has results, with the columns :data:`COLUMNS`.

    Of each range of levels: over all networks, over those of each depth, and in each network.

    Args:
        table: results, as :func:`spectral_core.paper.results.estimates.described` makes them.
    """
    rows = [row for comparison in COMPARISONS for row in _rows(comparison, table)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(comparison: Comparison, table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    by = "nodes" if comparison.change == "width" else "percentile"
    changes = (comparison.change, "")
    for levels in comparison.ranges:
        try:
            found = estimates.differences(
                *comparison[1:3],
                levels,
                changes=changes,
                by=by,
                table=table,
                source=comparison.source,
                dataset=("fashion-mnist", "mnist"),
            )
        except NoResults:
            continue
        parts = [("", found)] if found["depth"].nunique() > 1 else []
        parts += list(found.groupby("depth", sort=False))
        parts += list(found.groupby("network", sort=False))
        names = {"question": comparison.question, "first": comparison.first}
        names |= {"second": comparison.second, "source": comparison.source}
        for _, part in parts:
            if not part["collapsed"].all():
                yield names | {"change": comparison.change} | _numbers(part)


def _numbers(found: pd.DataFrame) -> dict[str, Any]:
    estimate = estimates.pooled(found)
    lost = found.loc[found["collapsed"], "level"]
    names, depths = found["network"].unique(), found["depth"].unique()
    return {
        "networks": names[0] if len(names) == 1 else f"{len(names)} networks",
        "depth": depths[0] if len(depths) == 1 else "",
        "precision": "+".join(sorted(found["precision"].unique())),
        "lowest_level": found["level"].min(),
        "highest_level": found["level"].max(),
        "difference": estimate.mean,
        **{name: getattr(estimate, name) for name in ("low", "high", "n", "over")},
        "seeds": found.groupby("network")["seed"].nunique().min(),
        "outcome": estimate.outcome(),
        "p": estimate.p,
        "excluded": estimate.excluded,
        "collapse_level": lost.min() if len(lost) else math.nan,
    }


def estimates_file() -> Path:
    """``results/estimates.csv``."""
    return paths.project() / "results" / "estimates.csv"


def write_estimates() -> Path:
    """Write :func:`estimated` of the published results to :func:`estimates_file`."""
    text = as_csv(_published())
    write_whole(estimates_file(), lambda aside: aside.write_text(text, encoding="utf-8"))
    return estimates_file()


def as_csv(table: pd.DataFrame) -> str:
    """A table as :func:`write_estimates` writes it."""
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
