"""What pruning buys, in weights and time, and what to use; the paper's choice has no bonus.

A table is of the published results unless another one is given.
"""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from spectral_core.paper import paths
from spectral_core.paper.results import accuracies, estimates
from spectral_core.paper.results.accuracies import PIXELS
from spectral_core.paper.results.collect import NoResults
from spectral_core.paper.results.statistics import MARGIN
from spectral_core.paper.study.methods import METHODS

CANDIDATES = (
    *("pre", "pre-random", "pre-per-layer", "pre-random-per-layer"),
    *("post-retrained", "post-retrained-per-layer"),
    *("direct-retrained", "direct-retrained-per-layer", "stronger", "fresh"),
)
"""Methods with as many epochs as ``pre``."""

BATCHES = (1, 1000)
"""Images at once, for which a network is timed."""


def points(table: pd.DataFrame | None = None) -> pd.DataFrame:
    """Means over seeds of every method at the text's settings, in fp32, as the paper's figures are.

    Returns:
        One row per network, method and level: ``activation``, ``kept`` (nodes left, of the first
        seed), ``parameters``, ``accuracy`` in [0, 1] and ``seeds``. Collapsed levels are left out.
    """
    rows = accuracies.selected(METHODS, table=table, dataset=(*PIXELS, "digits"))
    return (
        rows[(rows["precision"] == "fp32") & ~rows["collapsed"]]
        .groupby(["network", "method", "level"], sort=False)
        .agg(
            activation=("activation", "first"),
            kept=("kept", "first"),
            parameters=("parameters", "mean"),
            accuracy=("accuracy", "mean"),
            seeds=("seed", "nunique"),
        )
        .reset_index()
    )


def measured(suite: str) -> list[dict[str, Any]]:
    """Rows that ``python -m benchmarks SUITE`` has measured.

    Raises:
        KeyError: if it has not been run.
    """
    file = paths.project() / "benchmarks" / "results.json"
    return json.loads(file.read_text(encoding="utf-8"))[suite]["rows"]


def smallest(
    found: pd.DataFrame, timings: Iterable[Mapping[str, Any]] | None = None, within: float = MARGIN
) -> pd.DataFrame:
    """The smallest network of each method within some points of ``direct`` unpruned.

    It is chosen by the test images among some twenty levels. Of a network with a method that has
    none the row is there, without numbers.

    Args:
        found: as :func:`points` returns them.
        timings: rows of the benchmark ``compaction``; as they were measured if ``None``.

    Returns:
        One row per network and method: ``level``, ``kept``, ``share`` of the weights that are left,
        in per cent, and ``speed``: how many times as fast as ``direct`` unpruned it is with the
        larger of :data:`BATCHES`; NaN where that was not timed.
    """
    times = {
        (row["activation"], row["kept"]): row["microseconds"]["median"]
        for row in (measured("compaction") if timings is None else timings)
        if row["batch"] == BATCHES[-1]
    }
    pairs = zip(found["activation"], found["kept"])
    found = found.assign(time=[times.get(pair, math.nan) for pair in pairs])
    whole = found[(found["method"] == "direct") & (found["level"] == 0)].set_index("network")
    found = found[found["network"].isin(whole.index)]
    lost = 100 * (found["network"].map(whole["accuracy"]) - found["accuracy"])
    good = found[lost.round(9) <= within]
    chosen = good.loc[good.groupby(["network", "method"], sort=False)["parameters"].idxmin()]
    chosen = chosen.assign(
        share=100 * chosen["parameters"] / chosen["network"].map(whole["parameters"]),
        speed=chosen["network"].map(whole["time"]) / chosen["time"],
    )
    pairs = found[["network", "method"]].drop_duplicates()
    return pairs.merge(chosen[["network", "method", "level", "kept", "share", "speed"]], how="left")


def medians(chosen: pd.DataFrame) -> pd.DataFrame:
    """One row per method of all networks: medians of :func:`smallest`, smallest share first.

    Returns:
        ``method``, ``networks`` (with a network small enough), ``of`` (all), ``share`` (median,
        infinite where half of them have none), ``speed`` (median at the larger batch) and ``timed``
        (networks behind it): those that are timed with every method, the same for each.
    """
    total = chosen["network"].nunique()
    everywhere = chosen.groupby("method")["network"].transform("nunique") == total
    chosen = chosen[everywhere].assign(share=chosen["share"].fillna(float("inf")))
    times = chosen.pivot(index="network", columns="method", values="speed")
    times = times.loc[:, times.notna().any()].dropna()
    found = chosen.groupby("method", sort=False).agg(
        networks=("level", "count"), of=("network", "nunique"), share=("share", "median")
    )
    found["speed"] = times.median()
    found["timed"] = len(times)
    return found.sort_values("share", kind="stable").reset_index()


def candidates(table: pd.DataFrame | None = None) -> pd.DataFrame:
    """The methods of equal training in the same networks, the one that prunes furthest first.

    Returns:
        ``method``; ``networks``; ``median_reach`` and ``least_reach``: how far its networks can be
        pruned within a point of ``direct`` unpruned, in per cent of the nodes (0: nowhere);
        ``collapses``: networks in which a layer does; ``difference``, ``low``, ``high``: accuracy
        minus that of ``pre``, 5–80 %, over networks. Methods measured in fewer networks than
        another, whose medians would not compare, come last.
    """
    options = {"table": table, "dataset": PIXELS}
    rows = []
    for method in CANDIDATES:
        try:
            found = estimates.reaches(method, reference="direct", **options)
            lead = estimates.difference(method, "pre", **options)
        except NoResults:
            continue
        reached = pd.Series([reach.level for reach in found.values()]).fillna(0.0)
        levels = pd.Series(estimates.collapse_level(method, **options))
        rows.append(
            {
                "method": method,
                "networks": len(reached),
                "median_reach": reached.median(),
                "least_reach": reached.min(),
                "collapses": int(levels.notna().sum()),
                **dict(zip(("difference", "low", "high"), lead)),
            }
        )
    order = ["networks", "median_reach", "least_reach", "difference"]
    return pd.DataFrame(rows).sort_values(order, ascending=False, ignore_index=True)


def other_tools() -> pd.DataFrame:
    """Accuracy that each way to choose nodes leaves, ours and other tools', without retraining.

    Returns:
        One row per network (``hidden``, ``training``, ``seed``), way (``per_layer``, ``tool``,
        ``criterion``) and share to ``keep``: ``nodes``, ``accuracy``.
    """
    table = pd.DataFrame(measured("tools"))
    table = table.explode(["seed", "nodes", "accuracy"], ignore_index=True)
    return table.astype({"seed": int, "nodes": int, "accuracy": float})
