"""Tests of claims, one yardstick per kind: each gives one test per network that has results.

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

A lead that grows, a count and the ℓ1 penalty have tests of their own. All take options as
:func:`~spectral_core.paper.results.estimates.differences` does, and raise
:class:`~spectral_core.paper.results.collect.NoResults` where no network has what they test.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import pandas as pd

from spectral_core.data.raw_data import RAW_DATA
from spectral_core.paper.results import estimates
from spectral_core.paper.results.accuracies import selected
from spectral_core.paper.results.collect import NoResults
from spectral_core.paper.results.estimates import ALL_LEVELS, Reach, differences, per_network
from spectral_core.paper.results.statistics import MARGIN, Estimate
from spectral_core.paper.run import tuning

HOLDS, PARTLY, FAILS = "holds", "holds in part", "does not hold"
EQUIVALENT, INCONCLUSIVE = "equivalent", "inconclusive"
SINGLE, ABSENT = "single run", "no run"
WORDS = (HOLDS, PARTLY, FAILS, EQUIVALENT, INCONCLUSIVE, SINGLE, ABSENT)
"""What a verdict can be. ``EQUIVALENT``: a claimed difference is smaller than the margin."""

HALVES = ((5.0, 45.0), (50.0, 95.0))
"""Pruning levels of order tests, in per cent of the nodes."""
NEAR, NOT_FAR = 5.0, 15.0
"""Per cent of the nodes by which a level may miss what is claimed, wholly and in part."""


class Count(NamedTuple):
    """A share in per cent that needs no repetition; of several networks their median."""

    mean: float
    n: int
    """How many seeds, or networks, it is the mean, or median, of."""
    single = False

    def __str__(self) -> str:
        return f"{self.mean:.3g} %"


Observed = Estimate | Reach | Count


class ClaimTest(NamedTuple):
    """One test of a claim, in one network."""

    network: str
    what: str
    """Methods, such as ``pre − direct``."""
    observed: Observed
    judge: Callable[..., str]
    """From what is observed, over all levels and in halves of them, to a verdict."""
    halves: tuple[Estimate | None, ...] = ()
    """Mean differences over :data:`HALVES` of the levels, of order tests."""
    signed: bool = False
    """Whether it asks for a difference from 0, whose p-value counts."""
    uncertain: bool = False
    """Whether it is not significant once corrected for all tests of the claim; halves of the levels
    that differ need no significance at the median."""

    @property
    def word(self) -> str:
        """The verdict."""
        if self.observed.single:
            return SINGLE
        word = self.judge(self.observed, *self.halves)
        doubted = self.uncertain and word != EQUIVALENT and not all(_signs(self.halves))
        return INCONCLUSIVE if doubted else word


# Order and equality


def order(
    first: str,
    second: str,
    levels: tuple[float, float] = ALL_LEVELS,
    most: float = math.inf,
    **options: Any,
) -> list[ClaimTest]:
    """Whether ``first`` is more accurate than ``second``, and by less than ``most`` points: no if
    the whole interval is beyond. Collapsed levels are left out."""
    found = differences(first, second, levels, **options)
    by_network = dict(list(found.groupby("network", sort=False)))
    tests = []
    for network, typical in per_network(found, "median").items():
        rows = by_network[network]
        halves = tuple(_half(rows[rows["level"].between(*half)]) for half in HALVES)
        judge = partial(ordered, most=most)
        tests.append(ClaimTest(network, f"{first} − {second}", typical, judge, halves, signed=True))
    return tests


def _half(rows: pd.DataFrame) -> Estimate | None:
    """The mean difference over some levels, unless a layer has collapsed at most of them."""
    if rows.empty or rows["collapsed"].mean() > 0.5:
        return None
    return estimates.pooled(rows)


def ordered(typical: Estimate, *halves: Estimate | None, most: float = math.inf) -> str:
    """The verdict on an order by the difference at the median level and over both halves."""
    behind, ahead = _signs(halves)
    if ahead and behind:
        return PARTLY
    if typical.better():
        if typical.low > most:
            return FAILS
        return HOLDS if typical.high < most and not behind else PARTLY
    if typical.worse():
        return PARTLY if ahead else FAILS
    return EQUIVALENT if typical.equivalent() else INCONCLUSIVE


def _signs(halves: Sequence[Estimate | None]) -> tuple[bool, bool]:
    """Whether some half of the levels lies below 0, and some above."""
    known = [half for half in halves if half is not None]
    return any(half.worse() for half in known), any(half.better() for half in known)


def equality(first: str, second: str, **options: Any) -> list[ClaimTest]:
    """Whether two methods' unpruned networks are equally accurate, within the margin."""
    found = per_network(differences(first, second, (0.0, 0.0), **options))
    return [ClaimTest(name, f"{first} − {second}", one, _equal) for name, one in found.items()]


def _equal(estimate: Estimate) -> str:
    apart = estimate.low > MARGIN or estimate.high < -MARGIN
    return HOLDS if estimate.equivalent() else FAILS if apart else INCONCLUSIVE


def lead_grows(method: str, **options: Any) -> list[ClaimTest]:
    """Whether the lead over ``direct`` is larger with three hidden layers than with one, by
    different seeds, at the levels where neither depth has an empty layer."""
    found = pd.concat(differences(method, "direct", ALL_LEVELS, **options, depth=n) for n in (3, 1))
    alive = found[~found["level"].isin(found.loc[found["collapsed"], "level"])]
    by_seed = alive.groupby(["depth", "seed"])["difference"].median()
    leads = [Estimate.of(by_seed[depth]) for depth in (3, 1)]
    grows, what = Estimate.combined(leads, (1, -1)), f"{method} − direct, 3 − 1 layers"
    return [ClaimTest("Fig. 4 − Fig. 3", what, grows, _above, signed=True)]


def _above(estimate: Estimate, limit: float = 0.0) -> str:
    below = estimate.high < limit
    return HOLDS if estimate.low > limit else FAILS if below else INCONCLUSIVE


# Levels and counts


def unchanged(method: str, reference: str = "", *, level: float, **options: Any) -> list[ClaimTest]:
    """Whether a network can be pruned up to ``level`` within one point; of the unpruned network of
    ``reference``, if that is another method."""
    what = f"{method} against {reference}" if reference else method
    found = estimates.reaches(method, reference=reference, **options)
    judge = partial(graded, miss=lambda reached: level - reached)
    return [ClaimTest(network, what, reach, judge) for network, reach in found.items()]


def falls(method: str, *, level: float, **options: Any) -> list[ClaimTest]:
    """Whether the first level that loses more than one point is about ``level``."""
    found = estimates.reaches(method, unbroken=True, **options)
    judge = partial(graded, miss=lambda reached: abs(level - NEAR - reached))
    return [ClaimTest(network, method, reach, judge) for network, reach in found.items()]


def graded(reach: Reach, miss: Callable[[float], float]) -> str:
    """Verdict on a level, of which every one between the limits is possible, by how many per cent
    of the nodes each misses what is claimed."""
    low, high = (-NEAR if math.isnan(end) else end for end in (reach.low, reach.high))
    steps = math.ceil((high - low) / NEAR)
    off = [miss(min(low + NEAR * i, high)) for i in range(steps + 1)]
    grades = {HOLDS if x <= NEAR else PARTLY if x <= NOT_FAR else FAILS for x in off}
    return grades.pop() if len(grades) == 1 else INCONCLUSIVE


def fewer_tuned(method: str = "pre", rival: str = "direct", **options: Any) -> list[ClaimTest]:
    """Numbers that ``pre`` tunes in both stages, in per cent of those that ``direct`` tunes.

    ``pre`` tunes an eigenvalue of each hidden and output node, then what is left of φ where it is
    pruned as far as costs no more than a point. Holds up to a half; in part below all of them.
    """
    tests = []
    for network, reach in estimates.reaches(method, **options).items():
        curve = selected(method, network=network, **options)
        first = curve[curve["level"] == 0].iloc[0]
        same = {name: first[name] for name in ("dataset", "activation", "depth", "source")}
        direct = selected(rival, table=options.get("table"), **same)
        if direct.empty:
            continue
        outputs = len(RAW_DATA[first["dataset"]].classes)
        left = curve[curve["level"] == reach.level]["parameters"].mean()
        whole = direct[direct["level"] == 0]["parameters"].iloc[0]
        share = Count(100 * (first["nodes"] + outputs + left) / whole, reach.n)
        where = f"{network}, {reach.level:g} % pruned"
        tests.append(ClaimTest(where, f"{method} / {rival}", share, _half_at_most))
    return tests


def _half_at_most(share: Count) -> str:
    return HOLDS if share.mean <= 50 else PARTLY if share.mean < 100 else FAILS


# The ℓ1 penalty


def stable_with_penalty(method: str, **options: Any) -> list[ClaimTest]:
    """Whether a network trained with the chosen γ loses at most a point at its worst level."""
    tests = []
    for network, penalty in chosen_penalties(method, **options).items():
        lost = estimates.losses(method, **options | {"network": network, "penalty": penalty})
        worst = Estimate.of(-lost.groupby("seed")["difference"].max())
        judge = partial(_above, limit=-MARGIN)
        tests.append(ClaimTest(f"{network}, γ = {penalty:g}", method, worst, judge))
    return tests


def better_with_penalty(method: str, **options: Any) -> list[ClaimTest]:
    """Whether the chosen γ gains on none, as an order."""
    tests = []
    for network, penalty in chosen_penalties(method, **options).items():
        what = f"{method}, γ = {penalty:g} − none"
        found = order(method, method, penalty=penalty, **options | {"network": network})
        tests += [test._replace(what=what) for test in found]
    return tests


def chosen_penalties(method: str, **options: Any) -> dict[str, float]:
    """The weight γ > 0 that held-out images chose for a method, see
    :func:`~spectral_core.paper.run.tuning.choose`, by network that was trained with it.

    Raises:
        NoResults: if there is none.
    """
    rows = selected(method, **options, penalty=None)
    found = {}
    for (network, panel), own in rows.groupby(["network", "panel"], sort=False):
        chosen = tuning.choice(panel, "penalty")["chosen"].get(method, {}).get("penalties")
        if chosen in set(own["penalty"]):
            found[network] = chosen
    if not found:
        raise NoResults(f"no network of {method} was trained with a γ chosen for it")
    return found
