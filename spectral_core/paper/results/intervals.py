"""Differences between methods, seed by seed, with their t-intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

POINT = 0.01
"""One point of accuracy: curves that differ by less look alike in the paper's figures."""
CONFIDENCE = 0.95
"""Level of the t-intervals over seeds."""


class Interval(NamedTuple):
    """A mean over seeds and its t-interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{points(self.mean)} [{points(self.low)}, {points(self.high)}] points"


def lead(table: pd.DataFrame, first: str, second: str, at: float | None = None) -> Interval | None:
    """Accuracy of one method minus another's, seed by seed; ``None`` for fewer than two seeds.

    Args:
        table: results of one panel.
        first: method that may lead.
        second: method that it is compared with.
        at: the cut, in per cent; if ``None``, the average over all cuts beyond 0 that both have.
    """
    if at is None:
        return interval(leads(table, first, second))
    return interval(differences(table, first, second).get(at, ()))


def leads(table: pd.DataFrame, first: str, second: str) -> pd.Series:
    """Accuracy of one method minus another's, averaged over cuts; one value per seed.

    The cuts are those beyond 0 that both have; empty if there are none.

    Args:
        table: results of one panel.
        first: method that may lead.
        second: method that it is compared with.
    """
    by_cut = differences(table, first, second).drop(columns=0.0, errors="ignore")
    return by_cut.mean(axis=1).dropna()


def shared_cuts(table: pd.DataFrame, first: str, second: str) -> int:
    """How many cuts beyond 0 two methods share.

    Args:
        table: results of any number of panels.
        first, second: the methods.
    """
    both = table[table["method"].isin([first, second])]
    return at_common_cuts(both)["percentile"].nunique()


def at_common_cuts(table: pd.DataFrame) -> pd.DataFrame:
    """Rows at those cuts beyond 0 that all methods of a panel have, so that averages are alike.

    Args:
        table: results of any number of panels.
    """
    methods = table.groupby("panel")["method"].transform("nunique")
    at_cut = table.groupby(["panel", "percentile"])["method"].transform("nunique")
    return table[(at_cut == methods) & (table["percentile"] > 0)]


def interval(values: Iterable[float], confidence: float = CONFIDENCE) -> Interval | None:
    """Mean and two-sided t-interval of values, one per seed; ``None`` for fewer than two.

    Args:
        values: at least two, for an interval.
        confidence: its level, between 0 and 1.
    """
    values = np.asarray(list(values), dtype=float)
    if len(values) < 2:
        return None
    mean, error = values.mean(), stats.sem(values)
    half = error * stats.t.ppf((1 + confidence) / 2, len(values) - 1)
    # To the billionth: a limit that is met is told from one that a float's last bit misses.
    return Interval(*(round(float(end), 9) for end in (mean, mean - half, mean + half)))


def all_at_once(values: Sequence[Iterable[float]]) -> list[Interval]:
    """Intervals that hold together with a chance of 95 % at least (Bonferroni).

    Args:
        values: of each comparison, one per seed, two at least.
    """
    each = 1 - (1 - CONFIDENCE) / max(1, len(values))
    return [interval(one, each) for one in values]


def welch(first: pd.Series, second: pd.Series) -> Interval:
    """Difference of two means, first − second, with Welch's t-interval."""
    mean = first.mean() - second.mean()
    if first.nunique() == second.nunique() == 1:
        return Interval(mean, mean, mean)
    test = stats.ttest_ind(first, second, equal_var=False)
    return Interval(mean, *test.confidence_interval(CONFIDENCE))


def points(value: float, sign: bool = True, digits: int = 1) -> str:
    """An accuracy in points of per cent: ``+1.3``; two digits where a point may hang on them."""
    text = f"{round(100 * value, digits) + 0:{'+' if sign else ''}.{digits}f}"
    return text.replace("-", "−")


def differences(table: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    """Accuracy of one method minus another's at no penalty.

    Args:
        table: results of one panel.
        first: method that may lead.
        second: method that it is compared with.

    Returns:
        A row per common seed, a column per common cut.
    """
    one, other = accuracies(table, first).align(accuracies(table, second), join="inner")
    return (one - other).dropna()


def accuracies(table: pd.DataFrame, method: str, penalty: float = 0.0) -> pd.DataFrame:
    """Accuracies of one method: a row per seed, a column per cut.

    Args:
        table: results of one panel.
        method: whose.
        penalty: weight γ of the ℓ1 penalty.
    """
    rows = table[(table["method"] == method) & (table["penalty"] == penalty)]
    return rows.pivot(index="seed", columns="percentile", values="accuracy")
