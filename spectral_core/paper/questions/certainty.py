"""How sure the differences between the paper's methods are: one by one, and all of them at once.

Two methods meet in the same network with the same seeds, and are compared seed by seed. Where many
such comparisons are made, some will be out of the ordinary by chance: of twenty intervals of 95 %,
one is expected to miss. Bonferroni's correction keeps the chance that any of m misses at 5 %, by
intervals of 1 − 0.05/m each.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from spectral_core.paper.results.by_panel import Curves
from spectral_core.paper.results.intervals import (
    CONFIDENCE,
    POINT,
    Interval,
    all_at_once,
    interval,
    leads,
)
from spectral_core.paper.study.figures import SOURCES

PAIRS = (("pre", "direct"), ("pre", "post"), ("post", "direct"))
"""Methods that are compared: the one that may lead, and the other."""

MOST_SEEDS = 1000
"""Where counting the seeds that a comparison needs ends."""


def comparisons(there: Sequence[Curves]) -> pd.DataFrame:
    """Compare the methods of each panel, two at a time, by accuracy averaged over all cuts.

    Args:
        there: published results, as :func:`spectral_core.paper.results.by_panel.curves` returns them. A
            panel with fewer than two seeds of both methods is left out, and so is one that an
            earlier figure has too.

    Returns:
        One row per panel and pair, with ``figure``, ``panel``, ``network`` (in words), ``first``
        and ``second`` (methods), ``seeds`` (that both have), ``mean`` and ``sd`` of the difference
        first − second (accuracies), the ends of its t-interval by itself (``low``, ``high``) and
        of the one that holds at once with all others (``low_at_once``, ``high_at_once``), and
        ``needs``: see :func:`seeds_needed`, for the interval by itself.
    """
    found, seen = [], set()
    for figure, panel, table in there:
        if panel.name in seen:
            continue
        seen.add(panel.name)
        for first, second in PAIRS:
            values = leads(table, first, second)
            if len(values) > 1:
                network = f"{Curves(figure, panel, table)}, {SOURCES[panel.source]}"
                found.append((figure, panel.name, network, first, second, values))
    at_once = all_at_once([values for *_, values in found])
    rows = []
    for (*names, values), together in zip(found, at_once):
        alone = interval(values)
        rows.append(
            {
                **dict(zip(("figure", "panel", "network", "first", "second"), names)),
                "seeds": len(values),
                "mean": alone.mean,
                "sd": values.std(),
                "low": alone.low,
                "high": alone.high,
                # Accuracies cannot differ by more than 1.
                "low_at_once": max(together.low, -1.0),
                "high_at_once": min(together.high, 1.0),
                "needs": seeds_needed(alone.mean, values.std()),
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


COLUMNS = (
    "figure",
    "panel",
    "network",
    "first",
    "second",
    "seeds",
    "mean",
    "sd",
    "low",
    "high",
    "low_at_once",
    "high_at_once",
    "needs",
)
"""Columns of :func:`comparisons`."""


def seeds_needed(mean: float, sd: float) -> int:
    """How many seeds set a difference apart from 0, if its mean and spread stay as they are.

    Args:
        mean: mean difference.
        sd: standard deviation of the difference over seeds, at least 0.

    Returns:
        The smallest number of at least 2 at which the interval leaves out 0;
        :data:`MOST_SEEDS` if that many are not enough.
    """
    n = np.arange(2, MOST_SEEDS + 1)
    half = stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * sd / np.sqrt(n)
    enough = n[half < abs(mean)]
    return int(enough[0]) if len(enough) else MOST_SEEDS


def answer(found: pd.DataFrame, there: Sequence[Curves]) -> str:
    """How sure are we? One sentence in Markdown.

    Args:
        found: as :func:`comparisons` returns it.
        there: the results that it was made of.
    """
    single = len({each.panel.name for each in there}) - found["panel"].nunique()
    rest = "" if not single else f" {_networks(single)} one seed, which says nothing about that."
    if found.empty:
        return f"**Not sure yet**: no network has two seeds.{rest}"
    alone = (found["low"] > 0) | (found["high"] < 0)
    at_once = (found["low_at_once"] > 0) | (found["high_at_once"] < 0)
    two = (found["seeds"] == 2).sum()
    if two:
        rest = f" {two} rest on two seeds, which can hardly set anything apart from 0.{rest}"
    small = found[["low", "high"]].abs().max(axis=1) < POINT
    return (
        f"**Sure of {at_once.sum()} out of {len(found)}**: of {len(found)} differences between two "
        f"methods, each in one network and averaged over all cuts, {alone.sum()} are set apart "
        f"from 0 by an interval of {100 * CONFIDENCE:.0f} % each, and {at_once.sum()} by intervals "
        f"that hold all at once; {small.sum()} are certainly smaller than one point.{rest}"
    )


def table(found: pd.DataFrame) -> pd.DataFrame:
    """The comparisons for a reader: differences in points, and what each still needs.

    Args:
        found: as :func:`comparisons` returns it.
    """
    rows = []
    for row in found.itertuples():
        at_once = Interval(row.mean, row.low_at_once, row.high_at_once)
        apart = at_once.low > 0 or at_once.high < 0
        needs = f"{MOST_SEEDS} or more" if row.needs >= MOST_SEEDS else f"{row.needs}"
        rows.append(
            {
                "network": row.network,
                "difference": f"{row.first} − {row.second}",
                "seeds": row.seeds,
                "mean, by itself": str(Interval(row.mean, row.low, row.high)),
                "all at once": "apart from 0" if apart else "not apart from 0",
                "seeds that would do": needs,
            }
        )
    return pd.DataFrame(rows).set_index("network") if rows else pd.DataFrame()


def _networks(count: int) -> str:
    return "One network has" if count == 1 else f"{count} networks have"
