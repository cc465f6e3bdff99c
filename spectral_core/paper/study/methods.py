"""Methods: how to train, rank and retrain; the paper's three (Sec. VI), and their controls."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

BOTH_STAGES, STAGE_TWO = "both stages", "stage two"


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """What ranks the nodes of a trained network, and which of them stay."""

    score: str
    """Criterion of :func:`~spectral_core.node_scores` that ranks the nodes."""
    removes: Literal["nodes", "inputs"] = "nodes"
    """What is ranked and removed: hidden nodes, or inputs of the network."""
    score_images: int = 0
    """Training images that the score looks at, the first so many; 0 if it looks at none."""
    draws: int = 1
    """Random rankings, over which the results of a network are averaged."""
    keeps: Literal["largest", "smallest"] = "largest"
    """Which scores stay."""
    per_layer: bool = False
    """Whether each hidden layer has a threshold of its own; if not, one serves all of them."""
    scaled: bool = False
    """Whether scores are divided by the mean of their layer before they are compared."""


@dataclass(frozen=True, kw_only=True)
class Method(Ranking):
    """What is trained, what ranks the nodes, and what is retrained after pruning."""

    title: str
    """Name in prose and legends."""
    layers: Literal["direct", "spectral"]
    """Plain layers, or :class:`~spectral_core.SpectralLinear` ones."""
    trains: Literal["both", "eigenvalues"]
    """What stage 1 trains: everything, or λ alone."""
    retrained: bool
    """Whether the pruned network is retrained (stage 2): everything in it or, if stage 1 trained λ
    alone, what the settings say."""
    from_scratch: Literal["both stages", "stage two"] | None = None
    """Whether a new network, of the widths that are left, takes the place of the pruned one, and
    whose epochs it is trained for."""
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Settings that make it what it is, by name."""


# Chosen by a held-out tenth of the training images, in one network: see results/choices.
DECAY = 1e-3
"""Weight α of the L2 term in the stronger variant."""


@dataclass(frozen=True)
class Ingredient:
    """A change to the paper's settings that is part of the stronger variant."""

    title: str
    settings: Mapping[str, Any] = field(hash=False)


INGREDIENTS: dict[str, Ingredient] = {
    "start": Ingredient("λ from 1", {"eigenvalue_range": (1.0, 1.0)}),
    "glorot": Ingredient("Glorot φ", {"eigenvector_range": "glorot"}),
    "decay": Ingredient("L2", {"decay": DECAY}),
    "rounds": Ingredient("rounds", {"rounds": 4}),
}
"""What the method ``stronger`` has that ``post-retrained`` has not, by name."""


def ingredients(without: str = "") -> dict[str, Any]:
    """Settings of all :data:`INGREDIENTS`, or of all but one."""
    left = (ingredient.settings for name, ingredient in INGREDIENTS.items() if name != without)
    return {name: value for settings in left for name, value in settings.items()}


# The paper's methods; every other one differs from one of them in what it names.
_DIRECT = Method(
    title="Magnitude", layers="direct", trains="both", score="connectivity", retrained=False
)
_POST = replace(_DIRECT, title="Spectral, post-training", layers="spectral", score="eigenvalue")
_PRE = replace(_POST, title="Spectral, two-stage", trains="eigenvalues", retrained=True)


def _like(method: Method, ending: str, **changes: Any) -> Method:
    """A method with some changes, which the ending of its title names."""
    return replace(method, title=f"{method.title}{ending}", **changes)


def _layer_wise(method: Method) -> Method:
    return _like(method, ", layer-wise", per_layer=True)


_DIRECT_RETRAINED = _like(_DIRECT, " + retraining", retrained=True)
_POST_RETRAINED = _like(_POST, " + retraining", retrained=True)
_PRE_RANDOM = _like(_PRE, ", random nodes", score="random")
_STRONGER = replace(_POST_RETRAINED, title="Stronger variant", settings=ingredients())

METHODS: dict[str, Method] = {
    "direct": _DIRECT,
    "post": _POST,
    "pre": _PRE,
    # As the released code did in place of direct for Figs. 10 and 11: its sums run over the hidden
    # nodes, so that they rank, and remove, inputs.
    "direct-inputs": _like(_DIRECT, ", inputs", removes="inputs"),
    # The networks of direct and post, ranked by other criteria.
    "direct-random": _like(_DIRECT, ", random nodes", score="random", draws=10),
    "post-invariant": _like(_POST, ", by |λ|·‖φ‖₂", score="invariant"),
    "post-connectivity": _like(_POST, ", by Σ|w|", score="connectivity"),
    "post-taylor": _like(_POST, ", by Taylor score", score="taylor", score_images=10_000),
    "post-random": _like(_POST, ", random nodes", score="random"),
    # All with the epochs of pre, stage 2 included.
    "direct-retrained": _DIRECT_RETRAINED,
    "post-retrained": _POST_RETRAINED,
    "pre-random": _PRE_RANDOM,
    "pre-smallest": _like(_PRE, ", smallest |λ|", keeps="smallest"),
    "fresh": replace(_PRE, title="Retrained from scratch", from_scratch=BOTH_STAGES),
    # New networks of pre's widths, trained as long as pre's small network is.
    "fresh-short": replace(
        _PRE, title="Retrained from scratch, epochs of stage 2", from_scratch=STAGE_TWO
    ),
    # The networks of pre after stage 1.
    "pre-unretrained": _like(_PRE, ", after stage 1", retrained=False),
    # The same share of the nodes of every layer is removed.
    "direct-per-layer": _layer_wise(_DIRECT),
    "post-per-layer": _layer_wise(_POST),
    "pre-per-layer": _layer_wise(_PRE),
    "direct-retrained-per-layer": _layer_wise(_DIRECT_RETRAINED),
    "post-retrained-per-layer": _layer_wise(_POST_RETRAINED),
    "pre-random-per-layer": _layer_wise(_PRE_RANDOM),
    # One threshold for all layers, of scores divided by the mean of their layer.
    "direct-scaled": _like(_DIRECT, ", scaled by layer", scaled=True),
    "post-scaled": _like(_POST, ", scaled by layer", scaled=True),
    "stronger": _STRONGER,
    **{
        f"stronger-without-{name}": _like(
            _STRONGER, f" without {ingredient.title}", settings=ingredients(without=name)
        )
        for name, ingredient in INGREDIENTS.items()
    },
}
"""Methods by their key. ``direct`` is the benchmark, ``post`` the paper's method (ii) and ``pre``
its method (i); the others are controls."""
