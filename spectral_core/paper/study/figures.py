"""The registry: figures of the paper and of what it leaves open, with panels; the presets."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spectral_core.paper.study.methods import STRATEGIES
from spectral_core.paper.study.panels import TRIAL, Panel, Recipe
from spectral_core.paper.study.variations import AUTHORS_CUTS, VARIATIONS, Variation


@dataclass(frozen=True)
class Figure:
    """A figure of the paper, or one that answers a question it leaves open: some panels."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Preset:
    """A recipe by name, and the smaller problem it may stand on."""

    recipe: Recipe
    purpose: str
    dataset: str | None = None
    """Data set in place of every panel's; its pixels are taken."""
    width: int | None = None
    """Nodes in place of every hidden layer's; times as many where the panel's variation says so."""
    every_penalty: int = 1
    """Of a panel's weights γ, it takes the first and then every so many."""

    def of(self, panel: Panel) -> Panel:
        """A panel as it is at this preset."""
        changes: dict[str, Any] = {}
        if self.dataset is not None:
            changes |= {"dataset": self.dataset, "features": "none"}
        if self.width is not None:
            times = VARIATIONS[panel.variation].times if panel.variation else 1
            changes["hidden"] = (times * self.width,) * len(panel.hidden)
            changes["hidden_by_method"] = {}
        if self.recipe != Recipe():
            changes["recipe"] = self._reduced(panel.recipe)
            by_method = {name: self._reduced(own) for name, own in panel.recipe_by_method.items()}
            changes["recipe_by_method"] = by_method
        return dataclasses.replace(panel, **changes)

    def _reduced(self, recipe: Mapping[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in recipe.items() if name not in _SIZES}
        if "penalties" in kept:
            kept["penalties"] = kept["penalties"][:: self.every_penalty]
        return kept


# What a smaller preset makes smaller.
_SIZES = ("epochs", "retraining_epochs", "percentiles", "seeds", "train_images")


def _panels(dataset: str, activations: Sequence[str], depth: int) -> tuple[Panel, ...]:
    """Panels of a figure: as the text has them; as the authors' released results; trials."""
    written = [Panel(dataset, activation, (500,) * depth) for activation in activations]
    # Released with one hidden layer: 2000 nodes. With three: 500 each for pre, 800 each for the
    # others. Stage 2 trained λ too.
    others = dict.fromkeys(("direct", "post"), (800,) * depth)
    as_released = {
        "hidden": (2000,) if depth == 1 else (500,) * depth,
        "hidden_by_method": {} if depth == 1 else others,
        "recipe": {"stage_two": "both"},
        "variant": "released",
    }
    released = [dataclasses.replace(panel, **as_released) for panel in written]
    # What a shorter training tells, it tells before any stage 2.
    shorter = {"methods": ("direct", "post"), "recipe": {"epochs": 50}, "variant": TRIAL}
    trials = [dataclasses.replace(panel, **shorter) for panel in released] if depth == 1 else []
    return (*written, *released, *trials)


def _cifar10(activations: Sequence[str], **recipe: Any) -> tuple[Panel, ...]:
    """Panels of Appendix D: as written, then with a JPEG copy of the images."""
    written = [
        Panel(
            "cifar10",
            activation,
            (512,),
            methods=("direct", "direct-inputs", "post", "pre"),
            output_bias=True,
            features="max",
            recipe={"batch_size": 32, **recipe},
            recipe_by_method=_CHOSEN,
        )
        for activation in activations
    ]
    copy = {"dataset": "cifar10-jpeg", "backbone_weights": "067cfda5", "variant": "jpeg"}
    return (*written, *(dataclasses.replace(panel, **copy) for panel in written))


def _for(epochs: int, learning_rate: float) -> dict[str, Any]:
    # Stage 2 takes as many epochs as stage 1.
    return {"learning_rate": learning_rate, "epochs": epochs, "retraining_epochs": epochs}


# The authors' code chose by cross-validation; spectral_core.paper.run.choice did by a held-out tenth of
# the images, with ELU and without penalty. results/choices has what it measured.
_CHOSEN: dict[str, dict[str, Any]] = {
    "direct": _for(40, 1e-4),
    "direct-inputs": _for(40, 1e-4),
    "post": _for(60, 1e-3),
    "pre": _for(20, 1e-4),
}
_GRID = (0.0, 1e-5, 1e-4, 5e-4, 1e-3, 1e-2, 1e-1, 1.0)  # of γ


def _networks(
    methods: Sequence[str],
    activations: Sequence[str] = ("elu", "relu", "tanh"),
    depths: Sequence[int] = (1, 3),
    **settings: Any,
) -> tuple[Panel, ...]:
    """Networks of Figs. 3, 4 and 6 to 9 as written, all or some, with other methods."""
    return tuple(
        Panel(dataset, activation, (500,) * depth, methods=tuple(methods), **settings)
        for dataset in ("fashion-mnist", "mnist")
        for depth in depths
        for activation in activations
    )


# In place of all cuts where each costs a training.
_FEWER_CUTS = {"percentiles": AUTHORS_CUTS}

_STRONGER = {
    name: {**strategy.recipe, **({} if name == "stronger" else _FEWER_CUTS)}
    for name, strategy in STRATEGIES.items()
    if strategy.recipe
}


def _varied(name: str, variation: Variation) -> tuple[Panel, ...]:
    """The networks of :func:`_networks` with one setting changed."""
    return tuple(
        dataclasses.replace(
            panel,
            hidden=tuple(variation.times * width for width in panel.hidden),
            recipe=_FEWER_CUTS | variation.recipe,
            variation=name,
            **variation.panel,
        )
        for panel in _networks(variation.methods, ["elu", "relu"], variation.depths)
    )


QUESTIONS: dict[str, Figure] = {
    "budget": Figure(
        "Is it the ranking or the retraining?",
        _networks(
            ["direct-retrained", "post-retrained", "pre", "pre-random", "pre-smallest", "fresh"],
            recipe_by_method={"fresh": _FEWER_CUTS},  # each costs as much as both stages
        ),
    ),
    "score": Figure(
        "Is |λ| the right score once φ trains?",
        _networks(["post", "post-invariant", "post-connectivity", "post-taylor", "post-random"]),
    ),
    "threshold": Figure(
        "Is one threshold fair to all layers?",
        _networks(
            [
                *("direct", "direct-per-layer", "direct-scaled"),
                *("post", "post-per-layer", "post-scaled"),
                *("pre", "pre-per-layer"),
            ],
            depths=[3],
            recipe_by_method={"pre-per-layer": _FEWER_CUTS},
        ),
    ),
    "stronger": Figure(
        "Is there a stronger variant?",
        # What each of its changes adds is measured where a training costs least.
        tuple(
            panel
            for depth, methods in ((1, _STRONGER), (3, ["stronger"]))
            for panel in _networks(
                ["direct-retrained", "post-retrained", "pre", *methods],
                ["elu", "relu"],
                [depth],
                recipe_by_method={name: _STRONGER[name] for name in methods},
            )
        ),
    ),
    "settings": Figure(
        "Which settings matter?",
        (
            *_networks(["post", "pre"], ["elu", "relu"]),
            *(panel for item in VARIATIONS.items() for panel in _varied(*item)),
        ),
    ),
}
"""Questions that the paper leaves open, by name."""

FIGURES: dict[str, Figure] = {
    "fig03": Figure("Fashion-MNIST, one hidden layer", _panels("fashion-mnist", ["elu"], depth=1)),
    "fig04": Figure(
        "Fashion-MNIST, three hidden layers", _panels("fashion-mnist", ["elu"], depth=3)
    ),
    "fig06": Figure("MNIST, one hidden layer", _panels("mnist", ["elu", "relu", "tanh"], depth=1)),
    "fig07": Figure(
        "Fashion-MNIST, one hidden layer, ReLU and tanh",
        _panels("fashion-mnist", ["relu", "tanh"], depth=1),
    ),
    "fig08": Figure(
        "MNIST, three hidden layers", _panels("mnist", ["elu", "relu", "tanh"], depth=3)
    ),
    "fig09": Figure(
        "Fashion-MNIST, three hidden layers, ReLU and tanh",
        _panels("fashion-mnist", ["relu", "tanh"], depth=3),
    ),
    "fig10": Figure(
        "CIFAR-10, the first dense layer behind MobileNetV2", _cifar10(["elu", "relu", "tanh"])
    ),
    "fig11": Figure(
        "CIFAR-10 with an l1 penalty, the first dense layer behind MobileNetV2",
        _cifar10(["elu"], penalties=_GRID),
    ),
    **QUESTIONS,
}
"""Figures by name: the paper's, then those of :data:`QUESTIONS`."""

PRESETS: dict[str, Preset] = {
    "smoke": Preset(
        Recipe(epochs=4, retraining_epochs=1, seeds=(0, 1), percentiles=(0.0, 50.0, 90.0)),
        purpose="seconds, on the 8×8 digits, to see that everything runs",
        dataset="digits",
        width=32,
        every_penalty=3,
    ),
    "quick": Preset(
        Recipe(
            epochs=10,
            retraining_epochs=2,
            seeds=(0, 1),
            percentiles=(0.0, 20.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 95.0),
        ),
        purpose="about a minute, the shape of the curves is right",
        every_penalty=3,
    ),
    "paper": Preset(Recipe(), purpose="the paper's settings, five seeds, 100 + 20 epochs"),
}
"""Presets by name."""
