"""Node by node: rank correlations of scores with the damage of removing single nodes."""

from itertools import product
from pathlib import Path

import pandas as pd
import pytest
import torch

from spectral_core.paper.results.ablation import (
    ablation,
    correlations,
    nodes_of,
    publish_ablation,
)
from spectral_core.paper.results.published import Run

FOLDER = Path(__file__).parents[3] / "results" / "ablation"


def test_a_node_is_damaged_as_much_as_its_removal_costs(finished):
    trained = next(c.step.trained for c in finished.study.cells() if c.method == "post")
    nodes = nodes_of(trained, finished.store)
    assert len(nodes) == 32 and list(nodes["node"]) == list(range(32))
    assert {"eigenvalue", "invariant", "connectivity", "taylor"} <= set(nodes.columns)
    assert torch.tensor(nodes["damage"].to_numpy()).isfinite().all()
    assert nodes["damage"].mean() > 0


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
    methods, seeds = table["method"].unique(), table["seed"].unique()
    assert set(methods) == {"direct", "post", "pre"} and set(seeds) == {0, 1}
    assert table["rho"].between(-1, 1).all()
    direct = table[table["method"] == "direct"]
    assert "eigenvalue" not in set(direct["score"])
    assert len(ablation(nodes=True)) == 3 * 32


@pytest.mark.parametrize("nodes", [False, True])
def test_published_tables_are_as_they_were_written(nodes):
    assert len(ablation(nodes)) > 100  # reading checks them
    for file in FOLDER.glob("*.csv"):
        made = Run(file).made()
        assert made["commit"] and made["hardware"]
