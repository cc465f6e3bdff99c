"""Tables of a page: numbers by hand, HTML that reads well, and claims that change with results."""

import re

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from made_tables import made, of_seeds

from spectral_core.paper.claims.claims import claims
from spectral_core.paper.pages import run_tables, tables
from spectral_core.paper.pages.table import Beside, Folded, Table
from spectral_core.paper.results import authors, estimates, published
from spectral_core.paper.results.statistics import Estimate
from spectral_core.paper.results.tables import NoResults
from spectral_core.paper.study.figures import CHANGES, Panel
from spectral_core.paper.study.settings import Settings


def network(depth=1, width=500, dataset="fashion-mnist", **more):
    return Panel.of(Settings(dataset, hidden=(width,) * depth), **more)


def html_of(table):
    return BeautifulSoup(table._repr_html_(), "html.parser")


# HTML


@pytest.fixture
def frame():
    index = pd.MultiIndex.from_tuples(
        [("a", "x"), ("a", "y"), ("b", "y"), ("c", "y")], names=["network", "method"]
    )
    return pd.DataFrame({"p < 1": ["1", "2", "3", "4"], "q": list("5678")}, index=index)


def test_a_table_has_a_heading_for_each_column_and_row_and_none_is_empty(frame):
    page = html_of(Table(frame, "What & why"))
    columns = page.select("thead th")
    assert [each.text for each in columns] == ["network", "method", "p < 1", "q"]
    assert {each["scope"] for each in columns} == {"col"}
    rows = page.select("tbody tr")
    assert [[each.text for each in row.select("th")] for row in rows] == [
        ["a", "x"], ["y"], ["b", "y"], ["c", "y"]
    ]  # fmt: skip
    assert rows[0].th["rowspan"] == "2" and "rowspan" not in rows[2].th.attrs
    assert page.caption.text == page.div["aria-label"] == "What & why"
    assert "\n" not in Table(frame)._repr_html_()  # so that it may stand in Markdown


def test_shade_grows_with_the_number_and_folded_parts_keep_their_names(frame):
    cells = html_of(Table(frame.replace({"5": "100", "6": "10"}), shade="#0072B2")).select("td")
    shares = [re.search(r" (\d+)%", cell["style"])[1] for cell in cells]
    assert shares[1] == "55" and shares[3] == "0"
    text = Folded({"One & two": "- [link](/a)", "None": ""})._repr_markdown_()
    assert "<summary>One &amp; two</summary>\n\n- [link](/a)\n\n</details>" in text
    assert "None" not in text
    assert Beside((Table(frame), Table(frame)))._repr_html_().count("<table") == 2


# Numbers


def test_at_a_glance_has_unpruned_reach_and_ninety_per_cent():
    def accuracy(method, q, seed, _):
        return 0.9 - (0.02 if q > {"direct": 20, "post": 50, "pre": 90}[method] else 0)

    shown = run_tables.at_a_glance(made(network(), accuracy)).frame
    assert list(shown.index) == ["Magnitude", "Spectral, post-training", "Spectral, two-stage"]
    assert shown["unpruned (%)"].tolist() == ["90.0"] * 3
    assert shown["pruned within 1 pt up to"].tolist() == ["20 %", "50 %", "90 %"]
    assert shown["at 90 % pruned (%)"].tolist() == ["88.0", "88.0", "90.0"]
    both = pd.concat([made(network(), accuracy), made(network(3), accuracy)])
    assert run_tables.at_a_glance(both).frame.index.get_level_values(0).nunique() == 2
    never = made(network(), lambda m, q, *_: 0.9 - (q > 0) * 0.1, methods=["pre"])
    assert "not" in run_tables.at_a_glance(never).frame["pruned within 1 pt up to"].item()
    unmeasured = made(network(), accuracy, cuts=[50.0, 90.0], methods=["pre"])
    assert run_tables.at_a_glance(unmeasured).frame["unpruned (%)"].item() == "–"


def test_accuracies_are_means_and_standard_deviations():
    results = made(network(), lambda m, q, s, _: 0.5 + 0.01 * s, seeds=3, methods=["pre"])
    shown = run_tables.accuracies(results, [0, 33, 90]).frame
    assert [name.replace("\N{NO-BREAK SPACE}", " ") for name in shown] == ["0 %", "90 %"]
    assert shown.iloc[0, 0] == "51.0 ± 1.0"
    assert run_tables.accuracies(results[results["seed"] == 0], [0]).frame.iloc[0, 0] == "50.0"


def test_each_method_stands_with_its_own_network():
    wide = {"direct": {"hidden": (800,) * 3}}
    results = made(network(3, own=wide), lambda *_: 0.9, methods=["direct", "pre"])
    for shown in (run_tables.accuracies(results), run_tables.at_a_glance(results)):
        names = dict(shown.frame.index.swaplevel())
        assert "3 × 800" in names["Magnitude"] and "3 × 500" in names["Spectral, two-stage"]


def test_distances_are_ours_minus_the_authors():
    theirs = authors.released().query(
        "hidden_layers == 1 and dataset == 'mnist' and activation == 'elu' and method == 'pre'"
    )
    curve = theirs.set_index("percentile")["accuracy"]
    results = made(
        network(width=2000, dataset="mnist", source="released"),
        lambda m, q, seed, _: curve.get(q, 0.9) + 0.02 + 0.01 * seed,
        seeds=2,
        methods=["pre"],
    )
    shown = run_tables.distances(results).frame
    assert set(shown.iloc[0]) == {"+2.5 ± 0.5"} and shown.shape == (1, len(curve))
    with pytest.raises(NoResults):
        run_tables.distances(results.assign(dataset="digits"))


def test_comparison_counts_levels_that_agree_and_names_the_largest_difference():
    theirs = of_seeds([[0.9, 0.8], [0.9, 0.8]]).assign(
        dataset="mnist", activation="elu", hidden="500", kept="500", penalty=0.0
    )
    ours = theirs.assign(accuracy=theirs["accuracy"] - 0.2 * (theirs["percentile"] == 90))
    row = run_tables.comparison(ours, theirs).frame.iloc[0]
    assert row.tolist() == ["1 of 2", "−20.0", "90 % pruned"]


def test_heat_has_a_row_per_weight_and_a_table_per_method():
    results = made(
        network(), lambda m, q, s, g: 0.3 + g, penalties=(0.0, 1e-5, 0.1), methods=["post", "pre"]
    )
    first, second = run_tables.heat(results, [0, 90]).tables
    assert first.frame.index.tolist() == ["0", "0.00001", "0.1"]
    assert first.frame.iloc[:, 1].tolist() == ["30", "30", "40"]
    assert first.shade != second.shade


def test_controls_are_differences_of_estimates():
    shown = tables.controls("pre", ["pre-random", "fresh"]).frame
    expected = estimates.difference("pre", "fresh", (85, 95))
    assert shown.loc["Retrained from scratch", "85–95 % pruned"] == str(expected)
    assert re.match(r"\d+ equivalent", shown["networks, 5–80 %"].iloc[0])
    assert list(tables.ladder({"pre": 87.84, "fresh": 88.0}).frame["accuracy (%)"]) == [
        "88.0", "87.8",
    ]  # fmt: skip


def test_provenance_says_command_machine_settings_and_seeds():
    runs = [
        run for each in published.published_runs("fig10", "paper", "*").values() for run in each
    ]
    shown = run_tables.provenance(runs).frame
    made_by = runs[0].made()
    column = shown[runs[0].table.stem]
    assert column["made by"] == made_by["command"] and column["seeds"] == "0"
    assert column["epochs"] == "40 (direct), 40 (direct-inputs), 60 (post), 20 (pre)"
    assert str(made_by["commit"][0]) in column["commit"]
    links = run_tables.downloads(runs)
    assert links.count("](/results/published/fig10/") == 2 * len(runs)


def test_scores_are_correlated_with_damage_by_method_and_images():
    rows = [("direct", "test", "connectivity", 0.2), ("direct", "test", "connectivity", 0.4)]
    rows += [("direct", "training", "connectivity", 0.5)]
    rho = pd.DataFrame(rows, columns=["method", "images", "score", "rho"])
    frame = tables.correlations(rho).frame
    assert frame.loc[("Magnitude", "Σ|w|"), "test images"] == "0.30"
    assert frame.loc[("Magnitude", "Σ|w|"), "training images"] == "0.50"


# Questions


def changed(method, change, mean, depth="1", seeds=3, over="networks"):
    row = {"first": method, "change": change, "depth": depth, "seeds": seeds, "over": over}
    return row | {"difference": mean, "low": mean - 1, "high": mean + 1, "n": 4, "excluded": 0}


def test_a_claim_has_the_words_of_its_page_and_its_own_verdicts():
    keys = ("fig04-direct", "fig06-relu")
    table = tables.claims({key: f"{key} in our words" for key in keys}).frame
    for key, (index, row) in zip(keys, table.iterrows()):
        claim = claims()[key]
        assert index == (claim.place, f"{key} in our words")
        for source, cell in zip(("text", "released"), row):
            assert claim.verdict(source).word in cell
    with pytest.raises(ValueError, match="fig04-direct"):
        tables.claims({"fig04-dirct": ""})


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
    shown = tables.changed_settings(found)
    assert shown == {
        "pre": {title: Estimate(2.0, 1.0, 3.0, 4, "networks")},
        "post": {title: Estimate(-8.0, -9.0, -7.0, 4, "networks")},
    }
    assert list(tables.settings(found).frame.index) == [title]
