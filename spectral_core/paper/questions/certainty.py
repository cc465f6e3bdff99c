"""How sure the differences between the paper's methods are: one by one, and corrected by Holm."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from spectral_core.paper.questions.comparisons import question
from spectral_core.paper.results.estimates import CONFIDENCE, holm

MOST_SEEDS = 1000
"""Where counting the seeds that a comparison needs ends."""


def certainty(found: pd.DataFrame | None = None) -> pd.DataFrame:
    """Differences of the paper's methods over all levels, in each network with two seeds or more.

    Args:
        found: rows as :func:`~spectral_core.paper.questions.comparisons.question` returns them for
            ``"paper"``; the published ones if ``None``.

    Returns:
        These rows with ``holm`` (p-value corrected for all of them) and ``needs`` (seeds).
    """
    found = question("paper") if found is None else found
    single = (found["over"] == "seeds") & (found["n"] > 1) & (found["highest_level"] == 95)
    rows = found[single & (found["lowest_level"] == 5)].reset_index(drop=True)
    half = (rows["high"] - rows["low"]) / 2
    spread = half / stats.t.ppf((1 + CONFIDENCE) / 2, rows["n"] - 1) * np.sqrt(rows["n"])
    needs = [seeds_needed(mean, sd) for mean, sd in zip(rows["difference"], spread)]
    return rows.assign(holm=holm(rows["p"]), needs=needs)


def seeds_needed(mean: float, sd: float) -> int:
    """The least number of seeds at which the interval excludes 0 if mean and spread stay as they
    are; :data:`MOST_SEEDS` if that many are not enough.

    Args:
        mean: mean difference.
        sd: standard deviation of the difference over seeds, at least 0.
    """
    n = np.arange(2, MOST_SEEDS + 1)
    enough = n[stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * sd / np.sqrt(n) < abs(mean)]
    return int(enough[0]) if len(enough) else MOST_SEEDS
