"""The authors' released means, and how far this project's results are from them: a curve at its
levels, and all of them. A table is of the published results unless another one is given."""

import numpy as np
import pandas as pd

from spectral_core.layers.networks import hidden_widths
from spectral_core.paper import paths
from spectral_core.paper.results import accuracies
from spectral_core.paper.results.collect import NoResults, summary
from spectral_core.paper.study.methods import METHODS

SETTING = ["hidden_layers", "dataset", "activation", "method"]
"""Columns that name one of the authors' curves."""


def released() -> pd.DataFrame:
    """Mean test accuracies over the authors' seeds, a row per curve and level; the README beside
    the table says what each column means."""
    file = paths.results("authors", "released.csv")
    return pd.read_csv(file, dtype={"percentile": float})


def beside(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of :func:`released` that belong to the panels of a table of results.

    That is the same number of hidden layers, data set, activation and method. Widths may differ:
    only panels at released settings have the authors' own. There are no rows if they released
    nothing of the kind.
    """
    depths = [len(hidden_widths(label)) for label in table["hidden"]]
    wanted = table.assign(hidden_layers=depths)[["panel", *SETTING]].drop_duplicates()
    return released().merge(wanted, on=SETTING)


def deviation(table: pd.DataFrame) -> pd.DataFrame:
    """How far mean accuracies lie from the authors', at each level that both have.

    Rows with an ℓ1 penalty are left out.

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


def distances(table: pd.DataFrame | None = None) -> pd.DataFrame:
    """How far each method lies from the authors' released means, panel by panel.

    Returns:
        One row per source, network and method: ``hidden``, ``seeds``, ``distance`` (mean absolute
        deviation over levels, pt), ``level`` and ``deviation`` (ours − theirs, pt) where it is
        largest, and ``z``: the largest deviation in standard errors of our own mean, and the level
        ``z_level`` where that is; NaN for fewer than three seeds.
    """
    own = accuracies.selected(METHODS, table=table, source=None)
    own = own.assign(panel=own.groupby(["source", "precision", "panel"], sort=False).ngroup())
    points, curve = deviation(own), ["panel", "method"]
    points["deviation"] *= 100
    by_curve = own.groupby(curve, sort=False)
    found = by_curve[["source", "precision", "network", "hidden"]].first()
    found["seeds"] = by_curve["seed"].nunique()
    found["distance"] = points["deviation"].abs().groupby([points[c] for c in curve]).mean()
    for name, level in (("deviation", "level"), ("z", "z_level")):
        furthest = points.dropna(subset=name).sort_values(name, key=abs).groupby(curve).last()
        found[[name, level]] = furthest[[name, "percentile"]]
    return found.dropna(subset="distance").reset_index("method").reset_index(drop=True)


def by_source(found: pd.DataFrame) -> pd.DataFrame:
    """:func:`distances` of each method by the source of the settings, of the run with most seeds.

    Returns:
        A row per number of hidden layers, data set with activation (``MNIST · tanh``) and method; a
        column per source, NaN where it has none.
    """
    found = found.sort_values("seeds", ascending=False, kind="stable")
    parts = found["network"].str.split(" · ", expand=True)
    layers = parts[1].str.split(" × ").str[0].astype(int)
    named = found.assign(layers=layers, data=parts[0] + " · " + parts[2])
    key = ["layers", "data", "method", "source"]
    return named.groupby(key, sort=False)["distance"].first().unstack("source")


def semi_dispersion(seeds: int, table: pd.DataFrame | None = None) -> float:
    """A band of semi-dispersions, (max − min)/2, in standard deviations: the mean over all points
    that have so many seeds, at least 2."""
    table = accuracies.results() if table is None else table
    point = ["source", "change", "precision", "panel", "method", "penalty", "level"]
    by_point = table.groupby(point)["accuracy"].agg(["min", "max", "std", "size"])
    by_point = by_point[(by_point["std"] > 0) & (by_point["size"] == seeds)]
    return float(((by_point["max"] - by_point["min"]) / 2 / by_point["std"]).mean())
