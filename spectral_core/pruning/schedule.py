"""Prune in steps, with training in between."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from spectral_core import _checks
from spectral_core.layers.flow import Flow
from spectral_core.pruning.ranking import node_scores
from spectral_core.pruning.removal import Fill, remove
from spectral_core.pruning.selection import Budget, allowance, select


class Pruned(NamedTuple):
    """A pruned network, and what it kept of the one it came from."""

    network: nn.Module
    """The smaller network."""
    kept: list[Tensor]
    """Indices of the kept nodes of each hidden layer, as :func:`~spectral_core.remove` takes."""


def prune_in_steps(
    network: nn.Module,
    retrain: Callable[[nn.Module, int], object],
    *,
    score: Callable[[nn.Module], Sequence[Tensor]] = node_scores,
    nodes: Sequence[Budget] | None = None,
    parameters: Sequence[Budget] | None = None,
    flops: Sequence[Budget] | None = None,
    per_layer: bool = False,
    protect: Collection[int | str] = (),
    least: int = 0,
    fill: Fill = "zero",
) -> Pruned:
    """Prune a little, train again, and so on: each step ranks the nodes that are left anew.

    Args:
        network: as :func:`~spectral_core.remove`; it is left as it is.
        retrain: called as ``retrain(network, step)`` after each cut, step = 1, 2, …; it trains the
            smaller network in place, whose parameters are new ones. What it returns is not used.
        score: from a network to the scores of its hidden nodes.
        nodes: hidden nodes to keep after each step, numbers or fractions of the given network's;
            for example ``numpy.geomspace(1, 0.1, 6)[1:]``, five steps down to a tenth.
        parameters: weights and biases to keep at most after each step, likewise.
        flops: floating-point operations to keep at most after each step, likewise.
        per_layer, protect, least, fill: as :func:`~spectral_core.prune`, the same at each step.

    Returns:
        The last network and the nodes that it kept, as indices into the given one.

    Raises:
        TypeError, ValueError: as :func:`~spectral_core.prune`, or if not exactly one schedule is
            given.
    """
    budgets = {"nodes": nodes, "parameters": parameters, "flops": flops}
    options = {"per_layer": per_layer, "protect": protect, "least": least, "fill": fill}
    pruned = Pruned(network, [])
    for step, pruned in enumerate(rounds(network, score, budgets, **options), start=1):
        retrain(pruned.network, step)
    return pruned


def rounds(
    network: nn.Module,
    score: Callable[[nn.Module], Sequence[Tensor]],
    budgets: Mapping[str, Sequence[Budget] | None],
    *,
    per_layer: bool = False,
    protect: Collection[int | str] = (),
    least: int = 0,
    fill: Fill = "zero",
) -> Iterator[Pruned]:
    """What each step of :func:`prune_in_steps` leaves, for the caller to retrain before the next.

    Args:
        network, score, per_layer, protect, least, fill: as :func:`prune_in_steps`.
        budgets: its schedules by name, of which one is given.
    """
    flow = Flow(network)
    full = {"nodes": sum(flow.widths), "parameters": flow.parameters(), "flops": flow.flops()}
    given = [name for name, steps in budgets.items() if steps is not None]
    if len(given) != 1:
        raise TypeError(f"exactly one of {', '.join(budgets)} must be given; got {given}")
    (name,) = given
    allowed = [
        allowance(f"{name}[{i}]", budget, full[name])
        for i, budget in enumerate(_checks.items(name, budgets[name]))
    ]
    kept = [torch.arange(width) for width in flow.widths]
    for count in allowed:
        now = select(
            score(network),
            **{name: count},
            per_layer=per_layer,
            protect=protect,
            least=least,
            network=network,
        )
        network = remove(network, now, fill)
        kept = [before[indices.cpu()] for before, indices in zip(kept, now)]
        yield Pruned(network, kept)
