"""Running the parameterised notebooks with papermill, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

import spectral_core
from spectral_core import _checks
from spectral_core._files import write_whole
from spectral_core.paper import paths
from spectral_core.paper.study.figures import EXPERIMENTS


class NotebookFailed(RuntimeError):
    """A cell raised an error."""


def sources() -> dict[str, Path]:
    """The project's notebooks: figures by their name in the registry, others by their own.

    Raises:
        FileNotFoundError: if the project's ``notebooks`` folder is not there.
    """
    folder = paths.project() / "notebooks"
    files = sorted(folder.glob("*.ipynb"))
    if not files:
        raise FileNotFoundError(
            f"notebooks must lie in {folder}; found none. Run this from a checkout of the project"
        )
    return {_name(file): file for file in files}


def execute(
    name: str,
    parameters: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    progress: bool = True,
) -> Path:
    """Execute a notebook, unless what it would make is already there.

    Args:
        name: key of :func:`sources`, such as ``"fig03"``.
        parameters: values of its parameters that differ from those written in it.
        folder: where the executed copy goes; ``book/figures`` if ``None``.
        progress: whether to show a bar over the cells.

    Returns:
        The executed notebook.

    Raises:
        ValueError: if the notebook or one of the parameters is unknown.
        NotebookFailed: if a cell raises; nothing is left behind.
    """

    def run(source: Path, target: Path) -> None:
        import papermill

        try:
            papermill.execute_notebook(
                source,
                target,
                parameters=dict(parameters or {}),
                cwd=source.parent,
                progress_bar=progress,
                stderr_file=sys.stderr if progress else None,
                extra_arguments=["--IPKernelApp.log_level=40"],  # errors only
            )
        except papermill.PapermillExecutionError as error:
            raise NotebookFailed(
                f"{source.name}, cell {error.exec_count}: {error.ename}: {error.evalue}"
            ) from error

    return _make(name, parameters, folder or paths.project() / "book" / "figures", run)


def prepare(
    name: str, parameters: Mapping[str, Any] | None = None, folder: Path | None = None
) -> Path:
    """Write a copy of a notebook with other parameters in it, without running it.

    Arguments and errors are those of :func:`execute`; the folder is ``_prepared`` if
    ``None``.
    """

    def run(source: Path, target: Path) -> None:
        import papermill

        papermill.execute_notebook(
            source, target, parameters=dict(parameters or {}), prepare_only=True
        )

    return _make(name, parameters, folder or paths.project() / "_prepared", run)


def declared_parameters(source: Path) -> list[str]:
    """Names of the parameters of a notebook."""
    import papermill

    return list(papermill.inspect_notebook(source))


def _make(
    name: str,
    parameters: Mapping[str, Any] | None,
    folder: Path,
    run: Callable[[Path, Path], None],
) -> Path:
    """Run a notebook into a file aside, take this machine's paths out of it, then rename it."""
    known = sources()
    source = known[_checks.choice("notebook", name, known)]
    if parameters:
        declared = declared_parameters(source)
        for parameter in parameters:
            _checks.choice(f"parameter of {source.name}", parameter, declared)
    if folder.resolve() == source.parent.resolve():
        raise ValueError(f"folder must be another one than the source's own; got {folder}")
    target, stamp = folder / source.name, _stamp(source, parameters)
    if target.exists() and _stamp_of(target) == stamp:
        return target

    def make(aside: Path) -> None:
        run(source, aside)
        notebook = json.loads(aside.read_text(encoding="utf-8"))
        _scrub(notebook)
        notebook["metadata"]["spectral_core"] = {"made_from": stamp}
        aside.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")

    write_whole(target, make)
    return target


def _name(file: Path) -> str:
    first = file.stem.split("_", 1)[0]
    by_hand = file.stem.endswith("_by_hand")  # beside the figure's own page
    figure = first in EXPERIMENTS or re.fullmatch(r"fig\d\d", first)
    return first if figure and not by_hand else file.stem


def _stamp(source: Path, parameters: Mapping[str, Any] | None) -> str:
    """Hash of what an executed notebook depends on: its text, its parameters, the package, the
    version of torch, all results and benchmarks of the project, and where this machine's are."""
    digest = hashlib.sha256(json.dumps(parameters or {}, sort_keys=True, default=str).encode())
    digest.update(f"{torch.__version__} {paths.local_results()}".encode())
    kept = [
        file
        for folder in ("published", "ablation", "choices", "authors")
        for file in (paths.project() / "results" / folder).rglob("[!.]*.*")
    ]
    package = Path(spectral_core.__file__).parent.rglob("*.py")
    benchmarks = (paths.project() / "benchmarks").glob("*.json")
    for file in [source, *sorted(package), *sorted(kept), *sorted(benchmarks)]:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:24]


def _stamp_of(executed: Path) -> str | None:
    try:
        metadata = json.loads(executed.read_text(encoding="utf-8"))["metadata"]
        return metadata["spectral_core"]["made_from"]
    except (ValueError, KeyError):
        return None


def _scrub(notebook: dict[str, Any]) -> None:
    """Keep papermill's parameters, but off the page; drop its times and absolute paths."""
    made = notebook["metadata"].pop("papermill", {})
    notebook["metadata"]["parameters"] = made.get("parameters", {})
    for cell in notebook["cells"]:
        cell["metadata"].pop("papermill", None)
        cell["metadata"].pop("execution", None)
        if "injected-parameters" in cell["metadata"].get("tags", ()):
            cell["metadata"]["tags"].append("remove-cell")
