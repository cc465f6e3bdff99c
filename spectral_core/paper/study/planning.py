"""What is to be computed: a figure or a question at a preset, with changes to it, as steps."""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from spectral_core import _checks
from spectral_core.data import identify
from spectral_core.paper.study.figures import EXPERIMENTS, PRESETS
from spectral_core.paper.study.panels import Panel
from spectral_core.paper.study.settings import Settings
from spectral_core.paper.study.steps import CutStep, cut_step

SETTINGS: tuple[str, ...] = (
    *(field.name for field in dataclasses.fields(Settings)),
    *("hidden_by_method", "methods"),
)
"""What a run may change: fields of :class:`~spectral_core.paper.study.settings.Settings`; widths of
single methods, by method; and which methods are compared."""


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
    """All that a figure needs, at one preset."""

    figure: str
    preset: str
    panels: tuple[Panel, ...]
    overrides: Mapping[str, Any] = field(default_factory=dict)
    """Settings that differ from the preset's."""
    selection: tuple[str, ...] | None = None
    """Patterns of panel names that were asked for; ``None`` for those at text settings."""

    def cells(self, only: Panel | None = None) -> Iterator[Cell]:
        """Every point of the figure, panel by panel; or of one of its panels."""
        for panel in self.panels if only is None else (only,):
            for method, own in panel.settings.items():
                for seed, penalty, percentile in itertools.product(
                    own.seeds, own.penalties, own.percentiles
                ):
                    step = cut_step(own, method, seed, percentile, penalty)
                    yield Cell(panel, method, seed, penalty, percentile, step)

    def steps(self) -> list[CutStep]:
        """The step behind every point, each once."""
        return list(dict.fromkeys(cell.step for cell in self.cells()))


def plan(
    name: str,
    preset: str = "quick",
    panels: str | Sequence[str] | None = None,
    **overrides: Any,
) -> Study:
    """Resolve a figure, a preset and changes to it into what is to be computed.

    Args:
        name: out of :data:`~spectral_core.paper.study.figures.EXPERIMENTS`.
        preset: name out of :data:`~spectral_core.paper.study.figures.PRESETS`.
        panels: which panels, by patterns of their names in the registry: ``"*"`` for all,
            ``"*released"`` for those at released settings; those at text settings if ``None``.
        overrides: settings to replace for all methods, out of :data:`SETTINGS`; ``None`` leaves
            the preset's value. ``seeds`` may be a count: 3 means seeds 0, 1, 2. A single width,
            method, penalty or percentile need not be in a list.

    Raises:
        TypeError, ValueError: if a name or value is not valid; names the nearest valid one.
    """
    chosen = PRESETS[_checks.choice("preset", preset, PRESETS)]
    selection = None if panels is None else _patterns(panels)
    selected = _selected(_checks.choice("figure", name, EXPERIMENTS), selection)
    for setting in overrides:
        _checks.choice("setting", setting, SETTINGS)
    changes = {setting: value for setting, value in overrides.items() if value is not None}
    if "dataset" in changes:  # an image folder is read once, not for each panel
        changes["dataset"] = identify(changes["dataset"])
    of_preset = [chosen.of(panel) for panel in selected]
    changed = [_changed(panel, changes) for panel in of_preset]
    first: dict[str, Panel] = {}  # of those that a change makes one
    for panel in changed:
        first.setdefault(panel.name, panel)
    return Study(
        figure=name,
        preset=preset,
        panels=tuple(first.values()),
        overrides=_differences(changes, changed, of_preset),
        selection=selection,
    )


def _patterns(panels: str | Sequence[str]) -> tuple[str, ...]:
    patterns = (panels,) if isinstance(panels, str) else tuple(panels)
    if not patterns or not all(isinstance(pattern, str) for pattern in patterns):
        raise TypeError(f"panels must be a pattern of names or a list of them; got {panels!r}")
    return patterns


def _selected(figure: str, selection: tuple[str, ...] | None) -> list[Panel]:
    """Panels of a figure that the patterns match; those at text settings if there are none."""
    panels = EXPERIMENTS[figure]
    for pattern in selection or ():
        if not any(is_selected(panel, [pattern]) for panel in panels):
            names = ", ".join(panel.name for panel in panels)
            raise ValueError(f"panels must match some of {names}; got {pattern!r}")
    return [panel for panel in panels if is_selected(panel, selection)]


def is_selected(panel: Panel, patterns: Sequence[str] | None) -> bool:
    """Whether a panel's name matches some pattern; or, without patterns, it has text settings."""
    if patterns is None:
        return panel.source == "text"
    return any(fnmatchcase(panel.name, pattern) for pattern in patterns)


def _changed(panel: Panel, changes: Mapping[str, Any]) -> Panel:
    """A panel with the changes, for all of its methods."""
    own = dict(changes)
    methods, widths = own.pop("methods", None), own.pop("hidden_by_method", None)
    if methods is not None:
        methods = (methods,) if isinstance(methods, str) else methods
        panel = panel.of_methods(_checks.distinct("methods", methods))
    if widths is not None:
        if not isinstance(widths, Mapping):
            raise TypeError(f"hidden_by_method must map methods to widths; got {widths!r}")
        own.setdefault("hidden", panel.base.hidden)
    panel = panel.map(lambda settings: replace(settings, **own))
    settings = dict(panel.settings)
    for method, hidden in (widths or {}).items():
        own = settings[_checks.choice(f"hidden_by_method of {panel.name}", method, settings)]
        hidden = (hidden,) if isinstance(hidden, int) else hidden
        hidden = _checks.whole_numbers(f"hidden_by_method[{method!r}]", hidden, least=1)
        settings[method] = replace(own, hidden=hidden)
    return replace(panel, settings=settings)


def _differences(
    changes: Mapping[str, Any], changed: Sequence[Panel], of_preset: Sequence[Panel]
) -> dict[str, Any]:
    """Which of the changes make a difference, each with its value as the settings have it."""
    differences: dict[str, Any] = {}
    for new, old in zip(changed, of_preset):
        before = old.of_methods(new.methods)
        pairs = list(zip(new.settings.values(), before.settings.values()))
        for name in changes:
            if name == "hidden_by_method":
                if any(after.hidden != was.hidden for after, was in pairs):
                    own = {method: new.settings[method].hidden for method in changes[name]}
                    differences[name] = differences.get(name, {}) | own
            elif name == "methods":
                differences |= {name: new.methods} if new.methods != old.methods else {}
            elif any(getattr(after, name) != getattr(was, name) for after, was in pairs):
                differences[name] = getattr(new.base, name)
    return differences
