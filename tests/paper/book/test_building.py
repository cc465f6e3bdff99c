"""The rendered book: built strictly from really executed notebooks, then read as HTML."""

import re
import shutil
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup

from spectral_core.paper import paths
from spectral_core.paper.book import building
from spectral_core.paper.results.publishing import published, published_files
from spectral_core.paper.results.tables import summary
from spectral_core.paper.study.figures import QUESTIONS

PROJECT = paths.project()


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    """Folder of the built pages; every warning of the build is an error."""
    root = tmp_path_factory.mktemp("book")
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(PROJECT / name, root)
    for name in ("book", "results/published"):
        made = shutil.ignore_patterns("figures", "generated")
        shutil.copytree(PROJECT / name, root / name, ignore=made)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPECTRAL_CORE_STORE", str(root / "store"))
        return building.build(root, {"fig03": "smoke"}).parent


@pytest.fixture(scope="module")
def pages(html):
    toc = yaml.safe_load((PROJECT / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [chapter for part in toc["parts"] for chapter in part["chapters"]]
    sections = [section for chapter in chapters for section in chapter.get("sections", [])]
    files = [toc["root"]] + [each["file"] for each in (*chapters, *sections)]
    return {
        file: BeautifulSoup((html / f"{file}.html").read_text(encoding="utf-8"), "html.parser")
        for file in files
    }


def test_contents_have_six_parts(pages):
    toc = yaml.safe_load((PROJECT / "_toc.yml").read_text(encoding="utf-8"))
    captions = [part["caption"] for part in toc["parts"]]
    assert captions == [
        "In short",
        "Idea and theory",
        "The figures",
        "Beyond",
        "On your own network",
        "Re-run and reference",
    ]
    shown = [item.get_text(strip=True) for item in pages[toc["root"]].select("p.caption")]
    assert shown == captions


def test_every_figure_has_a_number_a_caption_and_alt_text(pages):
    found = 0
    for page in pages.values():
        for figure in page.select("article figure"):
            found += 1
            assert re.search(r"\d", figure.select_one(".caption-number").get_text())
            assert len(figure.select_one(".caption-text").get_text(strip=True)) > 20
        for image in page.select("article img"):
            assert len(image.get("alt", "")) > 20, image
            assert not image["alt"].endswith((".png", ".svg")), image
    assert found >= 3


def test_nothing_is_loaded_from_elsewhere(pages):
    """The book reads whole without internet."""
    loaded = [
        element.get(attribute)
        for page in pages.values()
        for tag, attribute in (
            ("script", "src"),
            ("link", "href"),
            ("img", "src"),
            ("iframe", "src"),
        )
        for element in page.select(tag)
        if element.get(attribute) and element.get("rel") not in (["canonical"], ["author"])
    ]
    assert loaded
    assert [source for source in loaded if re.match(r"(https?:)?//", source)] == []


def test_mathematics_is_rendered_by_the_books_own_mathjax(pages, html):
    theory = pages["book/figures/theory"]
    assert len(theory.select("article .math")) > 10
    sources = [script["src"] for script in theory.select("script[src]")]
    (mathjax,) = [source for source in sources if "mathjax" in source.lower()]
    assert (html / "book/figures" / mathjax.split("?")[0]).resolve().exists()


def test_each_page_has_one_search_box_and_a_dark_mode(pages):
    for file, page in pages.items():
        boxes = page.select("form.bd-search")
        assert len(boxes) == 1, file
        assert "theme-switch-button" in str(page), file


def test_no_markup_shows_raw(pages):
    for file, page in pages.items():
        for code in page.select("article pre, article code, article .math, script, style"):
            code.extract()
        text = page.select_one("article").get_text()
        for raw in ("```", "{ref}", "{cite", "{eq}", "$$", ":::", "{download}", "{doc}"):
            assert raw not in text, (file, raw)


def test_links_of_the_text_and_of_outputs_lead_to_pages_that_are_there(pages, html):
    found = set()
    for file, page in pages.items():
        for link in page.select("article a[href]:not([download])"):
            target = link["href"].split("#")[0]
            if target and not re.match(r"\w+:", target):
                found.add((file.rsplit("/", 1)[-1], target))
                assert (html / file).parent.joinpath(target).resolve().exists(), (file, target)
    assert ("in_short", "stronger_variant.html") in found  # from an output


def test_executed_notebooks_and_data_can_be_downloaded(pages, html):
    for file, page in pages.items():
        if not file.startswith("book/figures/"):
            continue
        links = [link["href"] for link in page.select("a[href$='.ipynb']")]
        assert links, file
        assert (html / "book/figures" / links[0]).resolve().exists()
    figure = pages["book/figures/fig03_fashion_mnist_one_hidden_layer"]
    tables = [link["href"] for link in figure.select("a[download]") if ".csv" in link["href"]]
    names = [table.rsplit("/", 1)[1] for table in tables]
    there = [
        f.table.name for p in ("paper", "quick") for f in published_files("fig03", p, "*").values()
    ]
    assert names == there and len(names) >= 2
    assert all((html / "book/figures" / table).resolve().exists() for table in tables)


def test_nothing_in_the_book_names_this_machine(html):
    for file in [*html.rglob("*.html"), *html.rglob("*.ipynb")]:
        text = file.read_text(encoding="utf-8")
        for folder in (str(PROJECT), str(Path.home()) + "/", str(html.parent.parent)):
            assert folder not in text, (file.name, folder)


def test_questions_say_how_many_of_their_networks_are_published(monkeypatch):
    there = len(published_files("score", "paper", "*"))
    assert f"score_once_eigenvectors_train.ipynb): {there} of 12 published" in building.questions()
    monkeypatch.setattr(building, "published_files", lambda *_: {})
    assert building.questions().count(": not run yet") == len(QUESTIONS)


def test_headline_follows_from_the_published_results():
    means = summary(published("fig03", "paper", "fashion-mnist-elu-500")).set_index(
        ["method", "percentile"]
    )["accuracy"]
    text = building.headline()
    for method in ("direct", "post", "pre"):
        assert f"{100 * means[(method, 90.0)]:.1f} ±" in text
