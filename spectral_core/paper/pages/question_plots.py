"""Pictures of the book's questions: distances to the authors, accuracy against size, criteria."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from spectral_core.paper.pages.picture import Picture, canvas, themed
from spectral_core.paper.pages.style import CRITERIA, HUES, INK, PAPER, look
from spectral_core.paper.study.methods import METHODS

SOURCE_NAMES = {"text": "text", "released": "released", "released-50-epochs": "50 epochs"}
"""Sources of settings, as short as a tick of an axis."""
TRAININGS = {
    "direct": ("Trained directly", HUES["direct"]),
    "spectral": ("Trained in λ and φ", HUES["post"]),
}


@themed
def slopes(by_source: pd.DataFrame, alt: str) -> Picture:
    """Mean distance to the authors' curves by source of the settings: a drawing per number of
    hidden layers, a line per data set, activation and method.

    Args:
        by_source: as :func:`spectral_core.paper.results.authors.by_source` returns it.
        alt: what the picture shows, in words.
    """
    drawings, farthest = [], by_source.max(axis=None)
    for layers, rows in by_source.groupby(level="layers"):
        shown = rows[[name for name in SOURCE_NAMES if name in rows and rows[name].notna().any()]]
        words = "One hidden layer" if layers == 1 else "Three hidden layers"
        figure, axes = canvas(words, "distance (pt)", "settings", right=16)
        for (_, _, method), line in shown.iterrows():
            style = look(method)
            axes.plot(range(len(line)), line, color=style.colour, marker=style.marker, alpha=0.8)
        axes.set_xticks(range(shown.shape[1]), [SOURCE_NAMES[name] for name in shown])
        axes.set(xlim=(-0.2, shown.shape[1] - 0.8), ylim=(0, 1.05 * farthest))
        drawings.append(figure)
    return _with_key(drawings, list(by_source.index.unique("method")), alt)


@themed
def fronts(
    points: pd.DataFrame, networks: Sequence[str], methods: Sequence[str], alt: str
) -> Picture:
    """Accuracy against the share of weights that is left: a drawing per network, whose scale ends
    5 points below the best accuracy.

    Args:
        points: as :func:`spectral_core.paper.questions.compression.points` returns them.
        networks: their names in words.
        methods: whose curves.
        alt: what the picture shows, in words.
    """
    drawings = []
    for network in networks:
        rows = points[points["network"] == network]
        whole = rows["parameters"].max()
        best = 100 * rows["accuracy"].max()
        figure, axes = canvas(network, "test accuracy (%)", "weights left (%)", right=16)
        for method in methods:
            mine = rows[rows["method"] == method].sort_values("parameters")
            axes.plot(
                100 * mine["parameters"] / whole, 100 * mine["accuracy"],
                marker=look(method).marker, markersize=5, **look(method).line,
            )  # fmt: skip
        axes.set(xscale="log", xlim=(1, 110), ylim=(best - 5, best + 0.5))
        axes.set_xticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
        drawings.append(figure)
    return _with_key(drawings, methods, alt)


@themed
def dots(table: pd.DataFrame, pruned: float, alt: str) -> Picture:
    """Accuracy at one pruning level: a drawing per training, a row per criterion, random hollow.

    Args:
        table: as :func:`spectral_core.paper.questions.compression.other_tools` returns it, of one
            network and threshold.
        pruned: share of the hidden nodes, in per cent.
        alt: what the picture shows, in words.
    """
    rows = table[(100 * (1 - table["keep"])).round(6) == pruned]
    drawings = []
    for training, (title, colour) in TRAININGS.items():
        mine = rows[rows["training"] == training]
        means = 100 * mine.groupby(mine["criterion"].map(CRITERIA))["accuracy"].mean()
        means = means.sort_values()
        height = 90 + 22 * len(means)
        figure, axes = canvas(title, "", "test accuracy (%)", height=height, left=120, right=16)
        for place, (criterion, accuracy) in enumerate(means.items()):
            face = PAPER if criterion == CRITERIA["random"] else colour
            axes.plot(accuracy, place, "o", color=colour, markerfacecolor=face, markersize=8)
        axes.axvline(means[CRITERIA["random"]], color=INK, linewidth=1, linestyle=(0, (1, 2)))
        axes.set_yticks(range(len(means)), means.index)
        axes.set(xlim=(0, 100))
        drawings.append(figure)
    return Picture(tuple(drawings), alt)


def _with_key(drawings: Sequence[Figure], methods: Sequence[str], alt: str) -> Picture:
    """Drawings with a key of the methods in each."""
    for figure in drawings:
        axes = figure.axes[0]
        for method in methods:
            style = look(method)
            axes.plot([], [], marker=style.marker, label=METHODS[method].title, **style.line)
        axes.legend(fontsize=10, loc="best", frameon=True, facecolor=PAPER, edgecolor="none")
    return Picture(tuple(drawings), alt)
