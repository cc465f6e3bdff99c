"""Sphinx extension: pages load no style that none of them uses.

Most rules of the theme are for parts that this book does not have. A rule stays if each class and
name that it asks for occurs in a page or in a script.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Set
from pathlib import Path

from sphinx.application import Sphinx

UNUSED = ("vendor", "scripts/bootstrap.js", "scripts/bootstrap.js.LICENSE.txt")
"""Files of the theme, below ``_static``, that no page loads."""


def lean(css: str, words: Set[str]) -> str:
    """A style sheet with only those rules that can apply.

    Args:
        css: the style sheet.
        words: everything that may be a class or a name in a page.
    """
    kept = []
    for head, body in _rules(re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)):
        if body is None:
            kept.append(head)
        elif head.startswith(("@media", "@supports")):
            inner = lean(body, words)
            kept.append(f"{head}{{{inner}}}" if inner else "")
        elif head.startswith("@"):
            kept.append(f"{head}{{{body}}}")
        else:
            selectors = [each for each in _split(head) if _asks_for(each) <= words]
            kept.append(f"{','.join(selectors)}{{{body}}}" if selectors else "")
    return "".join(kept)


def _rules(css: str) -> Iterator[tuple[str, str | None]]:
    """Each rule's head and body; statements without a body, such as ``@import``, by themselves."""
    at = 0
    while match := re.compile(r"[^{};]*([{;])").match(css, at):
        head, start = match[0][:-1].strip(), match.end()
        if match[1] == ";":
            yield f"{head};", None
            at = start
            continue
        at, depth = start, 1
        while depth:
            brace = re.compile(r"[^{}]*([{}])").match(css, at)
            depth += 1 if brace[1] == "{" else -1
            at = brace.end()
        yield head, css[start : at - 1]


def _split(head: str) -> list[str]:
    """Selectors of a rule; commas within brackets do not part them."""
    return [each.strip() for each in re.split(r",(?![^(]*\))", head)]


def _asks_for(selector: str) -> set[str]:
    """Classes and names without which a selector matches nothing."""
    certain = re.sub(r":(?:not|is|where)\([^)]*\)|\[[^]]*\]", "", selector)
    return set(re.findall(r"[.#]([\w-]+)", certain))


def _slim(app: Sphinx, error: Exception | None) -> None:
    if error or app.builder.format != "html":
        return
    static = Path(app.outdir, "_static")
    for name in UNUSED:
        place = static / name
        shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
    for file in static.rglob("*.map"):
        file.unlink()
    sources = [*Path(app.outdir).rglob("*.html"), *static.rglob("*.js")]
    words = {w for file in sources for w in re.findall(r"[\w-]+", file.read_text("utf-8"))}
    for file in static.rglob("*.css"):
        file.write_text(lean(file.read_text("utf-8"), words), "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", _slim, priority=900)  # after all pages and files are there
    return {"parallel_read_safe": True, "parallel_write_safe": True}
