"""Other tools on the same trained networks: accuracy against the nodes that are left.

:data:`WAYS` holds each way to choose nodes, ours and theirs, as a function of a trained network and
the share of its hidden nodes to keep. Nothing is retrained.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from spectral_core import _checks
from spectral_core._extras import needed
from spectral_core.data import Dataset, load
from spectral_core.layers.conversion import fold
from spectral_core.layers.flow import Flow
from spectral_core.layers.networks import direct_mlp, spectral_mlp
from spectral_core.pruning.prune import prune
from spectral_core.pruning.ranking import node_scores
from spectral_core.training.evaluation import evaluate
from spectral_core.training.loop import train

COLUMNS = ("training", "seed", "per_layer", "tool", "criterion", "keep", "nodes", "accuracy")
"""Columns of what :func:`accuracy_against_nodes` measures."""
TRAININGS = {"direct": direct_mlp, "spectral": spectral_mlp}
"""Networks to train: in direct space, and in eigenvalues and eigenvectors together."""


@dataclass(frozen=True, eq=False)
class Case:
    """A trained network without biases, and the data it was trained on."""

    network: nn.Sequential
    data: Dataset
    seed: int
    """Of what is drawn at random."""


@dataclass(frozen=True)
class Way:
    """One way to choose nodes."""

    tool: str
    criterion: str
    prune: Callable[[Case, float], nn.Module]
    """From a case and the share of hidden nodes to keep, in (0, 1], to what the tool makes."""
    per_layer: bool
    """Whether every hidden layer keeps the same share; otherwise all nodes form one pool."""


def _ours(case: Case, keep: float, by: str, per_layer: bool) -> nn.Module:
    return prune(case.network, _scores(case, by), nodes=keep, per_layer=per_layer)


@lru_cache(maxsize=8)  # the same scores for each share to keep
def _scores(case: Case, by: str) -> list[Tensor]:
    examples = (case.data.train_inputs, case.data.train_targets)
    generator = torch.Generator().manual_seed(case.seed)
    return node_scores(case.network, by, *examples, generator=generator)


def masked(case: Case, keep: float) -> nn.Module:
    """Mask nodes by the length of their weights, with ``ln_structured`` (n = 2) of torch.

    It knows one layer at a time, so that each keeps the same share.
    """
    from torch.nn.utils.prune import ln_structured, remove

    plain = fold(case.network)
    flow = Flow(plain)
    for layer, width in zip((flow.layers[name] for name in flow.hidden), flow.widths):
        if gone := width - round(keep * width):
            ln_structured(layer, "weight", amount=gone, n=2, dim=0)
            remove(layer, "weight")  # makes the zeros permanent; the layer keeps its size
    return plain


def torch_pruned(case: Case, keep: float, per_layer: bool) -> nn.Module:
    """Remove nodes with Torch-Pruning by its ``MagnitudeImportance`` (p = 2), which looks at the
    weights that come into a node and at those that go out.

    Raises:
        ImportError: without the extra ``[torch-pruning]``.
    """
    tp = needed("torch_pruning", "torch-pruning", "torch_pruned")
    plain = fold(case.network)
    tp.pruner.BasePruner(
        plain,
        case.data.train_inputs[:2],
        tp.importance.MagnitudeImportance(p=2),
        global_pruning=not per_layer,
        pruning_ratio=1 - keep,
        ignored_layers=[plain[-1]],
    ).step()
    return plain


WAYS: tuple[Way, ...] = (
    *(
        Way("Spectral Core", by, partial(_ours, by=by, per_layer=each), each)
        for each in (False, True)
        for by in ("eigenvalue", "connectivity", "invariant", "taylor", "random")
    ),
    Way("torch.nn.utils.prune", "ln_structured", masked, True),
    *(
        Way("Torch-Pruning", "magnitude", partial(torch_pruned, per_layer=each), each)
        for each in (False, True)
    ),
)
"""Every way that is measured."""


def trained(training: str, data: Dataset, hidden: Sequence[int], epochs: int, seed: int) -> Case:
    """Train an ELU network without biases from a seed.

    Args:
        training: name out of :data:`TRAININGS`.
        data: what to train on.
        hidden: nodes of each hidden layer.
        epochs: passes over the training data.
        seed: of the start and the order of examples.
    """
    build = TRAININGS[_checks.choice("training", training, TRAININGS)]
    generator = torch.Generator().manual_seed(seed)
    sizes = (data.input_features, *hidden, data.class_count)
    network = build(sizes, "elu", generator=generator)
    examples = (data.train_inputs, data.train_targets)
    train(network, *examples, epochs=epochs, batch_size=200, generator=generator)
    return Case(network, data, seed)


def accuracy_against_nodes(
    dataset: str, hidden: Sequence[int], epochs: int, seeds: int, keep: Sequence[float]
) -> pd.DataFrame:
    """Train networks, prune each in every way, and measure what is left on the test set.

    With one hidden layer, a global and a layer-wise threshold are the same, and measured once.

    Args:
        dataset: name of a data set, see :func:`spectral_core.data.load`.
        hidden: nodes of each hidden layer.
        epochs: of each training.
        seeds: trainings of each kind, at least 1.
        keep: shares of the hidden nodes to keep, each in (0, 1].

    Returns:
        One row per training, way, share and seed, with the columns :data:`COLUMNS`: ``nodes``
        counts hidden nodes that are left and not masked, ``accuracy`` is on the test set.

    Raises:
        ImportError: without the extra ``[torch-pruning]``.
        TypeError, ValueError: if an argument is out of range or a name unknown.
    """
    hidden = _checks.whole_numbers("hidden", hidden, least=1)
    seeds = _checks.whole_number("seeds", seeds, least=1)
    for i, share in enumerate(_checks.items("keep", keep)):
        _checks.number(f"keep[{i}]", share, 0, 1, open_low=True)
    data = load(dataset)
    ways = [way for way in WAYS if len(hidden) > 1 or way.per_layer]
    rows = []
    for training, seed in itertools.product(TRAININGS, range(seeds)):
        case = trained(training, data, hidden, epochs, seed)
        for way, share in itertools.product(ways, keep):
            if way.criterion == "eigenvalue" and training == "direct":
                continue  # there is none
            small = way.prune(case, share)
            accuracy = evaluate(small, data.test_inputs, data.test_targets).accuracy
            named = (training, seed, way.per_layer, way.tool, way.criterion, share)
            rows.append((*named, nodes_left(small), accuracy))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def to_rows(measured: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows for a file of results, in which the seeds of one case share a row.

    Args:
        measured: as :func:`accuracy_against_nodes` returns it.
    """
    case = [name for name in measured if name not in ("seed", "nodes", "accuracy")]
    lists = measured.groupby(case, sort=False)[["seed", "nodes", "accuracy"]].agg(list)
    return lists.reset_index().to_dict("records")


def nodes_left(network: nn.Module) -> int:
    """Number of hidden nodes that are there and not masked."""
    flow = Flow(network)
    weights = [flow.layers[name].weight for name in flow.hidden]  # (N_k, N_{k-1}) each
    return sum(int(w.any(dim=1).sum()) if w.shape[1] else len(w) for w in weights)
