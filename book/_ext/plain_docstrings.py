"""Sphinx extension: in a docstring, a bar is a bar and a colon is a colon.

Docstrings of this project write |λ_i| and Σ_j |w_ij|, where reStructuredText looks for the name of
a substitution. And they say "The files written: one per panel", where Napoleon takes what stands
before the colon for a type; types stand in the signatures instead. Neither has a setting for it.
"""

from __future__ import annotations

import re

from docutils.parsers.rst.states import Inliner
from sphinx.application import Sphinx
from sphinx.ext.napoleon import GoogleDocstring


def _plain_bar(inliner: Inliner, match: re.Match[str], lineno: int) -> tuple[str, list, str, list]:
    """Leave the bar in the text; what follows it is parsed on."""
    end = match.end("start")
    return match.string[:end], [], match.string[end:], []


def _untyped_returns(
    docstring: GoogleDocstring, preprocess_types: bool = False
) -> list[tuple[str, str, list[str]]]:
    lines = docstring._dedent(docstring._consume_to_next_section())
    return [("", "", lines)] if lines else []


def _untyped_attribute(docstring: GoogleDocstring) -> tuple[str, list[str]]:
    return "", docstring._consume_to_end()


def setup(app: Sphinx) -> dict[str, bool]:
    Inliner.dispatch["|"] = _plain_bar
    GoogleDocstring._consume_returns_section = _untyped_returns
    GoogleDocstring._consume_inline_attribute = _untyped_attribute
    return {"parallel_read_safe": True, "parallel_write_safe": True}
