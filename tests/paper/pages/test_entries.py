"""Tables and pictures of the entries: they show the numbers that they are given, and no others."""

import math

import pandas as pd
import pytest

from spectral_core.paper.claims.claims import CLAIMS
from spectral_core.paper.pages import entry_plots, entry_tables
from spectral_core.paper.pages.style import look
from spectral_core.paper.questions import disagreements
from spectral_core.paper.results.statistics import Estimate
from spectral_core.paper.study.figures import CHANGES
from spectral_core.paper.study.methods import METHODS


def changed(method, change, mean, depth="1", seeds=3, over="networks"):
    row = {"first": method, "change": change, "depth": depth, "seeds": seeds, "over": over}
    return row | {"difference": mean, "low": mean - 1, "high": mean + 1, "n": 4, "excluded": 0}


def distance(network, method, source, far, seeds):
    row = {"network": network, "method": method, "source": source}
    return row | {"distance": far, "seeds": seeds}


def test_a_claim_has_the_words_of_its_page_and_its_own_verdicts():
    keys = ("fig04-direct", "fig06-relu")
    table = entry_tables.verdicts({key: f"{key} in our words" for key in keys}).frame
    for key, (index, row) in zip(keys, table.iterrows()):
        claim = next(claim for claim in CLAIMS if claim.key == key)
        assert index == (claim.place, f"{key} in our words")
        for source, cell in zip(("text", "released"), row):
            assert claim.verdict(source).word in cell
    with pytest.raises(ValueError, match="fig04-direct"):
        entry_tables.verdicts({"fig04-dirct": ""})


def test_settings_with_two_seeds_or_three_layers_or_of_one_network_are_not_shown():
    found = pd.DataFrame(
        [
            changed("pre", "width", 2.0),
            changed("post", "width", -8.0),
            changed("pre", "both-in-stage-two", 1.0, seeds=2),
            changed("pre", "wide-eigenvalues", 1.0, depth="3"),
            changed("pre", "wide-eigenvectors", 1.0, over="seeds"),
        ]
    )
    title = CHANGES["width"].title
    shown = entry_tables.changed_settings(found)
    assert shown == {
        "pre": {title: Estimate(2.0, 1.0, 3.0, 4, "networks")},
        "post": {title: Estimate(-8.0, -9.0, -7.0, 4, "networks")},
    }
    assert list(entry_tables.settings(found).frame.index) == [title]


def test_medians_and_candidates_keep_their_order():
    medians = pd.DataFrame(
        {"method": ["pre", "post"], "networks": 12, "of": 12, "share": [20.4, 57], "speed": [4, 1]}
    )
    frame = entry_tables.compression(medians, ["post", "pre"]).frame
    assert list(frame.index) == [METHODS["post"].title, METHODS["pre"].title]
    assert list(frame["weights left"]) == ["57 %", "20 %"]
    candidates = pd.DataFrame(
        {
            "method": ["post-retrained", "pre"],
            "networks": 12,
            "median_reach": [85.0, 70.0],
            "least_reach": [20.0, 0.0],
            "collapses": [1, 0],
            "difference": [0.5, 0.0],
            "low": [0.25, 0.0],
            "high": [0.75, 0.0],
        }
    )
    frame = entry_tables.recommendation(candidates).frame
    assert list(frame.iloc[:, -1]) == ["+0.50 pt [+0.25, +0.75]", "–"]


def test_a_distance_is_that_of_the_run_with_most_seeds():
    found = pd.DataFrame(
        [
            distance("MNIST · 1 × 500 · ELU", "post", "text", 9.0, 3),
            distance("MNIST · 1 × 500 · ELU", "post", "text", 10.0, 5),
            distance("MNIST · 1 × 2000 · ELU", "post", "released", 2.0, 1),
            distance("MNIST · 3 × 500 · ELU", "post", "text", 4.0, 5),
        ]
    )
    by_source = disagreements.by_source(found)
    assert by_source.loc[1, "MNIST · ELU", "post"].to_dict() == {"text": 10.0, "released": 2.0}
    assert math.isnan(by_source.loc[3, "MNIST · ELU", "post"]["released"])
    one, three = entry_plots.slopes(by_source, "alt").drawings
    assert list(one.axes[0].get_lines()[0].get_ydata()) == [10.0, 2.0]
    assert list(three.axes[0].get_lines()[0].get_ydata()) == [4.0]


def test_a_front_shows_accuracy_over_the_share_of_the_weights():
    rows = [("a", "pre", 100, 0.9), ("a", "pre", 10, 0.88), ("b", "pre", 7, 0.5)]
    points = pd.DataFrame(rows, columns=["network", "method", "parameters", "accuracy"])
    (drawing,) = entry_plots.fronts(points, ["a"], ["pre"], "alt").drawings
    line = drawing.axes[0].get_lines()[0]
    assert line.get_color() == look("pre").colour
    assert list(line.get_xdata()) == [10.0, 100.0] and list(line.get_ydata()) == [88.0, 90.0]
