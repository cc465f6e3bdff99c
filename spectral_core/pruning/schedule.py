"""Prune in steps, with training in between."""

import functools
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from spectral_core import _checks
from spectral_core.layers.flow import Flow
from spectral_core.layers.running import Example
from spectral_core.pruning.ranking import node_scores
from spectral_core.pruning.removal import Fill, removed
from spectral_core.pruning.selection import Budget, Selection, allowance, selected


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
    score: Callable[[nn.Module], Sequence[Tensor]] | None = None,
    nodes: Sequence[Budget] | None = None,
    parameters: Sequence[Budget] | None = None,
    flops: Sequence[Budget] | None = None,
    per_layer: bool = False,
    protect: Collection[int | str] = (),
    least: int = 0,
    fill: Fill = "zero",
    example: Example | None = None,
    optimiser: Optimizer | None = None,
) -> Pruned:
    """Prune and retrain in several steps, each of which ranks the remaining nodes again.

    Args:
        network: as :func:`~spectral_core.remove`; it is not changed.
        retrain: called as ``retrain(network, step)`` after each pruning, step = 1, 2, …, to train
            the smaller network in place. Its parameters are new tensors. What ``retrain`` returns
            is not used.
        score: from a network to the scores of its hidden nodes; ``node_scores`` if ``None``.
        nodes: hidden nodes to keep after each step, numbers or fractions of the given network's;
            for example ``numpy.geomspace(1, 0.1, 6)[1:]``, five steps down to a tenth.
        parameters: the most weights and biases to keep after each step, likewise.
        flops: the most floating-point operations to keep after each step, likewise.
        per_layer, protect, least, fill, example, optimiser: as :func:`~spectral_core.prune`, the
            same at each step.

    Returns:
        The last network and the nodes that it kept, as indices into the given one.

    Raises:
        TypeError, ValueError: as :func:`~spectral_core.prune`, or if not exactly one schedule is
            given.
    """
    schedules = {"nodes": nodes, "parameters": parameters, "flops": flops}
    given = {name: steps for name, steps in schedules.items() if steps is not None}
    if len(given) != 1:
        raise TypeError(f"exactly one of {', '.join(schedules)} must be given; got {list(given)}")
    ((name, budgets),) = given.items()
    selections = [
        Selection(**{name: budget}, per_layer=per_layer, protect=protect, least=least)
        for budget in _checks.items(name, budgets)
    ]
    if score is None:
        score = functools.partial(node_scores, example=example)
    steps = rounds(network, score, selections, fill, example, optimiser)
    for step, pruned in enumerate(steps, start=1):
        retrain(pruned.network, step)
    return pruned


def rounds(
    network: nn.Module,
    score: Callable[[nn.Module], Sequence[Tensor]],
    selections: Sequence[Selection],
    fill: Fill = "zero",
    example: Example | None = None,
    optimiser: Optimizer | None = None,
) -> Iterator[Pruned]:
    """What each step of :func:`prune_in_steps` leaves, for the caller to retrain before the next.

    The ``selections`` are by budgets, whose fractions are of the given network.
    """
    flow = Flow(network, example)
    full = {"nodes": sum(flow.widths), "parameters": flow.parameters(), "flops": flow.flops()}
    counted = [
        replace(selection, **{name: allowance(f"{name}[{i}]", size, full[name])})
        for i, selection in enumerate(selections)
        for name, size in [selection.budget]
    ]
    kept = [torch.arange(width) for width in flow.widths]
    for selection in counted:
        now = selected(flow, score(network), selection)
        network = removed(flow, now, fill, optimiser=optimiser)
        flow = Flow(network, example)
        kept = [before[indices.cpu()] for before, indices in zip(kept, now)]
        yield Pruned(network, kept)
