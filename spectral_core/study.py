"""What is to be computed: panels and recipes, the presets, and the registry of figures."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from spectral_core import _checks
from spectral_core.data import FEATURES, complete_name, identify
from spectral_core.data.backbone import identify as identify_weights
from spectral_core.networks import ACTIVATIONS
from spectral_core.steps import CutStep, TrainStep, hidden_label
from spectral_core.strategies import STRATEGIES
from spectral_core.training import PRECISIONS

VARIANTS = ("", "released", "jpeg")
"""Settings of a panel: those of the paper's text; of the authors' released results; those of the
text, with a JPEG copy of the images and weights that came another way."""


@_checks.named_settings
@dataclass(frozen=True)
class Panel:
    """One plot: a data set, a network, and the methods compared on it."""

    dataset: str
    """Name of a data set, see :data:`spectral_core.data.DATASETS`; or ``imagefolder:PATH``, which
    becomes a name by content."""
    activation: str
    """``"elu"``, ``"relu"`` or ``"tanh"``."""
    hidden: tuple[int, ...]
    """Nodes of each hidden layer, each at least 1."""
    hidden_by_method: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Widths of the methods that differ from ``hidden``."""
    methods: tuple[str, ...] = ("direct", "post", "pre")
    """Names out of :data:`~spectral_core.strategies.STRATEGIES`."""
    output_bias: bool = False
    """Whether the output layer has a bias; hidden layers have none."""
    features: str = "none"
    """What the network takes of an image: ``"none"`` for its pixels; ``"max"`` or ``"mean"`` for
    features of a frozen MobileNetV2, pooled in that way (Appendix D)."""
    backbone_weights: str = "imagenet"
    """That network's weights: torchvision's, a file, or the beginning of its SHA-256, which a file
    becomes."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """Fields of :class:`Recipe` that the panel sets whatever the preset. A number of epochs, seeds,
    cuts or images holds at the preset ``paper`` only."""
    recipe_by_method: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The same for some methods only."""
    variant: str = ""
    """Out of :data:`VARIANTS`; ``""``: as the paper's text has it."""

    def __post_init__(self) -> None:
        _checks.assign(self, dataset=identify(self.dataset))
        _checks.choice("activation", self.activation, ACTIVATIONS)
        _checks.assign(self, hidden=_checks.whole_numbers("hidden", self.hidden, least=1))
        _checks.assign(self, methods=_checks.distinct("methods", self.methods))
        for name in self.methods:
            _checks.choice("methods", name, STRATEGIES)
        if not isinstance(self.hidden_by_method, Mapping):
            raise TypeError(
                f"hidden_by_method must map methods to widths; got {self.hidden_by_method!r}"
            )
        for name in self.hidden_by_method:
            _checks.choice("hidden_by_method", name, STRATEGIES)
        widths = {
            method: _checks.whole_numbers(f"hidden_by_method[{method!r}]", hidden, least=1)
            for method, hidden in self.hidden_by_method.items()
        }
        _checks.assign(self, hidden_by_method=widths)
        if not isinstance(self.output_bias, bool):
            raise TypeError(f"output_bias must be True or False; got {self.output_bias!r}")
        if not isinstance(self.recipe, Mapping):
            raise TypeError(f"recipe must map fields of a Recipe to values; got {self.recipe!r}")
        _checks.choice("features", self.features, FEATURES)
        _checks.assign(self, backbone_weights=identify_weights(self.backbone_weights))
        for method, recipe in {"": self.recipe, **self.recipe_by_method}.items():
            if method:
                _checks.choice("recipe_by_method", method, STRATEGIES)
            Recipe(**recipe)  # raises if one is not valid
        _checks.choice("variant", self.variant, VARIANTS)

    @property
    def name(self) -> str:
        """``fashion-mnist-elu-500``: data set, activation, hidden widths, and ``released``."""
        parts = [self.dataset, self.activation, hidden_label(self.hidden)]
        parts += [f"{m}-{hidden_label(h)}" for m, h in sorted(self.hidden_by_method.items())]
        return "-".join([*parts, self.variant] if self.variant == "released" else parts)

    @property
    def inputs(self) -> str:
        """Complete name of what the networks take, see :func:`spectral_core.data.complete_name`."""
        return complete_name(self.dataset, self.features, self.backbone_weights)

    def hidden_of(self, method: str) -> tuple[int, ...]:
        """Nodes of each hidden layer in the network of one method."""
        return self.hidden_by_method.get(method, self.hidden)


@_checks.named_settings
@dataclass(frozen=True)
class Recipe:
    """How each network is trained and cut. The defaults are the paper's settings."""

    epochs: int = 100
    """Epochs of the first training."""
    retraining_epochs: int = 20
    """Epochs of stage 2, after each cut, for methods that retrain."""
    stage_two: str = "eigenvectors"
    """What stage 2 trains: ``"eigenvectors"``, as the text says, or ``"both"``, as the code did."""
    batch_size: int = 200
    """Examples per step."""
    learning_rate: float = 1e-3
    """Adam's step size."""
    precision: str = "fp32"
    """``"fp32"``, or ``"bf16"`` for large matrix products in bfloat16."""
    eigenvalue_range: tuple[float, float] = (-0.5, 0.5)
    """Uniform start of λ."""
    eigenvector_range: tuple[float, float] = (-0.2, 0.2)
    """Uniform start of φ."""
    penalties: tuple[float, ...] = (0.0,)
    """Weights γ of the ℓ1 penalty (Appendix D), one curve each; 0 for none."""
    percentiles: tuple[float, ...] = tuple(float(q) for q in range(0, 100, 5))
    """Percentiles of the score to cut at, each in [0, 100]."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """One realisation each."""
    train_images: int | None = None
    """Train on the first so many images only; ``None`` for all."""

    def __post_init__(self) -> None:
        _checks.whole_number("epochs", self.epochs)
        _checks.whole_number("retraining_epochs", self.retraining_epochs)
        _checks.choice("stage_two", self.stage_two, ("eigenvectors", "both"))
        _checks.whole_number("batch_size", self.batch_size, least=1)
        _checks.choice("precision", self.precision, PRECISIONS)
        _checks.assign(
            self,
            learning_rate=_checks.number("learning_rate", self.learning_rate, 0, open_low=True),
            eigenvalue_range=_checks.interval("eigenvalue_range", self.eigenvalue_range),
            eigenvector_range=_checks.interval("eigenvector_range", self.eigenvector_range),
            penalties=_checks.numbers("penalties", self.penalties, 0, math.inf),
            percentiles=_checks.numbers("percentiles", self.percentiles, 0, 100),
            seeds=_checks.whole_numbers("seeds", _checks.distinct("seeds", self.seeds)),
        )
        if self.train_images is not None:
            _checks.whole_number("train_images", self.train_images, least=1)


@dataclass(frozen=True)
class Figure:
    """A figure of the paper: a selection of panels."""

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
    """Nodes in place of every hidden layer's."""
    every_penalty: int = 1
    """Of a panel's weights γ, it takes the first and then every so many."""

    def of(self, panel: Panel) -> Panel:
        """A panel as it is at this preset."""
        changes: dict[str, Any] = {}
        if self.dataset is not None:
            changes |= {"dataset": self.dataset, "features": "none"}
        if self.width is not None:
            changes["hidden"] = (self.width,) * len(panel.hidden)
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


def _panels(
    dataset: str, activations: Sequence[str], depth: int, hidden: int = 500
) -> tuple[Panel, ...]:
    """Panels of a figure: as the text has them, then as the authors' released results."""
    written = [Panel(dataset, activation, (hidden,) * depth) for activation in activations]
    # Released with one hidden layer: 2000 nodes. With three: 500 each for pre, 800 each for the
    # others. Stage 2 trained λ too.
    others = dict.fromkeys(("direct", "post"), (800,) * depth)
    as_released = {
        "hidden": (2000,) if depth == 1 else (hidden,) * depth,
        "hidden_by_method": {} if depth == 1 else others,
        "recipe": {"stage_two": "both"},
        "variant": "released",
    }
    return (*written, *(dataclasses.replace(panel, **as_released) for panel in written))


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


# The paper chose by cross-validation; spectral_core.choice did by a held-out tenth of the images,
# with ELU and without penalty. results/choices has what it measured.
_CHOSEN: dict[str, dict[str, Any]] = {
    "direct": _for(40, 1e-4),
    "direct-inputs": _for(40, 1e-4),
    "post": _for(60, 1e-3),
    "pre": _for(20, 1e-4),
}
_GRID = (0.0, 1e-5, 1e-4, 5e-4, 1e-3, 1e-2, 1e-1, 1.0)  # of γ

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
}
"""Figures by name."""

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


class Cell(NamedTuple):
    """One point of a figure and the step that computes it."""

    panel: Panel
    method: str
    seed: int
    penalty: float
    percentile: float
    step: CutStep


@dataclass(frozen=True)
class Study:
    """All that a figure needs, at one setting."""

    figure: str
    preset: str
    panels: tuple[Panel, ...]
    recipe: Recipe
    overrides: Mapping[str, Any] = field(default_factory=dict)
    """Settings that differ from the preset's."""
    selection: tuple[str, ...] | None = None
    """Patterns of panel names that were asked for; ``None`` for the panels as written."""

    def recipe_of(self, panel: Panel, method: str | None = None) -> Recipe:
        """The recipe with what a panel sets by itself, for all methods or for one of them."""
        own = panel.recipe_by_method.get(method, {})
        return dataclasses.replace(self.recipe, **{**panel.recipe, **own})

    def cells(self) -> Iterator[Cell]:
        """Every point of the figure, panel by panel."""
        for panel in self.panels:
            recipe = self.recipe_of(panel)
            recipes = {method: self.recipe_of(panel, method) for method in panel.methods}
            for method, seed, penalty, percentile in itertools.product(
                panel.methods, recipe.seeds, recipe.penalties, recipe.percentiles
            ):
                step = cut_step(panel, recipes[method], method, seed, percentile, penalty)
                yield Cell(panel, method, seed, penalty, percentile, step)

    def steps(self) -> list[CutStep]:
        """The cuts behind every point, each once."""
        return list(dict.fromkeys(cell.step for cell in self.cells()))


def plan(
    figure: str,
    preset: str = "quick",
    panels: str | Sequence[str] | None = None,
    **overrides: Any,
) -> Study:
    """Resolve a figure, a preset and changes to it into what is to be computed.

    Args:
        figure: name out of :data:`FIGURES`.
        preset: name out of :data:`PRESETS`.
        panels: which panels, by patterns of their names in the registry: ``"*"`` for all,
            ``"*released"`` for those as released; those as written if ``None``.
        overrides: fields of :class:`Panel` or :class:`Recipe` to replace; ``None`` leaves the
            preset's value. ``seeds`` may be a count: 3 means seeds 0, 1, 2. A single width,
            method, penalty or percentile need not be in a list.

    Raises:
        TypeError, ValueError: if a name or value is not valid; names the nearest valid one.
    """
    chosen = PRESETS[_checks.choice("preset", preset, PRESETS)]
    selection = None if panels is None else _patterns(panels)
    selected = _selected(_checks.choice("figure", figure, FIGURES), selection)
    recipe_fields = [f.name for f in dataclasses.fields(Recipe)]
    changes = {}
    for name, value in overrides.items():
        _checks.choice("setting", name, SETTINGS)
        if value is not None:
            changes[name] = _listed(name, value)
    recipe_changes = {name: value for name, value in changes.items() if name in recipe_fields}
    recipe = dataclasses.replace(chosen.recipe, **recipe_changes)
    panel_changes = {name: value for name, value in changes.items() if name not in recipe_fields}
    if "hidden" in changes:
        panel_changes.setdefault("hidden_by_method", {})
    if "dataset" in changes:  # an image folder is read once, not for each panel
        panel_changes["dataset"] = changes["dataset"] = identify(changes["dataset"])
    of_preset = [chosen.of(panel) for panel in selected]
    changed = [
        dataclasses.replace(
            panel,
            recipe=_without(panel.recipe, recipe_changes),
            recipe_by_method={
                method: _without(own, recipe_changes)
                for method, own in panel.recipe_by_method.items()
            },
            **panel_changes,
        )
        for panel in of_preset
    ]
    before = [each for panel in of_preset for each in _recipes(chosen.recipe, panel)]
    after = [each for panel in changed for each in _recipes(recipe, panel)]
    pairs = [*zip(changed, of_preset), *zip(after, before)]
    return Study(
        figure=figure,
        preset=preset,
        panels=tuple({panel.name: panel for panel in changed}.values()),
        recipe=recipe,
        overrides={
            name: getattr(new, name)
            for name in changes
            for new, old in pairs
            if hasattr(new, name) and getattr(new, name) != getattr(old, name)
        },
        selection=selection,
    )


# A panel's recipe and variant say what it stands for.
SETTINGS: tuple[str, ...] = tuple(
    field.name
    for settings in (Panel, Recipe)
    for field in dataclasses.fields(settings)
    if field.name not in ("recipe", "recipe_by_method", "variant")
)
"""Fields of :class:`Panel` and :class:`Recipe` that a run may replace."""


def _patterns(panels: str | Sequence[str]) -> tuple[str, ...]:
    patterns = (panels,) if isinstance(panels, str) else tuple(panels)
    if not patterns or not all(isinstance(pattern, str) for pattern in patterns):
        raise TypeError(f"panels must be a pattern of names or a list of them; got {panels!r}")
    return patterns


def _selected(figure: str, selection: tuple[str, ...] | None) -> list[Panel]:
    """Panels of a figure that the patterns match; those as written if there are none."""
    panels = FIGURES[figure].panels
    if selection is None:
        return [panel for panel in panels if not panel.variant]
    for pattern in selection:
        if not any(fnmatchcase(panel.name, pattern) for panel in panels):
            names = ", ".join(panel.name for panel in panels)
            raise ValueError(f"panels must match some of {names}; got {pattern!r}")
    return [p for p in panels if any(fnmatchcase(p.name, pattern) for pattern in selection)]


def _without(recipe: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in recipe.items() if name not in changed}


def _recipes(recipe: Recipe, panel: Panel) -> list[Recipe]:
    """The recipe of each method of a panel."""
    return [
        dataclasses.replace(recipe, **{**panel.recipe, **panel.recipe_by_method.get(method, {})})
        for method in panel.methods
    ]


def _listed(name: str, value: Any) -> Any:
    """A single item in place of a list, and a count in place of seeds, as the list they mean."""
    if name == "seeds" and isinstance(value, int):
        return tuple(range(_checks.whole_number("seeds", value, least=1)))
    if name in ("hidden", "methods", "penalties", "percentiles") and isinstance(
        value, int | float | str
    ):
        return (value,)
    return value


def cut_step(
    panel: Panel,
    recipe: Recipe,
    method: str,
    seed: int,
    percentile: float,
    penalty: float = 0.0,
) -> CutStep:
    """Full configuration of one point: a trained network, cut once and perhaps retrained.

    Args:
        panel: data set and network.
        recipe: how it is trained and cut.
        method: name out of :data:`~spectral_core.strategies.STRATEGIES`.
        seed: whole number of at least 0.
        percentile: percentile of the score to cut at, in [0, 100].
        penalty: weight γ of the ℓ1 penalty in the first training, at least 0.

    Raises:
        TypeError, ValueError: if the method, the seed, the percentile or the penalty is not valid.
    """
    strategy = STRATEGIES[_checks.choice("method", method, STRATEGIES)]
    _checks.whole_number("seed", seed)
    percentile = _checks.number("percentile", percentile, 0, 100)  # a float: 50 and 50.0 are one
    spectral = strategy.layers == "spectral"
    trained = TrainStep(
        dataset=panel.inputs,
        train_images=recipe.train_images,
        activation=panel.activation,
        hidden=panel.hidden_of(method),
        layers=strategy.layers,
        trains=strategy.trains,
        eigenvalue_range=recipe.eigenvalue_range if spectral else None,
        eigenvector_range=recipe.eigenvector_range if spectral else None,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        precision=recipe.precision,
        seed=seed,
        output_bias=panel.output_bias,
        penalty=_checks.number("penalty", penalty, 0),
    )
    retrains = strategy.retrains and recipe.retraining_epochs > 0
    return CutStep(
        trained=trained,
        score=strategy.score,
        percentile=percentile,
        retrains=recipe.stage_two if retrains else None,
        retraining_epochs=recipe.retraining_epochs if retrains else 0,
        removes=strategy.removes,
    )
