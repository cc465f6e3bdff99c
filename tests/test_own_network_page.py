"""The examples on the page "In your own network" run as they stand there."""

import doctest
import re

from spectral_core import paths


def test_examples_give_what_the_page_shows():
    page = (paths.project() / "book" / "own_network.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE))
    examples = doctest.DocTestParser().get_doctest(code, {}, "own_network.md", None, 0)
    assert len(examples.examples) >= 15
    result = doctest.DocTestRunner().run(examples)
    assert result.failed == 0
