"""Disagreements between paper, code and data, on curves made by hand."""

import math

import pandas as pd
import pytest
from made_tables import curves

from spectral_core.paper.questions.disagreements import distances, semi_dispersion
from spectral_core.paper.results import authors


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
    row = distances(both).set_index("source").loc["text"]
    assert (row["deviation"], row["level"], row["seeds"]) == (pytest.approx(3), 90, 3)
    assert row["distance"] == pytest.approx((5 * 1 + 3) / 6)
    assert (row["z"], row["z_level"]) == (pytest.approx(0.03 / (0.001 / math.sqrt(3))), 90)
    two = distances(own[own["seed"] < 2])
    assert math.isnan(two.iloc[0]["z"])


def test_band_of_semi_dispersions_depends_on_the_seeds():
    table = curves({"pre": {0: (0.1, 0.2, 0.3), 50: (0.4, 0.5, 0.6)}})
    assert semi_dispersion(3, table) == pytest.approx(1.0)  # 0.1 over 0.1
    assert math.isnan(semi_dispersion(5, table))
