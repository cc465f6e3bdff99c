"""What a claim is, and the table of claims with their verdicts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from spectral_core import _checks
from spectral_core.paper.claims.verdict import Test, Verdict, verdict
from spectral_core.paper.results.estimate import holm

PIXELS = ("fashion-mnist", "mnist")
"""Data sets of which networks take the pixels."""
COLUMNS = {"text": ("text", "jpeg"), "released": ("released",)}
"""Columns of verdicts, never merged, and the sources of settings that each reads. The JPEG copy of
CIFAR-10 has the text's settings."""

Tests = Callable[..., list[Test]]
"""From a table of results and filters to tests."""


@dataclass(frozen=True)
class Claim:
    """One claim of the paper."""

    key: str
    place: str
    """Section or figure of the paper."""
    says: str
    """What it says, in our own words."""
    tested: str
    """What is tested, and how a vague word is read."""
    claimed: str
    """The paper's value, as short as a cell."""
    tests: tuple[Tests, ...]
    where: dict[str, Any]
    """Networks that it is about, by :data:`~spectral_core.paper.results.estimates.FILTERS`."""

    def verdict(self, column: str = "text", table: pd.DataFrame | None = None) -> Verdict:
        """The verdict at the settings of a column, out of :data:`COLUMNS`.

        Args:
            column: ``"text"`` or ``"released"``.
            table: results as :func:`~spectral_core.paper.results.estimates.described` makes them;
                the published ones if ``None``.
        """
        sources = COLUMNS[_checks.choice("column", column, COLUMNS)]
        where = {"source": sources, "dataset": PIXELS} | self.where
        return verdict([t for test in self.tests for t in test(table=table, **where)])


class Row(NamedTuple):
    """A claim and its two verdicts."""

    claim: Claim
    text: Verdict
    released: Verdict


def as_table(rows: Sequence[Row]) -> pd.DataFrame:
    """The claims as a table: ``key``, ``place``, ``says``, ``claimed`` and, for each column,
    ``verdict``, ``observed``, ``what`` was, its ``lower`` and ``upper`` half of the levels, ``n``
    (seeds), ``tests`` (how many came to each verdict) and ``p``: of no difference, corrected by
    Holm's method for all claims of the column; NaN for levels.

    Args:
        rows: as :func:`~spectral_core.paper.claims.claims.judged` returns them.
    """
    lines = []
    for claim, *verdicts in rows:
        line = {name: getattr(claim, name) for name in ("key", "place", "says", "claimed")}
        for column, found in zip(COLUMNS, verdicts):
            low, high = found.n
            line |= {
                f"{column}_verdict": found.word,
                **{
                    f"{column}_{part}": str(getattr(found, part) or "")
                    for part in ("observed", "what", "lower", "upper")
                },
                f"{column}_n": f"{low}" if low == high else f"{low}-{high}",
                f"{column}_tests": "; ".join(f"{k}: {v}" for k, v in found.counts.items()),
            }
        lines.append(line)
    table = pd.DataFrame(lines)
    for i, column in enumerate(COLUMNS, start=1):
        p = pd.Series([getattr(row[i].observed, "p", math.nan) for row in rows]).dropna()
        table[f"{column}_p"] = pd.Series(holm(p), index=p.index, dtype=float)
    return table
