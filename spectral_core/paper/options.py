"""Options that commands of ``spectral-core`` share, and the types of their values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from spectral_core._checks import choice
from spectral_core.paper import paths
from spectral_core.paper.study.figures import EXPERIMENTS, FIGURES, PRESETS, QUESTIONS
from spectral_core.paper.study.methods import METHODS
from spectral_core.paper.study.settings import Entry, dictionary

PRESET_HELP = "; ".join(f"{name}: {preset.purpose}" for name, preset in PRESETS.items())


class Numbers(click.ParamType):
    """Numbers separated by commas or, for widths, dashes."""

    def __init__(self, kind: type, separator: str = ",") -> None:
        self.kind, self.separator = kind, separator
        self.name = separator.join([kind.__name__] * 2) + "…"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            items = value.removesuffix(self.separator).split(self.separator)
            return tuple(self.kind(item) for item in items)
        except ValueError:
            self.fail(f"{value!r} is not a list like {self.name}", param, ctx)


class Seeds(Numbers):
    """How many seeds, or, where there is a comma, which ones."""

    def __init__(self) -> None:
        super().__init__(int)

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if isinstance(value, str) and self.separator not in value:
            return click.INT.convert(value, param, ctx)
        return super().convert(value, param, ctx)


class Start(Numbers):
    """A range of numbers, or ``glorot``."""

    def __init__(self) -> None:
        super().__init__(float)

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        return value if value == "glorot" else super().convert(value, param, ctx)


class WidthsByMethod(click.ParamType):
    """Widths of some methods: ``direct=800-800-800,post=800-800-800``."""

    name = "METHOD=INT-INT…,…"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if not isinstance(value, str):
            return value
        widths = Numbers(int, "-")
        pairs = [item.split("=") for item in value.split(",")]
        if any(len(pair) != 2 for pair in pairs):
            self.fail(f"{value!r} is not like {self.name}", param, ctx)
        return {method: widths.convert(hidden, param, ctx) for method, hidden in pairs}


class FigureName(click.ParamType):
    """Name of a figure that is computed; the nearest one is told for any other."""

    name = "figure"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if value in DRAWN:
            self.fail(f"{value} is drawn, not computed; run: spectral-core notebook {value}")
        try:
            return choice("figure", value, EXPERIMENTS)
        except ValueError as error:
            self.fail(str(error), param, ctx)


DRAWN = ("fig01", "fig02", "fig05")
"""Figures that are drawn from a layer, or from a list of steps, without results."""

FIGURE_NAMES = (
    f"FIGURE is one of {', '.join(FIGURES)}; or one of "
    f"the questions that the paper leaves open: {', '.join(QUESTIONS)}."
)
figure_argument = click.argument("figure", type=FigureName(), metavar="FIGURE")


def preset_option(default: str, purpose: str) -> Callable[..., Any]:
    """The option that picks a preset."""
    return click.option(
        "--preset",
        type=click.Choice(list(PRESETS)),
        default=default,
        show_default=True,
        help=purpose,
    )


seeds_option = click.option(
    "--seeds",
    type=Seeds(),
    help="How many realisations, 3 for seeds 0, 1, 2; or which ones: 0,2,4 (a single one: 4,).",
)


_TYPES: dict[str, click.ParamType] = {
    "Widths": Numbers(int, "-"),
    "Seeds": Seeds(),
    "Numbers": Numbers(float),
    "Range": Start(),
    "StartingRange": Start(),
    "float": click.FLOAT,
    "int": click.INT,
    "int | None": click.INT,
    "str": click.STRING,
}


def _option(entry: Entry) -> Callable[..., Any]:
    """The option of a setting."""
    name = entry.name.replace("_", "-")
    text = f"{entry.help} [{entry.values}]"
    if entry.kind == "bool":
        return click.option(f"--{name}/--no-{name}", default=None, help=entry.help)
    return click.option(f"--{name}", type=_TYPES[entry.kind], help=text)


def settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that change a preset: each of the settings, and which panels and methods."""
    options = [
        preset_option("quick", PRESET_HELP),
        click.option("--panels", type=Numbers(str), help="Patterns of panel names: '*' for all, "
                     "'*released' [default: those at the settings of the paper's text]."),
        click.option("--methods", type=Numbers(str), help=f"Out of {', '.join(METHODS)}."),
        *map(_option, dictionary()),
        click.option("--hidden-by-method", type=WidthsByMethod(),
                     help="Widths where methods differ, like direct=800,post=800."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


panels_option = click.option(
    "--panels",
    type=Numbers(str),
    help="Patterns of panel names [default: those as written in the paper].",
)
precision_option = click.option(
    "--precision", help="Of the run that is meant [default: the preset's]."
)
data_dir_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where data sets are kept [default: the user's cache folder].",
)
store_option = click.option(
    "--store",
    "store_dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=paths.local_results,
    help="Where finished steps are kept [default: results/local, or $SPECTRAL_CORE_STORE].",
)
workers_option = click.option(
    "--workers", type=int, help="Processes side by side [default: all cores; 1 on a GPU]."
)
device_option = click.option(
    "--device", default="cpu", show_default=True, help="Torch device, such as cpu or cuda."
)
