"""Pruning: drop the hidden nodes below a threshold on their scores, for real (Sec. VI)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from torch import Tensor, nn

from spectral_core.layers.flow import Flow
from spectral_core.layers.running import Example
from spectral_core.pruning.removal import Fill, removed
from spectral_core.pruning.selection import Budget, Rule, selected


def prune(
    network: nn.Module,
    scores: Sequence[Tensor],
    percentile: float | Sequence[float] | None = None,
    *,
    nodes: Budget | None = None,
    parameters: Budget | None = None,
    flops: Budget | None = None,
    per_layer: bool = False,
    protect: Collection[int | str] = (),
    least: int = 0,
    fill: Fill = "zero",
    example: Example | None = None,
    check: bool = True,
) -> nn.Module:
    """Remove the hidden nodes whose score lies below a percentile of all scores.

    :func:`~spectral_core.select`, then :func:`~spectral_core.remove`; arguments and errors are
    theirs.

    Example:
        >>> scores = node_scores(network)              # |λ| of each hidden node
        >>> small = prune(network, scores, percentile=80)
    """
    rule = Rule(percentile, nodes, parameters, flops, per_layer, protect, least)
    flow = Flow(network, example)
    return removed(flow, selected(flow, scores, rule), fill, check)
