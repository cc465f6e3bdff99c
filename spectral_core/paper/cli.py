"""The command ``spectral-core``."""

import itertools
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import click

from spectral_core._checks import choice
from spectral_core.data import DATASETS, Availability, available, fetch
from spectral_core.data.directories import DATA_VARIABLE, SEARCH_PATH_VARIABLE
from spectral_core.paper import paths
from spectral_core.paper.options import (
    FIGURE_NAMES,
    FOLDER,
    FigureName,
    apart,
    data_dir_option,
    figure_argument,
    of_a_run,
    of_computing,
    of_networks,
    preset_option,
    settings_options,
    store_option,
    value_of,
)
from spectral_core.paper.run import compute as computing
from spectral_core.paper.run import tuning
from spectral_core.paper.run.backends import GO_ON, check_backend
from spectral_core.paper.run.remaining import Remaining, remaining
from spectral_core.paper.run.store import Store
from spectral_core.paper.run.worker import check_device
from spectral_core.paper.study.figures import EXPERIMENTS, FIGURES, PRESETS
from spectral_core.paper.study.planning import SETTINGS, Study, is_selected, plan

# What needs pandas or IPython, which take long to import, is imported where it is used.


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(package_name="spectral-core")
def cli(debug: bool) -> None:
    """Spectral pruning of fully connected layers: compute, check and read the paper's figures.

    \b
    spectral-core compute fig03 --preset quick     train, prune and store what Fig. 3 needs
    spectral-core verify fig03                     compare with the published results
    spectral-core notebook fig03 -p seeds 3        run the figure's notebook
    spectral-core book                             run all notebooks and build the book

    To resume an interrupted command, run it again. Exit codes: 0 done, 1 failed or results
    disagree, 2 wrong arguments, 130 interrupted.
    """


@cli.group()
def data() -> None:
    """Fetch, verify and list data sets."""


@data.command("list")
@data_dir_option
def list_data() -> None:
    """List which data sets are on this machine, without using the internet."""
    for row in available():
        click.echo(_line(row))


@data.command("fetch")
@click.argument("names", nargs=-1, required=True)
@data_dir_option
def fetch_data(names: tuple[str, ...]) -> None:
    """Fetch the data sets that are not on this machine yet, and verify their checksums.

    Names are those that spectral-core data list prints.
    """
    for name in names:
        click.echo(f"{name}: {fetch(name)}")


@data.command("verify")
@click.argument("names", nargs=-1)
@data_dir_option
def verify_data(names: tuple[str, ...]) -> None:
    """Verify the checksums of the data sets named, or of all that are on this machine."""
    wanted = [choice("name", name, DATASETS) for name in names]
    rows = [row for row in available() if (row.name in wanted if wanted else row.found)]
    for row in rows:
        click.echo(_line(row))
    if not all(row.checksums_ok for row in rows):
        raise click.exceptions.Exit(1)


@cli.command(epilog=FIGURE_NAMES)
@figure_argument
@settings_options
@of_computing
@store_option
@click.option(
    "--dry-run",
    is_flag=True,
    help="Compute nothing; print what is missing and how long it would take.",
)
def compute(figure: str, store_dir: Path, dry_run: bool, **values: Any) -> None:
    """Train, prune and store what a figure needs and the store lacks. Needs no Jupyter.

    With --backend dask the workers of a cluster compute, one thread each; they and this command
    must see the store at the same path, on a disk that they share.
    """
    changes, how = apart(values)
    run = plan(figure, **changes)
    title = f"{figure} at the preset {run.preset}"
    if dry_run:
        check_backend(how["backend"], how["scheduler"], how["workers"], how["max_wait"])
        check_device(how["device"])
        processes = computing.at_once(how["workers"], how["device"])
        left = remaining(run.steps(), Store(store_dir), workers=processes, device=how["device"])
        click.echo(f"{title}: {_in_words(left, processes)}")
        return
    cost = computing.compute(run.steps(), Store(store_dir), **how)
    click.echo(_accuracies(run, store_dir))
    click.echo(
        f"{title}: steps run: {cost.steps}, in {_duration(cost.seconds)}, with "
        f"{_duration(cost.computing)} of computing; they are stored in {store_dir}"
    )


@cli.command(epilog=FIGURE_NAMES)
@figure_argument
@settings_options
@click.option(
    "--setting",
    default="training",
    show_default=True,
    help="What to choose. training: learning rate and epochs of each method; decay: the L2 weight "
    "of the method stronger; penalty: the ℓ1 weight γ of each method.",
)
@of_computing
@store_option
@click.option("--output-dir", type=FOLDER, help="Where the records go [default: results/choices].")
def choose(
    figure: str, setting: str, store_dir: Path, output_dir: Path | None, **values: Any
) -> None:
    """Choose training settings by the accuracy on a held-out tenth of the training images.

    Writes the accuracies and the chosen settings to one file per panel, named after the panel; the
    next run overwrites it. The figure's own settings are not changed.
    """
    fixed = tuning.TUNINGS[choice("setting", setting, tuning.TUNINGS)].sets
    changes, how = apart(values)
    if given := [name for name in fixed if changes[name] is not None]:
        raise click.UsageError(f"--setting {setting} sets {', '.join(given)}; leave that out")
    study = plan(figure, **changes)
    for file, chosen in tuning.record(study, setting, Store(store_dir), output_dir, **how):
        click.echo(f"{file}: {chosen}")


@cli.command()
@click.argument("name", required=False)
@click.option("--all", "every", is_flag=True, help="Run every notebook of the project.")
@click.option(
    "-p",
    "--parameter",
    "pairs",
    nargs=2,
    multiple=True,
    metavar="NAME VALUE",
    help="Set a parameter or a setting; VALUE is JSON, or else text: -p seeds 3 -p hidden '[500]'.",
)
@click.option("--prepare-only", is_flag=True, help="Insert the parameters, but do not run it.")
@click.option(
    "--output-dir",
    type=FOLDER,
    help="Folder for the result [default: book/figures; with --prepare-only _prepared].",
)
def notebook(
    name: str | None,
    every: bool,
    pairs: tuple[tuple[str, str], ...],
    prepare_only: bool,
    output_dir: Path | None,
) -> None:
    """Run a notebook, such as fig03, with papermill. An unknown parameter is an error."""
    from spectral_core.paper.pages import notebooks

    sources = notebooks.sources()
    if every == (name is not None):
        raise click.UsageError(f"name one notebook, or give --all; there are {', '.join(sources)}")
    names = list(sources) if name is None else [choice("notebook", name, sources)]
    declared = {each: notebooks.declared_parameters(sources[each]) for each in names}
    known = set().union(*declared.values())
    known |= set(SETTINGS) if "settings" in known else set()
    given = {choice("parameter", key, sorted(known)): value_of(key, text) for key, text in pairs}
    parameters = {each: _parameters(each, given, declared[each]) for each in names}
    if every and not prepare_only:
        made = notebooks.execute_all(parameters, output_dir)
    else:
        run = partial(notebooks.execute, folder=output_dir, prepare_only=prepare_only)
        made = [run(each, parameters[each]) for each in names]
    for file in made:
        click.echo(file)


def _parameters(name: str, given: dict[str, Any], declared: list[str]) -> dict[str, Any]:
    """Those of the given values that a notebook has; a setting without a parameter of its own goes
    into ``settings``. Raises if one is not valid, before a kernel starts."""
    own = {key: value for key, value in given.items() if key in declared}
    if not isinstance(own.get("settings", {}), dict):
        found = own["settings"]
        raise TypeError(f'settings must be an object such as {{"epochs": 3}}; got {found!r}')
    check_backend("loky", None, own.get("workers"))
    check_device(own.get("device", "cpu"))
    others = {k: v for k, v in given.items() if k in SETTINGS and k not in declared}
    if others and "settings" in declared:
        own["settings"] = {**own.get("settings", {}), **others}
    if name in EXPERIMENTS:
        changes = {key: value for key, value in own.items() if key in SETTINGS}
        preset = own.get("preset") or "quick"
        plan(name, preset, own.get("panels"), **{**own.get("settings", {}), **changes})
    return own


@cli.command(epilog=FIGURE_NAMES)
@click.argument("figure", type=FigureName(), required=False)
@preset_option(
    None, "Preset to compare [default: the smallest published for FIGURE; without it, all]."
)
@of_a_run
def verify(figure: str | None, preset: str | None, store_dir: Path, **changes: Any) -> None:
    """Compare this machine's results with the published ones of the same preset.

    Without FIGURE, compares every published panel that is fully computed here. Two runs agree at a
    pruning level if their mean accuracies differ by at most one percentage point plus three
    standard errors of the difference. Exits with 1 if a level disagrees or results are missing.
    """
    from spectral_core.paper.results.agreement import agreement
    from spectral_core.paper.results.collect import collect
    from spectral_core.paper.results.published import published, published_runs

    store, disagreeing, compared = Store(store_dir), 0, 0
    if figure is None:
        studies = _computed(store, list(PRESETS) if preset is None else [preset], **changes)
    else:
        of_figure = (p for p in PRESETS if published_runs(figure, p, changes["panels"]))
        studies = [plan(figure, preset or next(of_figure, "paper"), **changes)]
    for study in studies:
        theirs = published(study.figure, study.preset, study.selection)
        table = agreement(collect(study, store), theirs)
        click.echo(table.to_string(index=False, float_format="{:.4f}".format))
        compared += len(table)
        disagreeing += int((~table["agrees"]).sum())
    if not compared:
        raise click.ClickException(
            "nothing that is published is computed here; run: "
            "spectral-core compute fig03 --preset quick"
        )
    click.echo(f"{compared - disagreeing} of {compared} points agree")
    if disagreeing:
        raise click.exceptions.Exit(1)


def _computed(
    store: Store, presets: list[str], panels: list[str] | None, **changes: Any
) -> Iterator[Study]:
    """What is published, figure by figure: the panels whose points a store has, all of them."""
    from spectral_core.paper.results.published import published_runs

    for (name, every), preset in itertools.product(EXPERIMENTS.items(), presets):
        own = panels and [p for p in panels if any(is_selected(panel, [p]) for panel in every)]
        if own != []:
            study, runs = plan(name, preset, own, **changes), published_runs(name, preset, own)
            published = [panel for panel in study.panels if panel.name in runs]
            here = [p for p in published if all(cell.step in store for cell in study.cells(p))]
            if here:
                yield replace(study, panels=tuple(here))


@cli.command(epilog=FIGURE_NAMES)
@figure_argument
@preset_option("paper", "Which run to publish.")
@of_a_run
def publish(figure: str, store_dir: Path, **changes: Any) -> None:
    """Write a finished run into results/published: a table and its provenance for each panel.

    A run with other seeds, methods, percentiles or penalties than the preset's is written to files
    of its own, next to the existing ones. At the preset paper, results/estimates.csv is updated,
    too.
    """
    from spectral_core.paper.questions.comparisons import write_estimates
    from spectral_core.paper.results import published
    from spectral_core.paper.results.crate import write_crate

    paths.checkout()
    study = plan(figure, **changes)
    files = published.publish(study, Store(store_dir))
    files += [write_estimates()] if study.preset == "paper" else []
    for file in [*files, write_crate()]:
        click.echo(file)


@cli.command(epilog=FIGURE_NAMES)
@figure_argument
@of_networks
def ablate(figure: str, store_dir: Path, **changes: Any) -> None:
    """Remove nodes of stored networks one at a time; publish how well scores predict the damage.

    Writes into results/ablation: for each network computed at the preset paper, Spearman's ρ
    between the score of a node and the increase in loss when that node is removed.
    """
    from spectral_core.paper.results.ablation import publish_ablation

    paths.checkout()
    for file in publish_ablation(plan(figure, "paper", **changes), Store(store_dir)):
        click.echo(file)


@cli.command(epilog=FIGURE_NAMES)
@figure_argument
@of_a_run
@click.option(
    "--views",
    is_flag=True,
    help="Also publish pictures of the first layer's weights, and predictions at each level.",
)
def inspect(figure: str, store_dir: Path, views: bool, **changes: Any) -> None:
    """Publish the score of every node of stored networks, at one seed, for the book's explorer.

    Reads networks computed at the preset paper and writes into results/inside. With --views, the
    networks of methods that retrain are retrained at each pruning level.
    """
    from spectral_core.paper.results.inside import publish_inside

    paths.checkout()
    for file in publish_inside(plan(figure, "paper", **changes), Store(store_dir), views):
        click.echo(file)


@cli.command(epilog=FIGURE_NAMES)
@click.argument("figure", type=FigureName(), required=False)
@preset_option(None, "List this preset only [default: all].")
@click.option("--all", "every", is_flag=True, help="Also list panels that have no results yet.")
@store_option
def status(figure: str | None, preset: str | None, every: bool, store_dir: Path) -> None:
    """List what is computed on this machine and what is published, panel by panel."""
    from spectral_core.paper.results.status import status as table_of

    table = table_of(
        Store(store_dir),
        figures=list(EXPERIMENTS) if figure is None else [figure],
        presets=list(PRESETS) if preset is None else [preset],
    )
    nothing = table["computed"].str.startswith("0/") & (table["published"] == "-")
    shown = table if every else table[~nothing]
    click.echo(shown.to_string(index=False) if len(shown) else "nothing is computed or published")
    if len(shown) < len(table):
        click.echo(f"{len(table) - len(shown)} rows without results are left out; see --all")


@cli.command()
@preset_option("quick", "Preset of the figures that --run computes on this machine.")
@click.option(
    "--run",
    "figures",
    type=FigureName(),
    multiple=True,
    default=("fig03",),
    show_default=True,
    help="Figure to compute on this machine, for comparison with the published results; may be "
    "given several times. All others show published results only.",
)
@of_computing
@click.option("--pdf", is_flag=True, help="Also print the book as one PDF; needs Chromium.")
def book(preset: str, figures: tuple[str, ...], pdf: bool, **how: Any) -> None:
    """Compute figures, execute the notebooks and build the book; prints where it is."""
    from spectral_core.paper.pages import building, printing

    root = paths.checkout()
    for figure in figures:
        choice("figure", figure, FIGURES)  # a question's pages run nothing
        steps = plan(figure, preset).steps()
        computing.compute(steps, Store(paths.local_results()), **how)
    page = building.build(root, dict.fromkeys(figures, preset), how["workers"])
    click.echo(f"\nThe book is at {page}")
    if pdf:
        click.echo(f"As a PDF: {printing.to_pdf(page.parent, root / '_toc.yml')}")


def main() -> None:
    """Run the command; an error is one line, unless ``--debug`` is given."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # workers must not outlive this
    sys.unraisablehook = _stop_all_the_same
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # λ in a code page that has none
            stream.reconfigure(errors="replace")
    for variable in (DATA_VARIABLE, SEARCH_PATH_VARIABLE, paths.STORE_VARIABLE):
        # Notebooks run in another folder.
        paths.make_absolute(variable, several=variable == SEARCH_PATH_VARIABLE)
    debug = "--debug" in sys.argv[1:]
    arguments = [word for word in sys.argv[1:] if word != "--debug"]  # it may be anywhere
    try:
        # An Exit's code comes back as the value.
        sys.exit(cli(arguments, standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except Exception as error:  # click makes an Abort of Ctrl-C, and of the end of a file
        cause = error.__cause__ if isinstance(error, click.Abort) else error
        if not isinstance(cause, Exception):
            _stop(arguments)
        if debug:
            traceback.print_exc()
        click.echo(f"Error: {cause or 'the input ended too early'}", err=True)
        sys.exit(2 if isinstance(cause, ValueError | TypeError) else 1)
    except KeyboardInterrupt:
        _stop(arguments)


def _stop_all_the_same(dropped: "sys.UnraisableHookArgs") -> None:
    """Send a signal to stop again when it fell into a destructor, whose exceptions are dropped."""
    if isinstance(dropped.exc_value, KeyboardInterrupt):
        threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGTERM]).start()
    else:
        sys.__unraisablehook__(dropped)


def _stop(arguments: list[str]) -> NoReturn:
    computes = arguments[:1] in (["compute"], ["book"], ["choose"]) and "--dry-run" not in arguments
    click.echo(f"Stopped. {GO_ON}" if computes else "Stopped.", err=True)
    sys.exit(130)


def _line(row: Availability) -> str:
    """A data set, whether it is on this machine, and where."""
    state = "checksums match" if row.checksums_ok else "damaged"
    state = "not on this machine" if row.found is None else state
    return f"{row.name:14} {state:20} {row.found or ''}".rstrip()


def _accuracies(run: Study, store_dir: Path) -> str:
    """Mean accuracies of a study that is computed, in per cent, at a few of its levels."""
    from spectral_core.paper.results.collect import collect

    table = collect(run, Store(store_dir))
    levels = sorted(set(table["percentile"]))
    few = [q for q in levels if q in (0, 50, 70, 80, 90, 95)] if len(levels) > 6 else levels
    names = [name for name in ("panel", "method", "penalty") if table[name].nunique() > 1]
    means = table.groupby([*(names or ["method"]), "percentile"], sort=False)["accuracy"].mean()
    shown = (100 * means).unstack()[few or levels].round(1)
    return (
        shown.rename(columns="{:g} %".format)
        .rename_axis(columns="accuracy (%), pruned")
        .to_string()
    )


def _in_words(left: Remaining, workers: int) -> str:
    """What is missing of a study and how long it takes."""
    missing = f"{left.trainings} trainings and {left.cuts} pruned networks missing"
    text = f"{left.stored} steps stored, {missing}"
    if not left.trainings + left.cuts:
        return text
    return (
        f"{text}\ntime, at this machine's speed just now: {_about(left.seconds)} with "
        f"{workers} at a time; {_about(left.computing)} of computing"
    )


def _about(seconds: float) -> str:
    # Below ten, most of it is the start of the processes, which was not measured.
    return "a few seconds" if seconds < 10 else f"about {_duration(seconds)}"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"
