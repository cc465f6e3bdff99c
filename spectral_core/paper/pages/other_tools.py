"""This package beside other tools: a picture and a table of what each leaves of the accuracy."""

from __future__ import annotations

import json

import pandas as pd

from spectral_core.paper import paths
from spectral_core.paper.pages.picture import Picture, canvas, themed
from spectral_core.paper.pages.style import HUES, INK, PAPER
from spectral_core.paper.pages.table import Table

TRAININGS = {"direct": "Trained directly", "spectral": "Trained in λ and φ"}
CRITERIA = {
    "eigenvalue": "|λ|",
    "connectivity": "Σ|w|",
    "invariant": "|λ|·‖φ‖₂",
    "taylor": "Taylor score",
    "random": "random nodes",
    "ln_structured": "‖w‖₂ (torch masks)",
    "magnitude": "Torch-Pruning",
}
"""Criteria as readers know them; of other tools, with the tool."""
_HUES = {"direct": HUES["direct"], "spectral": HUES["post"]}


def measured() -> pd.DataFrame:
    """What ``python -m benchmarks tools`` measured, with ``threshold`` and ``choice`` in words.

    Returns:
        One row per network (``hidden``, ``training``, ``seed``), way to choose nodes
        (``per_layer``, ``tool``, ``criterion``) and share to ``keep``: ``nodes``, ``accuracy``.

    Raises:
        KeyError: if it has not been run.
    """
    file = paths.project() / "benchmarks" / "results.json"
    rows = json.loads(file.read_text(encoding="utf-8"))["tools"]["rows"]
    table = pd.DataFrame(rows).explode(["seed", "nodes", "accuracy"], ignore_index=True)
    return named(table.astype({"seed": int, "nodes": int, "accuracy": float}))


def named(table: pd.DataFrame) -> pd.DataFrame:
    """Measurements with their ``threshold`` and ``choice`` of nodes in words.

    Args:
        table: as ``python -m benchmarks tools`` measures it.
    """
    threshold = table["per_layer"].map({True: "layer-wise", False: "global"})
    return table.assign(threshold=threshold, choice=table["criterion"].map(CRITERIA))


@themed
def dots(table: pd.DataFrame, pruned: float, alt: str) -> Picture:
    """Accuracy at one pruning level: a drawing per training, a row per criterion, random hollow.

    Args:
        table: as :func:`named` returns it, of one network and threshold.
        pruned: share of the hidden nodes, in per cent.
        alt: what the picture shows, in words.
    """
    rows = table[(100 * (1 - table["keep"])).round(6) == pruned]
    drawings = []
    for training, title in TRAININGS.items():
        means = 100 * rows[rows["training"] == training].groupby("choice")["accuracy"].mean()
        means = means.sort_values()
        figure, axes = canvas(
            title, "", "test accuracy (%)", height=90 + 22 * len(means), left=120, right=16
        )
        for place, (choice, accuracy) in enumerate(means.items()):
            face = PAPER if choice == CRITERIA["random"] else _HUES[training]
            axes.plot(
                accuracy, place, "o", color=_HUES[training], markerfacecolor=face, markersize=8
            )
        axes.axvline(means[CRITERIA["random"]], color=INK, linewidth=1, linestyle=(0, (1, 2)))
        axes.set_yticks(range(len(means)), means.index)
        axes.set(xlim=(0, 100))
        drawings.append(figure)
    return Picture(tuple(drawings), alt)


def accuracies(table: pd.DataFrame) -> Table:
    """Mean accuracy over seeds, in per cent, by share of the hidden nodes pruned.

    Args:
        table: as :func:`named` returns it, of one network.
    """
    rows = ["training", "threshold", "choice"]
    pruned = [f"{100 * (1 - keep):.0f} %" for keep in table["keep"]]
    means = table.assign(pruned=pruned).groupby([*rows, "pruned"], sort=False)["accuracy"].mean()
    frame = (100 * means).map("{:.1f}".format).unstack("pruned", sort=False)
    frame = frame.rename_axis(columns=None).rename(index=TRAININGS, level="training")
    return Table(frame, "Test accuracy (%) by share of nodes pruned")
