"""From the tests of a claim to its verdict: all of them count, and where single networks do not
decide, their mean does.
"""

import math
from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

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
    ClaimTest,
    Count,
    Observed,
)
from spectral_core.paper.results.estimates import Reach
from spectral_core.paper.results.statistics import CONFIDENCE, Estimate, holm

MANY = 6
"""Networks over which a mean is more telling than the tests in each."""


class Verdict(NamedTuple):
    """What the published results say of a claim."""

    word: str
    """Out of :data:`~spectral_core.paper.claims.yardsticks.WORDS`."""
    observed: Observed | None = None
    """In one network, or over all of them, see :func:`over_networks`."""
    tests: tuple[ClaimTest, ...] = ()
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


def verdict(tests: Sequence[ClaimTest]) -> Verdict:
    """The verdict on a claim by all of its tests, corrected for their number.

    It holds, or is equivalent, if all tests with an interval say so, and does not hold if more than
    half of them do. It holds in part if at least half of them hold, in part at least, and others do
    not. Otherwise, and where most tests are single runs, :func:`over_networks` decides, but no
    claim holds wholly against a network whose own, uncorrected interval contradicts it; if that
    does not decide, it is inconclusive, or a single run.
    """
    if not tests:
        return Verdict(ABSENT)
    tests = corrected(tests)
    words = Counter(test.word for test in tests)
    total = len(tests) - words[SINGLE]
    weak = words[SINGLE] > total
    whole = over_networks(tests if weak else [test for test in tests if test.word != SINGLE])
    word = SINGLE if weak else INCONCLUSIVE
    if not weak and max(words[HOLDS], words[EQUIVALENT]) == total:
        word = HOLDS if words[HOLDS] else EQUIVALENT
    elif not weak and 2 * words[FAILS] > total:
        word = FAILS
    elif not weak and words[FAILS] + words[PARTLY] and 2 * (words[HOLDS] + words[PARTLY]) >= total:
        word = PARTLY
    elif whole.observed.n > 1:
        against = any(test._replace(uncertain=False).word == FAILS for test in tests)
        word = PARTLY if against and whole.word == HOLDS else whole.word
    return Verdict(word, whole.observed, tuple(tests), whole.what)


def corrected(tests: Sequence[ClaimTest]) -> list[ClaimTest]:
    """Tests of one claim, of which those of a sign that are not significant by Holm's method are
    marked as uncertain."""
    tested = [t for t in tests if t.signed and not t.observed.single]
    p = dict(zip(map(id, tested), holm([t.observed.p for t in tested])))
    return [t._replace(uncertain=p.get(id(t), 0) > 1 - CONFIDENCE) for t in tests]


def over_networks(tests: Sequence[ClaimTest]) -> ClaimTest:
    """What several tests amount to, each in another network.

    With :data:`MANY` networks an estimate is over networks, with fewer over seeds, these networks
    given. Of several comparisons, such as with each of two rivals, it is the one least in the
    claim's favour.
    """
    groups: dict[str, list[ClaimTest]] = {}
    for test in tests:
        groups.setdefault(test.what, []).append(test)
    return min((_whole(group) for group in groups.values()), key=lambda test: test.observed[0])


def _whole(tests: Sequence[ClaimTest]) -> ClaimTest:
    if len(tests) == 1:
        return tests[0]
    return tests[0]._replace(
        network=f"{len(tests)} networks",
        observed=_mean([test.observed for test in tests]),
        halves=tuple(_mean(of_half) for of_half in zip(*(test.halves for test in tests))),
        uncertain=False,
    )


def _mean(found: Sequence[Observed | None]) -> Observed | None:
    """What is observed over all networks: means; of counts the median."""
    found = [each for each in found if each is not None]
    if not found:
        return None
    if isinstance(found[0], Count):
        return Count(median(each.mean for each in found), len(found))
    if isinstance(found[0], Reach):
        levels = [-NEAR if math.isnan(each.level) else each.level for each in found]
        return Reach(*Estimate.of(levels)[:4])
    if len(found) >= MANY:
        return Estimate.of([estimate.mean for estimate in found], "networks")
    return Estimate.combined(found)
