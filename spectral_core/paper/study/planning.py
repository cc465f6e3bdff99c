"""What is to be computed: a figure at a preset, with changes to it, as steps."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from spectral_core import _checks
from spectral_core.data import identify
from spectral_core.paper.study.figures import FIGURES, PRESETS
from spectral_core.paper.study.methods import STRATEGIES
from spectral_core.paper.study.panels import Panel, Recipe
from spectral_core.paper.study.steps import CutStep, TrainStep


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
        return _recipe_of(self.recipe, panel, method)

    def cells(self) -> Iterator[Cell]:
        """Every point of the figure, panel by panel."""
        for panel in self.panels:
            for method in panel.methods:
                recipe = self.recipe_of(panel, method)
                for seed, penalty, percentile in itertools.product(
                    recipe.seeds, recipe.penalties, recipe.percentiles
                ):
                    step = cut_step(panel, recipe, method, seed, percentile, penalty)
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
        figure: name out of :data:`~spectral_core.paper.study.figures.FIGURES`.
        preset: name out of :data:`~spectral_core.paper.study.figures.PRESETS`.
        panels: which panels, by patterns of their names in the registry: ``"*"`` for all,
            ``"*released"`` for those as released; those as written if ``None``.
        overrides: settings to replace, out of :data:`SETTINGS`; ``None`` leaves the preset's
            value. ``seeds`` may be a count: 3 means seeds 0, 1, 2. A single width, method, penalty
            or percentile need not be in a list.

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
    of_methods = _recipes_of(panel_changes)
    unchanged = [  # the same panels at the preset's own recipe
        dataclasses.replace(
            panel, recipe_by_method={**of_methods, **panel.recipe_by_method}, **panel_changes
        )
        for panel in of_preset
    ]
    changed = [
        dataclasses.replace(
            panel,
            recipe=_without(panel.recipe, recipe_changes),
            recipe_by_method={
                method: _without(own, recipe_changes)
                for method, own in panel.recipe_by_method.items()
            },
        )
        for panel in unchanged
    ]
    first: dict[str, Panel] = {}  # of those that became one by a change, the one as written
    for panel in changed:
        first.setdefault(panel.name, panel)
    before = [each for panel in unchanged for each in _recipes(chosen.recipe, panel)]
    after = [each for panel in changed for each in _recipes(recipe, panel)]
    pairs = [*zip(changed, of_preset), *zip(after, before)]
    return Study(
        figure=figure,
        preset=preset,
        panels=tuple(first.values()),
        recipe=recipe,
        overrides={
            name: getattr(new, name)
            for name in changes
            for new, old in pairs
            if hasattr(new, name) and getattr(new, name) != getattr(old, name)
        },
        selection=selection,
    )


# A panel's recipe, variant and variation say what it stands for.
SETTINGS: tuple[str, ...] = tuple(
    field.name
    for settings in (Panel, Recipe)
    for field in dataclasses.fields(settings)
    if field.name not in ("recipe", "recipe_by_method", "variant", "variation")
)
"""Fields of :class:`~spectral_core.paper.study.panels.Panel` and
:class:`~spectral_core.paper.study.panels.Recipe` that a run may replace."""


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


def _recipes_of(changes: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What methods that are new to a panel set by themselves."""
    named = (name for name in changes.get("methods", ()) if name in STRATEGIES)
    return {name: STRATEGIES[name].recipe for name in named if STRATEGIES[name].recipe}


def _without(recipe: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in recipe.items() if name not in changed}


def _recipe_of(recipe: Recipe, panel: Panel, method: str | None) -> Recipe:
    """A recipe with what a panel sets by itself, for all methods or for one of them."""
    own = panel.recipe_by_method.get(method, {})
    return dataclasses.replace(recipe, **{**panel.recipe, **own})


def _recipes(recipe: Recipe, panel: Panel) -> list[Recipe]:
    """The recipe of each method of a panel."""
    return [_recipe_of(recipe, panel, method) for method in panel.methods]


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
        method: name out of :data:`~spectral_core.paper.study.methods.STRATEGIES`.
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
        decay=recipe.decay,
        input_eigenvalues=spectral and panel.input_eigenvalues,
    )
    epochs = recipe.retraining_epochs if strategy.retrains else 0
    epochs += recipe.epochs if strategy.restarts else 0
    in_rounds = epochs > 0 and strategy.removes == "nodes" and not strategy.restarts
    everything = strategy.trains == "both" or strategy.restarts
    return CutStep(
        trained=trained,
        score=strategy.score,
        percentile=percentile,
        retrains=None if epochs == 0 else "both" if everything else recipe.stage_two,
        retraining_epochs=epochs,
        removes=strategy.removes,
        score_images=strategy.score_images,
        keeps=strategy.keeps,
        per_layer=strategy.per_layer,
        scaled=strategy.scaled,
        restarts=strategy.restarts,
        rounds=recipe.rounds if in_rounds else 1,
    )
