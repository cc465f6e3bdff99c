"""Node by node: does a score rank nodes as the damage of removing each of them alone does?

The paper's central sentence, that eigenvalues correlate with the influence of nodes (Sec. V), is
tested on stored networks, without any training.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn
from torch.nn import functional as F

from spectral_core.data import load
from spectral_core.layers.kinds import Dense
from spectral_core.layers.networks import hidden_label, hidden_widths
from spectral_core.paper import paths
from spectral_core.paper.results.collect import NoResults, command
from spectral_core.paper.results.inside import by_node, stored_network
from spectral_core.paper.results.published import Run, as_csv, stem_of, tag_of, write
from spectral_core.paper.run.provenance import made
from spectral_core.paper.run.store import Store
from spectral_core.paper.study.planning import Study
from spectral_core.paper.study.steps import TrainStep
from spectral_core.pruning.ranking import node_scores
from spectral_core.training.evaluation import evaluating
from spectral_core.training.loop import single_thread

SCORES = ("eigenvalue", "invariant", "connectivity", "taylor")
"""Criteria of :func:`~spectral_core.node_scores` that are tested; plain layers have no λ."""
SCORE_IMAGES = 10_000
"""Training images that scores and damage look at, the first so many."""
DAMAGES = {"test": "damage", "training": "damage_training"}
"""Images whose loss is measured, with the column of the damage."""
ALL = "all"
COLUMNS = (
    *("panel", "dataset", "activation", "hidden", "method", "seed"),
    *("layer", "images", "score", "rho"),
)
"""``layer`` counts hidden layers from 1, or is ``all``; ``rho`` is Spearman's, in [−1, 1]."""


@torch.no_grad()
def node_damage(network: nn.Sequential, inputs: Tensor, targets: Tensor) -> list[Tensor]:
    r"""Increase of the mean cross-entropy when one hidden node of a stack alone is removed.

    Removing node :math:`i` takes one term from every sum of the next layer,
    :math:`u_j \to u_j - w_{ji} a_i`. So all layers up to :math:`u` are computed once, and each
    removal costs a product of one column and what follows :math:`u`.

    Returns:
        One tensor of shape (N_k,) per hidden layer, in nats; negative where the network does
        better without the node.
    """
    layers = [i for i, module in enumerate(network) if isinstance(module, Dense)]
    with evaluating(network):
        whole = F.cross_entropy(network(inputs), targets)
        activities, damage = inputs, []
        for this, following in itertools.pairwise(layers):
            activities = network[this:following](activities)  # (n, N_k)
            sums = network[following](activities)  # (n, N_{k+1})
            columns = zip(activities.T, network[following].weight.T)
            logits = (network[following + 1 :](sums - torch.outer(a, w)) for a, w in columns)
            damage.append(
                torch.stack([F.cross_entropy(u, targets, reduction="none").mean() for u in logits])
                - whole
            )
    return damage


@single_thread()
def nodes_of(trained: TrainStep, store: Store) -> pd.DataFrame:
    """Every hidden node of a stored network with its damage and its scores.

    Returns:
        Columns ``layer`` (from 1), ``node`` (from 0), ``damage`` and ``damage_training`` (increase
        of the mean cross-entropy on test and training images, in nats) and those of
        :data:`SCORES` that the layers have.

    Raises:
        NoResults: if the network is not in the store.
    """
    data = load(trained.dataset)
    network = stored_network(trained, store, data)
    training = data.train_inputs[:SCORE_IMAGES], data.train_targets[:SCORE_IMAGES]
    columns = {
        "damage": node_damage(network, data.test_inputs, data.test_targets),
        "damage_training": node_damage(network, *training),
    }
    for name in SCORES:
        if trained.layers == "spectral" or name != "eigenvalue":
            columns[name] = node_scores(network, name, *training)
    return by_node(columns)


def correlations(nodes: pd.DataFrame) -> Iterator[tuple[str, str, str, float]]:
    """Layer, images, score and Spearman's ρ between score and damage, of what :func:`nodes_of`
    returns: of each layer, and of all."""
    parts = [(str(layer), rows) for layer, rows in nodes.groupby("layer")]
    for layer, rows in [*parts, (ALL, nodes)] if len(parts) > 1 else [(ALL, nodes)]:
        for images, damage in DAMAGES.items():
            for score in nodes.columns.intersection(SCORES):
                yield layer, images, score, float(spearmanr(rows[score], rows[damage]).statistic)


def publish_ablation(study: Study, store: Store) -> list[Path]:
    """Measure every network of a study without a penalty; write ``results/ablation/<panel>.csv``.

    Methods and seeds that are chosen are appended: a table per run, as for published results.

    Beside each table lies its provenance and, for the first seed of a panel with one hidden layer,
    the nodes themselves. Returns the files written.

    Raises:
        NoResults: if a network is not in the store.
    """
    files = []
    for panel in study.panels:
        own = panel.base
        cells = [cell for cell in study.cells(panel) if cell.penalty == 0]
        networks = {(cell.method, cell.seed): cell.step.trained for cell in cells}
        measured = {key: nodes_of(step, store) for key, step in networks.items()}
        rows = []
        for key, nodes in measured.items():
            names = (panel.name, own.dataset, own.activation, hidden_label(networks[key].hidden))
            rows += [(*names, *key, *found) for found in correlations(nodes)]
        name = stem_of(panel.name, own.precision) + tag_of(study, panel)
        tables = {name: pd.DataFrame(rows, columns=list(COLUMNS))}
        if panel.depth == 1:
            first = min(seed for _, seed in measured)
            of_first = {key: nodes for key, nodes in measured.items() if key[1] == first}
            tables[f"{name}--nodes"] = pd.concat(
                [nodes.assign(method=method) for (method, _), nodes in of_first.items()]
            )
        made_by = {"figure": study.figure, "panel": panel.name, "preset": study.preset}
        made_by |= {"networks": command(study), **made(0.0, "cpu")}
        del made_by["seconds"]
        for stem, table in tables.items():
            files += write(paths.results("ablation", f"{stem}.csv"), as_csv(table), made_by)
    return files


def runs(nodes: bool = False) -> list[Run]:
    """Published tables of rank correlations, or with ``nodes`` of the nodes of single networks."""
    files = sorted(paths.results("ablation").glob("*.csv"))
    return [Run(file) for file in files if file.stem.endswith("--nodes") == nodes]


def ablation(nodes: bool = False) -> pd.DataFrame:
    """Published rank correlations of all panels, with ``depth`` (hidden layers); or with ``nodes``
    the nodes of single networks.

    Raises:
        NoResults: if none are published.
        DamagedTable: if a table was changed.
        ValueError: if two tables measure the same network.
    """
    tables = [run.read().assign(file=run.table.stem) for run in runs(nodes)]
    if not tables:
        raise NoResults("no ablation of single nodes is published")
    table = pd.concat(tables, ignore_index=True)
    if not nodes and (twice := table.duplicated(list(COLUMNS[:-1]), keep=False)).any():
        files = ", ".join(sorted(table.loc[twice, "file"].unique()))
        raise ValueError(f"each network must be measured once; got some twice in {files}")
    return table if nodes else table.assign(depth=table["hidden"].map(hidden_widths).map(len))
