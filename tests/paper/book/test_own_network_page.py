"""The examples in the chapter "Prune your own network" run as they stand there."""

import doctest
import re

import pytest

from spectral_core.data.torchvision_import import import_torchvision
from spectral_core.paper import paths

ROOT = paths.project()
PAGES = {"own_network": 25, "own_network_convolutions": 20, "own_network_deployed": 25}
"""Pages of the chapter, with the number of examples that each has at least."""


@pytest.mark.parametrize("page", PAGES)
def test_examples_give_what_the_page_shows(page, tmp_path, monkeypatch):
    import_torchvision()  # the page imports it plainly
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "book" / f"{page}.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    examples = doctest.DocTestParser().get_doctest(code, {}, page, None, 0)
    assert len(examples.examples) >= PAGES[page]
    # An ellipsis stands for what another machine measures otherwise: times and accuracies.
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.DocTestRunner(optionflags=flags).run(examples)
    assert result.failed == 0
