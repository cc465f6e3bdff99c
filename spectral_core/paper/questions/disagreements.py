"""Where the paper's text, its code and its released results disagree: what the runs can say."""

from __future__ import annotations

import numpy as np
import pandas as pd

from spectral_core.paper.results import authors, estimates


def distances(table: pd.DataFrame | None = None) -> pd.DataFrame:
    """How far each method lies from the authors' released means, panel by panel.

    Args:
        table: as :func:`~spectral_core.paper.results.estimates.described` makes it; the published
            results if ``None``.

    Returns:
        One row per source, network and method: ``hidden``, ``seeds``, ``distance`` (mean absolute
        deviation over levels, pt), ``level`` and ``deviation`` (ours − theirs, pt) where it is
        largest, and ``z``: the largest deviation in standard errors of our own mean, and the level
        ``z_level`` where that is; NaN for fewer than three seeds.
    """
    table = estimates.results() if table is None else table
    own = table[(table["change"] == "") & (table["penalty"] == 0)]
    rows = []
    for (source, precision, _), of_panel in own.groupby(
        ["source", "precision", "panel"], sort=False
    ):
        if not len(authors.beside(of_panel)):
            continue
        for method, points in authors.deviation(of_panel).groupby("method", sort=False):
            mine = of_panel[of_panel["method"] == method]
            largest = points.loc[points["deviation"].abs().idxmax()]
            known = points.dropna(subset="z")
            surest = known.loc[known["z"].abs().idxmax()] if len(known) else None
            rows.append(
                {
                    "source": source,
                    "precision": precision,
                    "network": mine["network"].iloc[0],
                    "method": method,
                    "hidden": mine["hidden"].iloc[0],
                    "seeds": mine["seed"].nunique(),
                    "distance": 100 * points["deviation"].abs().mean(),
                    "deviation": 100 * largest["deviation"],
                    "level": largest["percentile"],
                    "z": np.nan if surest is None else surest["z"],
                    "z_level": np.nan if surest is None else surest["percentile"],
                }
            )
    return pd.DataFrame(rows)


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


def collapses(table: pd.DataFrame | None = None) -> pd.DataFrame:
    """From which level on a layer has no nodes left.

    Returns:
        ``source``, ``precision``, ``network``, ``method``, ``level``, ``seeds`` in which it is so,
        ``of`` all, ``kept`` of one of them and mean ``accuracy`` (%).

    Args:
        table: as for :func:`distances`.
    """
    table = estimates.results() if table is None else table
    own = table[(table["change"] == "") & (table["depth"] > 1)]
    rows = []
    key = ["source", "precision", "network", "method"]
    for name, points in own.groupby(key, sort=False):
        gone = points[points["collapsed"]]
        if len(gone):
            first = gone[gone["level"] == gone["level"].min()]
            rows.append(
                dict(zip(key, name))
                | {
                    "level": first["level"].iloc[0],
                    "seeds": len(first),
                    "of": points["seed"].nunique(),
                    "kept": first["kept"].iloc[0],
                    "accuracy": 100 * first["accuracy"].mean(),
                }
            )
    return pd.DataFrame(rows)


def bands(table: pd.DataFrame | None = None) -> pd.DataFrame:
    """How wide a band of semi-dispersions is in standard deviations, by the number of ``seeds``:
    ``ratio``, the mean over so many ``points``.

    Args:
        table: as for :func:`distances`.
    """
    table = estimates.results() if table is None else table
    point = ["source", "change", "precision", "panel", "method", "penalty", "level"]
    by_point = table.groupby(point)["accuracy"].agg(["min", "max", "std", "size"])
    by_point = by_point[by_point["std"] > 0]
    ratio = (by_point["max"] - by_point["min"]) / 2 / by_point["std"]
    found = ratio.groupby(by_point["size"].rename("seeds")).agg(["mean", "size"]).reset_index()
    return found.rename(columns={"mean": "ratio", "size": "points"})


def few_realisations(least: int = 5) -> pd.DataFrame:
    """The authors' released curves that rest on fewer than so many realisations."""
    table = authors.released().drop_duplicates(authors.SETTING)
    return table[table["realisations"] < least][[*authors.SETTING, "realisations"]]


def best_penalties(table: pd.DataFrame | None = None) -> pd.DataFrame:
    """The γ with which each method is most accurate at its worst level (Fig. 11), by the test
    images: ``network``, ``method``, ``penalty``, ``worst`` accuracy (%), ``at_end`` of the list of
    γ, and ``seeds``.

    Args:
        table: as for :func:`distances`.
    """
    table = estimates.results() if table is None else table
    several = table.groupby(["network", "method"])["penalty"].transform("nunique") > 1
    rows = []
    for (network, method), points in table[several].groupby(["network", "method"], sort=False):
        means = points.groupby(["penalty", "level"])["accuracy"].mean()
        worst = means.groupby("penalty").min().drop(0.0, errors="ignore")
        rows.append(
            {
                "network": network,
                "method": method,
                "penalty": worst.idxmax(),
                "worst": 100 * worst.max(),
                "at_end": worst.idxmax() in (worst.index[0], worst.index[-1]),
                "seeds": points["seed"].nunique(),
            }
        )
    return pd.DataFrame(rows)
