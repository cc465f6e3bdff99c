"""Options that commands of ``spectral-core`` share, and the values that they take."""

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from spectral_core._checks import choice
from spectral_core.data.directories import DATA_VARIABLE
from spectral_core.paper import paths
from spectral_core.paper.run.backends import BACKENDS
from spectral_core.paper.study.figures import EXPERIMENTS, FIGURES, PRESETS, QUESTIONS
from spectral_core.paper.study.methods import METHODS
from spectral_core.paper.study.settings import Settings

DRAWN = ("fig01", "fig02", "fig05")
"""Figures that are drawn from a layer, or from a list of steps, without results."""

FIGURE_NAMES = (
    f"FIGURE is one of {', '.join(FIGURES)}; or one of the questions that the paper leaves open: "
    f"{', '.join(QUESTIONS)}."
)


class Numbers(click.ParamType):
    """Numbers, or words, separated by commas or, for widths, dashes."""

    def __init__(self, kind: type, separator: str = ",", alone: str = "") -> None:
        self.kind, self.separator, self.alone = kind, separator, alone
        self.name = separator.join([kind.__name__] * 2) + "…"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if not isinstance(value, str) or value == self.alone:
            return value
        try:
            items = value.removesuffix(self.separator).split(self.separator)
            return tuple(self.kind(item) for item in items)
        except ValueError:
            alone = f", or {self.alone}" if self.alone else ""
            self.fail(f"{value!r} is not a list like {self.name}{alone}", param, ctx)


class Seeds(Numbers):
    """How many seeds, or, where there is a comma, which ones."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if isinstance(value, str) and self.separator not in value:
            return click.INT.convert(value, param, ctx)
        return super().convert(value, param, ctx)


class WidthsByMethod(click.ParamType):
    """Widths of some methods: ``direct=800-800-800,post=800-800-800``."""

    name = "METHOD=INT-INT…,…"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if not isinstance(value, str):
            return value
        pairs = [item.split("=") for item in value.split(",")]
        if any(len(pair) != 2 for pair in pairs):
            self.fail(f"{value!r} is not like {self.name}", param, ctx)
        return {method: _WIDTHS.convert(hidden, param, ctx) for method, hidden in pairs}


class FigureName(click.ParamType):
    """Name of a figure that is computed; an error names the nearest one."""

    name = "figure"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if value in DRAWN:
            self.fail(f"{value} is drawn, not computed; run: spectral-core notebook {value}")
        try:
            return choice("figure", value, EXPERIMENTS)
        except ValueError as error:
            self.fail(str(error), param, ctx)


FOLDER = click.Path(path_type=Path, file_okay=False)
_WIDTHS = Numbers(int, "-")
_TYPES: dict[str, click.ParamType] = {
    "Widths": _WIDTHS,
    "Seeds": Seeds(int),
    "Numbers": Numbers(float),
    "Range": Numbers(float),
    "StartingRange": Numbers(float, alone="glorot"),
    "float": click.FLOAT,
    "int": click.INT,
    "int | None": click.INT,
    "str": click.STRING,
}
_FIELDS = {field.name: field for field in dataclasses.fields(Settings)}


def _setting(field: dataclasses.Field) -> Callable[..., Any]:
    """The option of a setting."""
    name, text = field.name.replace("_", "-"), field.metadata["help"]
    if field.type == "bool":
        return click.option(f"--{name}/--no-{name}", default=None, help=text)
    values = field.metadata["rule"].values
    return click.option(f"--{name}", type=_TYPES[field.type], help=f"{text} [{values}]")


def preset_option(default: str | None, text: str) -> Callable[..., Any]:
    """The option that picks a preset."""
    kind = click.Choice(list(PRESETS))
    return click.option("--preset", type=kind, default=default, show_default=True, help=text)


def all_of(*options: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that adds several options to a command."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def _use_data_dir(context: click.Context, option: click.Parameter, folder: Path | None) -> None:
    """Name the data directory once, for this process and those that it starts."""
    if folder is not None:
        os.environ[DATA_VARIABLE] = str(folder.absolute())


figure_argument = click.argument("figure", type=FigureName(), metavar="FIGURE")
_panels = click.option(
    "--panels",
    type=Numbers(str),
    help="Patterns of panel names: '*' for all, '*released' [default: those at the settings of the "
    "paper's text].",
)
data_dir_option = click.option(
    "--data-dir",
    type=FOLDER,
    callback=_use_data_dir,
    expose_value=False,
    help=f"Where data sets are [default: ${DATA_VARIABLE}, else the user's cache folder].",
)
store_option = click.option(
    "--store",
    "store_dir",
    type=FOLDER,
    default=paths.local_results,
    help="Where finished steps are kept [default: $SPECTRAL_CORE_STORE, else results/local].",
)
_COMPUTING = ("workers", "device", "backend", "scheduler", "max_wait")
of_computing = all_of(
    click.option(
        "--workers", type=int, help="Parallel processes [default: one per core; 1 on a GPU]."
    ),
    click.option(
        "--device", default="cpu", show_default=True, help="Torch device, such as cpu or cuda."
    ),
    click.option(
        "--backend",
        type=click.Choice(BACKENDS),
        default="loky",
        show_default=True,
        help="loky: processes on this machine; dask: a cluster, which needs the extra [dask].",
    ),
    click.option("--scheduler", help="Address of the dask scheduler, such as tcp://host:8786."),
    click.option(
        "--max-wait",
        type=click.FloatRange(min=0),
        help="Seconds after which to give up on a dask cluster without workers [default: never].",
    ),
    data_dir_option,
)


def apart(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values of :data:`settings_options`, and those of :data:`of_computing`."""
    how = {name: value for name, value in values.items() if name in _COMPUTING}
    return {name: value for name, value in values.items() if name not in how}, how


_methods = click.option(
    "--methods",
    type=Numbers(str),
    help=f"Methods to compare [default: the figure's]: {', '.join(METHODS)}.",
)
of_networks = all_of(
    _panels, _methods, _setting(_FIELDS["seeds"]), _setting(_FIELDS["precision"]), store_option
)
of_a_run = all_of(*(_setting(_FIELDS[name]) for name in ("percentiles", "penalties")), of_networks)
settings_options = all_of(
    preset_option("quick", "; ".join(f"{name}: {p.purpose}" for name, p in PRESETS.items())),
    _panels,
    _methods,
    *map(_setting, _FIELDS.values()),
    click.option(
        "--hidden-by-method",
        type=WidthsByMethod(),
        help="Widths of single methods, in place of --hidden, such as direct=800,post=800.",
    ),
)


def value_of(name: str, text: str) -> Any:
    """The value of a notebook's parameter: True, False, None, JSON, or else text.

    Raises:
        click.BadParameter: if the text begins like JSON and is none.
    """
    if text in ("True", "False", "None"):
        return {"True": True, "False": False, "None": None}[text]
    is_text = name in _FIELDS and _FIELDS[name].type == "str"
    if is_text and not text.startswith('"'):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        if text.startswith(tuple('[{"-0123456789')):
            raise click.BadParameter(
                f"{name} must be JSON, such as 3 or [500], or a word; got {text!r}"
            ) from error
        return text
