"""Building the book: text from results, executed notebooks, then Jupyter Book."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from spectral_core.paper import paths
from spectral_core.paper.book import notebooks
from spectral_core.paper.results.publishing import published, published_files
from spectral_core.paper.results.tables import NoResults, summary
from spectral_core.paper.study.figures import EXPERIMENTS, QUESTIONS


class BookFailed(RuntimeError):
    """The book did not build without a warning."""


def build(root: Path, presets: Mapping[str, str]) -> Path:
    """Execute the notebooks that are out of date, write the generated text, build the book.

    Every warning is an error.

    Args:
        root: folder with ``_config.yml``, ``_toc.yml`` and ``book``.
        presets: what the notebooks of some figures run on this machine, by figure; the others
            show published results only.

    Returns:
        The landing page.

    Raises:
        BookFailed: if Jupyter Book warns or fails; what it said is on standard error.
        NotebookFailed: if a notebook fails.
    """
    for name in notebooks.sources():
        parameters = {"preset": presets[name]} if name in presets else None
        notebooks.execute(name, parameters, root / "book" / "figures")
    generate(root / "book" / "generated")
    tool = shutil.which("jupyter-book", path=str(Path(sys.executable).parent))
    if tool is None:
        raise BookFailed("jupyter-book must be installed beside Python: pip install '.[book]'")
    command = [tool, "build", root, "-W", "-n", "--keep-going", "--quiet"]
    environment = {**os.environ, "PYTHONUTF8": "1"}
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        sys.stderr.write(done.stdout)
        raise BookFailed("the book did not build cleanly; each warning above is an error")
    return root / "_build" / "html" / "index.html"


def generate(folder: Path) -> None:
    """Write the text that follows from the published results: headline, questions, downloads."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"headline": headline(), "questions": questions()}
    texts |= {f"{figure}_downloads": downloads(figure) for figure in EXPERIMENTS}
    for name, text in texts.items():
        (folder / f"{name}.md").write_text(text + "\n", encoding="utf-8")


def questions() -> str:
    """Links to the questions that the paper leaves open, with how many networks are published."""
    pages = {name: source.stem for name, source in notebooks.sources().items()}
    items = ["- What the paper leaves open, and how far each question has been run:"]
    for name, figure in QUESTIONS.items():
        there = len(published_files(name, "paper", "*"))
        said = f"{there} of {len(figure.panels)} published" if there else "not run yet"
        items.append(f"  - [{figure.title}](figures/{pages[name]}.ipynb): {said}")
    return "\n".join(items)


def downloads(figure: str) -> str:
    """Links to the published tables of a figure, for a page in ``book/figures``."""
    items = []
    for preset in ("paper", "quick"):
        for panel, files in published_files(figure, preset, "*").items():
            table, provenance = (
                f"../../{file.relative_to(paths.project()).as_posix()}"
                for file in (files.table, files.provenance)
            )
            items.append(
                f"- {panel}, preset `{preset}`: {{download}}`all points <{table}>`, "
                f"{{download}}`provenance <{provenance}>`"
            )
    if not items:
        return "No results of this figure are published yet."
    columns = "The columns are explained in the [data dictionary](../data_dictionary.md)."
    return "\n".join(["Download:", "", *items, "", columns])


def headline() -> str:
    """One paragraph: what the published run of Fig. 3 measured."""
    try:
        means = summary(published("fig03", "paper", "fashion-mnist-elu-500"))
    except NoResults:
        return "No results at the paper's settings are published yet."
    at = means.set_index(["method", "percentile"])
    cut = 90.0

    def accuracy(method: str, percentile: float) -> str:
        row = at.loc[(method, percentile)]
        return f"{100 * row['accuracy']:.1f} ± {100 * row['accuracy_sd']:.1f} %"

    full, left = at.loc[("pre", 0.0), "nodes"], at.loc[("pre", cut), "nodes"]
    return (
        f"On Fashion-MNIST, with one hidden layer of {full:.0f} ELU nodes: training λ alone, "
        f"keeping the {left:.0f} nodes with the largest |λ| and then training φ classifies "
        f"{accuracy('pre', cut)} of the test images correctly. Cut just as far, without further "
        f"training, a network trained in λ and φ together is right on {accuracy('post', cut)}, "
        f"and one trained in direct space and ranked by Σ|w| on {accuracy('direct', cut)}; uncut, "
        f"these two reach {accuracy('post', 0.0)} and {accuracy('direct', 0.0)}. Means and "
        f"standard deviations over {at.loc[('pre', cut), 'seeds']:.0f} seeds."
    )
