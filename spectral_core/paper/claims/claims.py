"""The paper's claims about trainings, in its order, each with the tests that decide it.

They are rows of ``book/claims.csv``: what the paper says in our own words (``says``), its value or
how we read a vague word (``claimed``), one of :data:`TESTS`, what it compares (``methods``, each
``A`` or ``A − B``), its options, and the networks it is about. The six identities of Secs. II and V
and Appendix A are not there: ``tests/layers`` checks them, and so does the page on theory.
"""

import contextlib
import csv
import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from spectral_core import _checks
from spectral_core.paper import paths
from spectral_core.paper.claims import yardsticks
from spectral_core.paper.claims.verdict import Verdict, verdict
from spectral_core.paper.results.accuracies import PIXELS
from spectral_core.paper.results.collect import NoResults
from spectral_core.paper.results.statistics import holm

TESTS = {
    test.__name__: test
    for test in (
        *(yardsticks.order, yardsticks.equality, yardsticks.lead_grows, yardsticks.unchanged),
        *(yardsticks.falls, yardsticks.fewer_tuned),
        *(yardsticks.stable_with_penalty, yardsticks.better_with_penalty),
    )
}
COLUMN_SOURCES = {"text": ("text", "jpeg"), "released": ("released",)}
"""Columns of verdicts, never merged, and the sources of settings that each reads. The JPEG copy of
CIFAR-10 has the text's settings."""


class Claim(NamedTuple):
    """One claim of the paper."""

    key: str
    place: str
    """Section or figure of the paper."""
    says: str
    """What it says, in our own words."""
    claimed: str
    """The paper's value, or how we read a vague word."""
    test: str
    """Out of :data:`TESTS`."""
    methods: tuple[tuple[str, ...], ...]
    """What is tested: a method or two in each."""
    options: dict[str, Any]
    """Of the test: what it compares with, and its networks by
    :data:`~spectral_core.paper.results.accuracies.FILTERS`."""

    def verdict(self, column: str = "text", table: pd.DataFrame | None = None) -> Verdict:
        """The verdict at the settings of a column, out of :data:`COLUMN_SOURCES`, by a table of
        results; by the published ones if ``None``."""
        sources = COLUMN_SOURCES[_checks.choice("column", column, COLUMN_SOURCES)]
        found = []
        for methods in self.methods:
            with contextlib.suppress(NoResults):
                found += TESTS[self.test](*methods, source=sources, table=table, **self.options)
        return verdict(found)


@functools.lru_cache
def claims() -> dict[str, Claim]:
    """The 25 empirical claims, and ``fewer-parameters``, a count, by their key."""
    file = paths.project() / "book" / "claims.csv"
    with file.open(encoding="utf-8", newline="") as rows:
        return {row["key"]: _claim(row) for row in csv.DictReader(rows)}


def _claim(row: dict[str, str]) -> Claim:
    kinds = {"level": float, "most": float, "depth": int, "activation": str.split}
    options: dict[str, Any] = {"dataset": row["dataset"].split() or PIXELS}
    options |= {name: kind(row[name]) for name, kind in kinds.items() if row[name]}
    if row["levels"]:
        options["levels"] = tuple(map(float, row["levels"].split("–")))
    methods = tuple(tuple(each.split(" − ")) for each in row["methods"].split("; "))
    return Claim(*(row[name] for name in Claim._fields[:5]), methods, options)


class Row(NamedTuple):
    """A claim and its verdicts at the text's and at the released settings."""

    claim: Claim
    text: Verdict
    released: Verdict


@functools.lru_cache
def judge(key: str) -> Row:
    """One of :func:`claims`, by its key, with its published verdicts."""
    known = claims()
    claim = known[_checks.choice("claim", key, known)]
    return Row(claim, *(claim.verdict(column) for column in COLUMN_SOURCES))


def judged() -> list[Row]:
    """Every claim with its published verdicts."""
    return [judge(key) for key in claims()]


def details(rows: Sequence[Row]) -> pd.DataFrame:
    """What verdicts rest on: a row per claim and settings that have results.

    Returns:
        By ``place``, ``claim`` and ``settings``: what is ``claimed`` and ``compared``, what is
        ``observed`` with its interval, ``seeds``, ``tests`` (how many came to each verdict) and
        ``p`` (of no difference, for claims of one; corrected by Holm's method for all of them at
        these settings).
    """
    cells = {}
    for column in COLUMN_SOURCES:
        of_column = [(row.claim, getattr(row, column)) for row in rows]
        found = [(claim, one) for claim, one in of_column if one.tests]
        seen = [one.observed for _, one in found if one.tests[0].signed]
        tested = [estimate for estimate in seen if not estimate.single]
        p = dict(zip(map(id, tested), holm([estimate.p for estimate in tested])))
        for claim, one in found:
            cells[claim.place, claim.says, column] = {
                "claimed": claim.claimed,
                "compared": one.what,
                "observed": str(one.observed),
                "seeds": "–".join(map(str, dict.fromkeys(one.n))),
                "tests": ", ".join(f"{n} {word}" for word, n in one.counts.items()),
                "p": p.get(id(one.observed)),
            }
    index = ["place", "claim", "settings"]
    return pd.DataFrame.from_dict(cells, orient="index").rename_axis(index)
