"""Sphinx extension: pages that have moved leave a page at their old address that leads on.

``redirects`` in the configuration has the new page of each old one, both without ``.html``.
"""

from __future__ import annotations

import os
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>This page has moved</title>
<link rel="canonical" href="{url}">
<meta http-equiv="refresh" content="1; url={url}">
<script>location.replace("{url}" + location.hash)</script>
</head>
<body><p>This page has moved: <a href="{url}">go on</a>.</p></body>
</html>
"""


def _write(app: Sphinx, error: Exception | None) -> None:
    if error or app.builder.format != "html":
        return
    for old, new in app.config.redirects.items():
        page, target = (Path(app.outdir, f"{name}.html") for name in (old, new))
        if old in app.env.found_docs or not target.exists():
            logging.getLogger(__name__).warning("redirect from %s to %s: no such move", old, new)
            continue
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(PAGE.format(url=Path(os.path.relpath(target, page.parent)).as_posix()))


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("redirects", {}, "html", [dict])
    app.connect("build-finished", _write, priority=400)  # before another extension makes an index
    return {"parallel_read_safe": True, "parallel_write_safe": True}
