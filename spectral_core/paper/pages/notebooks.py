"""Running the parameterised notebooks with papermill, whole or not at all."""

import hashlib
import json
import os
import re
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib

import spectral_core
from spectral_core import _checks
from spectral_core._files import write_whole
from spectral_core._progress import bar
from spectral_core.data.images import GIVEN, identify
from spectral_core.paper import paths


class NotebookFailed(RuntimeError):
    """A cell raised an error."""


def sources() -> dict[str, Path]:
    """The project's notebooks: figures by their name in the registry, others by their own.

    Raises:
        FileNotFoundError: if there is no checkout of the project.
    """
    files = sorted((paths.checkout() / "notebooks").glob("*.ipynb"))
    # fig03_by_hand keeps its name: it stands beside the figure's own page.
    return {re.sub(r"^(fig\d\d)_(?!by_hand$).*", r"\1", file.stem): file for file in files}


def execute(
    name: str,
    parameters: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    progress: bool = True,
    prepare_only: bool = False,
) -> Path:
    """Execute a notebook, unless what it would make is already there.

    Args:
        name: key of :func:`sources`, such as ``"fig03"``.
        parameters: values of its parameters that differ from those written in it.
        folder: where the executed copy goes; ``book/figures`` if ``None``, or ``_prepared``.
        progress: whether to show a bar over the cells.
        prepare_only: whether to write a copy with the parameters in it, without running it.

    Returns:
        The executed notebook.

    Raises:
        ValueError: if the notebook or one of the parameters is unknown.
        NotebookFailed: if a cell raises; nothing is left behind.
    """
    shown = {"progress_bar": progress, "stderr_file": sys.stderr if progress else None}
    folder = folder or paths.project() / ("_prepared" if prepare_only else "book/figures")
    return _made(name, parameters, folder, prepare_only=prepare_only, **shown)


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

    folder = folder or paths.project() / "book" / "figures"
    project, pages = _project(), bar(total=len(parameters), unit=" pages")
    with pages, kernels.forked(), ThreadPoolExecutor(workers or joblib.cpu_count()) as pool:
        runs = {
            pool.submit(_made, name, own, folder, project, progress_bar=False): name
            for name, own in parameters.items()
        }
        try:
            for run in as_completed(runs):
                run.result()
                pages.set_postfix_str(runs[run], refresh=False)
                pages.update()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [run.result() for run in runs]


def declared_parameters(source: Path) -> list[str]:
    """Names of the parameters of a notebook."""
    import papermill

    return list(papermill.inspect_notebook(source))


def _made(
    name: str,
    parameters: Mapping[str, Any] | None,
    folder: Path,
    project: str | None = None,
    **how: Any,
) -> Path:
    """A notebook run into a file aside, without this machine's paths; kept if it is up to date.
    How it is run are further arguments of papermill's."""
    known, contents, parameters = sources(), [], parameters or {}
    source = known[_checks.choice("notebook", name, known)]
    if parameters:
        declared = declared_parameters(source)
        for parameter in parameters:
            _checks.choice(f"parameter of {source.name}", parameter, declared)
    if folder.resolve() == source.parent.resolve():
        raise ValueError(f"folder must be another one than the source's own; got {folder}")
    parameters, target = _located(parameters, contents), folder / source.name
    stamp = _stamp(source, parameters, contents, project or _project())
    if _stamp_of(target) == stamp:
        return target

    def make(aside: Path) -> None:
        import papermill

        from spectral_core.paper.pages import kernels

        try:
            with kernels.forked():  # whatever is installed as "python3", it is this interpreter
                papermill.execute_notebook(
                    source,
                    aside,
                    parameters=parameters,
                    resources={"metadata": {"path": str(source.parent)}},
                    **how,
                )
        except papermill.PapermillExecutionError as error:
            raise NotebookFailed(
                f"{source.name}, cell {error.exec_count}: {error.ename}: {error.evalue}"
            ) from error
        notebook = json.loads(aside.read_text(encoding="utf-8"))
        _scrub(notebook)
        notebook["metadata"]["spectral_core"] = {"made_from": stamp}
        aside.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")

    write_whole(target, make)
    return target


def _located(parameters: Mapping[str, Any], contents: list[str]) -> dict[str, Any]:
    """Parameters with absolute paths in the place of relative ones, as kernels run elsewhere;
    appends checksums of the images and weights that they name."""
    found = {}
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            value = _located(value, contents)
        elif isinstance(value, str) and value.startswith(GIVEN):
            contents.append(identify(value))
            value = GIVEN + os.path.abspath(os.path.expanduser(value.removeprefix(GIVEN)))
        elif name == "backbone_weights" and Path(str(value)).is_file():
            contents.append(_hash([Path(value)]))
            value = os.path.abspath(value)
        found[name] = value
    return found


def _stamp(source: Path, parameters: Mapping[str, Any], contents: list[str], project: str) -> str:
    """Hash of what an executed notebook depends on: its text, its parameters and the files that
    they name, the version of torch, and all that :func:`_project` stands for."""
    given = json.dumps(parameters, sort_keys=True, default=str)
    return _hash([source], "\0".join([version("torch"), project, given, *contents]))


def _project() -> str:
    """Hash of the package, and of all results, benchmarks and claims of the project."""
    root, package = paths.project(), Path(spectral_core.__file__).parent
    results = root / "results"
    files = [
        file for file in results.rglob("[!.]*.*") if not file.is_relative_to(results / "local")
    ]
    files += [*root.glob("benchmarks/*.json"), *root.glob("book/*.csv"), *package.rglob("*.py")]
    return _hash(files)


def _hash(files: list[Path], words: str = "") -> str:
    digest = hashlib.sha256(words.encode())
    for file in sorted(files):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:24]


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
