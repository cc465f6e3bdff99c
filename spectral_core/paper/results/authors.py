"""The authors' released means, and how far this project's results are from them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from spectral_core.layers.networks import hidden_widths
from spectral_core.paper import paths
from spectral_core.paper.results.tables import NoResults, summary

COLUMNS = (
    "hidden_layers",
    "dataset",
    "activation",
    "method",
    "realisations",
    "percentile",
    "accuracy",
)
"""Columns of the authors' table; the README beside it says what each means."""

SETTING = ["hidden_layers", "dataset", "activation", "method"]
"""Columns that name one of the authors' curves."""


def released() -> pd.DataFrame:
    """Mean test accuracies over the authors' realisations, at six levels.

    Returns:
        One row per curve and level, with the columns :data:`COLUMNS`.
    """
    file = paths.project() / "results" / "authors" / "released.csv"
    table = pd.read_csv(file, dtype={"percentile": float})
    if tuple(table.columns) != COLUMNS:
        raise ValueError(f"{file} must have the columns {', '.join(COLUMNS)}; got {list(table)}")
    return table


def beside(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of :func:`released` that belong to the panels of a table of results.

    That is the same number of hidden layers, data set, activation and method. Widths may differ:
    only panels at released settings have the authors' own.

    Args:
        table: results, see :data:`spectral_core.paper.results.tables.COLUMNS`.

    Returns:
        The columns :data:`COLUMNS` and ``panel``; no rows if they released nothing of the kind.
    """
    depths = [len(hidden_widths(label)) for label in table["hidden"]]
    wanted = table.assign(hidden_layers=depths)[["panel", *SETTING]].drop_duplicates()
    return released().merge(wanted, on=SETTING)


def deviation(table: pd.DataFrame) -> pd.DataFrame:
    """How far mean accuracies lie from the authors', at each level that both have.

    Args:
        table: results of one panel or several; rows with an ℓ1 penalty are left out.

    Returns:
        One row per panel, method and level: ``ours``, ``theirs``, ``deviation`` (ours − theirs),
        ``standard_error`` of our mean (standard deviation with n − 1, over √seeds; NaN for one
        seed) and ``z``, the deviation in standard errors; NaN for fewer than three seeds or none.
        The standard error is of these very runs, never of another network's. The authors' own
        spread is not known here.

    Raises:
        NoResults: if the authors released nothing at these settings and levels.
    """
    plain = table[table["penalty"] == 0]
    point = ["panel", "method", "percentile"]
    both = summary(plain).merge(beside(plain), on=point, suffixes=("_ours", "_theirs"))
    if both.empty:
        raise NoResults("the authors released no results for the settings and levels of this table")
    both = both.rename(columns={"accuracy_ours": "ours", "accuracy_theirs": "theirs"})
    both["deviation"] = both["ours"] - both["theirs"]
    both["standard_error"] = both["accuracy_sd"] / np.sqrt(both["seeds"])
    spread = both["standard_error"].where((both["seeds"] > 2) & (both["standard_error"] > 0))
    both["z"] = both["deviation"] / spread
    return both[[*point, "ours", "theirs", "deviation", "standard_error", "z"]]
