"""From the tests of a claim to its verdict: all of them count, and where single networks do not
decide, their mean does.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from spectral_core.paper.claims.yardsticks import (
    ABSENT,
    EQUIVALENT,
    FAILS,
    HOLDS,
    INCONCLUSIVE,
    NEAR,
    PARTLY,
    SINGLE,
    WORDS,
    Count,
    Test,
    equal,
    graded,
    ordered,
    ruled_out,
    split,
)
from spectral_core.paper.results.estimates import Reach
from spectral_core.paper.results.statistics import CONFIDENCE, Estimate, holm

MANY = 6
"""Networks over which a mean is more telling than the tests in each."""


class Verdict(NamedTuple):
    """What the published results say of a claim."""

    word: str
    """Out of :data:`~spectral_core.paper.claims.yardsticks.WORDS`."""
    observed: Estimate | Reach | Count | None = None
    """In one network, or over all of them, see :func:`over_networks`."""
    excluded: tuple[str, ...] = ()
    """Of an inconclusive verdict: what is ruled out in every test."""
    tests: tuple[Test, ...] = ()
    what: str = ""
    """What was observed, such as ``pre − direct``."""

    @property
    def counts(self) -> dict[str, int]:
        """How many tests came to each verdict."""
        found = Counter(test.word for test in self.tests)
        return {word: found[word] for word in WORDS if found[word]}

    @property
    def n(self) -> tuple[int, int]:
        """The smallest and the largest number of seeds of a test."""
        seeds = [test.observed.n for test in self.tests]
        return (min(seeds), max(seeds)) if seeds else (0, 0)


def verdict(tests: Sequence[Test]) -> Verdict:
    """The verdict on a claim by all of its tests, corrected for their number.

    It holds, or is equivalent, if all tests with an interval say so, and does not hold if more than
    half of them do. It holds in part if at least half of them hold, in part at least, and others do
    not. Otherwise, and where most tests are single runs, :func:`over_networks` decides; if that
    does not, it is inconclusive, or a single run.
    """
    if not tests:
        return Verdict(ABSENT)
    tests = corrected(tests)
    words = Counter(test.word for test in tests)
    total = len(tests) - words[SINGLE]
    weak = words[SINGLE] > total
    whole = over_networks(tests if weak else [test for test in tests if test.word != SINGLE])
    excluded = set(tests[0].excluded).intersection(*(test.excluded for test in tests))
    word = SINGLE if weak else INCONCLUSIVE
    if not weak and max(words[HOLDS], words[EQUIVALENT]) == total:
        word = HOLDS if words[HOLDS] else EQUIVALENT
    elif not weak and 2 * words[FAILS] > total:
        word = FAILS
    elif not weak and words[FAILS] + words[PARTLY] and 2 * (words[HOLDS] + words[PARTLY]) >= total:
        word = PARTLY
    elif whole.observed.n > 1:
        word, excluded = whole.word, whole.excluded
    return Verdict(word, whole.observed, tuple(sorted(excluded)), tuple(tests), whole.what)


def corrected(tests: Sequence[Test]) -> list[Test]:
    """Tests of one claim, of which those of an order that are not significant by Holm's method are
    inconclusive; halves of the levels that differ need no significance at the median."""
    tested = [t for t in tests if t.kind == "order" and not t.observed.single]
    p = dict(zip(map(id, tested), holm([t.observed.p for t in tested])))
    return [
        t._replace(word=INCONCLUSIVE)
        if t.word in (HOLDS, PARTLY, FAILS)
        and p.get(id(t), 0) > 1 - CONFIDENCE
        and not split(t.halves)
        else t
        for t in tests
    ]


def over_networks(tests: Sequence[Test]) -> Test:
    """What several tests amount to, each in another network.

    With :data:`MANY` networks an estimate is over networks, with fewer over seeds, these networks
    given. Of several comparisons, such as with each of two rivals, it is the one least in the
    claim's favour.
    """
    groups: dict[str, list[Test]] = {}
    for test in tests:
        groups.setdefault(test.what, []).append(test)
    return min((_whole(group) for group in groups.values()), key=lambda test: test.observed[0])


def _whole(tests: Sequence[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    whole = tests[0]._replace(network=f"{len(tests)} networks")
    if whole.kind == "count":
        middle = float(pd.Series([test.observed.mean for test in tests]).median())
        return whole._replace(observed=Count(middle, len(tests)))
    if whole.kind == "level":
        levels = [-NEAR if math.isnan(t.observed.level) else t.observed.level for t in tests]
        reach = Reach(*Estimate.of(levels, "networks")[:5])
        word, excluded = graded(reach, whole.miss)
        return whole._replace(word=word, observed=reach, excluded=excluded)
    typical = _mean([test.observed for test in tests])
    halves = tuple(_mean(of_half) for of_half in zip(*(test.halves for test in tests)))
    word = equal(typical) if whole.kind == "equality" else ordered(typical, halves)
    return whole._replace(word=word, observed=typical, excluded=ruled_out(typical), halves=halves)


def _mean(found: Sequence[Estimate | None]) -> Estimate | None:
    found = [estimate for estimate in found if estimate is not None]
    if len(found) >= MANY:
        return Estimate.of([estimate.mean for estimate in found], "networks")
    return Estimate.combined(found) if found else None
