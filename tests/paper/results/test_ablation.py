"""Node by node: rank correlations of scores with the damage of removing single nodes."""

import dataclasses
from itertools import product

import pandas as pd
import pytest
import torch
from torch.nn import functional as F

from spectral_core import direct_mlp, remove, spectral_mlp
from spectral_core.paper.results.ablation import (
    ablation,
    correlations,
    node_damage,
    publish_ablation,
)
from spectral_core.paper.study.planning import plan

GENERATOR = torch.Generator().manual_seed(0)
INPUTS = torch.rand(50, 6, generator=GENERATOR)
TARGETS = torch.randint(3, (50,), generator=GENERATOR)


@pytest.mark.parametrize(("make", "activation"), [(direct_mlp, "relu"), (spectral_mlp, "tanh")])
def test_damage_is_the_loss_of_the_smaller_network(make, activation):
    network = make((6, 5, 4, 3), activation, output_bias=True, generator=GENERATOR)
    widths = [5, 4]
    whole = F.cross_entropy(network(INPUTS), TARGETS)
    for k, damage in enumerate(node_damage(network, INPUTS, TARGETS)):
        assert damage.shape == (widths[k],)
        for i in range(widths[k]):
            kept = [torch.arange(width) for width in widths]
            kept[k] = kept[k][kept[k] != i]
            loss = F.cross_entropy(remove(network, kept)(INPUTS), TARGETS)
            torch.testing.assert_close(damage[i], loss - whole, atol=1e-6, rtol=1e-5)


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


def test_methods_published_apart_are_read_together_each_network_once(finished, project):
    for methods in (("direct",), ("post", "pre")):
        files = publish_ablation(plan("fig03", "smoke", methods=methods), finished.store)
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
    publish_ablation(plan("fig03", "smoke", methods=("post",), seeds=(1,)), finished.store)
    with pytest.raises(ValueError, match="once"):
        ablation()


def test_networks_with_a_penalty_are_left_out(finished, project):
    study = plan("fig03", "smoke", methods=["post"])
    (panel,) = study.panels
    with_penalties = panel.map(lambda own: dataclasses.replace(own, penalties=(0.0, 0.1)))
    # Those of γ = 0.1 are not in the store, and need not be.
    publish_ablation(dataclasses.replace(study, panels=(with_penalties,)), finished.store)
    assert set(ablation()["seed"]) == {0, 1}


def test_published_tables_are_there_and_have_every_number_once():
    assert len(ablation()) > 100 and len(ablation(nodes=True)) > 100
