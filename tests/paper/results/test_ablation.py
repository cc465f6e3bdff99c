"""Node by node: rank correlations of scores with the damage of removing single nodes."""

from itertools import product
from pathlib import Path

import pandas as pd
import pytest

from spectral_core.paper.results.ablation import ablation, correlations, publish_ablation
from spectral_core.paper.results.published import Run

FOLDER = Path(__file__).parents[3] / "results" / "ablation"


def test_correlation_of_ranks_is_one_where_the_order_is_the_same():
    nodes = pd.DataFrame(
        {"layer": [1, 1, 1, 2, 2, 2], "damage": [1, 2, 3, 1, 2, 3.0]}
        | {"invariant": [1, 4, 9, 3, 2, 1.0], "taylor": [0, 1, 2, 3, 4, 5.0]}
    )
    nodes["damage_training"] = -nodes["damage"]
    rho = {tuple(names): rho for *names, rho in correlations(nodes)}
    assert rho["1", "test", "invariant"] == pytest.approx(1)
    assert rho["2", "test", "invariant"] == pytest.approx(-1)
    assert rho["1", "test", "taylor"] == rho["2", "test", "taylor"] == pytest.approx(1)
    assert all(rho[k, "training", s] == -rho[k, "test", s] for k, _, s in rho)
    assert {(k, s) for k, _, s in rho} == set(product(("1", "2", "all"), ("invariant", "taylor")))


def test_what_is_published_can_be_read(finished, project):
    files = publish_ablation(finished.study, finished.store)
    assert {file.suffix for file in files} == {".csv", ".json"}
    table = ablation()
    assert set(zip(table["method"], table["seed"])) == set(
        product(("direct", "post", "pre"), (0, 1))
    )
    assert table["rho"].between(-1, 1).all()
    assert "eigenvalue" not in set(table["score"][table["method"] == "direct"])
    nodes = ablation(nodes=True)
    assert len(nodes) == 3 * 32 and (nodes.groupby("method")["damage"].mean() > 0).all()
    spectral = nodes[nodes["method"] == "post"]
    assert spectral["node"].tolist() == list(range(32))
    assert not spectral[["eigenvalue", "invariant", "connectivity", "taylor"]].isna().any(axis=None)


def test_published_tables_are_as_they_were_written():
    assert len(ablation()) > 100 and len(ablation(nodes=True)) > 100  # reading checks them
    for file in FOLDER.glob("*.csv"):
        made = Run(file).made()
        assert made["commit"] and made["hardware"]
