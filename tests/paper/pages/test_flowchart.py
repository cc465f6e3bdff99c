"""The flowchart: every box is a step of the method, those of one kind side by side."""

import pytest
from bs4 import BeautifulSoup

from spectral_core.paper.pages.flowchart import REPEATS, flow, flowchart
from spectral_core.paper.study.methods import METHODS

KINDS = {kind for kinds in REPEATS.values() for kind in kinds}


def test_steps_follow_from_the_method():
    steps = {name: {s.kind: s.text for s in flow(METHODS[name])} for name in METHODS}
    assert steps["pre"].keys() == KINDS
    assert steps["post"].keys() == steps["direct"].keys() == KINDS - {"retrain"}
    assert "λ; φ stays" in steps["pre"]["train"] and "φ" in steps["pre"]["retrain"]
    assert "w" in steps["direct"]["train"] and "λ" not in steps["direct"]["train"]
    assert "|λᵢ|" in steps["pre"]["rank"] and "Σⱼ |wᵢⱼ|" in steps["direct"]["rank"]
    assert "(100 − q)" in steps["pre-smallest"]["prune"]
    assert "their layer's" in steps["post-per-layer"]["prune"]
    assert "layer's mean" in steps["post-scaled"]["rank"]
    assert "new network" in steps["fresh"]["retrain"]


def test_chart_has_a_column_per_method_with_its_steps_numbered_in_order():
    page = BeautifulSoup(flowchart(["pre", "post", "fresh"])._repr_html_(), "html.parser")
    columns = page.div.find_all("div")
    for name, column in zip(("pre", "post", "fresh"), columns, strict=True):
        assert column.strong.text == METHODS[name].title
        boxes, steps = column.select("li"), flow(METHODS[name])
        assert [box.text for box in boxes] == [step.text for step in steps]
        assert [p.text for p in column.select("p")] == list(REPEATS)
        assert [ol["start"] for ol in column.select("ol")] == ["1", "4"]
        trained = [box.text for box in boxes if box.get("class") == ["trains"]]
        assert trained == [s.text for s in steps if s.kind in ("train", "retrain")]
    last = [column.select("li")[-1]["style"] for column in columns]
    assert len(set(last)) == 1  # on one level, though one method has a step less


def test_a_method_that_is_unknown_or_named_twice_is_refused():
    with pytest.raises(ValueError, match=r"Did you mean 'post'\?"):
        flowchart(["pre", "past"])
    with pytest.raises(ValueError, match="methods must hold each item once"):
        flowchart(["pre", "pre"])
