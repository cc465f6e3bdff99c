"""The book's own Sphinx extensions: API pages from the package, redirects, lean styles, links."""

import importlib.util
import re
from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup
from docutils.core import publish_doctree

import spectral_core
from spectral_core import data
from spectral_core.paper import paths

ROOT = paths.project()
PARTS = ("layers", "training", "pruning", "interop", "data")


def extension(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "book" / "_ext" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def filled(text):
    source = [text]
    extension("api_pages")._fill(None, "page", source)
    return source[0]


def test_each_public_name_is_on_one_page_of_the_api_and_in_its_overview():
    named = []
    for part in PARTS:
        page, overview = (filled(f"% {what}: spectral_core.{part}") for what in ("api", "names"))
        here = re.findall(r"^\.\. auto(?:class|function|exception):: (\S+)$", page, re.M)
        files = [f.name for f in (ROOT / "spectral_core" / part).rglob("[!_]*.py")]
        assert page.count(".. automodule::") == len(files)
        assert overview.count("{obj}") == len(here) > 0
        named += here
    callables = [f"spectral_core.{name}" for name in spectral_core.__all__]
    callables += [f"spectral_core.data.{n}" for n in data.__all__ if callable(getattr(data, n))]
    assert sorted(named) == sorted(callables)


def test_the_reproduction_has_one_section_per_module():
    page = filled("% summary: spectral_core.paper")
    files = [f for f in (ROOT / "spectral_core/paper").rglob("*.py") if f.name[0] != "_"]
    assert page.count("\n## ") + 1 == len(files)
    assert ":func:" not in page and ":class:" not in page


def built(folder, pages, **config):
    """An application that has built some pages."""
    builder = SimpleNamespace(name="html", format="html", get_target_uri="{}.html".format)
    env = SimpleNamespace(found_docs=set(pages))
    return SimpleNamespace(
        outdir=folder, builder=builder, env=env, config=SimpleNamespace(**config)
    )


def test_old_addresses_lead_to_pages(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "book/new.html").write_text("here")
    moves = {"book/old": "book/new", "book/figures/old": "book/new"}
    extension("redirects")._write(built(tmp_path, ["book/new"], redirects=moves), None)
    for old, target in (("book/old", "new.html"), ("book/figures/old", "../new.html")):
        text = (tmp_path / f"{old}.html").read_text()
        assert f'href="{target}"' in text and f"url={target}" in text


def test_a_style_stays_if_a_page_can_have_all_that_it_asks_for():
    css = (
        '@charset "UTF-8";.a,.a .b:not(.c){x:1}.a.c{x:2}/* {.a} */#d>p{x:3}'
        "@media print{.c{x:4}.a{x:5}}@media (x){.c{x:6}}@keyframes k{from{x:7}}p,.c:is(.a,.b){x:8}"
    )
    assert extension("lean").lean(css, {"a", "b"}) == (
        '@charset "UTF-8";.a,.a .b:not(.c){x:1}@media print{.a{x:5}}@keyframes k{from{x:7}}p{x:8}'
    )


def test_a_page_is_described_by_its_first_paragraph_of_prose():
    page = publish_doctree("Title\n=====\n\n* an item\n\nWhat *it* says.\n\nMore.\n")
    assert extension("sharing").describe(page) == "What it says."
    long = extension("sharing").describe(publish_doctree("word " * 99))
    assert len(long) <= 200 and long.endswith("word …")


def test_with_an_address_there_is_a_map_of_the_site(tmp_path):
    sharing, pages = extension("sharing"), ["book/a", "book/b"]
    sharing._map(built(tmp_path, pages, html_baseurl=""), None)
    assert not list(tmp_path.iterdir())
    sharing._map(built(tmp_path, pages, html_baseurl="https://example.org/x/"), None)
    places = re.findall("<loc>(.*?)</loc>", (tmp_path / "sitemap.xml").read_text())
    assert places == ["https://example.org/x/book/a.html", "https://example.org/x/book/b.html"]
    assert "https://example.org/x/sitemap.xml" in (tmp_path / "robots.txt").read_text()


def test_toggles_of_the_contents_are_named_by_their_chapters():
    contents = BeautifulSoup(
        "<ul><li><a>One</a><details><summary></summary><ul><li><a>Two</a></li></ul></details></li></ul>",
        "html.parser",
    )
    assert extension("accessible").named(contents).summary["aria-label"] == "Pages of One"


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (
            '<dl>\n<dd><em class="sig-param">a</em>,</dd>\n</dl><dl class="py"><dt>x</dt></dl>'
            "<table><tr><th></th></tr></table>",
            '<span class="sig-lines"><span><em class="sig-param">a</em>,</span>\n</span>'
            '<dl class="py"><dt>x</dt></dl><table><tr><td></td></tr></table>',
        ),
        (
            '<p title="5 pt">80\n% of 3 ptarmigans: 5 pt <b>2 %</b></p><pre class="a">97 %\n</pre>',
            '<p title="5 pt">80\u00a0% of 3 ptarmigans: 5\u00a0pt <b>2\u00a0%</b></p>'
            '<pre class="a">97 %\n</pre>',
        ),
    ],
    ids=["what is no list is not marked as one", "no line ends between a number and its unit"],
)
def test_a_page_can_be_read_by_everyone(body, shown):
    assert extension("accessible").accessible(body) == shown


def test_formulas_are_mathml():
    latex = r"\begin{aligned} \lambda_i &= \vec b \\[1ex] c &= d \end{aligned}"
    formula = extension("mathml").mathml(latex)
    parts = ("<math", "<mtable", "<msub>", "<mi>λ</mi>", "<mover", "→", "<mi>c</mi>")
    assert all(part in formula for part in parts) and "[" not in formula
