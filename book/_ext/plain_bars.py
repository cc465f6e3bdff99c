"""Sphinx extension: in reStructuredText, ``|`` is a vertical bar and nothing else.

Docstrings of this project write |λ_i| and Σ_j |w_ij|, where reStructuredText sees a reference to
a substitution. The project has no substitutions, so the parser is told not to look for them.
"""

from __future__ import annotations

import re

from docutils.parsers.rst.states import Inliner
from sphinx.application import Sphinx


def _plain(inliner: Inliner, match: re.Match[str], lineno: int) -> tuple[str, list, str, list]:
    """Leave the bar in the text; what follows it is parsed on."""
    end = match.end("start")
    return match.string[:end], [], match.string[end:], []


def setup(app: Sphinx) -> dict[str, bool]:
    Inliner.dispatch["|"] = _plain
    return {"parallel_read_safe": True, "parallel_write_safe": True}
