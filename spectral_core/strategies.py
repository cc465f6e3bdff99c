"""Strategies: how to train, rank and retrain; the paper's three (Sec. VI), and others beside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from spectral_core.variations import INGREDIENTS


@dataclass(frozen=True)
class Strategy:
    """What is trained, what ranks the nodes, and what trains again after each cut."""

    layers: Literal["direct", "spectral"]
    """Plain layers, or :class:`~spectral_core.SpectralLinear` ones."""
    trains: Literal["both", "eigenvalues"]
    """What the first training adjusts: everything, or λ alone."""
    score: str
    """Criterion of :func:`~spectral_core.node_scores` that ranks the nodes."""
    retrains: bool
    """Whether the pruned network is trained again (stage 2): everything in it or, if the first
    training was of λ alone, what the recipe says."""
    title: str
    """Name in a legend."""
    removes: Literal["nodes", "inputs"] = "nodes"
    """What is ranked and removed: hidden nodes, or inputs of the network."""
    score_images: int = 0
    """Training images that the score looks at, the first so many; 0 if it looks at none."""
    keeps: Literal["largest", "smallest"] = "largest"
    """Which scores stay."""
    per_layer: bool = False
    """Whether each hidden layer has a threshold of its own; if not, one serves all of them."""
    scaled: bool = False
    """Whether scores are divided by the mean of their layer before they are compared."""
    restarts: bool = False
    """Whether a new network, of the widths that are left, takes the place of the pruned one."""


STRATEGIES: dict[str, Strategy] = {
    "direct": Strategy(
        layers="direct",
        trains="both",
        score="connectivity",
        retrains=False,
        title="direct: Σ|w|, no retraining",
    ),
    "post": Strategy(
        layers="spectral",
        trains="both",
        score="eigenvalue",
        retrains=False,
        title="post: |λ| after training λ and φ",
    ),
    "pre": Strategy(
        layers="spectral",
        trains="eigenvalues",
        score="eigenvalue",
        retrains=True,
        title="pre: |λ| after training λ, then φ trains",
    ),
    "direct-inputs": Strategy(
        layers="direct",
        trains="both",
        score="connectivity",
        retrains=False,
        title="direct-inputs: Σ|w| of inputs, which go",
        removes="inputs",
    ),
    "post-invariant": Strategy(
        layers="spectral",
        trains="both",
        score="invariant",
        retrains=False,
        title="post-invariant: |λ|·‖φ‖₂",
    ),
    "post-connectivity": Strategy(
        layers="spectral",
        trains="both",
        score="connectivity",
        retrains=False,
        title="post-connectivity: Σ|w| = |λ|·‖φ‖₁",
    ),
    "post-taylor": Strategy(
        layers="spectral",
        trains="both",
        score="taylor",
        retrains=False,
        title="post-taylor: |activation × gradient|",
        score_images=10_000,
    ),
    "post-random": Strategy(
        layers="spectral",
        trains="both",
        score="random",
        retrains=False,
        title="post-random: no criterion",
    ),
    "direct-retrained": Strategy(
        layers="direct",
        trains="both",
        score="connectivity",
        retrains=True,
        title="direct-retrained: Σ|w|, then w trains",
    ),
    "post-retrained": Strategy(
        layers="spectral",
        trains="both",
        score="eigenvalue",
        retrains=True,
        title="post-retrained: |λ|, then λ and φ train",
    ),
    "pre-random": Strategy(
        layers="spectral",
        trains="eigenvalues",
        score="random",
        retrains=True,
        title="pre-random: no criterion, then φ trains",
    ),
    "pre-smallest": Strategy(
        layers="spectral",
        trains="eigenvalues",
        score="eigenvalue",
        retrains=True,
        title="pre-smallest: smallest |λ|, then φ trains",
        keeps="smallest",
    ),
    "fresh": Strategy(
        layers="spectral",
        trains="eigenvalues",
        score="eigenvalue",
        retrains=True,
        title="fresh: pre's widths, λ and φ train from a new start",
        restarts=True,
    ),
    "direct-per-layer": Strategy(
        layers="direct",
        trains="both",
        score="connectivity",
        retrains=False,
        title="direct-per-layer: Σ|w|, a threshold per layer",
        per_layer=True,
    ),
    "post-per-layer": Strategy(
        layers="spectral",
        trains="both",
        score="eigenvalue",
        retrains=False,
        title="post-per-layer: |λ|, a threshold per layer",
        per_layer=True,
    ),
    "pre-per-layer": Strategy(
        layers="spectral",
        trains="eigenvalues",
        score="eigenvalue",
        retrains=True,
        title="pre-per-layer: |λ|, a threshold per layer, then φ trains",
        per_layer=True,
    ),
    "direct-scaled": Strategy(
        layers="direct",
        trains="both",
        score="connectivity",
        retrains=False,
        title="direct-scaled: Σ|w| over its layer's mean",
        scaled=True,
    ),
    "post-scaled": Strategy(
        layers="spectral",
        trains="both",
        score="eigenvalue",
        retrains=False,
        title="post-scaled: |λ| over its layer's mean",
        scaled=True,
    ),
    "stronger": Strategy(
        layers="spectral",
        trains="both",
        score="eigenvalue",
        retrains=True,
        title=f"stronger: {', '.join(each.title for each in INGREDIENTS.values())}",
    ),
    **{
        f"stronger-without-{name}": Strategy(
            layers="spectral",
            trains="both",
            score="eigenvalue",
            retrains=True,
            title=f"stronger without {each.title}",
        )
        for name, each in INGREDIENTS.items()
    },
}
"""``direct`` is the benchmark, ``post`` the paper's method (ii) and ``pre`` its method (i).

``direct-inputs`` is what the released code did in place of ``direct`` for Figs. 10 and 11: its sums
run over the hidden nodes, so that they rank, and remove, inputs.

``post-invariant``, ``post-connectivity``, ``post-taylor`` and ``post-random`` rank the very
networks of ``post`` by another criterion. The five after them have the epochs of ``pre``, stage 2
included: ``direct-retrained`` and ``post-retrained`` train on after the cut; ``pre-random`` and
``pre-smallest`` keep other nodes of the very networks of ``pre``; ``fresh`` trains λ and φ of a new
network, of the widths that ``pre`` keeps, for as long as both stages take.

``direct-per-layer``, ``post-per-layer`` and ``pre-per-layer`` take the same share of every layer's
nodes away from the very networks of ``direct``, ``post`` and ``pre``. ``direct-scaled`` and
``post-scaled`` have one threshold for all layers, of scores divided by their layer's mean.

``stronger`` trains, ranks and trains again as ``post-retrained`` does; its recipe has all of
:data:`~spectral_core.variations.INGREDIENTS`, that of each ``stronger-without-…`` all but one."""
