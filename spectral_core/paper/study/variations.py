"""Settings in which networks depart from the paper's: the stronger variant, and one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

AUTHORS_CUTS = (30.0, 50.0, 70.0, 80.0, 90.0, 95.0)
"""Percentiles at which the authors released results."""

# Chosen by a held-out tenth of the training images, in one network: see results/choices.
DECAY = 1e-3
"""Weight α of the L2 term in the stronger variant."""


@dataclass(frozen=True)
class Variation:
    """A change to the paper's settings."""

    title: str
    """In words."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """Fields of :class:`~spectral_core.paper.study.panels.Recipe` that it sets."""
    panel: Mapping[str, Any] = field(default_factory=dict)
    """Fields of :class:`~spectral_core.paper.study.panels.Panel` that it sets."""
    times: int = 1
    """How many times as many nodes each hidden layer has."""
    methods: tuple[str, ...] = ("post", "pre")
    """Methods that it makes a difference to."""
    depths: tuple[int, ...] = (1, 3)
    """Numbers of hidden layers that it is measured with."""


INGREDIENTS: dict[str, Variation] = {
    "start": Variation("λ from 1", {"eigenvalue_range": (1.0, 1.0)}),
    "glorot": Variation("Glorot φ", {"eigenvector_range": "glorot"}),
    "decay": Variation("L2", {"decay": DECAY}),
    "rounds": Variation("rounds", {"rounds": 4}),
}
"""What the method ``stronger`` has that ``post-retrained`` has not, by name."""


def ingredients(without: str = "") -> dict[str, Any]:
    """Fields of a recipe that all of :data:`INGREDIENTS` set, or all but one."""
    left = (each.recipe for name, each in INGREDIENTS.items() if name != without)
    return {name: value for recipe in left for name, value in recipe.items()}


VARIATIONS: dict[str, Variation] = {
    "both-in-stage-two": Variation(
        "stage 2 trains λ and φ", {"stage_two": "both"}, methods=("pre",)
    ),
    # A cut of 2000 nodes at 75 % + q/4 leaves as many as one of 500 at q.
    "width": Variation(
        "four times the nodes",
        {"percentiles": tuple(75 + q / 4 for q in AUTHORS_CUTS)},
        times=4,
        depths=(1,),
    ),
    "input-eigenvalues": Variation(
        "λ of departure nodes trains, too", panel={"input_eigenvalues": True}
    ),
    "narrow-eigenvalues": Variation("λ starts in ±0.05", {"eigenvalue_range": (-0.05, 0.05)}),
    "wide-eigenvalues": Variation("λ starts in ±1", {"eigenvalue_range": (-1.0, 1.0)}),
    "narrow-eigenvectors": Variation("φ starts in ±0.02", {"eigenvector_range": (-0.02, 0.02)}),
    "wide-eigenvectors": Variation("φ starts in ±0.4", {"eigenvector_range": (-0.4, 0.4)}),
}
"""What the figure ``settings`` changes, one at a time, by name."""
