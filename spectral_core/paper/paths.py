"""Where things are: the project's folders, and the store of this machine's results."""

import os
from pathlib import Path

STORE_VARIABLE = "SPECTRAL_CORE_STORE"


def project() -> Path:
    """Root of the project: the checkout that holds this package, else the current folder."""
    checkout = Path(__file__).resolve().parents[2]
    return checkout if (checkout / "_toc.yml").exists() else Path.cwd()


def checkout() -> Path:
    """Root of the project, for what writes into it.

    Raises:
        FileNotFoundError: if there is no checkout, but an installed package in some other folder.
    """
    root = project()
    if not (root / "_toc.yml").exists():
        raise FileNotFoundError(
            f"this command must be run in a checkout of the project; {root} has no _toc.yml"
        )
    return root


def local_results() -> Path:
    """Store of this machine: ``$SPECTRAL_CORE_STORE``, else ``results/local`` in the project."""
    return Path(os.environ.get(STORE_VARIABLE) or results("local"))


def make_absolute(variable: str, several: bool = False) -> None:
    """Let an environment variable with a folder, or with several, name the same ones elsewhere."""
    value = os.environ.get(variable, "")
    places = value.split(os.pathsep) if several else [value]
    if any(places):
        whole = [p if p.startswith("~") else os.path.abspath(p) for p in places if p]
        os.environ[variable] = os.pathsep.join(whole)


def results(*names: str) -> Path:
    """A folder or file of the project's results: ``results/<name>/…``."""
    return project().joinpath("results", *names)


def published_results(figure: str, preset: str) -> Path:
    """Folder of a figure's committed results: ``results/published/<figure>`` at the paper's
    settings, ``results/published/<preset>/<figure>`` at another preset's."""
    return results("published", *(() if preset == "paper" else (preset,)), figure)
