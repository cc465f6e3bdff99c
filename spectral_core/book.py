"""Building the book: text from results, executed notebooks, then Jupyter Book."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from spectral_core import notebooks
from spectral_core.results import NoResults, published, summary


class BookFailed(RuntimeError):
    """The book did not build without a warning."""


def build(root: Path, preset: str = "quick", output: Path | None = None) -> Path:
    """Execute the notebooks that are out of date, write the generated text, build the book.

    Every warning is an error.

    Args:
        root: folder with ``_config.yml``, ``_toc.yml`` and ``book``.
        preset: what the figures' notebooks run on this machine.
        output: where ``_build`` goes; ``root`` if ``None``.

    Returns:
        The landing page.

    Raises:
        BookFailed: if Jupyter Book warns or fails; what it said is on standard error.
        NotebookFailed: if a notebook fails.
    """
    for name, source in notebooks.sources().items():
        takes_preset = "preset" in notebooks.declared_parameters(source)
        notebooks.execute(
            name, {"preset": preset} if takes_preset else None, root / "book" / "figures"
        )
    generate(root / "book" / "generated")
    output = output or root
    tool = shutil.which("jupyter-book", path=str(Path(sys.executable).parent))
    if tool is None:
        raise BookFailed("jupyter-book must be installed beside Python: pip install '.[book]'")
    command = [tool, "build", root, "--path-output", output, "-W", "-n", "--keep-going", "--quiet"]
    environment = {**os.environ, "PYTHONUTF8": "1"}
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        sys.stderr.write(done.stdout)
        raise BookFailed("the book did not build cleanly; each warning above is an error")
    return output / "_build" / "html" / "index.html"


def generate(folder: Path) -> None:
    """Write the text of the landing page that follows from the published results."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "headline.md").write_text(headline() + "\n", encoding="utf-8")


def headline() -> str:
    """One paragraph: what the published run of Fig. 3 measured."""
    try:
        means = summary(published("fig03", "paper"))
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
