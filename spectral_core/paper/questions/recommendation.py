"""What to use, by the published results alone: the paper's choice has no bonus."""

from __future__ import annotations

import pandas as pd

from spectral_core.paper.results import estimates
from spectral_core.paper.results.estimates import Estimate
from spectral_core.paper.results.tables import NoResults

CANDIDATES = (
    *("pre", "pre-random", "pre-per-layer", "pre-random-per-layer"),
    *("post-retrained", "post-retrained-per-layer"),
    *("direct-retrained", "direct-retrained-per-layer", "stronger", "fresh"),
)
"""Methods with as many epochs as ``pre``."""


def candidates(table: pd.DataFrame | None = None) -> pd.DataFrame:
    """The methods of equal training in the same networks, the one that prunes furthest first.

    Args:
        table: as :func:`~spectral_core.paper.results.estimates.described` makes it; the published
            results if ``None``.

    Returns:
        ``method``; ``networks``; ``median_reach`` and ``least_reach``: how far its networks can be
        pruned within a point of ``direct`` unpruned, in per cent of the nodes (0: nowhere);
        ``collapses``: networks in which a layer does; ``difference``, ``low``, ``high``: accuracy
        minus that of ``pre``, 5–80 %, over networks. Methods measured in fewer networks than
        another, whose medians would not compare, come last.
    """
    rows = []
    for method in CANDIDATES:
        try:
            found = estimates.reaches(method, reference="direct", table=table, dataset=_PIXELS)
        except NoResults:
            continue
        reached = pd.Series([reach.level for reach in found.values()]).fillna(0.0)
        levels = estimates.collapse_level(method, table=table, dataset=_PIXELS)
        rows.append(
            {
                "method": method,
                "networks": len(reached),
                "median_reach": reached.median(),
                "least_reach": reached.min(),
                "collapses": sum(level == level for level in levels.values()),
                **dict(zip(("difference", "low", "high"), _lead(method, table)[:3])),
            }
        )
    order = ["networks", "median_reach", "least_reach", "difference"]
    return pd.DataFrame(rows).sort_values(order, ascending=False, ignore_index=True)


def _lead(method: str, table: pd.DataFrame | None) -> Estimate:
    if method == "pre":
        return Estimate(0.0, 0.0, 0.0, 0)
    return estimates.difference(method, "pre", table=table, dataset=_PIXELS)


_PIXELS = ("fashion-mnist", "mnist")
