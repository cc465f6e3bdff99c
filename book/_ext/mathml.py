"""Sphinx extension: formulas as MathML, which browsers draw and screen readers read without a
script. It is chosen by ``html_math_renderer: mathml``."""

from __future__ import annotations

import html
import re

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

_CONVERTER = LatexToMathML(fancy_error=False)


def mathml(latex: str, block: bool = False) -> str:
    """A formula as MathML.

    Args:
        latex: the formula, without the dollars around it.
        block: whether it stands in a line of its own.

    Raises:
        LatexError: if the formula has a command that is not known.
    """
    plain = re.sub(r"\\\\\[[^]]*\]", r"\\\\", latex)  # rows are far enough apart
    formula = _CONVERTER.convert_with_local_state(plain, displaystyle=block)
    # An arrow that combines stands beside its letter in some browsers; one of its own is above.
    return re.sub(r"<mo[^>]*>\u20d7", '<mo class="arrow" stretchy="false">→', formula)


def _converted(node: nodes.Element, latex: str, block: bool) -> str:
    try:
        return mathml(latex, block)
    except LatexError as error:
        logging.getLogger(__name__).warning("%s: %s", error, latex, location=node)
        return f"<code>{html.escape(latex)}</code>"


def _inline(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(_converted(node, node.astext(), block=False))
    raise nodes.SkipNode


def _block(self: HTML5Translator, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", CLASS="math", tabindex="0"))
    latex = node.astext()
    if tag := re.search(r"\\tag\{(.*?)\}", latex):
        latex = latex.replace(tag[0], "")
        self.body.append(f'<span class="eqno">({tag[1]})</span>')
    elif node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append(_converted(node, latex, block=True) + "</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
