"""The command ``python -m benchmarks``: run suites and keep what they measure."""

import inspect
import json
import time
from pathlib import Path
from types import ModuleType

import click

from benchmarks import (
    architectures,
    compaction,
    epoch,
    figure,
    gpu,
    inference,
    onnx,
    pruning_curve,
    roofline,
    step,
    tensorflow,
    tools,
)
from benchmarks.measure import Skipped, machine
from spectral_core._files import write_whole
from spectral_core.paper.run.provenance import made

SUITES: dict[str, ModuleType] = {
    module.__name__.removeprefix("benchmarks."): module
    for module in (
        step,
        roofline,
        epoch,
        tensorflow,
        pruning_curve,
        inference,
        compaction,
        onnx,
        architectures,
        figure,
        tools,
        gpu,
    )
}
"""Modules by name; each has ``run(rounds, quick)`` and the minutes it takes on two cores."""
LONG = ("architectures", "compaction", "figure", "tools", "gpu")
RESULTS = Path(__file__).with_name("results.json")


def _listed() -> str:
    """Every suite with its minutes and the first line of its docstring."""
    lines = ["\b", "Suites, and minutes on two cores:"]
    for name, suite in SUITES.items():
        first = inspect.getdoc(suite).split("\n\n")[0].replace("\n", " ")
        mark = "*" if name in LONG else " "
        lines.append(f"  {name:14}{suite.MINUTES:3d}{mark} {first}")
    lines += [
        "",
        "* long: run only if named.",
        "",
        f"tensorflow needs the extra [bench-tf], here or in the Python of {tensorflow.PYTHON};",
        "onnx needs the extra [onnx], tools [torch-pruning]; step measures JAX if installed.",
    ]
    return "\n".join(lines)


@click.command(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    epilog=_listed(),
)
@click.argument("suites", nargs=-1, type=click.Choice(list(SUITES)), metavar="[SUITE]...")
@click.option("--rounds", type=click.IntRange(min=1), help="How many times each thing is timed.")
@click.option("--quick", is_flag=True, help="Tiny networks, to see that everything runs; seconds.")
@click.option(
    "--results",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to merge the results into [default: benchmarks/results.json; with --quick none].",
)
def main(suites: tuple[str, ...], rounds: int | None, quick: bool, results: Path | None) -> None:
    """Run the suites named, or all but the long ones, on a machine that is otherwise idle."""
    file = results or (None if quick else RESULTS)
    for name in suites or [name for name in SUITES if name not in LONG]:
        click.echo(f"{name} …", err=True)
        start = time.perf_counter()
        try:
            rows = SUITES[name].run(quick=quick, **({} if rounds is None else {"rounds": rounds}))
        except Skipped as reason:
            click.echo(f"{name}: left out. {reason}", err=True)
            continue
        seconds = time.perf_counter() - start
        click.echo(f"{name}: {len(rows)} rows in {seconds / 60:.1f} minutes", err=True)
        if file is not None:
            entry = {
                "rows": rows,
                "made": made(seconds, "cuda" if name == "gpu" else "cpu"),
                "machine": machine(),
            }
            merge(file, name, entry)


def merge(file: Path, name: str, entry: dict) -> None:
    """Put what a suite measured in the place of what it measured before; all or nothing."""
    found = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    found[name] = entry
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    write_whole(file, lambda aside: aside.write_text(text, encoding="utf-8"))


if __name__ == "__main__":
    main()
