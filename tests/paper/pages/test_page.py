"""A page: what it finds of its figure, and a run of it on this machine."""

import json

import pytest

from spectral_core.paper.pages import Page, say
from spectral_core.paper.pages.picture import Picture
from spectral_core.paper.pages.table import Beside
from spectral_core.paper.results.statistics import Estimate
from spectral_core.paper.study.figures import FIGURES, SOURCES


@pytest.fixture
def smoke(tmp_path, monkeypatch):
    """Arguments of a run that takes a second."""
    monkeypatch.setenv("SPECTRAL_CORE_STORE", str(tmp_path / "store"))
    return {"preset": "smoke", "workers": 1}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_its_pictures_tables_and_provenance(name):
    page = Page(name)
    assert page.sources() and set(page.sources()) <= set(SOURCES)
    kind = Beside if name == "fig11" else Picture
    assert isinstance(page.curves(alt="finding"), kind)
    text = page.details()._repr_markdown_()
    for source in page.sources():
        assert f"Accuracies, {SOURCES[source]}" in text
    assert ("the authors" in text) == ("released" in page.sources())
    assert "Provenance" in text and f"/results/published/{name}/" in text


def test_both_settings_of_a_network_are_side_by_side():
    titles = [each.axes[0].get_title("left") for each in Page("fig06").curves().drawings]
    assert len(titles) == 6
    for text, released in zip(titles[::2], titles[1::2]):
        activation = text.split(" · ")[1].split(",")[0]
        assert "text settings" in text and "released" in released and activation in released
    (alone,) = Page("fig03").curves("text").drawings
    assert alone.axes[0].get_title("left") == "Fashion-MNIST · 1 × 500 · ELU"


def test_the_authors_points_are_at_the_released_settings_only():
    text, released = Page("fig03").curves().drawings
    diamonds = [sum(x.get_marker() == "D" for x in f.axes[0].get_lines()) for f in (text, released)]
    assert diamonds == [0, 3]


def test_claims_are_those_about_the_figure():
    claims = Page("fig08").claims().frame.index  # all of one place
    assert len(claims) == 2 and all("effective than Magnitude" in claim for claim in claims)
    assert any(
        "Fig. 3" in place for place in Page("fig03").claims().frame.index.get_level_values(0)
    )


def test_a_run_is_compared_with_the_published_one(smoke):
    run = Page("fig03").run(**smoke)
    assert run.published is None  # nothing is published at this preset
    assert len(run.results) == 18 and "unpruned (%)" in run.table().frame
    (figure,) = run.curves().drawings
    quick = run._replace(published=run.results)
    assert set(quick.table().frame["largest difference (pt)"]) == {"0.00"}
    (figure,) = quick.curves().drawings
    assert sum(line.get_marker() == "o" for line in figure.axes[0].get_lines()) == 3


def test_settings_and_names_of_their_own_replace_the_figures(smoke):
    run = Page("fig03").run(
        **smoke, settings={"epochs": 1}, activation="tanh", seeds=1, hidden=None
    )
    assert set(run.results["activation"]) == {"tanh"} and set(run.results["seed"]) == {0}
    with pytest.raises(ValueError, match="Did you mean 'epochs'"):
        Page("fig03").run(**smoke, settings={"epoch": 1})
    with pytest.raises(ValueError, match="fig03"):
        Page("fig30")


def test_without_a_preset_nothing_is_run_or_shown(smoke):
    run = Page("fig03").run(None)
    assert run.table() is None and run.curves() is None
    assert Page("fig03").run(**smoke, penalties=[0, 0.1]).curves().tables


def test_a_number_that_is_said_is_kept_under_its_name(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **more: shown.append((data, more)))
    say(lead=Estimate.of([1.0, 2.0, 3.0]), share="90 %")
    (lead, named), (share, _) = shown
    assert list(lead.values()) == ["+2.0 pt [−0.48, +4.5]"] and list(share.values()) == ["90 %"]
    assert named["metadata"]["scrapbook"]["name"] == "lead"
    json.dumps(named)
