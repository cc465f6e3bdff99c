"""The examples of the chapter "Use it", and the README's, run and give what the page shows."""

import doctest
import re

import pytest

from spectral_core.data.torchvision_import import import_torchvision
from spectral_core.paper import paths

ROOT = paths.project()
PAGES = {"book/use_it.md": 25, "book/use_it_models.md": 35, "book/use_it_deploy.md": 25}
"""Pages, with the number of examples that each has at least."""
NUMBER = re.compile(r"[+-]?\d[\d,]*\.\d+|[+-]?\d[\d,]*")
ACCURACY = 4.0
"""Points by which an accuracy may be off on another machine: the digits have 360 test images."""


class AsMeasured(doctest.OutputChecker):
    """A measured accuracy may be off by a little and a time by anything; the rest is exact."""

    def check_output(self, want, got, optionflags):
        if super().check_output(want, got, optionflags):
            return True
        lines = list(zip(want.splitlines(), got.splitlines(), strict=False))
        same = len(want.splitlines()) == len(got.splitlines())
        return same and all(self._alike(*line) for line in lines)

    def _alike(self, want, got):
        words = [" ".join(NUMBER.sub("#", line).split()) for line in (want, got)]
        if words[0] != words[1]:
            return False
        if want.startswith("ms "):
            return True
        tolerance = ACCURACY if want.startswith("accuracy") else 0.0
        numbers = [[float(n.replace(",", "")) for n in NUMBER.findall(x)] for x in (want, got)]
        return all(abs(a - b) <= tolerance for a, b in zip(*numbers, strict=True))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.slow
def test_examples_give_what_the_page_shows(page, tmp_path, monkeypatch):
    import_torchvision()  # the page imports it plainly
    monkeypatch.chdir(tmp_path)
    text = (ROOT / page).read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    examples = doctest.DocTestParser().get_doctest(code, {}, page, None, 0)
    assert len(examples.examples) >= PAGES[page]
    runner = doctest.DocTestRunner(AsMeasured(), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert runner.run(examples).failed == 0
