"""Tables of a page: numbers by hand, HTML that reads well, and claims that change with results."""

import re

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from made_tables import by_rule, curves

from spectral_core.paper import paths
from spectral_core.paper.claims.claims import claims
from spectral_core.paper.pages import run_tables, tables
from spectral_core.paper.pages.output import Folded, Table
from spectral_core.paper.results import authors, estimates, published
from spectral_core.paper.results.collect import NoResults
from spectral_core.paper.results.statistics import Estimate
from spectral_core.paper.study.panels import CHANGES

# HTML


@pytest.fixture
def frame():
    index = pd.MultiIndex.from_tuples(
        [("a", "x"), ("a", "y"), ("b", "y"), ("c", "y")], names=["network", "method"]
    )
    return pd.DataFrame({"p < 1": ["1", "2", "3", "4"], "q": ["100", "10", "7", "8"]}, index=index)


def test_a_table_has_a_heading_for_each_column_and_row_and_none_is_empty(frame):
    text = Table(frame, "What & why", shade="#0072B2")._repr_html_()
    assert "\n" not in text  # so that it may stand in Markdown
    page = BeautifulSoup(text, "html.parser")
    columns = page.select("thead th")
    assert [each.text for each in columns] == ["network", "method", "p < 1", "q"]
    assert {each["scope"] for each in columns} == {"col"}
    assert {each["scope"] for each in page.select("tbody th")} == {"row"}
    rows = page.select("tbody tr")
    assert [[each.text for each in row.select("th")] for row in rows] == [
        ["a", "x"], ["y"], ["b", "y"], ["c", "y"]
    ]  # fmt: skip
    assert rows[0].th["rowspan"] == "2" and "rowspan" not in rows[2].th.attrs
    assert page.caption.text == page.div["aria-label"] == "What & why"
    shares = [re.search(r" (\d+)%", cell["style"])[1] for cell in page.select("td")]
    assert shares[1] == "55" and shares[3] == "0"  # of 100 and of 10


def test_folded_parts_keep_their_names():
    text = Folded({"One & two": "- [link](/a)", "None": ""})._repr_markdown_()
    assert "<summary>One &amp; two</summary>\n\n- [link](/a)\n\n</details>" in text
    assert "None" not in text


# Numbers


def test_at_a_glance_has_unpruned_reach_and_ninety_per_cent():
    ends = {"direct": 20, "post": 50, "pre": 90, "fresh": 0}

    def accuracy(method, q, _):
        return 0.88 if q > ends[method] else 0.9

    shown = run_tables.at_a_glance(by_rule(accuracy, ends)).frame
    titles = ["Magnitude", "Spectral, post-training", "Spectral, two-stage"]
    assert list(shown.index) == [*titles, "Retrained from scratch"]
    assert shown["unpruned (%)"].tolist() == ["90.0"] * 4
    assert shown["pruned within 1 pt up to"].tolist() == ["20 %", "50 %", "90 %", "not at all"]
    assert shown["at 90 % pruned (%)"].tolist() == ["88.0", "88.0", "90.0", "88.0"]
    unmeasured = by_rule(accuracy, ["pre"], levels=[50, 90])
    assert run_tables.at_a_glance(unmeasured).frame["unpruned (%)"].item() == "–"


def test_accuracies_are_means_and_standard_deviations():
    results = by_rule(lambda m, q, seed: 0.5 + 0.01 * seed, ["pre"], [0, 33, 90], seeds=3)
    shown = run_tables.accuracies(results).frame
    assert [name.replace("\N{NO-BREAK SPACE}", " ") for name in shown] == ["0 %", "90 %"]
    assert shown.iloc[0, 0] == "51.0 ± 1.0"
    assert run_tables.accuracies(results[results["seed"] == 0]).frame.iloc[0, 0] == "50.0"


def test_distances_are_ours_minus_the_authors():
    theirs = authors.released().set_index([*authors.SETTING, "percentile"])["accuracy"]
    curve = theirs.loc[1, "mnist", "elu", "pre"]
    ours = {"pre": {q: (a + 0.02, a + 0.03) for q, a in curve.items()}}
    results = curves(ours, hidden="2000", source="released")
    shown = run_tables.distances(results).frame
    assert set(shown.iloc[0]) == {"+2.5 ± 0.50"} and shown.shape == (1, len(curve))
    with pytest.raises(NoResults):
        run_tables.distances(results.assign(dataset="digits"))


def test_comparison_counts_levels_that_agree_and_names_the_largest_difference():
    ours, theirs = (curves({"pre": {0: (0.9,), 90: (last,)}}) for last in (0.6, 0.8))
    row = run_tables.comparison(ours, theirs).frame.iloc[0]
    assert row.tolist() == ["1 of 2", "−20.0", "90 % pruned"]


def test_heat_has_a_row_per_weight_and_a_table_per_method(project):
    weights, methods, levels = (0.0, 1e-5, 0.1), ["post", "pre"], [0, 33, 90]
    parts = [by_rule(lambda *_, g=g: 0.3 + g, methods, levels, penalty=g) for g in weights]
    record = paths.results("choices", "mnist-elu-10-penalty.json")
    record.parent.mkdir(parents=True)
    record.write_text('{"chosen": {"pre": {"penalties": 1e-05}}}')
    text = run_tables.heat(pd.concat(parts))._repr_html_()
    first, second = BeautifulSoup(text, "html.parser").select("table")
    rows = [[cell.text for cell in row.select("th, td")] for row in first.select("tbody tr")]
    assert rows == [["0", "30", "30"], ["0.00001", "30", "30"], ["0.1", "40", "40"]]
    weights = [row.th.text for row in second.select("tbody tr")]
    assert weights == ["0", "✓\N{NO-BREAK SPACE}0.00001", "0.1"]
    assert first.td["style"] != second.td["style"]


@pytest.mark.slow
def test_controls_are_differences_of_estimates():
    shown = tables.controls("pre", ["pre-random", "fresh", "direct-retrained"]).frame
    expected = estimates.difference("pre", "fresh", (85, 95))
    fresh = shown.loc["Retrained from scratch"]
    assert fresh["85–95 % pruned"] == f"{expected} (from 90 %)"  # its levels are fewer
    assert fresh["5–80 % pruned"].endswith(" (from 30 %)")
    assert "from" not in shown["5–80 % pruned"].iloc[0]
    late = shown.loc["Magnitude + retraining", "85–95 % pruned"]
    assert late.endswith(" (6 networks)")  # the others have lost a layer at all these levels
    assert re.match(r"\d+ equivalent", shown["networks, 5–80 %"].iloc[0])
    ladder = tables.ladder({"pre": 87.84, "fresh": 88.0}).frame
    assert list(ladder["accuracy (%)"]) == ["88.0", "87.8"]


def test_provenance_says_command_machine_settings_and_seeds():
    by_panel = published.published_runs("fig10", "paper", "*")
    runs = [run for each in by_panel.values() for run in each]
    made_by = runs[0].made()
    column = run_tables.provenance(runs).frame[runs[0].table.stem]
    assert column["made by"] == made_by["command"] and column["seeds"] == "0, 1, 2"
    assert column["epochs"] == "40 (direct), 40 (direct-inputs), 60 (post), 20 (pre)"
    assert str(made_by["commit"][0]) in column["commit"]
    assert run_tables.downloads(runs).count("](/results/published/fig10/") == 2 * len(runs)


def test_scores_are_correlated_with_damage_by_method_images_and_depth():
    rows = [("test", 0.2, 1), ("test", 0.4, 1), ("training", 0.5, 1)]
    rows += [("test", -0.1, 3), ("training", 0.6, 3)]
    rho = pd.DataFrame(rows, columns=["images", "rho", "depth"])
    frame = tables.correlations(rho.assign(method="direct", score="connectivity")).frame
    assert frame.loc[("Magnitude", "Σ|w|")].to_dict() == {
        "training images, 1 layer": "0.50",
        "training images, 3 layers": "0.60",
        "test images, 1 layer": "0.30",
        "test images, 3 layers": "−0.10",
    }


# Questions


def test_a_claim_has_the_words_of_its_page_and_its_own_verdicts():
    keys = ("fig04-direct", "fig06-relu")
    table = tables.claims({key: f"{key} in our words" for key in keys}).frame
    for key, (index, row) in zip(keys, table.iterrows(), strict=True):
        claim = claims()[key]
        assert index == (claim.place, f"{key} in our words")
        for source, cell in zip(("text", "released"), row):
            assert claim.verdict(source).word in cell
    with pytest.raises(ValueError, match="fig04-direct"):
        tables.claims({"fig04-dirct": ""})


def test_settings_with_three_layers_or_of_one_network_are_not_shown():
    rows = [
        ("pre", "width", 2.0, "1", "networks"),
        ("post", "width", -8.0, "1", "networks"),
        ("pre", "wide-eigenvalues", 1.0, "3", "networks"),
        ("pre", "wide-eigenvectors", 1.0, "1", "seeds"),
    ]
    found = pd.DataFrame(rows, columns=["first", "change", "difference", "depth", "over"])
    found = found.assign(low=found["difference"] - 1, high=found["difference"] + 1, n=4, excluded=0)
    title = CHANGES["width"].title
    assert tables.changed_settings(found) == {
        "pre": {title: Estimate(2.0, 1.0, 3.0, 4, "networks")},
        "post": {title: Estimate(-8.0, -9.0, -7.0, 4, "networks")},
    }
    assert list(tables.settings(found).frame.index) == [title]
