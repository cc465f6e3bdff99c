"""Figures: accuracy and size of pruned networks, in the paper's colours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spectral_core import _checks
from spectral_core.store import write_whole
from spectral_core.strategies import STRATEGIES

# The paper's orange, blue and green, in the shades of Okabe and Ito that colour-blind readers
# tell apart; markers say the same again.
COLOURS = {"direct": "#E69F00", "post": "#0072B2", "pre": "#009E73"}
MARKERS = {"direct": "o", "post": "s", "pre": "^"}


def semi_dispersion(values: pd.Series) -> tuple[float, float]:
    """Mean ± (max − min)/2: the band that the paper's captions name."""
    half = (values.max() - values.min()) / 2
    return values.mean() - half, values.mean() + half


_STILL = {"Software": None}

BANDS: dict[str, str | Callable[[pd.Series], tuple[float, float]]] = {
    "sd": "sd",
    "semi-dispersion": semi_dispersion,
}
"""Bands by name: the standard deviation (n − 1), or half the range, over seeds."""


def pruning_figure(table: pd.DataFrame, band: str = "sd") -> Figure:
    """Accuracy (above) and parameters kept (below) against the share of pruned nodes.

    Args:
        table: results of one panel, see :data:`spectral_core.results.COLUMNS`.
        band: what the shaded band shows over seeds, a name out of :data:`BANDS`.

    Raises:
        TypeError, ValueError: if the band is unknown or the table holds more than one panel.
    """
    _check_one_panel(table)
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(7, 6.2), sharex=True, height_ratios=(3, 1.3), layout="constrained"
    )
    draw_accuracy(above, table, band)
    draw_parameters(below, table)
    below.set_xlabel("pruned hidden nodes (%)")
    return figure


def save_pictures(table: pd.DataFrame, folder: Path) -> list[Path]:
    """Draw :func:`pruning_figure` of each panel into ``<folder>/<panel>.png``."""
    theme()
    files = []
    for name, rows in table.groupby("panel", sort=False):
        figure = pruning_figure(rows)
        files.append(folder / f"{name}.png")
        # Without matplotlib's version in it, so that the same results are the same file.
        write_whole(files[-1], lambda aside, figure=figure: figure.savefig(aside, metadata=_STILL))
        plt.close(figure)
    return files


def rerun_figure(ours: pd.DataFrame, published: pd.DataFrame | None, band: str = "sd") -> Figure:
    """This machine's accuracies as points, on top of the published curves of the same preset.

    Args:
        ours: results of one panel, computed here.
        published: published results at the same settings; ``None`` if there are none, in which
            case this machine's results are drawn as curves.
        band: see :func:`pruning_figure`.
    """
    _check_one_panel(ours)
    figure, axes = plt.subplots(figsize=(7, 4.4), layout="constrained")
    if published is None:
        draw_accuracy(axes, ours, band)
    else:
        _check_one_panel(published)
        draw_accuracy(axes, published, band, markers=False)
        for method, rows in ours.groupby("method", sort=False):
            means = rows.groupby("percentile")["accuracy"].mean()
            axes.plot(
                means.index,
                means,
                linestyle="none",
                marker=MARKERS[method],
                markersize=7,
                markerfacecolor="white",
                markeredgewidth=1.8,
                color=COLOURS[method],
                label=f"{method}, this machine",
            )
        _legend(axes)
    axes.set_xlabel("pruned hidden nodes (%)")
    return figure


def draw_accuracy(axes: Axes, table: pd.DataFrame, band: str = "sd", markers: bool = True) -> None:
    """Draw mean accuracy with its band for each method of one panel."""
    _checks.choice("band", band, BANDS)
    _curves(axes, table, "accuracy", errorbar=BANDS[band], markers=markers)
    axes.set(ylabel="test accuracy", ylim=(0, 1), xlim=(-2, 100))
    axes.yaxis.set_major_locator(plt.MultipleLocator(0.1))
    _legend(axes)


def draw_parameters(axes: Axes, table: pd.DataFrame) -> None:
    """Draw the share of weights and biases that is left, on a logarithmic scale."""
    if table["percentile"].min() > 0:
        raise ValueError(
            "table must hold the uncut networks, percentile 0, to say what share of them is kept; "
            f"its first cut is at {table['percentile'].min():g}"
        )
    full = table.groupby("method")["parameters"].transform("max")
    share = table.assign(share=100 * table["parameters"] / full)
    _curves(axes, share, "share", errorbar=None, markers=True)
    axes.set(ylabel="parameters\nkept (%)", yscale="log", ylim=(1, 130))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.get_legend().remove()


def theme() -> None:
    """Set the look of every figure of the book."""
    sns.set_theme(style="ticks", context="notebook", font_scale=0.95)
    plt.rcParams.update(
        {
            "axes.grid": True,
            "grid.alpha": 0.35,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.dpi": 110,
            "savefig.dpi": 200,
            "legend.frameon": False,
        }
    )


def _curves(axes: Axes, table: pd.DataFrame, y: str, errorbar: object, markers: bool) -> None:
    methods = [name for name in STRATEGIES if name in set(table["method"])]
    sns.lineplot(
        table,
        x="percentile",
        y=y,
        hue="method",
        hue_order=methods,
        palette=COLOURS,
        style="method" if markers else None,
        style_order=methods if markers else None,
        markers=MARKERS if markers else None,
        dashes=False if markers else None,
        errorbar=errorbar,
        ax=axes,
    )


def _legend(axes: Axes) -> None:
    """Name the methods in full, where the curves leave room: they are high on the left."""
    handles, names = axes.get_legend_handles_labels()
    titles = [STRATEGIES[name].title if name in STRATEGIES else name for name in names]
    axes.legend(handles, titles, loc="lower left", fontsize="small")


def _check_one_panel(table: pd.DataFrame) -> None:
    panels = list(np.unique(table["panel"]))
    if len(panels) != 1:
        raise ValueError(f"table must hold the results of one panel; got {len(panels)}: {panels}")
