"""Sphinx extension: what a link to a page shows elsewhere, and a map of the site.

Each page has a description, its first paragraph, for the theme's template. With an address
(``html: baseurl`` in the configuration) there is a picture for shared links and ``sitemap.xml``.
A figure's page says how its notebook runs, and launches it if the project has an address.
"""

from __future__ import annotations

import html
import textwrap
from pathlib import Path
from urllib.parse import quote

from docutils import nodes
from sphinx.application import Sphinx

LONGEST = 200
"""Characters of a description."""


def describe(page: nodes.document) -> str:
    """The first paragraph of a page that is none of a table, a list or a caption, shortened."""
    for paragraph in page.findall(nodes.paragraph):
        if isinstance(paragraph.parent, nodes.document | nodes.section):
            return textwrap.shorten(paragraph.astext(), LONGEST, placeholder=" …")
    return ""


def _context(
    app: Sphinx, name: str, template: str, context: dict, page: nodes.document | None
) -> None:
    if page is None:
        return
    context["description"] = html.escape(describe(page))
    context["card"] = f"{app.config.html_baseurl.rstrip('/')}/_static/{app.config.card}"
    notebook = Path("notebooks", Path(app.env.doc2path(name)).name)
    if notebook.match("fig*.ipynb"):
        context["runs"] = notebook.as_posix()
        if project := app.config.html_theme_options.get("repository_url"):
            place = f"{quote(project, safe='')}/HEAD?labpath={quote(notebook.as_posix())}"
            context["launch"] = f"https://mybinder.org/v2/git/{place}"


def _map(app: Sphinx, error: Exception | None) -> None:
    address = app.config.html_baseurl.rstrip("/")
    if error or not address or app.builder.name != "html":
        return
    urls = "".join(
        f"<url><loc>{address}/{app.builder.get_target_uri(name)}</loc></url>\n"
        for name in sorted(app.env.found_docs)
    )
    Path(app.outdir, "sitemap.xml").write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{urls}</urlset>\n',
        encoding="utf-8",
    )
    robots = f"User-agent: *\nAllow: /\nSitemap: {address}/sitemap.xml\n"
    Path(app.outdir, "robots.txt").write_text(robots, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("card", "", "html", [str])
    app.connect("html-page-context", _context)
    app.connect("build-finished", _map)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
