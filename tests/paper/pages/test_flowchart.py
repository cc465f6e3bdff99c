"""The flowchart: every box is a step of the method, those of one kind side by side."""

import pytest
from bs4 import BeautifulSoup

from spectral_core.paper.pages.flowchart import REPEATS, flow, flowchart
from spectral_core.paper.study.methods import METHODS

KINDS = {kind for kinds in REPEATS.values() for kind in kinds}


@pytest.mark.parametrize(
    ("method", "kind", "words"),
    [
        ("pre", "train", "λ; φ stays"),
        ("direct", "train", "weights w"),
        ("direct", "rank", "Σ|w|"),
        ("post-scaled", "rank", "layer's mean"),
        ("pre-smallest", "prune", "(100 − q)"),
        ("post-per-layer", "prune", "their layer's"),
        ("fresh", "retrain", "new network"),
    ],
)
def test_steps_follow_from_the_method(method, kind, words):
    steps = flow(METHODS[method])
    assert words in steps[kind]
    retrains = METHODS[method].retrained or METHODS[method].from_scratch
    assert steps.keys() == (KINDS if retrains else KINDS - {"retrain"})


def test_chart_has_a_column_per_method_with_its_steps_numbered_in_order():
    page = BeautifulSoup(flowchart(["pre", "post", "fresh"])._repr_html_(), "html.parser")
    columns = page.div.find_all("div")
    for name, column in zip(("pre", "post", "fresh"), columns, strict=True):
        assert column.strong.text == METHODS[name].title
        boxes, steps = column.select("li"), flow(METHODS[name])
        assert [box.text for box in boxes] == list(steps.values())
        assert [p.text for p in column.select("p")] == list(REPEATS)
        assert [ol["start"] for ol in column.select("ol")] == ["1", "4"]
        trained = [box.text for box in boxes if box.get("class") == ["trains"]]
        assert trained == [steps[kind] for kind in ("train", "retrain") if kind in steps]
    last = [column.select("li")[-1]["style"] for column in columns]
    assert len(set(last)) == 1  # on one level, though one method has a step less


def test_a_method_that_is_unknown_or_named_twice_is_refused():
    with pytest.raises(ValueError, match=r"Did you mean 'post'\?"):
        flowchart(["pre", "past"])
    with pytest.raises(ValueError, match="must hold each item once"):
        flowchart(["pre", "pre"])
