"""Running the parameterised notebooks with papermill, whole or not at all."""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib

import spectral_core
from spectral_core import _checks
from spectral_core._files import write_whole
from spectral_core._progress import bar
from spectral_core.paper import paths
from spectral_core.paper.study.figures import EXPERIMENTS


class NotebookFailed(RuntimeError):
    """A cell raised an error."""


def sources() -> dict[str, Path]:
    """The project's notebooks: figures by their name in the registry, others by their own.

    Raises:
        FileNotFoundError: if there is no checkout of the project.
    """
    return {_name(file): file for file in sorted((paths.checkout() / "notebooks").glob("*.ipynb"))}


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
    source = _source(name, parameters)
    target, stamp = _target(source, folder or _executed_to()), _stamp(source, parameters, _kept())
    if _stamp_of(target) == stamp:
        return target
    return _execute(source, parameters, target, stamp, progress)


def execute_all(
    parameters: Mapping[str, Mapping[str, Any]],
    folder: Path | None = None,
    workers: int | None = None,
) -> list[Path]:
    """Execute notebooks side by side, those that are out of date, with a bar over them.

    Args:
        parameters: the notebooks by name, each with values of its parameters.
        folder: where the executed copies go; ``book/figures`` if ``None``.
        workers: how many run at once; one per core if ``None``.

    Returns:
        The executed notebooks.

    Raises:
        ValueError, NotebookFailed: as :func:`execute`; those that have been executed stay.
    """
    from spectral_core.paper.pages import kernels

    folder, kept = folder or _executed_to(), _kept()
    made, late = [], {}
    for name, own in parameters.items():
        source = _source(name, own)
        made.append(_target(source, folder))
        stamp = _stamp(source, own, kept)
        if _stamp_of(made[-1]) != stamp:
            late[name] = (source, own, made[-1], stamp, False)
    if not late:
        return made
    pages = bar(total=len(late), unit=" pages")
    with pages, kernels.forked(), ThreadPoolExecutor(workers or joblib.cpu_count()) as pool:
        runs = {pool.submit(_execute, *job): name for name, job in late.items()}
        try:
            for run in as_completed(runs):
                run.result()
                pages.set_postfix_str(runs[run], refresh=False)
                pages.update()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return made


def _execute(
    source: Path, parameters: Mapping[str, Any] | None, target: Path, stamp: str, progress: bool
) -> Path:
    from spectral_core.paper.pages import kernels

    def run(aside: Path) -> None:
        import papermill

        try:
            with kernels.forked():  # whatever is installed as "python3", it is this interpreter
                papermill.execute_notebook(
                    source,
                    aside,
                    parameters=dict(parameters or {}),
                    resources={"metadata": {"path": str(source.parent)}},
                    progress_bar=progress,
                    stderr_file=sys.stderr if progress else None,
                )
        except papermill.PapermillExecutionError as error:
            raise NotebookFailed(
                f"{source.name}, cell {error.exec_count}: {error.ename}: {error.evalue}"
            ) from error

    return _write(target, stamp, run)


def prepare(
    name: str, parameters: Mapping[str, Any] | None = None, folder: Path | None = None
) -> Path:
    """Write a copy of a notebook with other parameters in it, without running it.

    Arguments and errors are those of :func:`execute`; the folder is ``_prepared`` if
    ``None``.
    """

    source, folder = _source(name, parameters), folder or paths.project() / "_prepared"

    def run(aside: Path) -> None:
        import papermill

        papermill.execute_notebook(
            source, aside, parameters=dict(parameters or {}), prepare_only=True
        )

    return _write(_target(source, folder), _stamp(source, parameters, _kept()), run)


def declared_parameters(source: Path) -> list[str]:
    """Names of the parameters of a notebook."""
    import papermill

    return list(papermill.inspect_notebook(source))


def _executed_to() -> Path:
    return paths.project() / "book" / "figures"


def _source(name: str, parameters: Mapping[str, Any] | None) -> Path:
    """A notebook by its name; raises unless it has the parameters."""
    known = sources()
    source = known[_checks.choice("notebook", name, known)]
    if parameters:
        declared = declared_parameters(source)
        for parameter in parameters:
            _checks.choice(f"parameter of {source.name}", parameter, declared)
    return source


def _target(source: Path, folder: Path) -> Path:
    if folder.resolve() == source.parent.resolve():
        raise ValueError(f"folder must be another one than the source's own; got {folder}")
    return folder / source.name


def _write(target: Path, stamp: str, run: Callable[[Path], None]) -> Path:
    """Run a notebook into a file aside, take this machine's paths out of it, then rename it."""

    def make(aside: Path) -> None:
        run(aside)
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


def _stamp(source: Path, parameters: Mapping[str, Any] | None, kept: str) -> str:
    """Hash of what an executed notebook depends on: its text, its parameters, the modules that it
    imports, the version of torch, and all that :func:`_kept` stands for."""
    words = [version("torch"), kept, json.dumps(parameters or {}, sort_keys=True, default=str)]
    cells = json.loads(source.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    modules: set[Path] = set()
    _add_modules(code, modules)
    return _hash([source, *modules], "\0".join(words))


def _kept() -> str:
    """Hash of all results, benchmarks and claims of the project."""
    root = paths.project()
    results = root / "results"
    kept = [file for file in results.rglob("[!.]*.*") if not file.is_relative_to(results / "local")]
    return _hash([*kept, *root.glob("benchmarks/*.json"), *root.glob("book/*.csv")])


def _hash(files: list[Path], words: str = "") -> str:
    digest = hashlib.sha256(words.encode())
    for file in sorted(files):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:24]


def _add_modules(code: str, found: set[Path]) -> None:
    """Add the files of the package that some code imports, and those that these import."""
    for name in _imported(code):
        first, *rest = name.split(".")
        place = Path(spectral_core.__file__).parent
        for part in ["", *rest] if first == "spectral_core" else []:
            place /= part
            for file in (place / "__init__.py", place.with_suffix(".py")):
                if file not in found and file.exists():
                    found.add(file)
                    _add_modules(file.read_text(encoding="utf-8"), found)


@functools.cache
def _imported(code: str) -> set[str]:
    """Modules, and names in modules, that some code imports."""
    names = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _stamp_of(executed: Path) -> str | None:
    """The stamp of an executed notebook; none of a damaged one, or one without its outputs."""
    try:
        notebook = json.loads(executed.read_text(encoding="utf-8"))
        code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        if any(cell["execution_count"] is None for cell in code if "".join(cell["source"])):
            return None
        return notebook["metadata"]["spectral_core"]["made_from"]
    except (FileNotFoundError, ValueError, KeyError):
        return None


def _scrub(notebook: dict[str, Any]) -> None:
    """Keep papermill's parameters, but off the page; drop its times, and places of this machine."""
    here = [str(paths.project()), sys.prefix, sys.base_prefix, os.path.expanduser("~")]
    here = [json.dumps(f"{place}{os.sep}")[1:-1] for place in here if place != os.sep]
    places = "|".join(map(re.escape, here))
    made = notebook["metadata"].pop("papermill", {})
    notebook["metadata"]["parameters"] = made.get("parameters", {})
    for cell in notebook["cells"]:
        cell["metadata"].pop("papermill", None)
        cell["metadata"].pop("execution", None)
        if cell["cell_type"] == "code":
            cell["outputs"] = json.loads(re.sub(places, "", json.dumps(cell["outputs"])))
        if "injected-parameters" in cell["metadata"].get("tags", ()):
            cell["metadata"]["tags"].append("remove-cell")
