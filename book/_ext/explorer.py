"""Sphinx extension: script and style of the landing page, on the page with the explorer alone."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx


def _add(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    if '<div class="explorer"' in context.get("body", ""):
        app.add_js_file("explorer.js", loading_method="defer")
        app.add_css_file("landing.css")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", _add)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
