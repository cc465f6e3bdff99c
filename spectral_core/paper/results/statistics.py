"""A number with its 95 % confidence interval, in percentage points, and Holm's correction."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas.api.typing import SeriesGroupBy
from scipy import stats

CONFIDENCE = 0.95
"""Level of every interval."""
MARGIN = 1.0
"""Equivalence margin in points: curves that differ by less look alike in the paper's figures."""


class Estimate(NamedTuple):
    """A mean in percentage points and its 95 % confidence interval."""

    mean: float
    low: float
    """Lower limit; NaN for a single run."""
    high: float
    """Upper limit; NaN for a single run."""
    n: int
    """How many seeds, or networks, the interval is taken over."""
    over: str = "seeds"
    """``"seeds"`` of one network, or ``"networks"``."""
    excluded: int = 0
    """Points (network, seed, level) left out because a layer has collapsed."""
    free: float | None = None
    """Degrees of freedom of the interval, if they are not n − 1."""

    @classmethod
    def of(cls, values: Iterable[float], over: str = "seeds", excluded: int = 0) -> Estimate:
        """Mean and interval of values in points, one per seed or network, at least one."""
        values = np.asarray(list(values), dtype=float)
        if not len(values) or np.isnan(values).any():
            raise ValueError(f"values must be numbers, at least one; got {values.tolist()}")
        mean, n = float(values.mean()), len(values)
        if n == 1:
            return cls(mean, math.nan, math.nan, 1, over, excluded)
        half = float(values.std(ddof=1) / math.sqrt(n) * _quantile(n - 1))
        # To the billionth: a limit that is met differs from one that a float's last bit misses.
        return cls(*(round(end, 9) for end in (mean, mean - half, mean + half)), n, over, excluded)

    @classmethod
    def combined(
        cls, estimates: Sequence[Estimate], weights: Sequence[float] | None = None
    ) -> Estimate:
        """Weighted sum of independent estimates, by Welch and Satterthwaite; their mean without
        weights. With weights 1 and −1 it is a difference over different seeds."""
        weights = np.full(len(estimates), 1 / len(estimates)) if weights is None else weights
        mean, n = float(np.dot(weights, [e.mean for e in estimates])), min(e.n for e in estimates)
        excluded = sum(e.excluded for e in estimates)
        if n < 2:
            return cls(mean, math.nan, math.nan, n, "seeds", excluded)
        errors = np.array([(e.high - e.low) / 2 / _quantile(e.n - 1) for e in estimates])
        squares = (weights * errors) ** 2
        if not squares.sum():
            return cls(mean, mean, mean, n, "seeds", excluded)
        free = squares.sum() ** 2 / sum(s**2 / (e.n - 1) for s, e in zip(squares, estimates))
        half = float(np.sqrt(squares.sum()) * _quantile(free))
        return cls(mean, mean - half, mean + half, n, "seeds", excluded, float(free))

    @property
    def single(self) -> bool:
        """Whether this is one run, which has no interval."""
        return self.n < 2

    @property
    def p(self) -> float:
        """Two-sided p-value of no difference; NaN for a single run."""
        if self.single:
            return math.nan
        half = (self.high - self.low) / 2
        if half == 0:
            return float(self.mean == 0)
        free = self.n - 1 if self.free is None else self.free
        return float(2 * stats.t.sf(abs(self.mean) / half * _quantile(free), free))

    def better(self) -> bool:
        """Whether the interval lies above 0."""
        return self.low > 0

    def worse(self) -> bool:
        """Whether the interval lies below 0."""
        return self.high < 0

    def equivalent(self, margin: float = MARGIN) -> bool:
        """Whether the whole interval lies within ± ``margin`` points.

        That is two one-sided tests at 2.5 % each, stricter than the customary 5 %; it can be read
        off the printed interval.
        """
        return self.low > -margin and self.high < margin

    def outcome(self, margin: float = MARGIN) -> str:
        """``equivalent``, ``better``, ``worse``, ``inconclusive`` or ``single run``, in this order
        of precedence: a difference may be certain and yet smaller than the margin."""
        if self.single:
            return "single run"
        if self.equivalent(margin):
            return "equivalent"
        return "better" if self.better() else "worse" if self.worse() else "inconclusive"

    def __str__(self) -> str:
        if self.single:
            return f"{signed(self.mean)} pt (single run)"
        return f"{signed(self.mean)} pt [{signed(self.low)}, {signed(self.high)}]"


def intervals(values: SeriesGroupBy) -> pd.DataFrame:
    """:meth:`Estimate.of` for each group of values: ``mean``, ``low``, ``high`` and ``n``.

    Raises:
        ValueError: if a value is NaN.
    """
    found = values.agg(["mean", "sem", "count"])
    if (found["count"] != values.size()).any():
        raise ValueError("values must be numbers; got NaN among them")
    half = found["sem"] * (found["count"] - 1).map(_quantile)
    ends = {"mean": found["mean"], "low": found["mean"] - half, "high": found["mean"] + half}
    return pd.DataFrame(ends).round(9).assign(n=found["count"])


@functools.lru_cache
def _quantile(free: float) -> float:
    """Of Student's t for a two-sided interval."""
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, free))


def signed(value: float) -> str:
    """A difference in points with its true sign, to two decimals below 1; never ``+0.0``."""
    size = abs(value)
    if size == 0:
        return "0.00"
    decimals = 1 if size >= 1 else 2 if size >= 0.005 else -math.floor(math.log10(size))
    return f"{value:+.{decimals}f}".replace("-", "−")


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for testing all of them (Holm, 1979), in the given order."""
    order = np.argsort(p_values)
    scaled = np.asarray(p_values, dtype=float)[order] * np.arange(len(order), 0, -1)
    corrected = np.empty(len(order))
    corrected[order] = np.minimum(np.maximum.accumulate(scaled), 1)
    return corrected.tolist()
