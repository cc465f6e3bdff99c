"""Building the book: executed notebooks, tables from the code, then Jupyter Book."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from spectral_core.paper.pages import notebooks
from spectral_core.paper.study.settings import dictionary, in_words


class BookFailed(RuntimeError):
    """The book did not build without a warning."""


def build(root: Path, presets: Mapping[str, str], workers: int | None = None) -> Path:
    """Execute the notebooks that are out of date, write the generated tables, build the book.

    Every warning is an error.

    Args:
        root: folder with ``_config.yml``, ``_toc.yml`` and ``book``.
        presets: what the notebooks of some figures run on this machine, by figure; the others
            show published results only.
        workers: how many notebooks run at once; one per core if ``None``.

    Returns:
        The landing page.

    Raises:
        BookFailed: if Jupyter Book warns or fails; what it printed is on standard error.
        NotebookFailed: if a notebook fails.
    """
    parameters = {
        name: {"preset": presets.get(name)}
        if "preset" in notebooks.declared_parameters(source)
        else {}
        for name, source in notebooks.sources().items()
    }
    notebooks.execute_all(parameters, root / "book" / "figures", workers)
    generate(root / "book" / "generated")
    scripts = (str(Path(sys.executable).parent), sysconfig.get_path("scripts"))
    tool = shutil.which("jupyter-book", path=os.pathsep.join(scripts))
    if tool is None:
        raise BookFailed("jupyter-book must be installed beside Python: pip install '.[book]'")
    done = subprocess.run(
        [tool, "build", root, "-W", "-n", "--keep-going", "--quiet"],
        env={**os.environ, "PYTHONUTF8": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode != 0:
        sys.stderr.write(done.stdout)
        raise BookFailed("the book did not build cleanly; each warning above is an error")
    return root / "_build" / "html" / "index.html"


def generate(folder: Path) -> None:
    """Write the tables that follow from the code: ``settings.md``, every setting of a run."""
    rows = [("setting", "values", "default", "what it is"), ("---",) * 4]
    rows += [(f"`{s.name}`", s.values, in_words(s.default), s.help) for s in dictionary()]
    lines = ["| " + " | ".join(text.replace("|", "\\|") for text in row) + " |" for row in rows]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
