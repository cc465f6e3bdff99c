"""The authors' released means: complete, matched by setting, compared with the right error."""

import math

import pandas as pd
import pytest
from made_tables import by_rule, curves

from spectral_core.paper.results import authors
from spectral_core.paper.results.collect import NoResults
from spectral_core.paper.study.figures import FIGURES


def test_every_curve_of_figures_3_to_9_is_there_and_in_range():
    table = authors.released()
    of_curves = table.groupby(authors.SETTING)
    drawn = {
        (panel.depth, panel.base.dataset, panel.base.activation, method)
        for name in ("fig03", "fig04", "fig06", "fig07", "fig08", "fig09")
        for panel in FIGURES[name]
        for method in panel.methods
    }
    assert set(of_curves.groups) == drawn and len(drawn) == 36
    every = [30.0, 50.0, 70.0, 80.0, 90.0, 95.0]
    assert all(list(levels) == every for _, levels in of_curves["percentile"])
    assert table["accuracy"].between(0, 1).all() and not table.isna().any(axis=None)
    assert of_curves["realisations"].first().value_counts().to_dict() == {5: 33, 4: 2, 2: 1}


@pytest.mark.parametrize("hidden", ["500", "2000", "500-500-500"])
def test_means_of_the_same_setting_stand_beside_a_panel_whatever_its_width(hidden):
    beside = authors.beside(by_rule(lambda *_: 0.9, activation="relu", hidden=hidden))
    assert len(beside) == 3 * 6
    settings = set(beside[authors.SETTING[:3]].itertuples(index=False, name=None))
    assert settings == {(hidden.count("500") or 1, "mnist", "relu")}


def test_deviation_is_ours_minus_theirs_with_the_standard_error_of_our_mean():
    post = {0: (0.9,) * 3, 90: (0.7, 0.8, 0.9)}  # they have none at 0 %
    table = curves({"post": post}, "fashion-mnist", hidden="500")
    penalised = table.assign(accuracy=0.1, penalty=0.5)  # left out
    (row,) = authors.deviation(pd.concat([table, penalised])).to_dict("records")
    assert (row["panel"], row["method"], row["percentile"]) == (table["panel"][0], "post", 90)
    assert (row["ours"], row["theirs"]) == (pytest.approx(0.8), 0.6929)
    assert row["deviation"] == pytest.approx(0.8 - 0.6929)
    assert row["standard_error"] == pytest.approx(0.1 / math.sqrt(3))
    assert row["z"] == pytest.approx((0.8 - 0.6929) / row["standard_error"])
    assert authors.deviation(table[table["seed"] < 2])["z"].isna().all()  # it takes three seeds
    single = authors.deviation(table[table["seed"] == 0])
    assert single["standard_error"].isna().all() and single["deviation"].notna().all()
    with pytest.raises(NoResults, match="the authors released no results"):
        authors.deviation(table.assign(dataset="digits"))


def test_distance_is_in_standard_errors_of_its_own_network():
    theirs = authors.released().set_index([*authors.SETTING, "percentile"])["accuracy"]
    near = {
        q: [accuracy + (0.03 if q == 90 else 0.01) + x for x in (-0.001, 0.0, 0.001)]
        for q, accuracy in theirs.loc[1, "mnist", "elu", "pre"].items()
    }
    own, other = curves({"pre": near}, hidden="500"), curves({"pre": near}, hidden="2000")
    other.loc[:, "accuracy"] += (other["seed"] - 1) * 0.1  # a spread that is not its own
    both = pd.concat([own, other.assign(source="released")], ignore_index=True)
    row = authors.distances(both).set_index("source").loc["text"]
    assert (row["deviation"], row["level"], row["seeds"]) == (pytest.approx(3), 90, 3)
    assert row["distance"] == pytest.approx((5 * 1 + 3) / 6)
    assert (row["z"], row["z_level"]) == (pytest.approx(0.03 / (0.001 / math.sqrt(3))), 90)


def test_a_distance_is_that_of_the_run_with_most_seeds():
    rows = [
        ("MNIST · 1 × 500 · ELU", "text", 9.0, 3),
        ("MNIST · 1 × 500 · ELU", "text", 10.0, 5),
        ("MNIST · 1 × 2000 · ELU", "released", 2.0, 1),
        ("MNIST · 3 × 500 · ELU", "text", 4.0, 5),
    ]
    found = pd.DataFrame(rows, columns=["network", "source", "distance", "seeds"])
    by_source = authors.by_source(found.assign(method="post"))
    assert by_source.loc[1, "MNIST · ELU", "post"].to_dict() == {"text": 10.0, "released": 2.0}
    assert math.isnan(by_source.loc[3, "MNIST · ELU", "post"]["released"])


def test_band_of_semi_dispersions_depends_on_the_seeds():
    table = curves({"pre": {0: (0.1, 0.2, 0.3), 50: (0.4, 0.5, 0.6)}})
    assert authors.semi_dispersion(3, table) == pytest.approx(1.0)  # 0.1 over 0.1
    assert math.isnan(authors.semi_dispersion(5, table))
