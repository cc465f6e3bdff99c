"""Where the paper's text, its code and its released results disagree: what the runs can say."""

from __future__ import annotations

import pandas as pd

from spectral_core.paper.results import accuracies, authors
from spectral_core.paper.study.methods import METHODS


def distances(table: pd.DataFrame | None = None) -> pd.DataFrame:
    """How far each method lies from the authors' released means, panel by panel.

    Args:
        table: as :func:`~spectral_core.paper.results.accuracies.described` makes it; the published
            results if ``None``.

    Returns:
        One row per source, network and method: ``hidden``, ``seeds``, ``distance`` (mean absolute
        deviation over levels, pt), ``level`` and ``deviation`` (ours − theirs, pt) where it is
        largest, and ``z``: the largest deviation in standard errors of our own mean, and the level
        ``z_level`` where that is; NaN for fewer than three seeds.
    """
    own = accuracies.selected(table, METHODS, source=None)
    own = own.assign(panel=own.groupby(["source", "precision", "panel"], sort=False).ngroup())
    points, curve = authors.deviation(own), ["panel", "method"]
    points["deviation"] *= 100
    by_curve = own.groupby(curve, sort=False)
    found = by_curve[["source", "precision", "network", "hidden"]].first()
    found["seeds"] = by_curve["seed"].nunique()
    found["distance"] = points["deviation"].abs().groupby([points[c] for c in curve]).mean()
    for name, level in (("deviation", "level"), ("z", "z_level")):
        furthest = points.dropna(subset=name).sort_values(name, key=abs).groupby(curve).last()
        found[[name, level]] = furthest[[name, "percentile"]]
    return found.dropna(subset="distance").reset_index("method").reset_index(drop=True)


def by_source(found: pd.DataFrame | None = None) -> pd.DataFrame:
    """Distances of each method by the source of the settings, of the run with most seeds.

    Args:
        found: as :func:`distances` returns them; those of the published results if ``None``.

    Returns:
        A row per number of hidden layers, data set with activation (``MNIST · tanh``) and method; a
        column per source, NaN where it has none.
    """
    found = distances() if found is None else found
    found = found.sort_values("seeds", ascending=False, kind="stable")
    parts = found["network"].str.split(" · ", expand=True)
    layers = parts[1].str.split(" × ").str[0].astype(int)
    named = found.assign(layers=layers, data=parts[0] + " · " + parts[2])
    key = ["layers", "data", "method", "source"]
    return named.groupby(key, sort=False)["distance"].first().unstack("source")


def semi_dispersion(seeds: int, table: pd.DataFrame | None = None) -> float:
    """A band of semi-dispersions, (max − min)/2, in standard deviations: the mean over all points
    that have so many seeds.

    Args:
        seeds: at least 2.
        table: as for :func:`distances`.
    """
    table = accuracies.results() if table is None else table
    point = ["source", "change", "precision", "panel", "method", "penalty", "level"]
    by_point = table.groupby(point)["accuracy"].agg(["min", "max", "std", "size"])
    by_point = by_point[(by_point["std"] > 0) & (by_point["size"] == seeds)]
    return float(((by_point["max"] - by_point["min"]) / 2 / by_point["std"]).mean())
