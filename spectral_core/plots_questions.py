"""The figure of a question that the paper leaves open: all networks in one grid."""

from __future__ import annotations

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from spectral_core.plots import ACTIVATION_NAMES, draw_rerun


def grid_figure(
    table: pd.DataFrame, published: pd.DataFrame | None = None, band: str = "sd"
) -> Figure:
    """Accuracy against the share of pruned nodes: a row per data set and widths, and in it a plot
    per activation function.

    Args:
        table: results of at least one panel.
        published: published results at the same settings; where they are, the table's are drawn on
            top of them, as by :func:`~spectral_core.plots.rerun_figure`.
        band: see :func:`~spectral_core.plots.pruning_figure`.

    Raises:
        ValueError: if the band is unknown or the table is empty.
    """
    if table.empty:
        raise ValueError("table must hold the results of at least one panel; got none")
    rows = list(dict.fromkeys(zip(table["dataset"], table["hidden"])))
    columns = [name for name in ACTIVATION_NAMES if name in set(table["activation"])]
    figure, axes = plt.subplots(
        len(rows),
        len(columns),
        figsize=(max(7, 1 + 3.6 * len(columns)), 0.8 + 3.2 * len(rows)),
        sharex=True,
        sharey=True,
        layout="constrained",
        squeeze=False,
    )
    for each in axes.flat:
        each.set_visible(False)
    for name, results in table.groupby("panel", sort=False):
        dataset, hidden, activation = results[["dataset", "hidden", "activation"]].iloc[0]
        each = axes[rows.index((dataset, hidden)), columns.index(activation)]
        each.set_visible(True)
        curves = None if published is None else published[published["panel"] == name]
        draw_rerun(each, results, curves, band, "this machine")
        each.set_title(f"{dataset}, {hidden}, {ACTIVATION_NAMES[activation]}", fontsize="medium")
        each.set_xlabel("pruned hidden nodes (%)")
        legend = each.get_legend()
        names = [text.get_text() for text in legend.get_texts()]
        handles = legend.legend_handles
        legend.remove()
    figure.legend(handles, names, loc="outside lower center", ncols=3, fontsize="small")
    return figure
