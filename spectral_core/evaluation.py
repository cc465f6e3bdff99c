"""Measuring a network: accuracy and loss, of the whole and along a pruning curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spectral_core import _checks
from spectral_core.pruning import folded_parameters, hidden_nodes, prune

if TYPE_CHECKING:
    import pandas as pd


class Evaluation(NamedTuple):
    """How a network does on a data set."""

    accuracy: float
    """Fraction of correctly classified inputs, in [0, 1]."""
    loss: float
    """Mean categorical cross-entropy, in nats."""


@torch.no_grad()
def evaluate(
    network: nn.Module, inputs: Tensor, targets: Tensor, batch_size: int = 10_000
) -> Evaluation:
    """Measure accuracy and loss of a network.

    Args:
        network: module from (n, N_1) inputs to (n, classes) logits; its training mode is restored.
        inputs: shape (n, N_1).
        targets: class indices, int64, shape (n,).
        batch_size: inputs per forward pass; bounds the memory.

    Raises:
        ValueError: if there are no inputs, or not one target per input.
    """
    _checks.examples(inputs, targets)
    was_training = network.training
    network.eval()
    correct, loss = 0, 0.0
    for x, y in zip(inputs.split(batch_size), targets.split(batch_size)):
        logits = network(x)  # (batch, classes)
        correct += int((logits.argmax(dim=1) == y).sum())
        loss += float(F.cross_entropy(logits, y, reduction="sum"))
    network.train(was_training)
    return Evaluation(correct / len(targets), loss / len(targets))


def pruning_curve(
    network: nn.Sequential,
    scores: Sequence[Tensor],
    inputs: Tensor,
    targets: Tensor,
    percentiles: Sequence[float],
) -> pd.DataFrame:
    """Accuracy and loss of a network pruned at each of several percentiles, without retraining.

    Args:
        network: stack that :func:`~spectral_core.prune` understands.
        scores: one tensor of shape (N_k,) per hidden layer, see :func:`~spectral_core.node_scores`.
        inputs: shape (n, N_1).
        targets: class indices, int64, shape (n,).
        percentiles: percentiles to cut at, each in [0, 100].

    Returns:
        One row per percentile with the columns ``percentile``, ``nodes`` (hidden nodes left),
        ``parameters`` (weights and biases once folded to plain layers), ``accuracy`` (in [0, 1])
        and ``loss`` (mean cross-entropy, nats).
    """
    import pandas as pd

    rows = []
    for percentile in percentiles:
        pruned = prune(network, scores, percentile)
        rows.append(
            {
                "percentile": percentile,
                "nodes": sum(hidden_nodes(pruned)),
                "parameters": folded_parameters(pruned),
                **evaluate(pruned, inputs, targets)._asdict(),
            }
        )
    return pd.DataFrame(rows, columns=["percentile", "nodes", "parameters", "accuracy", "loss"])
