"""Sphinx extension: what screen readers need and the theme's HTML lacks.

The toggles of the contents have names; tables can be scrolled by keyboard and have no empty
headings; references, and parameters of a signature, are not marked as lists, which they are not.
And no line ends between a number and its unit.
"""

from __future__ import annotations

import re

from bs4 import BeautifulSoup
from docutils import nodes
from sphinx.application import Sphinx

REPLACED = {
    '<div role="list" class="citation-list">': '<div class="citation-list">',
    ' role="doc-biblioentry"': "",
    "<th></th>": "<td></td>",
    '<dl class="field-list simple">\n</dl>': "",
    '<th class="head': '<th scope="col" class="head',
    '<div class="pst-scrollable-table-container">': '<div class="pst-scrollable-table-container" '
    'role="region" tabindex="0" aria-label="Table">',
}

UNIT = re.compile(r"<(pre|script|code)\b.*?</\1>|<[^>]*>|(?<=\d)\s(?=%|pt\b)", re.DOTALL)
"""Tags and code, which stay as they are, or the space before a unit."""


def accessible(body: str) -> str:
    """The HTML of a page's text, repaired."""
    for wrong, right in REPLACED.items():
        body = body.replace(wrong, right)
    body = UNIT.sub(lambda match: "\u00a0" if match[0].isspace() else match[0], body)
    return re.sub(r"<dl>\s*((?:<dd><em class=\"sig-param\">.*?</dd>\s*)+)</dl>", _lines, body)


def _lines(match: re.Match[str]) -> str:
    """Parameters of a signature, one a line."""
    lines = match[1].replace("<dd>", "<span>").replace("</dd>", "</span>")
    return f'<span class="sig-lines">{lines}</span>'


def named(contents: BeautifulSoup | str) -> BeautifulSoup | str:
    """The table of contents, whose toggles have the names of their chapters."""
    if isinstance(contents, BeautifulSoup):
        for toggle in contents.select("summary"):
            chapter = toggle.find_parent("li").find("a").get_text(strip=True)
            toggle["aria-label"] = f"Pages of {chapter}"
    return contents


def _context(
    app: Sphinx, name: str, template: str, context: dict, page: nodes.document | None
) -> None:
    if "body" in context:
        context["body"] = accessible(context["body"])
    if make := context.get("generate_toctree_html"):
        context["generate_toctree_html"] = lambda *args, **options: named(make(*args, **options))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", _context, priority=900)  # after the theme
    return {"parallel_read_safe": True, "parallel_write_safe": True}
