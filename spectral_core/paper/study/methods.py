"""Strategies: how to train, rank and retrain; the paper's three (Sec. VI), and others beside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from spectral_core.paper.study.variations import INGREDIENTS, ingredients


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
    recipe: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Fields of :class:`~spectral_core.paper.study.panels.Recipe` that make it what it is."""


# The paper's strategies; every other one differs from one of them in what it names.
_DIRECT = Strategy(
    layers="direct",
    trains="both",
    score="connectivity",
    retrains=False,
    title="direct: Σ|w|, no retraining",
)
_POST = Strategy(
    layers="spectral",
    trains="both",
    score="eigenvalue",
    retrains=False,
    title="post: |λ| after training λ and φ",
)
_PRE = Strategy(
    layers="spectral",
    trains="eigenvalues",
    score="eigenvalue",
    retrains=True,
    title="pre: |λ| after training λ, then φ trains",
)

STRATEGIES: dict[str, Strategy] = {
    "direct": _DIRECT,
    "post": _POST,
    "pre": _PRE,
    "direct-inputs": replace(
        _DIRECT, removes="inputs", title="direct-inputs: Σ|w| of inputs, which go"
    ),
    "post-invariant": replace(_POST, score="invariant", title="post-invariant: |λ|·‖φ‖₂"),
    "post-connectivity": replace(
        _POST, score="connectivity", title="post-connectivity: Σ|w| = |λ|·‖φ‖₁"
    ),
    "post-taylor": replace(
        _POST,
        score="taylor",
        score_images=10_000,
        title="post-taylor: |activation × gradient|",
    ),
    "post-random": replace(_POST, score="random", title="post-random: no criterion"),
    "direct-retrained": replace(
        _DIRECT, retrains=True, title="direct-retrained: Σ|w|, then w trains"
    ),
    "post-retrained": replace(
        _POST, retrains=True, title="post-retrained: |λ|, then λ and φ train"
    ),
    "pre-random": replace(_PRE, score="random", title="pre-random: no criterion, then φ trains"),
    "pre-smallest": replace(
        _PRE, keeps="smallest", title="pre-smallest: smallest |λ|, then φ trains"
    ),
    "fresh": replace(
        _PRE, restarts=True, title="fresh: pre's widths, λ and φ train from a new start"
    ),
    "direct-per-layer": replace(
        _DIRECT, per_layer=True, title="direct-per-layer: Σ|w|, a threshold per layer"
    ),
    "post-per-layer": replace(
        _POST, per_layer=True, title="post-per-layer: |λ|, a threshold per layer"
    ),
    "pre-per-layer": replace(
        _PRE,
        per_layer=True,
        title="pre-per-layer: |λ|, a threshold per layer, then φ trains",
    ),
    "direct-scaled": replace(
        _DIRECT, scaled=True, title="direct-scaled: Σ|w| over its layer's mean"
    ),
    "post-scaled": replace(_POST, scaled=True, title="post-scaled: |λ| over its layer's mean"),
    "stronger": replace(
        _POST,
        retrains=True,
        title=f"stronger: {', '.join(each.title for each in INGREDIENTS.values())}",
        recipe=ingredients(),
    ),
    **{
        f"stronger-without-{name}": replace(
            _POST,
            retrains=True,
            title=f"stronger without {each.title}",
            recipe=ingredients(without=name),
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
:data:`~spectral_core.paper.study.variations.INGREDIENTS`, that of each ``stronger-without-…`` all but
one."""
