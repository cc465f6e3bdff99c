"""Pruning: drop hidden nodes by their scores, for real (Sec. VI), or as many as may go."""

import math
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from torch import Tensor, nn
from torch.optim import Optimizer

from spectral_core import _checks
from spectral_core.layers.flow import Flow
from spectral_core.layers.running import Example
from spectral_core.pruning.ranking import node_scores
from spectral_core.pruning.removal import Fill, removed
from spectral_core.pruning.selection import Budget, Selection, selected


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
    optimiser: Optimizer | None = None,
) -> nn.Module:
    """Remove the hidden nodes whose score lies below a percentile of all scores.

    :func:`~spectral_core.select`, then :func:`~spectral_core.remove`; arguments and errors are
    theirs.

    Example:
        >>> scores = node_scores(network)              # |λ| of each hidden node
        >>> small = prune(network, scores, percentile=80)
    """
    selection = Selection(percentile, nodes, parameters, flops, per_layer, protect, least)
    flow = Flow(network, example)
    return removed(flow, selected(flow, scores, selection), fill, check, optimiser)


class WithinBudget(NamedTuple):
    """The smallest network within the accepted drop, its pruning level and its measure."""

    network: nn.Module
    """The pruned network; a copy of the given one if nothing can go."""
    percentile: float
    """The pruning level, in [0, 100]."""
    value: float
    """What ``evaluate`` gives for it."""


def prune_until(
    network: nn.Module,
    evaluate: Callable[[nn.Module], float],
    max_drop: float,
    *,
    scores: Sequence[Tensor] | None = None,
    step: float = 1.0,
    per_layer: bool = False,
    protect: Collection[int | str] = (),
    least: int = 1,
    fill: Fill = "zero",
    example: Example | None = None,
) -> WithinBudget:
    """Prune as far as possible while a measure, such as accuracy, drops by at most ``max_drop``.

    The pruning level is found by bisection, which assumes that the measure falls as the level
    rises. About seven networks are measured; none is retrained.

    Args:
        network: as :func:`~spectral_core.prune`; it is not changed.
        evaluate: from a network to a number, the higher the better.
        max_drop: largest accepted difference from the full network, in the measure's unit, ≥ 0.
        scores: scores of the hidden nodes; those of :func:`~spectral_core.node_scores` if ``None``.
        step: resolution of the level, in percentage points, in (0, 100].
        per_layer, protect, least, fill, example: as :func:`~spectral_core.prune`.

    Returns:
        The pruned network, its pruning level and its measure.

    Raises:
        TypeError, ValueError: as :func:`~spectral_core.prune`, or if ``evaluate`` gives NaN for the
            full network.

    Example:
        >>> small, level, accuracy = prune_until(
        ...     network, lambda net: evaluate(net, inputs, targets).accuracy, max_drop=0.01
        ... )
    """
    max_drop = _checks.number("max_drop", max_drop, 0)
    step = _checks.number("step", step, 0, 100, open_low=True)
    flow = Flow(network, example)
    scores = node_scores(network, example=example) if scores is None else scores

    def pruned(level: int) -> nn.Module:
        selection = Selection(
            min(level * step, 100.0), per_layer=per_layer, protect=protect, least=least
        )
        return removed(flow, selected(flow, scores, selection), fill)

    low, high = 0, int(100 / step) + 1  # levels that do, and do not
    best = pruned(low)
    value = float(evaluate(network))
    if math.isnan(value):
        raise ValueError("evaluate must give a number for the full network; got nan")
    least_value = value - max_drop - 1e-9  # a float's last bit does not count
    while high - low > 1:
        level = (low + high) // 2
        candidate = pruned(level)
        measured = float(evaluate(candidate))
        if measured >= least_value:
            low, best, value = level, candidate, measured
        else:
            high = level
    return WithinBudget(best, min(low * step, 100.0), value)
