"""The registry: figures of the paper, questions that it leaves open, and presets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from spectral_core.paper.study.methods import METHODS
from spectral_core.paper.study.panels import AUTHORS_LEVELS, CHANGES, TRIAL, Change, Panel
from spectral_core.paper.study.settings import Settings


@dataclass(frozen=True)
class Preset:
    """From the settings of a panel to those of a smaller run."""

    purpose: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What it sets, whatever the panel."""
    width: int | None = None
    """Nodes in place of every hidden layer's; times as many where the panel's change says so."""
    every_penalty: int = 1
    """Of a panel's weights γ, it takes the first and then every so many."""

    def of(self, panel: Panel) -> Panel:
        """A panel as it is at this preset."""
        times = CHANGES[panel.change].times if panel.change else 1

        def smaller(own: Settings) -> Settings:
            hidden = own.hidden if self.width is None else (times * self.width,) * panel.depth
            penalties = own.penalties[:: self.every_penalty]
            return replace(own, **{"hidden": hidden, "penalties": penalties, **self.settings})

        return panel.map(smaller)


PRESETS: dict[str, Preset] = {
    "smoke": Preset(
        "seconds, on the 8×8 digits, to see that everything runs",
        {"dataset": "digits", "features": "none", "epochs": 4, "retraining_epochs": 1,
         "seeds": (0, 1), "percentiles": (0, 50, 90)},
        width=32,
        every_penalty=3,
    ),
    "quick": Preset(
        "half a minute, the shape of the curves is right",
        {"epochs": 5, "retraining_epochs": 1, "seeds": (0, 1),
         "percentiles": (0, 20, 40, 50, 60, 70, 80, 90, 95)},
        every_penalty=3,
    ),
    "paper": Preset("the paper's settings, five seeds, 100 + 20 epochs"),
}  # fmt: skip
"""Presets by name."""


def _panels(dataset: str, activations: Sequence[str], depth: int) -> tuple[Panel, ...]:
    """Panels of a figure: text settings; the authors' released settings; trials."""
    text = [Settings(dataset, activation=name, hidden=(500,) * depth) for name in activations]
    # Released with one hidden layer: 2000 nodes. With three: 500 each for pre, 800 each for the
    # others. Stage 2 trained λ too.
    both = [replace(base, stage_two="both") for base in text]
    if depth > 1:
        others = {method: {"hidden": (800,) * depth} for method in ("direct", "post")}
        released = [Panel.of(base, own=others, source="released") for base in both]
        return (*map(Panel.of, text), *released)
    wide = [replace(base, hidden=(2000,)) for base in both]
    # What a shorter training shows, it shows before any stage 2.
    shorter = [replace(base, epochs=50, stage_two="eigenvectors") for base in wide]
    return (
        *map(Panel.of, text),
        *(Panel.of(base, source="released") for base in wide),
        *(Panel.of(base, ["direct", "post"], source=TRIAL) for base in shorter),
    )


def _cifar10(activations: Sequence[str], **settings: Any) -> tuple[Panel, ...]:
    """Panels of Appendix D: as in the text, then with a JPEG copy of the images."""
    methods = ("direct", "direct-inputs", "post", "pre")
    common = {"hidden": (512,), "output_bias": True, "features": "max", "batch_size": 32}
    text = [Settings("cifar10", activation=name, **common, **settings) for name in activations]
    copy = {"dataset": "cifar10-jpeg", "backbone_weights": "067cfda5"}
    return (
        *(Panel.of(base, methods, _CHOSEN) for base in text),
        *(Panel.of(replace(base, **copy), methods, _CHOSEN, "jpeg") for base in text),
    )


def _for(epochs: int, learning_rate: float) -> dict[str, Any]:
    # Stage 2 takes as many epochs as stage 1.
    return {"learning_rate": learning_rate, "epochs": epochs, "retraining_epochs": epochs}


# The authors' code chose by cross-validation; spectral_core.paper.run.tuning by a held-out tenth of
# the images, with ELU and without penalty. results/choices has what it measured.
_CHOSEN: dict[str, dict[str, Any]] = {
    "direct": _for(40, 1e-4),
    "direct-inputs": _for(40, 1e-4),
    "post": _for(60, 1e-3),
    "pre": _for(20, 1e-4),
}
PENALTIES = (0.0, 1e-5, 1e-4, 5e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Weights γ of Fig. 11."""


def _networks(
    methods: Sequence[str],
    activations: Sequence[str] = ("elu", "relu", "tanh"),
    depths: Sequence[int] = (1, 3),
    own: Mapping[str, Mapping[str, Any]] | None = None,
    **settings: Any,
) -> tuple[Panel, ...]:
    """Networks of Figs. 3, 4 and 6 to 9 at text settings, all or some, with other methods."""
    return tuple(
        Panel.of(
            Settings(dataset, activation=activation, hidden=(500,) * depth, **settings),
            methods,
            own,
        )
        for dataset in ("fashion-mnist", "mnist")
        for depth in depths
        for activation in activations
    )


# In place of all levels where each costs a training.
_FEWER_LEVELS = {"percentiles": AUTHORS_LEVELS}
_FEWER = {**_FEWER_LEVELS, "seeds": 3}
_WITHOUT = [name for name in METHODS if name.startswith("stronger-without-")]


def _changed(name: str, change: Change) -> tuple[Panel, ...]:
    """The networks of :func:`_networks` with one setting changed."""

    def apply(own: Settings) -> Settings:
        hidden = tuple(change.times * width for width in own.hidden)
        return replace(own, hidden=hidden, **_FEWER_LEVELS | change.settings)

    return tuple(
        replace(panel.map(apply), change=name)
        for panel in _networks(change.methods, ["elu", "relu"], change.depths)
    )


FIGURES: dict[str, tuple[Panel, ...]] = {
    "fig03": _panels("fashion-mnist", ["elu"], depth=1),
    "fig04": _panels("fashion-mnist", ["elu"], depth=3),
    "fig06": _panels("mnist", ["elu", "relu", "tanh"], depth=1),
    "fig07": _panels("fashion-mnist", ["relu", "tanh"], depth=1),
    "fig08": _panels("mnist", ["elu", "relu", "tanh"], depth=3),
    "fig09": _panels("fashion-mnist", ["relu", "tanh"], depth=3),
    # The first dense layer behind MobileNetV2, then with an ℓ1 penalty.
    "fig10": _cifar10(["elu", "relu", "tanh"]),
    "fig11": _cifar10(["elu"], penalties=PENALTIES),
}
"""Panels of the paper's figures by name."""

QUESTIONS: dict[str, tuple[Panel, ...]] = {
    # Is it the ranking or the retraining?
    "budget": _networks(
        ["direct-retrained", "post-retrained", "pre", "pre-random", "pre-smallest", "fresh"],
        own={"fresh": _FEWER_LEVELS},  # each costs as much as both stages
    ),
    # Is |λ| the right score once φ trains?
    "score": _networks(
        ["post", "post-invariant", "post-connectivity", "post-taylor", "post-random"]
    ),
    # Is one threshold fair to all layers?
    "threshold": _networks(
        [
            *("direct", "direct-per-layer", "direct-scaled"),
            *("post", "post-per-layer", "post-scaled"),
            *("pre", "pre-per-layer"),
        ],
        depths=[3],
        own={"pre-per-layer": _FEWER_LEVELS},
    ),
    # Is there a stronger variant? What each of its changes adds is measured where a training costs
    # least.
    "stronger": tuple(
        panel
        for depth, lacking in ((1, _WITHOUT), (3, []))
        for panel in _networks(
            ["direct-retrained", "post-retrained", "pre", "stronger", *lacking],
            ["elu", "relu"],
            [depth],
            own={name: _FEWER_LEVELS for name in lacking},
        )
    ),
    # Which settings matter?
    "settings": (
        *_networks(["post", "pre"], ["elu", "relu"]),
        *(panel for item in CHANGES.items() for panel in _changed(*item)),
    ),
    # Does either ranking beat a random one, without retraining?
    "random": _networks(["direct", "direct-random", "post", "post-random"]),
    # With several layers, is it the benchmark's score that is worse, or its one threshold?
    "benchmark": _networks(["direct", "direct-per-layer", "direct-random"], depths=[3], seeds=3),
    # What is left of each lead with a layer-wise threshold?
    "layerwise": _networks(
        [
            *("direct-retrained-per-layer", "post-retrained-per-layer"),
            *("pre-per-layer", "pre-random-per-layer"),
        ],
        depths=[3],
        **_FEWER,
    ),
    # Does a pruned network beat one retrained from scratch at equal training?
    "ticket": _networks(["pre", "fresh-short"], **_FEWER),
    # How accurate is each network before pruning and retraining?
    "stage-one": _networks(["direct", "post", "pre-unretrained"], percentiles=0),
}
"""Panels of the questions that the paper leaves open, by name."""

EXPERIMENTS: dict[str, tuple[Panel, ...]] = FIGURES | QUESTIONS
"""All that can be computed, by name: the figures, then the questions."""
