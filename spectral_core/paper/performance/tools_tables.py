"""Tables of what other tools leave: accuracy, margins between tools, size and latency."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from spectral_core.data import load
from spectral_core.interop.comparison import compare
from spectral_core.paper.performance.other_tools import WAYS, trained
from spectral_core.paper.results.cells import grid, with_spread


def accuracy_table(measured: pd.DataFrame) -> pd.DataFrame:
    """Mean accuracy ± standard deviation over seeds, in per cent.

    Args:
        measured: as :func:`~spectral_core.paper.performance.other_tools.accuracy_against_nodes` gives it.

    Returns:
        One row per training and way, one column per share of nodes kept.
    """
    return _table(measured, "accuracy", "{:.1f}").rename_axis(columns="accuracy (%)")


def margin_table(measured: pd.DataFrame) -> pd.DataFrame:
    """How far the paper's criterion lies above another tool, or below it, seed by seed.

    That is |λ| for networks trained in λ and φ, and Σ|w| for those trained in direct space.

    Args:
        measured: as :func:`~spectral_core.paper.performance.other_tools.accuracy_against_nodes` gives it.

    Returns:
        Mean difference of accuracies ± standard deviation over seeds, in points of per cent: one
        row per training, threshold and other tool, one column per share of nodes kept. Negative
        where the other tool is better.
    """
    papers = {"direct": "connectivity", "spectral": "eigenvalue"}
    same = ["training", "per_layer", "seed", "keep"]
    ours = measured[measured["criterion"] == measured["training"].map(papers)]
    theirs = measured[measured["tool"] != "Spectral Core"]
    both = theirs.merge(ours[[*same, "accuracy"]], on=same, suffixes=("", "_ours"))
    both["margin"] = both["accuracy_ours"] - both["accuracy"]
    return _table(both, "margin", "{:+.1f}").rename_axis(columns="ours − theirs (points)")


def _table(measured: pd.DataFrame, column: str, form: str) -> pd.DataFrame:
    """Means of a column ± standard deviation over seeds, times 100."""
    names = ["training", "threshold", "tool", "criterion"]
    threshold = measured["per_layer"].map({True: "per layer", False: "one for all"})
    measured = measured.assign(threshold=threshold)
    means = measured.groupby([*names, "keep"], sort=False)[column].agg(["mean", "std"])
    means = means.reset_index()
    means["text"] = [with_spread(m, sd, form) for m, sd in zip(means["mean"], means["std"])]
    means["cut"] = [f"{100 * share:g} % kept" for share in means["keep"]]
    return grid(means, names, "cut", "text")


def size_table(
    dataset: str, hidden: Sequence[int], activation: str = "elu", keep: float = 0.1
) -> pd.DataFrame:
    """What each tool leaves of an untrained network, by :func:`~spectral_core.compare`.

    Args:
        dataset: whose test set is the batch that is timed.
        hidden: nodes of each hidden layer.
        activation: ``"elu"``, ``"relu"`` or ``"tanh"``.
        keep: share of the hidden nodes to keep, in (0, 1].

    Returns:
        One row per tool, in per cent of the full network: ``parameters``, ``FLOPs``, ``latency``.
    """
    data = load(dataset)
    case = trained("spectral", data, hidden, activation, epochs=0, seed=0)
    rows = {}
    for tool, way in {way.tool: way for way in WAYS if way.per_layer}.items():
        found = compare(case.network, way.cut(case, keep), data.test_inputs)
        full, pruned = found.full, found.pruned
        rows[tool] = {
            "parameters": f"{100 * pruned.parameters / full.parameters:.1f} %",
            "FLOPs": f"{100 * pruned.flops / full.flops:.1f} %",
            "latency": f"{100 * pruned.latency / full.latency:.0f} %",
        }
    return pd.DataFrame.from_dict(rows, orient="index")
