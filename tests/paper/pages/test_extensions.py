"""The book's own Sphinx extensions: API pages from the package, redirects, lean styles, links."""

import importlib.util
import re
from types import SimpleNamespace

import pytest
import yaml
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


def test_each_public_name_is_on_one_page_of_the_api():
    pages = [filled(f"% api: spectral_core.{part}") for part in PARTS]
    named = re.findall(r"^\.\. auto(?:class|function|exception):: (\S+)$", "\n".join(pages), re.M)
    callables = [f"spectral_core.{name}" for name in spectral_core.__all__]
    callables += [f"spectral_core.data.{n}" for n in data.__all__ if callable(getattr(data, n))]
    assert sorted(named) == sorted(callables)


@pytest.mark.parametrize("part", PARTS)
def test_a_page_of_the_api_has_every_module_and_the_overview_every_name(part):
    page, overview = (
        filled(f"% api: spectral_core.{part}"),
        filled(f"% names: spectral_core.{part}"),
    )
    files = [f for f in (ROOT / "spectral_core" / part).rglob("*.py") if f.name != "__init__.py"]
    assert page.count(".. automodule::") == len([f for f in files if not f.name.startswith("_")])
    assert overview.count("{obj}") == len(re.findall(r"^\.\. auto(?!module)", page, re.M)) > 0


def test_the_reproduction_has_one_section_per_module():
    page = filled("% summary: spectral_core.paper")
    files = [f for f in (ROOT / "spectral_core/paper").rglob("*.py") if f.name != "__init__.py"]
    assert page.count("\n## ") + 1 == len(files)
    assert ":func:" not in page and ":class:" not in page


def test_old_addresses_lead_to_pages(tmp_path):
    redirects = extension("redirects")
    (tmp_path / "book").mkdir()
    (tmp_path / "book/new.html").write_text("here")
    app = SimpleNamespace(
        outdir=tmp_path,
        builder=SimpleNamespace(format="html"),
        env=SimpleNamespace(found_docs={"book/new"}),
        config=SimpleNamespace(redirects={"book/old": "book/new", "book/figures/old": "book/new"}),
    )
    redirects._write(app, None)
    for old, target in (("book/old", "new.html"), ("book/figures/old", "../new.html")):
        text = (tmp_path / f"{old}.html").read_text()
        assert f'href="{target}"' in text and f"url={target}" in text


def test_redirects_lead_from_pages_that_are_gone_to_pages_in_the_contents():
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    contents = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    files = set(re.findall(r"(?:file|root): (\S+)", contents))
    redirects = config["sphinx"]["config"]["redirects"]
    assert set(redirects.values()) <= files and not set(redirects) & files


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
    sharing = extension("sharing")
    app = SimpleNamespace(
        outdir=tmp_path,
        builder=SimpleNamespace(name="html", get_target_uri="{}.html".format),
        env=SimpleNamespace(found_docs={"book/a", "book/b"}),
        config=SimpleNamespace(html_baseurl=""),
    )
    sharing._map(app, None)
    assert not list(tmp_path.iterdir())
    app.config.html_baseurl = "https://example.org/x/"
    sharing._map(app, None)
    places = re.findall("<loc>(.*?)</loc>", (tmp_path / "sitemap.xml").read_text())
    assert places == ["https://example.org/x/book/a.html", "https://example.org/x/book/b.html"]
    assert "https://example.org/x/sitemap.xml" in (tmp_path / "robots.txt").read_text()


def test_toggles_of_the_contents_are_named_by_their_chapters():
    contents = BeautifulSoup(
        "<ul><li><a>One</a><details><summary></summary><ul><li><a>Two</a></li></ul></details></li></ul>",
        "html.parser",
    )
    assert extension("accessible").named(contents).summary["aria-label"] == "Pages of One"


def test_what_is_no_list_is_not_marked_as_one():
    body = (
        '<dl>\n<dd><em class="sig-param">a</em>,</dd>\n</dl>'
        '<dl class="py"><dt>x</dt><dd>y</dd></dl>'
        "<table><tr><th></th></tr></table>"
    )
    assert extension("accessible").accessible(body) == (
        '<span class="sig-lines"><span><em class="sig-param">a</em>,</span>\n</span>'
        '<dl class="py"><dt>x</dt><dd>y</dd></dl><table><tr><td></td></tr></table>'
    )


def test_no_line_ends_between_a_number_and_its_unit():
    body = '<p title="5 pt">80\n% of 3 ptarmigans: 5 pt <b>2 %</b></p><pre class="a">97 %\n</pre>'
    assert extension("accessible").accessible(body) == (
        '<p title="5 pt">80\u00a0% of 3 ptarmigans: 5\u00a0pt <b>2\u00a0%</b></p>'
        '<pre class="a">97 %\n</pre>'
    )


@pytest.mark.parametrize(
    ("latex", "parts"),
    [
        (r"w_{ij} = -\lambda_i", ["<msub>", "<mi>λ</mi>", "−"]),
        (r"\begin{aligned} a &= b \\[1ex] c &= d \end{aligned}", ["<mtable", "<mi>c</mi>"]),
        (r"\vec x", ["<mover", "→"]),
    ],
)
def test_formulas_are_mathml(latex, parts):
    formula = extension("mathml").mathml(latex)
    assert formula.startswith("<math") and all(part in formula for part in parts)
    assert "1ex" not in formula
