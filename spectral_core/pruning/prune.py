"""Pruning: drop the hidden nodes below a threshold on their scores, for real (Sec. VI)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from torch import Tensor, nn

from spectral_core.pruning.removal import Fill, remove
from spectral_core.pruning.selection import Budget, select


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
) -> nn.Module:
    """Remove the hidden nodes whose score lies below a percentile of all scores.

    :func:`~spectral_core.select`, then :func:`~spectral_core.remove`; arguments and errors are
    theirs.

    Example:
        >>> scores = node_scores(network)              # |λ| of each hidden node
        >>> small = prune(network, scores, percentile=80)
    """
    kept = select(
        scores,
        percentile,
        nodes=nodes,
        parameters=parameters,
        flops=flops,
        per_layer=per_layer,
        protect=protect,
        least=least,
        network=network,
    )
    return remove(network, kept, fill)
