"""Accuracy against nodes on Fashion-MNIST, by this package and by other tools.

:data:`WAYS` holds each way to choose nodes, ours and theirs, as a function of a trained network and
the share of its hidden nodes to keep. Nothing is retrained.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.loops import problem
from benchmarks.measure import Skipped
from spectral_core._extras import needed
from spectral_core.data import Dataset, load
from spectral_core.layers.conversion import fold
from spectral_core.layers.flow import Flow
from spectral_core.layers.networks import direct_mlp, hidden_label, spectral_mlp
from spectral_core.pruning.prune import prune
from spectral_core.pruning.ranking import node_scores
from spectral_core.training.evaluation import evaluate
from spectral_core.training.loop import train

MINUTES = 8
KEEP = (1.0, 0.5, 0.3, 0.2, 0.1, 0.05)
"""Shares of the hidden nodes to keep."""
TRAININGS = {"direct": direct_mlp, "spectral": spectral_mlp}
"""Networks to train: in direct space, and in eigenvalues and eigenvectors together."""


def run(rounds: int = 2, quick: bool = False) -> list[dict[str, Any]]:
    """Measure one and three hidden layers; one row per network, way and share of nodes kept.

    A row has a list over seeds, the rounds, of ``nodes``, hidden ones that are left and not masked,
    and of ``accuracy`` on the test set. With one hidden layer, a global and a layer-wise threshold
    are the same, and measured once.
    """
    try:
        needed("torch_pruning", "torch-pruning", "tools")
    except ModuleNotFoundError as error:
        raise Skipped(str(error)) from error
    torch.set_num_threads(1)
    what, seeds, rows = problem(quick), list(range(rounds)), []
    data = load(what.dataset)
    test = data.test_inputs, data.test_targets
    for depth, training in itertools.product((1, 3), TRAININGS):
        hidden = (what.width,) * depth
        cases = [trained(training, data, hidden, 1 if quick else 20, seed) for seed in seeds]
        for way, keep in itertools.product(WAYS, KEEP[::4] if quick else KEEP):
            if depth == 1 and not way.per_layer:
                continue
            if way.criterion == "eigenvalue" and training == "direct":
                continue  # there is none
            small = [way.prune(case, keep) for case in cases]
            row: dict[str, Any] = {"hidden": hidden_label(hidden), "training": training}
            row |= {"per_layer": way.per_layer, "tool": way.tool, "criterion": way.criterion}
            row |= {"keep": keep, "seed": seeds, "nodes": [nodes_left(each) for each in small]}
            row["accuracy"] = [evaluate(network, *test).accuracy for network in small]
            rows.append(row)
    return rows


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
    weights that come into a node and at those that go out."""
    import torch_pruning as tp

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
    """Train an ELU network without biases, of a kind out of :data:`TRAININGS`, from a seed."""
    generator = torch.Generator().manual_seed(seed)
    sizes = (data.input_features, *hidden, data.class_count)
    network = TRAININGS[training](sizes, "elu", generator=generator)
    examples = (data.train_inputs, data.train_targets)
    train(network, *examples, epochs=epochs, batch_size=200, generator=generator)
    return Case(network, data, seed)


def nodes_left(network: nn.Module) -> int:
    """Number of hidden nodes that are there and not masked."""
    flow = Flow(network)
    weights = [flow.layers[name].weight for name in flow.hidden]  # (N_k, N_{k-1}) each
    return sum(int(w.any(dim=1).sum()) if w.shape[1] else len(w) for w in weights)
