"""The book on one page: links lead within it, names stay apart, addresses become footnotes."""

import pytest
from bs4 import BeautifulSoup

from spectral_core.paper.pages import printing

PAGES = {
    "book/a": '<h1 id="top">A</h1><a href="sub/b.html#top">b</a><a href="#top">a</a>'
    '<a href="https://x.org/">x</a><a href="https://y.org/">y</a><a href="https://x.org/">x</a>'
    '<a href="../file.csv">file</a><details>folded</details>',
    "book/sub/b": '<h1 id="top">B</h1><svg><path id="p"></path><use href="#p"></use></svg>'
    '<img src="../../i.png">',
}


@pytest.fixture
def book(tmp_path):
    (tmp_path / "_toc.yml").write_text(
        "format: jb-book\nroot: book/a\nparts:\n- chapters:\n  - file: book/sub/b\n"
        "    sections:\n    - file: c\n"
    )
    for name, body in {**PAGES, "c": ""}.items():
        file = tmp_path / "html" / f"{name}.html"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            '<html><head><title>A book</title><link rel="stylesheet" href="../_static/s.css">'
            f"</head><body><nav>bar</nav><article>{body}</article></body></html>"
        )
    return tmp_path / "html"


def test_pages_follow_one_another_and_links_lead_within(book):
    names = printing.pages(book.parent / "_toc.yml")
    assert names == [*PAGES, "c"]
    page = BeautifulSoup(printing.one_page(book, names), "html.parser")
    assert [each["id"] for each in page.select("article")] == names
    assert [each["id"] for each in page.select("h1")] == [f"{name}#top" for name in PAGES]
    assert page.link["href"] == "_static/s.css" and "bar" not in page.get_text()
    links = [each["href"] for each in page.select("a")]
    assert links[:2] == ["#book/sub/b#top", "#book/a#top"] and len(links) == 5
    assert [each.get_text() for each in page.select("sup")] == ["1", "2", "1"]
    notes = [each.get_text() for each in page.select("ol.links li")]
    assert notes == list(dict.fromkeys(links[2:]))
    assert page.select_one("use")["href"] == "#p" and page.img["src"] == "i.png"
    assert "folded" not in page.get_text()


def test_a_browser_prints(book, monkeypatch):
    contents = book.parent / "_toc.yml"
    if printing.browser_here() is None:
        pytest.skip("no Chromium on this machine")
    assert printing.to_pdf(book, contents).read_bytes().startswith(b"%PDF")
    assert not list(book.glob("all_pages*"))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(printing.PrintingFailed, match="chromium"):
        printing.to_pdf(book, contents)
