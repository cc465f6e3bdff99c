"""A page: what it finds of its figure, and a run of it on this machine."""

import json

import pytest

from spectral_core.paper.pages import Page, say
from spectral_core.paper.pages.picture import Picture
from spectral_core.paper.results.statistics import Estimate
from spectral_core.paper.study.panels import SOURCES


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """Arguments of a run that takes a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPECTRAL_CORE_STORE", str(tmp_path_factory.mktemp("store")))
        yield {"preset": "smoke", "workers": 1}


def circles(figure, marker="o"):
    return sum(line.get_marker() == marker for line in figure.axes[0].get_lines())


@pytest.mark.parametrize("name", ["fig04", "fig11"])
def test_every_figure_has_its_pictures_tables_and_provenance(name):
    page = Page(name)
    assert page.sources() and set(page.sources()) <= set(SOURCES)
    assert isinstance(page.curves(alt="finding"), Picture) == (name != "fig11")
    text = page.details()._repr_markdown_()
    for source in page.sources():
        assert f"Accuracies, {SOURCES[source]}" in text
    assert ("the authors" in text) == ("released" in page.sources())
    assert "Provenance" in text and f"/results/published/{name}/" in text


def test_both_settings_of_a_network_are_side_by_side_and_the_authors_points_at_the_released():
    drawings = Page("fig06").curves().drawings
    titles = [each.axes[0].get_title("left") for each in drawings]
    assert len(titles) == 6
    for text, released in zip(titles[::2], titles[1::2]):
        activation = text.split(" · ")[1].split(",")[0]
        assert "text settings" in text and "released" in released and activation in released
    assert [circles(figure, "D") for figure in drawings] == [0, 3] * 3
    (alone,) = Page("fig03").curves("text").drawings
    assert alone.axes[0].get_title("left") == "Fashion-MNIST · 1 × 500 · ELU"


@pytest.mark.slow
def test_claims_are_those_about_the_figure():
    claims = Page("fig08").claims().frame.index  # all of one place
    assert len(claims) == 2 and all("effective than Magnitude" in claim for claim in claims)
    places = Page("fig03").claims().frame.index.get_level_values(0)
    assert any("Fig. 3" in place for place in places)


def test_a_run_is_compared_with_the_published_one(smoke):
    run = Page("fig03").run(**smoke)
    assert run.published is None  # nothing is published at this preset
    assert len(run.results) == 18 and "unpruned (%)" in run.table().frame
    (figure,) = run.curves().drawings
    assert not circles(figure)
    beside = run._replace(published=run.results)
    assert set(beside.table().frame["largest difference (pt)"]) == {"0.00"}
    (figure,) = beside.curves().drawings
    assert circles(figure) == 3
    nothing = Page("fig03").run(None)
    assert nothing.table() is None and nothing.curves() is None


def test_settings_and_names_of_their_own_replace_the_figures(smoke):
    own = {"epochs": 1, "penalties": [0, 0.1]}
    run = Page("fig03").run(**smoke, settings=own, activation="tanh", seeds=1, hidden=None)
    assert set(run.results["activation"]) == {"tanh"} and set(run.results["seed"]) == {0}
    assert run.curves()._repr_html_().count("<table") == 3  # tables in place of curves
    rows = run.table().frame.reset_index()  # a row per weight
    assert list(rows["γ"]) == ["0", "0.1"] * 3
    own = {"epochs": 1, "activation": "tanh", "seeds": 1}
    run = Page("fig03").run(
        **smoke, settings=own, activation=None, seeds=None
    )  # as the cell has it
    assert set(run.results["activation"]) == {"tanh"} and set(run.results["seed"]) == {0}
    with pytest.raises(ValueError, match="Did you mean 'epochs'"):
        Page("fig03").run(**smoke, settings={"epoch": 1})
    with pytest.raises(ValueError, match="fig03"):
        Page("fig30")


def test_a_number_that_is_said_is_kept_under_its_name(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **more: shown.append((data, more)))
    say(lead=Estimate.of([1.0, 2.0, 3.0]), share="90 %")
    (lead, named), (share, _) = shown
    assert list(lead.values()) == ["+2.0 pt [−0.48, +4.5]"] and list(share.values()) == ["90 %"]
    assert named["metadata"]["scrapbook"]["name"] == "lead"
    json.dumps(named)
