"""How far two runs of the same study agree, point by point."""

import numpy as np
import pandas as pd

from spectral_core.paper.results.collect import POINT_COLUMNS, NoResults, summary

FLOOR = 0.01
"""Difference in accuracy that is always tolerated."""


def agreement(ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Compare mean accuracies of two runs of the same study.

    Two runs agree at a point if their means differ by no more than three standard errors of the
    difference plus :data:`FLOOR`. The standard deviation is pooled over both runs.

    Returns:
        One row per point that both have: :data:`~spectral_core.paper.results.collect.POINT_COLUMNS`
        and ``ours``, ``theirs``, ``difference``, ``tolerance`` and ``agrees``.

    Raises:
        NoResults: if the two have no point in common.
    """
    both = summary(ours).merge(summary(theirs), on=POINT_COLUMNS, suffixes=("_ours", "_theirs"))
    if both.empty:
        raise NoResults("the two runs have no panel, method, penalty and percentile in common")
    n, m = both["seeds_ours"], both["seeds_theirs"]
    squares = (n - 1) * both["accuracy_sd_ours"].fillna(0) ** 2
    squares += (m - 1) * both["accuracy_sd_theirs"].fillna(0) ** 2
    pooled = np.sqrt(squares / (n + m - 2).clip(lower=1))
    both["difference"] = both["accuracy_ours"] - both["accuracy_theirs"]
    both["tolerance"] = FLOOR + 3 * pooled * np.sqrt(1 / n + 1 / m)
    both["agrees"] = both["difference"].abs() <= both["tolerance"]
    both = both.rename(columns={"accuracy_ours": "ours", "accuracy_theirs": "theirs"})
    return both[[*POINT_COLUMNS, "ours", "theirs", "difference", "tolerance", "agrees"]]
