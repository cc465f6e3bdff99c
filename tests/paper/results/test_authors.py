"""The authors' released means: complete, matched by setting, compared with the right error."""

import math

import pandas as pd
import pytest
from made_tables import curves, made

from spectral_core.paper.results import authors
from spectral_core.paper.results.tables import NoResults
from spectral_core.paper.study.figures import FIGURES, Panel
from spectral_core.paper.study.settings import Settings

CUTS = [30.0, 50.0, 70.0, 80.0, 90.0, 95.0]


def test_every_curve_of_figures_3_to_9_has_six_cuts():
    table = authors.released()
    assert tuple(table.columns) == authors.COLUMNS
    curves = {name: list(rows["percentile"]) for name, rows in table.groupby(authors.SETTING)}
    assert len(curves) == 36 and all(cuts == CUTS for cuts in curves.values())
    drawn = {
        (len(panel.hidden), panel.dataset, panel.activation, method)
        for name in ("fig03", "fig04", "fig06", "fig07", "fig08", "fig09")
        for panel in FIGURES[name].panels
        for method in panel.methods
    }
    assert set(curves) == drawn


def test_numbers_are_in_range_and_few_curves_have_fewer_than_five_realisations():
    table = authors.released()
    assert table["accuracy"].between(0, 1).all() and not table.isna().any(axis=None)
    counts = table.drop_duplicates(authors.SETTING)["realisations"].value_counts().to_dict()
    assert counts == {5: 33, 4: 2, 2: 1}


@pytest.mark.parametrize(
    ("setting", "accuracies"),
    [
        ((1, "fashion-mnist", "elu", "post"), (0.8929, 0.8930, 0.8681, 0.8237, 0.6929, 0.5631)),
        ((3, "mnist", "relu", "direct"), (0.9853, 0.9840, 0.9769, 0.9507, 0.5871, 0.2775)),
        ((3, "mnist", "tanh", "pre"), (0.9754, 0.9735, 0.9710, 0.9607, 0.7274, 0.5009)),
    ],
)
def test_curves_are_the_released_ones(setting, accuracies):
    table = authors.released().set_index(authors.SETTING)
    assert tuple(table.loc[setting, "accuracy"]) == accuracies


def test_table_with_other_columns_is_refused(project):
    file = project / "results" / "authors" / "released.csv"
    file.parent.mkdir(parents=True)
    file.write_text("dataset,accuracy\nmnist,0.9\n")
    with pytest.raises(ValueError, match="must have the columns hidden_layers, dataset"):
        authors.released()


def flat(*_):
    return 0.9


def panel_of(dataset, activation, hidden):
    return Panel.of(Settings(dataset, activation=activation, hidden=hidden))


@pytest.mark.parametrize("hidden", [(500,), (2000,), (500, 500, 500)])
def test_means_of_the_same_setting_stand_beside_a_panel_whatever_its_width(hidden):
    beside = authors.beside(made(panel_of("mnist", "relu", hidden), flat))
    assert len(beside) == 3 * 6
    settings = set(beside[authors.SETTING[:3]].itertuples(index=False, name=None))
    assert settings == {(len(hidden), "mnist", "relu")}
    assert authors.beside(made(panel_of("digits", "relu", (32,)), flat)).empty


def test_deviation_is_ours_minus_theirs_with_the_standard_error_of_our_mean():
    panel = panel_of("fashion-mnist", "elu", (500,))
    table = made(panel, lambda method, q, seed, _: (0.7, 0.8, 0.9)[seed], seeds=3)
    found = authors.deviation(table)
    assert list(found["percentile"]) == CUTS * 3
    row = found.set_index(["method", "percentile"]).loc[("post", 90)]
    assert row["panel"] == "fashion-mnist-elu-500"
    assert (row["ours"], row["theirs"]) == (pytest.approx(0.8), 0.6929)
    assert row["deviation"] == pytest.approx(0.8 - 0.6929)
    assert row["standard_error"] == pytest.approx(0.1 / math.sqrt(3))
    assert row["z"] == pytest.approx((0.8 - 0.6929) / row["standard_error"])
    assert authors.deviation(table[table["seed"] < 2])["z"].isna().all()  # it takes three seeds
    single = authors.deviation(table[table["seed"] == 0])
    assert single["standard_error"].isna().all() and single["deviation"].notna().all()


def test_only_common_cuts_and_networks_without_penalty_are_compared():
    panel = panel_of("mnist", "elu", (500,))
    table = made(panel, lambda m, q, s, penalty: 0.9 - penalty, cuts=(0, 50), penalties=(0, 0.5))
    found = authors.deviation(table)
    assert list(found["percentile"]) == [50.0] * 3
    assert (found["ours"] == 0.9).all()


def test_settings_that_the_authors_did_not_release_cannot_be_compared():
    with pytest.raises(NoResults, match="the authors released no results"):
        authors.deviation(made(panel_of("digits", "elu", (32,)), flat))


def test_distance_is_in_standard_errors_of_its_own_network():
    theirs = authors.released().query(
        "hidden_layers == 1 and dataset == 'mnist' and activation == 'elu' and method == 'pre'"
    )
    noise = (-0.001, 0.0, 0.001)
    near = {
        q: [a + 0.01 + x for x in noise] for q, a in zip(theirs["percentile"], theirs["accuracy"])
    }
    near[90.0] = [a + 0.02 for a in near[90.0]]
    own, other = curves({"pre": near}, hidden="500"), curves({"pre": near}, hidden="2000")
    other.loc[:, "accuracy"] += (other["seed"] - 1) * 0.1  # a spread that is not its own
    both = pd.concat([own, other.assign(source="released")], ignore_index=True)
    row = authors.distances(both).set_index("source").loc["text"]
    assert (row["deviation"], row["level"], row["seeds"]) == (pytest.approx(3), 90, 3)
    assert row["distance"] == pytest.approx((5 * 1 + 3) / 6)
    assert (row["z"], row["z_level"]) == (pytest.approx(0.03 / (0.001 / math.sqrt(3))), 90)
    two = authors.distances(own[own["seed"] < 2])
    assert math.isnan(two.iloc[0]["z"])


def test_band_of_semi_dispersions_depends_on_the_seeds():
    table = curves({"pre": {0: (0.1, 0.2, 0.3), 50: (0.4, 0.5, 0.6)}})
    assert authors.semi_dispersion(3, table) == pytest.approx(1.0)  # 0.1 over 0.1
    assert math.isnan(authors.semi_dispersion(5, table))
