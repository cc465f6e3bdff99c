"""Findings: a verdict on one statement, with the numbers behind it, and how several combine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from spectral_core.paper.results.cells import counted
from spectral_core.paper.results.intervals import Interval, interval, points

HOLDS, PARTLY, FAILS = "holds", "holds in part", "does not hold"
UNDECIDED, UNTESTED, REPORTED = "undecided", "not tested", "reported"


class Finding(NamedTuple):
    """What a measure found."""

    verdict: str
    """``HOLDS``, ``PARTLY`` or ``FAILS``; ``UNDECIDED`` where the seeds that there are leave it
    open; ``UNTESTED`` where there are none, or one; ``REPORTED`` where nothing is claimed."""
    text: str
    """The numbers behind it."""


def combined(verdicts: Iterable[str]) -> str:
    """One verdict for several.

    It holds if all hold. It does not if more than half of those that are decided don't, and holds
    in part if some, but not more, don't or do so in part. It is undecided if all that is decided
    holds, but not all is decided. ``UNTESTED`` and ``REPORTED`` say nothing beside the others.
    """
    found = Counter(verdicts)
    decided = found[HOLDS] + found[PARTLY] + found[FAILS]
    if 2 * found[FAILS] > decided:
        return FAILS
    if found[HOLDS] < decided:
        return PARTLY
    return next((verdict for verdict in (UNDECIDED, HOLDS, REPORTED) if found[verdict]), UNTESTED)


def graded(full: bool, part: bool) -> str:
    """Verdict of a statement that can be true in part."""
    return HOLDS if full else PARTLY if part else FAILS


def decided(holds: bool, fails: bool) -> str:
    """Verdict of a statement that numbers may leave open."""
    return HOLDS if holds else FAILS if fails else UNDECIDED


def of_seeds(verdict: str, text: str, seeds: int) -> Finding:
    """A verdict on several seeds, which one alone can't give."""
    if seeds < 2:
        return one_seed(text)
    return Finding(verdict, f"{text} ({counted(seeds)})")


def of_pairs(
    values: Iterable[float],
    holds: Callable[[Interval], bool],
    fails: Callable[[Interval], bool],
    said: str,
    who: str,
) -> Finding:
    """A verdict by the interval of differences.

    Args:
        values: differences, one per seed.
        holds, fails: what an interval decides.
        said: what the differences are.
        who: what is compared, in case nothing is there.
    """
    values = np.asarray(list(values), dtype=float)
    if not len(values):
        return untested(who)
    found = interval(values)
    if found is None:
        return one_seed(f"{said} {points(values[0])} points")
    verdict = decided(holds(found), fails(found))
    return Finding(verdict, f"{said} {found} ({counted(len(values))})")


def one_seed(text: str) -> Finding:
    """Numbers of a single seed, which are no test."""
    return Finding(UNTESTED, f"{text} (1 seed)")


def untested(who: str, where: str = "") -> Finding:
    """No results of some methods in some place."""
    return Finding(UNTESTED, f"no results of {who} {where}".rstrip())
