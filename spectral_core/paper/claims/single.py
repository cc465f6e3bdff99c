"""Tests that serve one claim each: a lead that grows, fewer numbers tuned, the l1 penalty."""

from __future__ import annotations

from typing import Any

import pandas as pd

from spectral_core.data.raw_data import RAW_DATA
from spectral_core.paper.claims.verdict import (
    FAILS,
    HOLDS,
    INCONCLUSIVE,
    PARTLY,
    SINGLE,
    Count,
    Test,
    corrected,
)
from spectral_core.paper.results import estimates
from spectral_core.paper.results.estimates import MARGIN, Estimate
from spectral_core.paper.results.tables import NoResults


def _signed(estimate: Estimate) -> str:
    if estimate.single:
        return SINGLE
    return HOLDS if estimate.better() else FAILS if estimate.worse() else INCONCLUSIVE


def lead_grows(table: pd.DataFrame | None = None, **filters: Any) -> list[Test]:
    """The lead over ``direct`` with three hidden layers minus that with one, by different seeds."""
    tests = []
    for method in ("post", "pre"):
        try:
            deep, flat = (
                estimates.differences(
                    method, "direct", (5, 95), table=table, **filters | {"depth": depth}
                )
                for depth in (3, 1)
            )
        except NoResults:
            continue
        leads = (
            found[~found["collapsed"]].groupby("seed")["difference"].median()
            for found in (deep, flat)
        )
        grows = Estimate.unpaired(*leads)
        what = f"{method} − direct, 3 − 1 layers"
        tests.append(Test("order", "Fig. 4 − Fig. 3", what, _signed(grows), grows))
    return corrected(tests)


def fewer_tuned(table: pd.DataFrame | None = None, **filters: Any) -> list[Test]:
    """Numbers that ``pre`` tunes in both stages, in per cent of those that ``direct`` tunes.

    ``pre`` tunes an eigenvalue of each hidden and output node, then what is left of φ where it is
    pruned as far as costs no more than a point. Holds up to a half; in part below all of them.
    """
    table = estimates.results() if table is None else table
    try:
        reaches = estimates.reaches("pre", table=table, **filters)
    except NoResults:
        return []
    tests = []
    for network, reach in reaches.items():
        curve = estimates.selected(table, "pre", network=network, **filters)
        first = curve[curve["level"] == 0].iloc[0]
        same = {name: first[name] for name in ("dataset", "activation", "depth", "source")}
        direct = estimates.selected(table, "direct", **same)
        if direct.empty:
            continue
        outputs = len(RAW_DATA[first["dataset"]].classes)
        left = curve[curve["level"] == reach.level]["parameters"].mean()
        whole = direct[direct["level"] == 0]["parameters"].iloc[0]
        share = 100 * (first["nodes"] + outputs + left) / whole
        word = HOLDS if share <= 50 else PARTLY if share < 100 else FAILS
        tests.append(Test("count", network, f"pre at {reach.level:g} %", word, Count(share)))
    return tests


def stable_with_penalty(
    method: str, table: pd.DataFrame | None = None, **filters: Any
) -> list[Test]:
    """What the worst level gains on the unpruned network without penalty, with the best γ > 0."""
    found = _of_best_penalty(method, table, filters, "min")
    if found is None:
        return []
    network, plain, curve = found
    worst = Estimate.of(curve.sub(plain[0.0], axis=0).min(axis=1))
    word = HOLDS if worst.low >= -MARGIN else FAILS if worst.high < -MARGIN else INCONCLUSIVE
    return [Test("order", network, method, SINGLE if worst.single else word, worst)]


def better_with_penalty(
    method: str, table: pd.DataFrame | None = None, **filters: Any
) -> list[Test]:
    """What the best γ > 0 gains on none, at the median level."""
    found = _of_best_penalty(method, table, filters, "mean")
    if found is None:
        return []
    network, plain, curve = found
    gain = Estimate.of((curve - plain).drop(columns=0.0).median(axis=1))
    return [Test("order", network, f"{method}, γ > 0 − none", _signed(gain), gain)]


def _of_best_penalty(
    method: str, table: pd.DataFrame | None, filters: dict[str, Any], statistic: str
) -> tuple[str, pd.DataFrame, pd.DataFrame] | None:
    """Accuracy in per cent without penalty and with the γ > 0 whose curve has the highest mean, or
    minimum: a row per seed, a column per level. The γ is chosen by the same test images."""
    table = estimates.results() if table is None else table
    every = [float(penalty) for penalty in table["penalty"].unique()]
    rows = estimates.selected(table, method, **filters | {"penalty": every})
    penalised = rows[rows["penalty"] > 0]
    if penalised.empty:
        return None
    means = penalised.groupby(["penalty", "level"])["accuracy"].mean()
    best = means.groupby("penalty").agg(statistic).idxmax()
    plain, curve = (
        100
        * rows[rows["penalty"] == penalty].pivot(index="seed", columns="level", values="accuracy")
        for penalty in (0.0, best)
    )
    return f"{penalised['network'].iloc[0]}, γ = {best:g}", plain, curve
