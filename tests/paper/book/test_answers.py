"""All questions in one place: each with a page that is there, and what results say."""

import re

from spectral_core.paper.book import answers
from spectral_core.paper.book.notebooks import sources
from spectral_core.paper.questions.recommended import Decision
from spectral_core.paper.results.standings import NOTHING


def test_each_question_has_a_page_whose_title_it_is():
    found = answers.answers()
    pages = {file.stem: file for file in sources().values()}
    for each in found:
        assert f"# {each.question}\n" in pages[each.page].with_suffix(".md").read_text("utf-8")
        assert each.text == NOTHING or re.search(r"\*\*[^*]+\*\*: |networks", each.text)
    assert len({each.page for each in found}) == len(found)


def test_markdown_links_every_question_to_its_page():
    text = answers.markdown([answers.Answer("Why?", "why", "**Because**."), answers.answers()[0]])
    assert text.startswith("**[Why?](why.ipynb)** **Because**.\n\n**[Is it the ranking")


def test_recommendations_stand_with_what_decides_them():
    text = answers.recommendations([Decision("by", "taylor", ("score",), "three of four")])
    assert text == (
        "- `by`: **taylor** (three of four; see [Is |λ| the right score once φ trains?]"
        "(score_once_eigenvectors_train.ipynb))"
    )
