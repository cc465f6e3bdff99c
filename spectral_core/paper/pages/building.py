"""Building the book: executed notebooks, tables from the code, then Jupyter Book."""

import dataclasses
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from spectral_core.paper.pages import notebooks
from spectral_core.paper.questions import compression
from spectral_core.paper.study.settings import Settings, in_words


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
    """Write the tables that follow from the code or from the benchmarks: ``settings.md``, every
    setting of a run; ``roofline.md``, what parts of a training step reach of their limits."""
    rows = [
        (f"`{f.name}`", f.metadata["rule"].values, in_words(f.default), f.metadata["help"])
        for f in dataclasses.fields(Settings)
    ]
    _write(folder / "settings.md", ("setting", "values", "default", "what it is"), rows)
    head = ("part of a step", "operations per byte", "fp32", "of its limit", "bf16", "of its limit")
    _write(folder / "roofline.md", head, _roofline(pd.DataFrame(compression.measured("roofline"))))


def _roofline(rows: pd.DataFrame) -> list[tuple[str, ...]]:
    """Each part's rate in GFLOP/s and its share of min(peak, intensity · bandwidth)."""
    rows["rate"] = [spread["median"] for spread in rows["gflops"]]
    by_part, cells = rows.set_index(["precision", "part"]), {}
    for precision, own in rows.groupby("precision", sort=False):
        peak, copy = (by_part.loc[(precision, name)] for name in ("large product", "copy"))
        bandwidth = copy["rate"] / copy["operations_per_byte"]
        for part, intensity, rate in zip(own["part"], own["operations_per_byte"], own["rate"]):
            limit = min(peak["rate"], intensity * bandwidth)
            cells.setdefault(
                part, [part, f"{intensity:.2f}" if intensity < 1 else f"{intensity:.0f}"]
            )
            cells[part] += [f"{rate:.3g}", f"{100 * rate / limit:.0f} %"]
    return list(map(tuple, cells.values()))


def _write(file: Path, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table in Markdown."""
    cells = [head, ("---",) * len(head), *rows]
    lines = ["| " + " | ".join(text.replace("|", "\\|") for text in row) + " |" for row in cells]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
