"""Verdicts on claims, and the tests that lead to them: one yardstick per kind of claim.

- *Order* (one method is more accurate): the difference at the median pruning level, 5–95 %, paired
  by seed, and its means over the lower and the upper half of the levels. It holds if the first lies
  above 0 and neither half below, each by its 95 % confidence interval; it does not hold the other
  way round, and in part if the halves differ. It is equivalent if the interval includes 0 and lies
  within ± one point. The median, since near chance one level outweighs all others; a half with
  layer collapse at most of its levels is not judged.
- *Level* (unchanged up to, or falling from, a level): how far a network can be pruned within one
  point, and its limits. Up to 5 % of the nodes off holds, up to 15 % in part: the paper's levels
  are 5 % apart.
- *Equality*: the interval lies within ± one point.

Several tests that serve one claim are corrected by Holm's method. All of them count; where single
networks do not decide, their mean does.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pandas as pd

from spectral_core.paper.results import estimates
from spectral_core.paper.results.estimates import MARGIN, Estimate, Reach
from spectral_core.paper.results.tables import NoResults

HOLDS, PARTLY, FAILS = "holds", "holds in part", "does not hold"
EQUIVALENT, INCONCLUSIVE = "equivalent", "inconclusive"
SINGLE, ABSENT = "single run", "no run"
WORDS = (HOLDS, PARTLY, FAILS, EQUIVALENT, INCONCLUSIVE, SINGLE, ABSENT)
"""What a verdict can be. ``EQUIVALENT``: a claimed difference is smaller than the margin."""

LEVELS = (5.0, 95.0)
HALVES = ((5.0, 45.0), (50.0, 95.0))
"""Pruning levels of order tests, in per cent of the nodes."""
NEAR, NOT_FAR = 5.0, 15.0
"""Per cent of the nodes by which a level may miss what is claimed, wholly and in part."""


Miss = Callable[[float], float]


class Count(NamedTuple):
    """A share in per cent that needs no repetition; of several networks their median."""

    mean: float
    n: int = 1
    over: str = "networks"

    def __str__(self) -> str:
        return f"{self.mean:.3g} %"


class Test(NamedTuple):
    """One test of a claim, in one network."""

    kind: str
    """``order``, ``equality``, ``level`` or ``count``."""
    network: str
    what: str
    """Methods, such as ``pre − direct``."""
    word: str
    observed: Estimate | Reach | Count
    excluded: tuple[str, ...] = ()
    """What the interval rules out: verdicts, or a lead or a lag of the margin or more."""
    lower: Estimate | None = None
    upper: Estimate | None = None
    """Mean differences over :data:`HALVES` of the levels, of order tests."""
    miss: Miss | None = None
    """Of level tests: by how many per cent of the nodes a level misses what is claimed."""


class Verdict(NamedTuple):
    """What the published results say of a claim."""

    word: str
    """Out of :data:`WORDS`."""
    observed: Estimate | Reach | Count | None
    """In one network, or over all of them, see :func:`over_networks`."""
    excluded: tuple[str, ...]
    """Of an inconclusive verdict: what is ruled out in every test."""
    tests: tuple[Test, ...]
    what: str = ""
    """What was observed, such as ``pre − direct``."""
    lower: Estimate | None = None
    upper: Estimate | None = None
    """The same over :data:`HALVES` of the levels, of order tests."""

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


# Tests: each returns one Test per network that has results


def order(
    first: str,
    second: str,
    levels: tuple[float, float] = LEVELS,
    most: float = math.inf,
    table: pd.DataFrame | None = None,
    **filters,
) -> list[Test]:
    """Whether ``first`` is more accurate than ``second``; by less than ``most`` points, or in part.

    Collapsed levels are left out. Arguments are those of
    :func:`~spectral_core.paper.results.estimates.differences`.
    """
    found = _differences(first, second, levels, table, filters)
    tests = []
    for network, rows in found.groupby("network", sort=False):
        typical = estimates.per_network(rows, "median").get(network)
        if typical is None:
            continue
        halves = [_half(rows[rows["level"].between(*half)]) for half in HALVES]
        word = _ordered(typical, halves, most)
        what = f"{first} − {second}"
        tests.append(Test("order", network, what, word, typical, _ruled_out(typical), *halves))
    return corrected(tests)


def _half(rows: pd.DataFrame) -> Estimate | None:
    """The mean difference over some levels, unless a layer has collapsed at most of them."""
    if rows.empty or rows["collapsed"].mean() > 0.5:
        return None
    return estimates.pooled(rows)


def _ordered(typical: Estimate, halves: Sequence[Estimate | None], most: float = math.inf) -> str:
    if typical.single:
        return SINGLE
    if _split(halves):
        return PARTLY
    if typical.better():
        behind = any(half is not None and half.worse() for half in halves)
        return HOLDS if typical.high < most and not behind else PARTLY
    if typical.worse():
        return PARTLY if any(half is not None and half.better() for half in halves) else FAILS
    return EQUIVALENT if typical.equivalent() else INCONCLUSIVE


def _ruled_out(estimate: Estimate) -> tuple[str, ...]:
    lead, lag = f"a lead of {MARGIN:g} pt", f"a lag of {MARGIN:g} pt"
    ends = ((lead, estimate.high < MARGIN), (lag, estimate.low > -MARGIN))
    return tuple(name for name, excluded in ends if excluded)


def corrected(tests: Sequence[Test]) -> list[Test]:
    """Tests of one claim, of which those not significant by Holm's method are inconclusive.

    Halves of the levels that differ need no significance at the median.
    """
    tested = [t for t in tests if not t.observed.single]
    p = dict(zip(map(id, tested), estimates.holm([t.observed.p for t in tested])))
    return [
        t._replace(word=INCONCLUSIVE)
        if t.word in (HOLDS, PARTLY, FAILS)
        and p[id(t)] > 1 - estimates.CONFIDENCE
        and not _split([t.lower, t.upper])
        else t
        for t in tests
    ]


def _split(halves: Sequence[Estimate | None]) -> bool:
    """Whether one half of the levels lies above 0 and the other below."""
    halves = [half for half in halves if half is not None]
    return any(half.better() for half in halves) and any(half.worse() for half in halves)


def equality(first: str, second: str, table: pd.DataFrame | None = None, **filters) -> list[Test]:
    """Whether two methods' unpruned networks are equally accurate, within the margin."""
    found = _differences(first, second, (0.0, 0.0), table, filters)
    return [
        Test("equality", network, f"{first} − {second}", _equal(one), one, _ruled_out(one))
        for network, one in estimates.per_network(found).items()
    ]


def _equal(estimate: Estimate) -> str:
    if estimate.single:
        return SINGLE
    apart = estimate.low > MARGIN or estimate.high < -MARGIN
    return HOLDS if estimate.equivalent() else FAILS if apart else INCONCLUSIVE


def unchanged(
    method: str,
    level: float,
    reference: str = "",
    table: pd.DataFrame | None = None,
    **filters,
) -> list[Test]:
    """Whether a network can be pruned up to ``level`` within one point."""
    options = {"table": table, "reference": reference} | filters
    return _levels(method, options, lambda r: level - r)


def falls(method: str, level: float, table: pd.DataFrame | None = None, **filters) -> list[Test]:
    """Whether the first level that loses more than one point is about ``level``."""
    options = {"table": table, "unbroken": True} | filters
    return _levels(method, options, lambda r: abs(level - NEAR - r))


def _levels(method: str, options: dict[str, Any], miss: Miss) -> list[Test]:
    """Grade the reach of each network by how far it misses what is claimed."""
    try:
        found = estimates.reaches(method, **options)
    except NoResults:
        return []
    reference = options.get("reference")
    what = f"{method} against {reference}" if reference else method
    tests = []
    for network, reach in found.items():
        word, excluded = _graded(reach, miss)
        tests.append(Test("level", network, what, word, reach, excluded, miss=miss))
    return tests


def _graded(reach: Reach, miss: Miss) -> tuple[str, tuple[str, ...]]:
    """Verdict on a level, and which verdicts are excluded: every level between the limits is
    possible."""
    low, high = (-NEAR if math.isnan(end) else end for end in (reach.low, reach.high))
    steps = math.ceil((high - low) / NEAR)
    off = [miss(min(low + NEAR * i, high)) for i in range(steps + 1)]
    grades = {HOLDS if x <= NEAR else PARTLY if x <= NOT_FAR else FAILS for x in off}
    if reach.n < 2:
        return SINGLE, ()
    word = next(iter(grades)) if len(grades) == 1 else INCONCLUSIVE
    return word, tuple(w for w in (HOLDS, PARTLY, FAILS) if w not in grades)


def _differences(first, second, levels, table, filters) -> pd.DataFrame:
    try:
        return estimates.differences(first, second, levels, table=table, **filters)
    except NoResults:
        return pd.DataFrame(columns=["network", "level", "difference", "collapsed"])


# From tests to a verdict


MANY = 6
"""Networks over which a mean is more telling than the tests in each."""


def verdict(tests: Sequence[Test]) -> Verdict:
    """The verdict on a claim by all of its tests.

    It holds, or is equivalent, if all tests with an interval say so, and does not hold if more than
    half of them do. It holds in part if at least half of them hold, in part at least, and others do
    not. Otherwise, and where most tests are single runs, :func:`over_networks` decides; if that
    does not, it is inconclusive, or a single run.
    """
    if not tests:
        return Verdict(ABSENT, None, (), ())
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
    seen = (whole.what, whole.lower, whole.upper)
    return Verdict(word, whole.observed, tuple(sorted(excluded)), tuple(tests), *seen)


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
    first, name = tests[0], f"{len(tests)} networks"
    if first.kind == "count":
        middle = float(pd.Series([test.observed.mean for test in tests]).median())
        return first._replace(network=name, observed=Count(middle, len(tests)))
    if first.kind == "level":
        levels = [-NEAR if math.isnan(t.observed.level) else t.observed.level for t in tests]
        reach = Reach(*Estimate.of(levels, "networks")[:5])
        word, excluded = _graded(reach, first.miss)
        return Test("level", name, first.what, word, reach, excluded)
    typical, *halves = (
        _mean([getattr(test, part) for test in tests]) for part in ("observed", "lower", "upper")
    )
    word = _equal(typical) if first.kind == "equality" else _ordered(typical, halves)
    return Test(first.kind, name, first.what, word, typical, _ruled_out(typical), *halves)


def _mean(found: Sequence[Estimate | None]) -> Estimate | None:
    found = [estimate for estimate in found if estimate is not None]
    if len(found) >= MANY:
        return Estimate.of([estimate.mean for estimate in found], "networks")
    return Estimate.average(found) if found else None
