"""Measures of pruning curves: each grades one statement about one panel and gives its numbers.

A measure takes the results of one panel (see :data:`spectral_core.results.COLUMNS`). Levels are
compared by means over seeds; methods are compared seed by seed, with a t-interval.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

from spectral_core.intervals import POINT, differences, interval, lead, leads, points, welch

HOLDS, PARTLY, FAILS = "holds", "holds in part", "does not hold"
UNTESTED, REPORTED = "not tested", "reported"


class Finding(NamedTuple):
    """What a measure found."""

    verdict: str
    """``HOLDS``, ``PARTLY``, ``FAILS``, ``UNTESTED``, or ``REPORTED`` where nothing is claimed."""
    text: str
    """The numbers behind it."""


def combined(verdicts: Iterable[str]) -> str:
    """One verdict for several: it holds if all hold, does not if none does, else it does in part.

    ``UNTESTED`` and ``REPORTED`` say nothing beside the others.
    """
    found = set(verdicts)
    graded = found - {UNTESTED, REPORTED}
    if not graded:
        return REPORTED if REPORTED in found else UNTESTED
    return graded.pop() if len(graded) == 1 else PARTLY


# Levels


def stays(table: pd.DataFrame, method: str, until: float, reference: str = "") -> Finding:
    """Whether a curve stays near the accuracy of the uncut network up to a cut.

    Holds if no cut up to ``until`` loses more than one point; in part if none loses more than
    five.

    Args:
        table: results of one panel.
        method: whose curve.
        until: the last cut that counts, in per cent; untested if the curve ends before.
        reference: whose uncut network; the method's own if empty.
    """
    loss = _loss(table, method, reference or method)
    if loss.empty or loss.index.max() < until:
        return _untested(method, f"up to {until:g} %")
    worst = loss.loc[:until].max()
    near = loss[(loss > POINT).cumsum() == 0]
    reach = f"up to {near.index.max():g} %" if len(near) else "nowhere"
    against = f" of {reference}'s uncut accuracy" if reference else ""
    return Finding(
        _graded(worst <= POINT, worst <= 5 * POINT),
        f"{method} loses {points(worst, sign=False)} points at most up to {until:g} %, "
        f"and is within one point{against} {reach}",
    )


def falls(table: pd.DataFrame, method: str, beyond: float) -> Finding:
    """Whether a curve lies lower than the uncut network's accuracy beyond a cut.

    Holds if every cut beyond loses more than one point; in part if some do.
    """
    loss = _loss(table, method, method)
    loss = loss[loss.index > beyond]
    if loss.empty:
        return _untested(method, f"beyond {beyond:g} %")
    lower = loss > POINT
    return Finding(
        _graded(lower.all(), lower.any()),
        f"{method} loses more than one point at {lower.sum()} of {len(loss)} cuts beyond "
        f"{beyond:g} %, and {points(loss.iloc[0], sign=False)} points at {loss.index[0]:g} %",
    )


# Differences between methods


def alike(table: pd.DataFrame, first: str, second: str) -> Finding:
    """Whether two methods' uncut networks are equally accurate.

    Holds if the interval of the mean difference lies within ± one point; in part if the mean
    does.
    """
    found = interval(differences(table, first, second).get(0.0, ()))
    if found is None:
        return _unpaired(first, second, "uncut")
    return Finding(
        _graded(max(-found.low, found.high) <= POINT, abs(found.mean) <= POINT),
        f"{first} − {second}, uncut: {found}",
    )


def ahead(table: pd.DataFrame, first: str, second: str) -> Finding:
    """Whether one method is more accurate than another on average over all cuts.

    Holds if the interval of the mean difference lies above 0; in part if only the mean does.
    """
    found = lead(table, first, second)
    if found is None:
        return _unpaired(first, second)
    return Finding(_graded(found.low > 0, found.mean > 0), f"{first} − {second}, all cuts: {found}")


def always_ahead(table: pd.DataFrame, first: str, second: str, least: float = 0) -> Finding:
    """Whether one method is more accurate than another at every cut where the two differ.

    They differ at a cut if the interval of the mean difference leaves out 0. Holds if ``first`` is
    ahead at all such cuts; in part if it is ahead at some and behind at others.

    Args:
        table: results of one panel.
        first: method that is claimed to be ahead.
        second: method that it is compared with.
        least: smallest cut that counts, in per cent; the uncut network never does.
    """
    by_cut = differences(table, first, second)
    cuts = [q for q in by_cut if q > 0 and q >= least]
    found = [each for q in cuts if (each := interval(by_cut[q])) is not None]
    if not found:
        return _unpaired(first, second)
    ahead_by = [each.mean for each in found if each.low > 0]
    behind_by = [-each.mean for each in found if each.high < 0]
    by = {
        name: f"{name} at {len(sizes)}"
        + (f" (by up to {points(max(sizes), sign=False)} points)" if sizes else "")
        for name, sizes in (("ahead", ahead_by), ("behind", behind_by))
    }
    return Finding(
        _graded(bool(ahead_by) and not behind_by, bool(ahead_by)),
        f"{first} against {second} at {len(found)} cuts: {by['ahead']}, {by['behind']}",
    )


def lead_grows(small: pd.DataFrame, large: pd.DataFrame, first: str, second: str) -> Finding:
    """Whether one method's lead over another, on average over all cuts, is larger in a panel.

    Holds if the interval of the difference (Welch) lies above 0; in part if only the mean does.

    Args:
        small: results of the panel where the lead is claimed to be smaller.
        large: results of the panel where it is claimed to be larger.
        first: method that leads.
        second: method that it is compared with.
    """
    of_both = [leads(table, first, second) for table in (large, small)]
    if min(len(each) for each in of_both) < 2:
        return _unpaired(first, second, "in both figures")
    found = welch(*of_both)
    return Finding(
        _graded(found.low > 0, found.mean > 0), f"lead of {first} over {second} grows by {found}"
    )


# Penalties


def stable_with_penalty(table: pd.DataFrame, method: str) -> Finding:
    """Whether some ℓ1 penalty keeps a method's accuracy at every cut.

    Measured against the uncut network without penalty. Holds if for some γ > 0 no cut loses more
    than one point; in part if for some γ > 0 none loses more than five.
    """
    means = _by_penalty(table, method)
    if 0.0 not in means.index or 0.0 not in means or len(means) < 2:
        return _untested(method, "with and without a penalty")
    worst = means.loc[0.0, 0.0] - means.drop(index=0.0).min(axis=1)
    best = worst.idxmin()
    return Finding(
        _graded(worst[best] <= POINT, worst[best] <= 5 * POINT),
        f"{method} with γ = {best:g} loses {points(worst[best], sign=False)} points at most, up to "
        f"{means.columns.max():g} %",
    )


def better_with_penalty(table: pd.DataFrame, method: str) -> Finding:
    """Whether the best ℓ1 penalty raises a method's accuracy, on average over all cuts.

    The best γ > 0 is the one with the highest average. Holds if the interval of the mean
    difference from γ = 0 lies above 0; in part if only the mean does.
    """
    rows = table[(table["method"] == method) & (table["percentile"] > 0)]
    seeds = rows.pivot_table(index="seed", columns="penalty", values="accuracy")
    if 0.0 not in seeds or seeds.shape[1] < 2:
        return _untested(method, "with and without a penalty")
    gains = seeds.drop(columns=0.0).sub(seeds[0.0], axis=0).dropna()
    if len(gains) < 2:
        said = f"fewer than two seeds of {method} with and without a penalty"
        return Finding(UNTESTED, said)
    best = gains.mean().idxmax()
    found = interval(gains[best])
    return Finding(
        _graded(found.low > 0, found.mean > 0),
        f"{method} with γ = {best:g} against none, all cuts: {found}",
    )


# Counts and reports


def fewer_tuned(table: pd.DataFrame, classes: int, at: float) -> Finding:
    """Whether ``pre``, cut that far, tunes fewer numbers than ``direct`` does.

    ``pre`` tunes an eigenvalue for each hidden and each output node, then what is left of φ and of
    biases. Holds if that is at most half of the uncut network's weights and biases, which
    ``direct`` tunes; in part if it is less than all of them.
    """
    counts = table.pivot_table(index="percentile", columns="method", values="parameters")
    if not {"pre", "direct"} <= set(counts) or not {0.0, at} <= set(counts.index):
        return _untested("pre and direct", f"at 0 and {at:g} %")
    nodes = table[(table["method"] == "pre") & (table["percentile"] == 0)]["nodes"].iloc[0]
    tuned, all_of_them = nodes + classes + counts["pre"][at], counts["direct"][0.0]
    return Finding(
        _graded(tuned <= all_of_them / 2, tuned < all_of_them),
        f"pre tunes {tuned:,.0f} at {at:g} %, direct {all_of_them:,.0f} "
        f"({tuned / all_of_them:.0%})",
    )


def reported(table: pd.DataFrame, cuts: Iterable[float]) -> Finding:
    """Mean accuracies of each method at some cuts, where the paper claims no order."""
    found = []
    for method in table["method"].unique():
        curve = _curve(table, method)
        levels = [f"{100 * curve[q]:.1f} % at {q:g}" for q in cuts if q in curve]
        found.append(f"{method} {', '.join(levels)}")
    return Finding(REPORTED, "; ".join(found)) if found else _untested("any method")


def _curve(table: pd.DataFrame, method: str) -> pd.Series:
    """Mean accuracy of a method by cut, without penalty; empty if there is none."""
    rows = table[(table["method"] == method) & (table["penalty"] == 0)]
    return rows.groupby("percentile")["accuracy"].mean()


def _loss(table: pd.DataFrame, method: str, reference: str) -> pd.Series:
    """What each cut of a method loses against an uncut network; empty if that is not there."""
    uncut = _curve(table, reference).get(0.0, np.nan)
    return (uncut - _curve(table, method)).dropna()


def _by_penalty(table: pd.DataFrame, method: str) -> pd.DataFrame:
    """Mean accuracy of a method, a row per penalty, a column per cut."""
    return table[table["method"] == method].pivot_table(
        index="penalty", columns="percentile", values="accuracy"
    )


def _graded(full: bool, part: bool) -> str:
    return HOLDS if full else PARTLY if part else FAILS


def _untested(who: str, where: str = "") -> Finding:
    return Finding(UNTESTED, f"no results of {who} {where}".rstrip())


def _unpaired(first: str, second: str, where: str = "") -> Finding:
    return Finding(UNTESTED, f"fewer than two seeds of both {first} and {second} {where}".rstrip())
