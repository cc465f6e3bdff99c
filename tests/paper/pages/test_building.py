"""The rendered book: built strictly from really executed notebooks, then read as HTML."""

import re
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from spectral_core.paper import paths
from spectral_core.paper.pages import building, printing
from spectral_core.paper.study.settings import Settings

PROJECT = paths.project()


@pytest.fixture(scope="module")
def pages(html):
    return {
        file: BeautifulSoup((html / f"{file}.html").read_text(encoding="utf-8"), "html.parser")
        for file in printing.pages(PROJECT / "_toc.yml")
    }


def test_pictures_say_their_finding_and_figures_have_a_number_and_a_caption(pages):
    assert sum(len(page.select("article .picture svg")) for page in pages.values()) > 20
    for file, page in pages.items():
        for figure in page.select("article figure"):
            assert re.search(r"\d", figure.select_one(".caption-number").get_text()), file
            assert len(figure.select_one(".caption-text").get_text(strip=True)) > 20, file
        for picture in page.select("article .picture, article img"):
            words = picture.get("aria-label") or picture.get("alt", "")
            assert len(words) > 20 and not words.endswith((".png", ".svg")), file


def test_no_name_is_twice_on_a_page_and_no_heading_is_empty(pages):
    for file, page in pages.items():
        names = [each["id"] for each in page.select("article svg [id]")]
        assert len(names) == len(set(names)), file
        assert all(th.get_text(strip=True) for th in page.select("table.results th")), file


def test_no_markup_shows_raw(pages):
    for file, page in pages.items():
        for code in page.select("article pre, article code, article .math, script, style"):
            code.extract()
        text = page.select_one("article").get_text()
        for raw in ("```", "{ref}", "{cite", "{eq}", "$$", ":::", "{download}", "{glue"):
            assert raw not in text, (file, raw)


def test_links_lead_to_pages_and_files_that_are_there(pages, html):
    downloads = 0
    for file, page in pages.items():
        for link in page.select("article a[href]"):
            target = link["href"].split("#")[0]
            if target and not re.match(r"\w+:", target):
                assert (html / file).parent.joinpath(target).resolve().exists(), (file, target)
                downloads += target.endswith((".csv", ".json"))
    assert downloads > 40


def test_nothing_in_the_book_names_this_machine(html):
    for file in [*html.rglob("*.html"), *html.rglob("*.ipynb")]:
        text = file.read_text(encoding="utf-8")
        for folder in (PROJECT, f"{Path.home()}/", html.parent.parent, sys.prefix, sys.base_prefix):
            assert str(folder) not in text, (file.name, folder)


def test_what_the_builder_prints_is_shown_whatever_its_bytes(project, monkeypatch, capsys):
    tool = project / "jupyter-book"
    tool.write_text("#!/bin/sh\nprintf '\\316\\273 \\377'; exit 1\n")
    tool.chmod(0o755)
    monkeypatch.setattr(building.shutil, "which", lambda *_, **__: str(tool))
    for name in ("sources", "execute_all"):
        monkeypatch.setattr(building.notebooks, name, lambda *_: {})
    monkeypatch.setattr(building, "generate", lambda _: None)
    with pytest.raises(building.BookFailed):
        building.build(project, {})
    assert capsys.readouterr().err == "λ \ufffd"


def test_table_of_settings_has_each_of_them(tmp_path):
    building.generate(tmp_path)
    lines = (tmp_path / "settings.md").read_text(encoding="utf-8").splitlines()
    assert [line.split("`")[1] for line in lines[2:]] == list(Settings.__dataclass_fields__)


def test_share_of_the_limit_is_of_memory_or_of_the_processor(tmp_path, monkeypatch):
    rates = {"large product": (100, 300), "copy": (2, 0.2), "product": (50, 60), "Adam": (3, 0.5)}
    rows = [
        {"precision": "fp32", "part": part, "gflops": {"median": rate}, "operations_per_byte": each}
        for part, (rate, each) in rates.items()  # 100 GFLOP/s, 10 GB/s
    ]
    monkeypatch.setattr(building.compression, "measured", {"roofline": rows}.get)
    building.generate(tmp_path)
    table = (tmp_path / "roofline.md").read_text(encoding="utf-8")
    assert "| product | 60 | 50 | 50 % |" in table and "| Adam | 0.50 | 3 | 60 % |" in table
