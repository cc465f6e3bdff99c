"""The whole book as one PDF: its pages in a row, printed by Chromium."""

import html
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urldefrag, urljoin

from bs4 import BeautifulSoup, Tag
from sphinx_external_toc.parsing import parse_toc_yaml

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
"""Programs that print, by the names that they have on different systems."""


class PrintingFailed(RuntimeError):
    """There is no browser, or it printed nothing."""


def browser_here() -> str | None:
    """The first of :data:`BROWSERS` that is installed, or ``None``."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def to_pdf(book: Path, contents: Path) -> Path:
    """Print a built book, the HTML pages of a folder in the order of ``_toc.yml``.

    Returns:
        The PDF, ``book.pdf`` beside the folder.

    Raises:
        PrintingFailed: if no browser of :data:`BROWSERS` is installed, or it fails.
    """
    browser = browser_here()
    if browser is None:
        raise PrintingFailed(f"printing needs one of {', '.join(BROWSERS)}; found none")
    target = book.parent / "book.pdf"
    page = book / "all_pages.html"
    page.write_text(one_page(book, pages(contents)), encoding="utf-8")
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
             "--allow-file-access-from-files", "--no-pdf-header-footer",
             "--generate-pdf-document-outline", f"--print-to-pdf={target}", page.as_uri()],
            capture_output=True,
            text=True,
        )  # fmt: skip
    page.unlink()
    if done.returncode != 0 or not target.exists():
        raise PrintingFailed(f"{browser} printed nothing: {done.stderr.strip()[-300:]}")
    return target


def pages(contents: Path) -> list[str]:
    """Names of all pages, in the order of the table of contents."""
    return list(parse_toc_yaml(contents))


def one_page(book: Path, names: Sequence[str]) -> str:
    """All pages in one, named without ``.html``: links between them lead within it, others become
    footnotes."""
    first = BeautifulSoup((book / f"{names[0]}.html").read_text("utf-8"), "html.parser")
    sheets = [each["href"] for each in first.select("link[rel=stylesheet]")]
    articles = "\n".join(_article(book, name, names) for name in names)
    return (
        f'<!DOCTYPE html><html lang="en" data-theme="light"><head><meta charset="utf-8">'
        f"<title>{html.escape(first.title.get_text())}</title>"
        + "".join(f'<link rel="stylesheet" href="{urljoin(names[0], sheet)}">' for sheet in sheets)
        + f'</head><body class="printed">{articles}</body></html>'
    )


def _article(book: Path, name: str, names: Sequence[str]) -> str:
    soup = BeautifulSoup((book / f"{name}.html").read_text("utf-8"), "html.parser")
    article = soup.select_one("article")
    for each in article.select("script, details, button, .headerlink, .runs"):
        each.decompose()
    for each in article.select("[id]"):
        if not each.find_parent("svg"):  # names in drawings differ by themselves
            each["id"] = f"{name}#{each['id']}"
    article["id"] = name
    for each in article.select("img[src]"):
        each["src"] = urljoin(f"{name}.html", each["src"])
    notes: dict[str, None] = {}
    for link in article.select("a[href]"):
        _lead(link, name, names, notes)
    if notes:
        links = soup.new_tag("ol", attrs={"class": "links"})
        for place in notes:
            note = soup.new_tag("li")
            note.string = place
            links.append(note)
        article.append(links)
    return str(article)


def _lead(link: Tag, name: str, names: Sequence[str], notes: dict[str, None]) -> None:
    """Make a link lead to its page in the PDF, or to a footnote with its address."""
    if re.match(r"\w+:", link["href"]):
        notes.setdefault(link["href"])
        mark = BeautifulSoup("", "html.parser").new_tag("sup")
        mark.string = str(list(notes).index(link["href"]) + 1)
        link.insert_after(mark)
        return
    page, place = urldefrag(urljoin(f"{name}.html", link["href"]))
    page = page.removesuffix(".html") or name
    if page in names:
        link["href"] = f"#{page}#{place}" if place else f"#{page}"
    else:
        link.unwrap()  # a file beside the book
