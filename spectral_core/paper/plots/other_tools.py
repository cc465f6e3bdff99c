"""Accuracy against pruned nodes, by tool and criterion."""

from __future__ import annotations

import itertools

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from spectral_core.paper.plots.curves import COLOURS as METHODS
from spectral_core.paper.plots.curves import one_legend

# Shades of Okabe and Ito. |λ| and Σ|w| have the colours of the methods that rank by them.
COLOURS = {
    "eigenvalue": METHODS["post"],
    "connectivity": METHODS["direct"],
    "invariant": "#56B4E9",
    "taylor": "#CC79A7",
    "random": "0.6",
    "ln_structured": "#D55E00",
    "magnitude": "0.1",
}
MARKERS = {
    "eigenvalue": "s",
    "connectivity": "o",
    "invariant": "D",
    "taylor": "v",
    "random": "x",
    "ln_structured": "P",
    "magnitude": "^",
}
TITLES = {"direct": "trained in direct space", "spectral": "trained in λ and φ"}


def tools_figure(measured: pd.DataFrame) -> Figure:
    """Mean accuracy over seeds against the share of pruned hidden nodes.

    A column of panels per training; with several hidden layers a row for one threshold for all and
    one for a threshold per layer. Other tools' lines are dashed.

    Args:
        measured: as :func:`spectral_core.paper.performance.other_tools.accuracy_against_nodes` gives it.
    """
    rows = sorted(measured["per_layer"].unique())
    figure, axes = plt.subplots(
        len(rows),
        len(TITLES),
        figsize=(11, 0.6 + 3.4 * len(rows)),
        sharex=True,
        sharey=True,
        layout="constrained",
        squeeze=False,
    )
    for (per_layer, training), panel in zip(itertools.product(rows, TITLES), axes.flat):
        at = (measured["per_layer"] == per_layer) & (measured["training"] == training)
        for (tool, criterion), curve in measured[at].groupby(["tool", "criterion"], sort=False):
            means = curve.groupby("keep")["accuracy"].mean()
            ours = tool == "Spectral Core"
            panel.plot(
                100 * (1 - means.index),
                means,
                color=COLOURS[criterion],
                marker=MARKERS[criterion],
                markersize=5,
                linestyle="-" if ours else "--",
                label=criterion if ours else f"{tool}: {criterion}",
            )
        threshold = "a threshold per layer" if per_layer else "one threshold for all layers"
        panel.set_title(TITLES[training] + (f"\n{threshold}" if len(rows) > 1 else ""))
    for panel in axes[:, 0]:
        panel.set(ylabel="test accuracy", ylim=(0, 1))
    for panel in axes[-1]:
        panel.set_xlabel("pruned hidden nodes (%)")
    axes[-1, 1].legend()
    one_legend(figure, [axes[-1, 1]], loc="outside right center", ncols=1)
    return figure
