"""What is to be computed: panels and recipes, the presets, and the registry of figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from spectral_core import _checks
from spectral_core.data import DATASETS
from spectral_core.networks import ACTIVATIONS
from spectral_core.steps import CutStep, TrainStep, hidden_label
from spectral_core.strategies import STRATEGIES
from spectral_core.training import PRECISIONS


@_checks.named_settings
@dataclass(frozen=True)
class Panel:
    """One plot: a data set, a network, and the methods compared on it."""

    dataset: str
    """Name of a data set, see :data:`spectral_core.data.DATASETS`."""
    activation: str
    """``"elu"``, ``"relu"`` or ``"tanh"``."""
    hidden: tuple[int, ...]
    """Nodes of each hidden layer, each at least 1."""
    hidden_by_method: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Widths of the methods that differ from ``hidden``."""
    methods: tuple[str, ...] = ("direct", "post", "pre")
    """Names out of :data:`~spectral_core.strategies.STRATEGIES`."""

    def __post_init__(self) -> None:
        _checks.choice("dataset", self.dataset, DATASETS)
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

    @property
    def name(self) -> str:
        """``fashion-mnist-elu-500``: data set, activation and hidden widths."""
        widths = [hidden_label(self.hidden)]
        widths += [f"{m}-{hidden_label(h)}" for m, h in sorted(self.hidden_by_method.items())]
        return "-".join([self.dataset, self.activation, *widths])

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
    panel: Mapping[str, Any] = field(default_factory=dict)
    """Fields of every panel that the preset replaces."""


FIGURES: dict[str, Figure] = {
    "fig03": Figure(
        "Fashion-MNIST, one hidden layer",
        (Panel("fashion-mnist", "elu", (500,)),),
    ),
}
"""Figures by name."""

PRESETS: dict[str, Preset] = {
    "smoke": Preset(
        Recipe(epochs=4, retraining_epochs=1, seeds=(0, 1), percentiles=(0.0, 50.0, 90.0)),
        purpose="seconds, on the 8×8 digits, to see that everything runs",
        panel={"dataset": "digits", "hidden": (32,), "hidden_by_method": {}},
    ),
    "quick": Preset(
        Recipe(
            epochs=10,
            retraining_epochs=2,
            seeds=(0, 1),
            percentiles=(0.0, 20.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 95.0),
        ),
        purpose="about a minute, the shape of the curves is right",
    ),
    "paper": Preset(Recipe(), purpose="the paper's settings, five seeds, 100 + 20 epochs"),
}
"""Presets by name."""


class Cell(NamedTuple):
    """One point of a figure and the step that computes it."""

    panel: Panel
    method: str
    seed: int
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

    def cells(self) -> Iterator[Cell]:
        """Every point of the figure, panel by panel."""
        for panel in self.panels:
            for method in panel.methods:
                for seed in self.recipe.seeds:
                    for percentile in self.recipe.percentiles:
                        step = cut_step(panel, self.recipe, method, seed, percentile)
                        yield Cell(panel, method, seed, percentile, step)

    def steps(self) -> list[CutStep]:
        """The cuts behind every point, each once."""
        return list(dict.fromkeys(cell.step for cell in self.cells()))


def plan(figure: str, preset: str = "quick", **overrides: Any) -> Study:
    """Resolve a figure, a preset and changes to it into what is to be computed.

    Args:
        figure: name out of :data:`FIGURES`.
        preset: name out of :data:`PRESETS`.
        overrides: fields of :class:`Panel` or :class:`Recipe` to replace; ``None`` leaves the
            preset's value. ``seeds`` may be a count: 3 means seeds 0, 1, 2. A single width,
            method or percentile need not be in a list.

    Raises:
        TypeError, ValueError: if a name or value is not valid; names the nearest valid one.
    """
    chosen = PRESETS[_checks.choice("preset", preset, PRESETS)]
    panels = FIGURES[_checks.choice("figure", figure, FIGURES)].panels
    panel_fields = [f.name for f in dataclasses.fields(Panel)]
    recipe_fields = [f.name for f in dataclasses.fields(Recipe)]
    changes = {}
    for name, value in overrides.items():
        _checks.choice("setting", name, panel_fields + recipe_fields)
        if value is not None:
            changes[name] = _listed(name, value)
    preset_panels = [dataclasses.replace(panel, **chosen.panel) for panel in panels]
    panel_changes = {name: value for name, value in changes.items() if name in panel_fields}
    if "hidden" in changes:
        panel_changes.setdefault("hidden_by_method", {})
    changed = [dataclasses.replace(panel, **panel_changes) for panel in preset_panels]
    recipe_changes = {name: value for name, value in changes.items() if name in recipe_fields}
    recipe = dataclasses.replace(chosen.recipe, **recipe_changes)
    pairs = [(recipe, chosen.recipe), *zip(changed, preset_panels)]
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
    )


def _listed(name: str, value: Any) -> Any:
    """A single item in place of a list, and a count in place of seeds, as the list they mean."""
    if name == "seeds" and isinstance(value, int):
        return tuple(range(_checks.whole_number("seeds", value, least=1)))
    if name in ("hidden", "methods", "percentiles") and isinstance(value, int | float | str):
        return (value,)
    return value


def cut_step(panel: Panel, recipe: Recipe, method: str, seed: int, percentile: float) -> CutStep:
    """Full configuration of one point: a trained network, cut once and perhaps retrained.

    Args:
        panel: data set and network.
        recipe: how it is trained and cut.
        method: name out of :data:`~spectral_core.strategies.STRATEGIES`.
        seed: whole number of at least 0.
        percentile: percentile of the score to cut at, in [0, 100].

    Raises:
        TypeError, ValueError: if the method, the seed or the percentile is not valid.
    """
    strategy = STRATEGIES[_checks.choice("method", method, STRATEGIES)]
    _checks.whole_number("seed", seed)
    percentile = _checks.number("percentile", percentile, 0, 100)  # a float: 50 and 50.0 are one
    spectral = strategy.layers == "spectral"
    trained = TrainStep(
        dataset=panel.dataset,
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
    )
    retrains = strategy.retrains and recipe.retraining_epochs > 0
    return CutStep(
        trained=trained,
        score=strategy.score,
        percentile=percentile,
        retrains=recipe.stage_two if retrains else None,
        retraining_epochs=recipe.retraining_epochs if retrains else 0,
    )
