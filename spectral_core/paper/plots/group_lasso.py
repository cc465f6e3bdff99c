"""The L2 term on λ and φ in a figure: how it evens them out, by gradient descent and by Adam."""

from __future__ import annotations

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

SHADES = ("0.75", "#56B4E9", "#0072B2", "#000000")
"""Of the weights α, from the smallest on."""


def balance_figure(relaxed: pd.DataFrame, nodes: pd.DataFrame) -> Figure:
    """Left: λ² − ‖φ‖² of each node over time, and its law. Right: |λ| against ‖φ‖ after Adam.

    Args:
        relaxed: as :func:`spectral_core.paper.questions.group_lasso.relaxation` returns it.
        nodes: as :func:`spectral_core.paper.questions.group_lasso.trained_nodes` returns it, with at most
            as many weights α as there are :data:`SHADES`; those from the paper's start are drawn.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.2), layout="constrained")
    start = relaxed[relaxed["time"] == 0].set_index("node")["imbalance"]
    of_start = relaxed["node"].map(start)
    shares = relaxed.assign(share=relaxed["imbalance"] / of_start)
    for i, (_, each) in enumerate(shares.groupby("node")):
        name = None if i else "each of the nodes"
        left.plot(each["time"], each["share"], color="#0072B2", alpha=0.4, label=name)
    law = (relaxed["law"] / of_start).groupby(relaxed["time"]).first()
    left.plot(law.index, law, "--", color="black", label="$e^{-2\\alpha t}$")
    left.set(
        xlabel="time (steps × learning rate)",
        ylabel="$\\lambda_i^2 - \\|\\phi_i\\|^2$, 1 at the start",
    )
    left.set_ylim(0, 1.1)
    left.legend()
    drawn = nodes[nodes["start"] == "paper"]
    for shade, (decay, each) in zip(SHADES, drawn.groupby("decay")):
        right.plot(
            each["eigenvector"],
            each["eigenvalue"],
            linestyle="none",
            marker="o",
            markersize=5,
            color=shade,
            label=f"α = {decay:g}",
        )
    longest = drawn[["eigenvector", "eigenvalue"]].max().max()
    right.plot([0, longest], [0, longest], color="0.5", linewidth=1, label="equal")
    right.set(xlabel="$\\|\\phi_i\\|$", ylabel="$|\\lambda_i|$")
    right.legend()
    return figure
