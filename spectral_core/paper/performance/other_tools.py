"""Other tools on the same trained networks: accuracy against the nodes that are left.

:data:`WAYS` holds each way to choose nodes, ours and theirs, as a function of a trained network and
the share of its hidden nodes to keep. Nothing is trained again after the cut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

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

if TYPE_CHECKING:
    import pandas as pd

TRAININGS = {"direct": direct_mlp, "spectral": spectral_mlp}
"""Networks to train: in direct space, and in eigenvalues and eigenvectors together."""


@dataclass(frozen=True, eq=False)
class Case:
    """A trained network without biases, and the data it was trained on."""

    network: nn.Sequential
    inputs: Tensor
    """Training inputs, shape (n, N_1)."""
    targets: Tensor
    """Class indices, shape (n,)."""
    seed: int
    """Of what is drawn at random."""


@dataclass(frozen=True)
class Way:
    """One way to choose nodes."""

    tool: str
    criterion: str
    cut: Callable[[Case, float], nn.Module]
    """From a case and the share of hidden nodes to keep, in (0, 1], to what the tool makes."""
    per_layer: bool
    """Whether every hidden layer keeps the same share; otherwise all nodes form one pool."""
    needs_spectrum: bool = False


def _ours(case: Case, keep: float, by: str, per_layer: bool) -> nn.Module:
    return prune(case.network, _scores(case, by), nodes=keep, per_layer=per_layer)


@lru_cache(maxsize=8)  # the same scores for each share to keep
def _scores(case: Case, by: str) -> list[Tensor]:
    generator = torch.Generator().manual_seed(case.seed)
    return node_scores(case.network, by, case.inputs, case.targets, generator=generator)


def masked(case: Case, keep: float) -> nn.Module:
    """Mask nodes by the length of their weights, with ``ln_structured`` (n = 2) of torch.

    It knows one layer at a time, so that each keeps the same share.
    """
    from torch.nn.utils.prune import ln_structured, remove

    plain = fold(case.network)
    flow = Flow(plain)
    for layer, width in zip((flow.layers[name] for name in flow.hidden), flow.widths):
        gone = width - round(keep * width)
        if gone:
            ln_structured(layer, "weight", amount=gone, n=2, dim=0)
            remove(layer, "weight")  # makes the zeros permanent; the layer keeps its size
    return plain


def torch_pruned(case: Case, keep: float, per_layer: bool) -> nn.Module:
    """Remove nodes with Torch-Pruning by its ``MagnitudeImportance`` (p = 2).

    That looks at the weights that come into a node and at those that go out.

    Raises:
        ImportError: without the extra ``[torch-pruning]``.
    """
    tp = needed("torch_pruning", "torch-pruning", "torch_pruned")
    plain = fold(case.network)
    pruner = tp.pruner.BasePruner(
        plain,
        case.inputs[:2],
        tp.importance.MagnitudeImportance(p=2),
        global_pruning=not per_layer,
        pruning_ratio=1 - keep,
        ignored_layers=[plain[-1]],
    )
    pruner.step()
    return plain


WAYS: tuple[Way, ...] = (
    *(
        Way("Spectral Core", by, partial(_ours, by=by, per_layer=each), each, by == "eigenvalue")
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


def trained(
    training: str,
    data: Dataset,
    hidden: Sequence[int],
    activation: str,
    epochs: int,
    seed: int,
    batch_size: int = 200,
) -> Case:
    """Train a network without biases from a seed.

    Args:
        training: name out of :data:`TRAININGS`.
        data: what to train on.
        hidden: nodes of each hidden layer.
        activation: ``"elu"``, ``"relu"`` or ``"tanh"``.
        epochs: passes over the training data.
        seed: of the start and the order of examples.
        batch_size: examples per step.
    """
    build = TRAININGS[_checks.choice("training", training, TRAININGS)]
    generator = torch.Generator().manual_seed(seed)
    sizes = (data.input_features, *hidden, data.class_count)
    network = build(sizes, activation, generator=generator)
    train(
        network,
        data.train_inputs,
        data.train_targets,
        epochs=epochs,
        batch_size=batch_size,
        generator=generator,
    )
    return Case(network, data.train_inputs, data.train_targets, seed)


def accuracy_against_nodes(
    dataset: str,
    hidden: Sequence[int],
    activation: str = "elu",
    epochs: int = 20,
    seeds: int = 3,
    keep: Sequence[float] = (1.0, 0.5, 0.2, 0.1),
    batch_size: int = 200,
    progress: bool = True,
) -> pd.DataFrame:
    """Train networks, cut each in every way, and measure what is left on the test set.

    With one hidden layer, one pool and a threshold per layer are the same, and measured once.

    Args:
        dataset: name of a data set, see :func:`spectral_core.data.load`.
        hidden: nodes of each hidden layer.
        activation: ``"elu"``, ``"relu"`` or ``"tanh"``.
        epochs: of each training.
        seeds: trainings of each kind.
        keep: shares of the hidden nodes to keep, each in (0, 1].
        batch_size: examples per step of the training.
        progress: whether to show a bar over the trainings.

    Returns:
        One row per training, way, share and seed, with the columns ``training``, ``seed``,
        ``per_layer``, ``tool``, ``criterion``, ``keep``, ``nodes`` (hidden nodes that are left and
        not masked) and ``accuracy`` (on the test set, in [0, 1]).

    Raises:
        ImportError: without the extra ``[torch-pruning]``.
        TypeError, ValueError: if an argument is out of range or a name unknown.
    """
    import pandas as pd

    hidden = _checks.whole_numbers("hidden", hidden, least=1)
    keep = [
        _checks.number(f"keep[{i}]", share, 0, 1, open_low=True)
        for i, share in enumerate(_checks.items("keep", keep))
    ]
    data = load(dataset)
    runs = [
        (training, seed)
        for training in TRAININGS
        for seed in range(_checks.whole_number("seeds", seeds, least=1))
    ]
    ways = [way for way in WAYS if len(hidden) > 1 or way.per_layer]
    rows = []
    for training, seed in tqdm(runs, unit="network", leave=False, disable=not progress or None):
        case = trained(training, data, hidden, activation, epochs, seed, batch_size)
        for way in ways:
            if way.needs_spectrum and training == "direct":
                continue
            for share in keep:
                small = way.cut(case, share)
                rows.append(
                    {
                        "training": training,
                        "seed": seed,
                        "per_layer": way.per_layer,
                        "tool": way.tool,
                        "criterion": way.criterion,
                        "keep": share,
                        "nodes": nodes_left(small),
                        "accuracy": evaluate(small, data.test_inputs, data.test_targets).accuracy,
                    }
                )
    return pd.DataFrame(rows)


def to_rows(measured: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows for a file of results, in which the seeds of one case share a row.

    Args:
        measured: as :func:`accuracy_against_nodes` gives it.
    """
    case = [name for name in measured if name not in ("seed", "nodes", "accuracy")]
    found = measured.groupby(case, sort=False)[["seed", "nodes", "accuracy"]].agg(list)
    return found.reset_index().to_dict("records")


def from_rows(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """What :func:`to_rows` was given, from the rows that it made."""
    import pandas as pd

    table = pd.DataFrame(rows).explode(["seed", "nodes", "accuracy"], ignore_index=True)
    return table.astype({"seed": int, "nodes": int, "accuracy": float})


def nodes_left(network: nn.Module) -> int:
    """Number of hidden nodes that are there and not masked."""
    flow = Flow(network)
    weights = [flow.layers[name].weight for name in flow.hidden]  # (N_k, N_{k-1}) each
    return sum(int(w.any(dim=1).sum()) if w.shape[1] else len(w) for w in weights)
