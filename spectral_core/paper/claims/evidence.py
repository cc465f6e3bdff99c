"""Measures of pruning curves: each grades one statement about one panel and gives its numbers.

A measure takes the results of one panel (see :data:`spectral_core.paper.results.tables.COLUMNS`). Levels
and methods are compared seed by seed, with a t-interval. A single seed is told and is no test; an
interval that leaves several outcomes open decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from spectral_core.paper.claims.findings import (
    FAILS,
    HOLDS,
    PARTLY,
    REPORTED,
    UNDECIDED,
    UNTESTED,
    Finding,
    decided,
    graded,
    of_pairs,
    of_seeds,
    one_seed,
    untested,
)
from spectral_core.paper.results.cells import counted
from spectral_core.paper.results.intervals import (
    POINT,
    Interval,
    accuracies,
    differences,
    interval,
    leads,
    points,
    welch,
)

# Levels


def stays(table: pd.DataFrame, method: str, until: float, reference: str = "") -> Finding:
    """Whether a curve stays near the accuracy of the uncut network up to a cut.

    Holds if no cut up to ``until`` loses more than one point, in part if none loses more than five,
    see :func:`bounds`.

    Args:
        table: results of one panel.
        method: whose curve.
        until: the last cut that counts, in per cent; untested if the curve ends before.
        reference: whose uncut network; the method's own if empty.
    """
    losses = _losses(table, method, reference or method)
    if losses.empty or losses.columns.max() < until:
        return untested(method, f"up to {until:g} %")
    mean = losses.mean().round(9)
    near = mean[(mean > POINT).cumsum() == 0]
    reach = f"up to {near.index.max():g} %" if len(near) else "nowhere"
    against = f" of {reference}'s uncut accuracy" if reference else ""
    losses = losses.loc[:, :until]
    return of_seeds(
        _graded(losses),
        f"{method} {_lost(losses)} up to {until:g} %, and is within one point{against} {reach}",
        len(losses),
    )


NEAR, NOT_FAR = 5, 15
"""Per cent of the nodes: a step of the paper's cuts, and three."""


def falls_from(table: pd.DataFrame, method: str, at: float) -> Finding:
    """Whether a curve begins to fall near a stated cut.

    It begins at the first cut that loses more than one point. Holds if that is :data:`NEAR` ``at``;
    in part if it is :data:`NOT_FAR` from it. By the t-interval of its loss a cut surely loses more,
    or may lose more; the curve may begin to fall at any that may, up to the first that surely does.

    Args:
        table: results of one panel.
        method: whose curve.
        at: the cut where it is said to begin, in per cent; untested if the curve has none near it.
    """
    losses = _losses(table, method, method)
    if not any(abs(q - at) <= NEAR for q in losses):
        return untested(method, f"near {at:g} %")
    mean = losses.mean().round(9)
    lower = mean[mean > POINT]
    said = f"{method} never loses more than one point, up to {mean.index.max():g} %"
    if len(lower):
        size = _fine(lower.iloc[0])
        said = f"{method} first loses more than one point at {lower.index[0]:g} %: {size}"
    if len(losses) < 2:
        return one_seed(said)
    found = {q: interval(losses[q]) for q in losses}
    surely = min((q for q, each in found.items() if each.low > POINT), default=np.inf)
    perhaps = [q for q, each in found.items() if each.high > POINT and q <= surely]
    begins = perhaps if surely < np.inf else [*perhaps, np.inf]
    grades = {graded(abs(q - at) <= NEAR, abs(q - at) <= NOT_FAR) for q in begins}
    if len(begins) > 1:
        end = f"{surely:g} %" if surely < np.inf else "no cut"
        said += f" (perhaps at {begins[0]:g} %, for sure at {end})"
    verdict = grades.pop() if len(grades) == 1 else UNDECIDED
    return of_seeds(verdict, said, len(losses))


# Differences between methods


def alike(table: pd.DataFrame, first: str, second: str) -> Finding:
    """Whether two methods' uncut networks are equally accurate.

    Holds if the interval of the mean difference lies within ± one point, and does not if it lies
    beyond.
    """
    uncut = differences(table, first, second).get(0.0, ())
    return of_pairs(
        uncut,
        lambda found: max(-found.low, found.high) <= POINT,
        lambda found: found.low > POINT or found.high < -POINT,
        f"{first} − {second}, uncut:",
        f"both {first} and {second} uncut",
    )


def ahead(table: pd.DataFrame, first: str, second: str) -> Finding:
    """Whether one method is more accurate than another on average over all cuts.

    Holds if the interval of the mean difference lies above 0, and does not if it lies below. The
    largest mean lead at some cut is told.
    """
    found = of_pairs(
        leads(table, first, second),
        _above,
        _below,
        f"{first} − {second}, all cuts:",
        f"both {first} and {second}",
    )
    by_cut = differences(table, first, second).drop(columns=0.0, errors="ignore").mean()
    if by_cut.empty:
        return found
    return found._replace(
        text=f"{found.text}; {points(by_cut.max())} at most, at {by_cut.idxmax():g} %"
    )


def always_ahead(table: pd.DataFrame, first: str, second: str, least: float = 0) -> Finding:
    """Whether one method is more accurate than another at every cut, or as accurate.

    At each cut an interval of the mean difference tells: ``first`` is ahead if it lies above 0,
    behind if it lies below, and not a point behind if it lies above − one point. Holds if
    ``first`` is ahead somewhere, behind nowhere, and not a point behind at any cut; in
    part if it is ahead somewhere and behind elsewhere; does not hold if it is behind somewhere and
    ahead nowhere.

    Args:
        table: results of one panel.
        first: method that is claimed to be ahead.
        second: method that it is compared with.
        least: smallest cut that counts, in per cent; the uncut network never does.
    """
    by_cut = differences(table, first, second)
    by_cut = by_cut[[q for q in by_cut if q > 0 and q >= least]]
    who = f"both {first} and {second}"
    if by_cut.empty:
        return untested(who)
    if len(by_cut) < 2:
        where = f"from {least:g} % on" if least else "all cuts"
        said = f"{first} − {second}, {where}:"
        return of_pairs(by_cut.mean(axis=1), _above, _below, said, who)
    found = [interval(by_cut[q]) for q in by_cut]
    ahead_by = [each.mean for each in found if _above(each)]
    behind_by = [-each.mean for each in found if _below(each)]
    open_at = sum(each.low <= -POINT and not _below(each) for each in found)
    by = {
        name: f"{name} at {len(sizes)}"
        + (f" (by up to {points(max(sizes), sign=False)} points)" if sizes else "")
        for name, sizes in (("ahead", ahead_by), ("behind", behind_by))
    }
    verdict = UNDECIDED
    if behind_by:
        verdict = PARTLY if ahead_by else FAILS
    elif ahead_by and not open_at:
        verdict = HOLDS
    return Finding(
        verdict,
        f"{first} against {second} at {len(found)} cuts: {by['ahead']}, {by['behind']}, and "
        f"perhaps a point behind at {open_at} ({counted(len(by_cut))})",
    )


def lead_grows(small: pd.DataFrame, large: pd.DataFrame, first: str, second: str) -> Finding:
    """Whether one method's lead over another, on average over all cuts, is larger in a panel.

    Holds if the interval of the difference (Welch) lies above 0, and does not if it lies below.

    Args:
        small: results of the panel where the lead is claimed to be smaller.
        large: results of the panel where it is claimed to be larger.
        first: method that leads.
        second: method that it is compared with.
    """
    of_large, of_small = (leads(table, first, second) for table in (large, small))
    fewest = min(len(of_large), len(of_small))
    if not fewest:
        return untested(f"both {first} and {second}", "in both figures")
    said = f"lead of {first} over {second} grows by"
    if fewest < 2:
        return one_seed(f"{said} {points(of_large.mean() - of_small.mean())} points")
    found = welch(of_large, of_small)
    seeds = f"{len(of_large)} and {counted(len(of_small))}"
    return Finding(decided(_above(found), _below(found)), f"{said} {found} ({seeds})")


# Penalties


def stable_with_penalty(table: pd.DataFrame, method: str) -> Finding:
    """Whether some ℓ1 penalty keeps a method's accuracy at every cut.

    Measured against the uncut network without penalty, with the γ > 0 whose worst cut loses least
    in the mean. Holds if no cut loses more than one point, in part if none loses more than five,
    see :func:`bounds`.
    """
    uncut = accuracies(table, method).get(0.0)
    penalties = sorted(set(table.loc[table["method"] == method, "penalty"]) - {0.0})
    if uncut is None or not penalties:
        return untested(method, "with and without a penalty")
    losses = {
        penalty: _below_uncut(accuracies(table, method, penalty), uncut) for penalty in penalties
    }
    best = min(losses, key=lambda penalty: losses[penalty].mean().max())
    return of_seeds(
        _graded(losses[best]),
        f"{method} with γ = {best:g} {_lost(losses[best])}, up to {losses[best].columns.max():g} %",
        len(losses[best]),
    )


def better_with_penalty(table: pd.DataFrame, method: str) -> Finding:
    """Whether the best ℓ1 penalty raises a method's accuracy, on average over all cuts.

    The best γ > 0 is the one with the highest average. Holds if the interval of the mean
    difference from γ = 0 lies above 0, and does not if it lies below.
    """
    rows = table[(table["method"] == method) & (table["percentile"] > 0)]
    seeds = rows.pivot_table(index="seed", columns="penalty", values="accuracy")
    if 0.0 not in seeds or seeds.shape[1] < 2:
        return untested(method, "with and without a penalty")
    gains = seeds.drop(columns=0.0).sub(seeds[0.0], axis=0).dropna()
    if gains.empty:
        return untested(method, "with and without a penalty")
    best = gains.mean().idxmax()
    return of_pairs(
        gains[best],
        _above,
        _below,
        f"{method} with γ = {best:g} against none, all cuts:",
        f"{method} with and without a penalty",
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
        return untested("pre and direct", f"at 0 and {at:g} %")
    nodes = table[(table["method"] == "pre") & (table["percentile"] == 0)]["nodes"].iloc[0]
    tuned, all_of_them = nodes + classes + counts["pre"][at], counts["direct"][0.0]
    return Finding(
        graded(tuned <= all_of_them / 2, tuned < all_of_them),
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
    return Finding(REPORTED, "; ".join(found)) if found else untested("any method")


def _curve(table: pd.DataFrame, method: str) -> pd.Series:
    """Mean accuracy of a method by cut, without penalty; empty if there is none."""
    rows = table[(table["method"] == method) & (table["penalty"] == 0)]
    return rows.groupby("percentile")["accuracy"].mean()


def _losses(table: pd.DataFrame, method: str, reference: str) -> pd.DataFrame:
    """What each cut of a method loses against an uncut network: a row per seed, a column per cut;
    empty if that network is not there."""
    uncut = accuracies(table, reference).get(0.0)
    return pd.DataFrame() if uncut is None else _below_uncut(accuracies(table, method), uncut)


def _below_uncut(curves: pd.DataFrame, uncut: pd.Series) -> pd.DataFrame:
    # Accuracies are whole images: what is one point is told from more than one.
    return (-curves.sub(uncut, axis=0)).dropna().round(9)


def bounds(losses: pd.DataFrame) -> tuple[float, float]:
    """What is lost for sure, and perhaps, at some of several cuts, by t-intervals of 95 %.

    For sure it is the lower end at the last cut, the hardest, and at least nothing; perhaps it is
    the largest upper end. A level is undecided where the two give different verdicts.

    Args:
        losses: accuracies, a row per seed, two at least, a column per cut.
    """
    found = [interval(losses[q]) for q in losses]
    return max(0.0, found[-1].low), max(each.high for each in found)


def _graded(losses: pd.DataFrame) -> str:
    """Verdict on losses of which none should be beyond a point or, in part, beyond five."""
    if len(losses) < 2:
        return UNTESTED
    best, worst = (graded(end <= POINT, end <= 5 * POINT) for end in bounds(losses))
    return best if best == worst else UNDECIDED


def _lost(losses: pd.DataFrame) -> str:
    """The most that is lost at some cut: in the mean, for sure and perhaps; in points."""
    most = losses.mean().max()
    said = "loses nothing" if round(most, 4) <= 0 else f"loses {_fine(most)} points at most"
    if len(losses) < 2:
        return said
    surely, perhaps = bounds(losses)
    return f"{said} (for sure {_fine(surely)}, perhaps {_fine(perhaps)})"


def _fine(value: float) -> str:
    return points(value, sign=False, digits=2)


def _above(found: Interval) -> bool:
    return found.low > 0


def _below(found: Interval) -> bool:
    return found.high < 0
