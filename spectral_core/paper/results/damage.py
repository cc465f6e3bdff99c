r"""What each node is worth by itself: the loss when that node alone is removed.

Removing node :math:`i` takes one term from every sum of the next layer,
:math:`u_j \to u_j - w_{ji} a_i`. So all layers up to :math:`u` are computed once, and each removal
costs a product of one column and what follows :math:`u`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spectral_core import _checks
from spectral_core.layers.kinds import Dense
from spectral_core.training.evaluation import evaluating

_MOST = 20_000_000  # numbers in the largest array


@torch.no_grad()
def node_damage(network: nn.Sequential, inputs: Tensor, targets: Tensor) -> list[Tensor]:
    """Increase of the mean cross-entropy when one hidden node alone is removed.

    Args:
        network: stack of fully connected layers, plain or spectral, with modules in between that
            act on each node by itself; left as it is.
        inputs: shape (n, N_1).
        targets: class indices, int64, shape (n,).

    Returns:
        One tensor of shape (N_k,) per hidden layer, in nats; negative where the network does
        better without the node.

    Raises:
        TypeError: if the network is not a stack of fully connected layers.
        ValueError: if there are no inputs, or not one target per input.
    """
    _checks.examples(inputs, targets)
    if not isinstance(network, nn.Sequential) or not isinstance(network[0], Dense):
        raise TypeError(f"network must be a stack of fully connected layers; got {network!r}")
    modules = list(network)
    layers = [i for i, module in enumerate(modules) if isinstance(module, Dense)]
    with evaluating(network):
        whole = F.cross_entropy(network(inputs), targets)
        activities, damage = inputs, []
        for this, following in itertools.pairwise(layers):
            activities = network[this:following](activities)  # (n, N_k)
            layer, behind = modules[following], network[following + 1 :]
            sums = layer(activities)  # (n, N_{k+1})
            losses = [
                loss
                for nodes in _chunks(activities.shape[1], sums.numel())
                for loss in _losses_without(nodes, activities, sums, layer.weight, behind, targets)
            ]
            damage.append(torch.stack(losses) - whole)
    return damage


def _chunks(nodes: int, size: int) -> Iterator[slice]:
    """Slices of so many nodes, each few enough for arrays of ``size`` numbers a node."""
    step = max(1, _MOST // size)
    yield from (slice(first, first + step) for first in range(0, nodes, step))


def _losses_without(
    nodes: slice,
    activities: Tensor,
    sums: Tensor,
    weight: Tensor,
    behind: nn.Sequential,
    targets: Tensor,
) -> Tensor:
    """Mean cross-entropy without each node of a slice, shape (m,)."""
    taken = activities.T[nodes, :, None] * weight.T[nodes, None, :]  # (m, n, N_{k+1})
    m, n, width = taken.shape
    logits = behind((sums - taken).reshape(m * n, width))
    losses = F.cross_entropy(logits, targets.repeat(m), reduction="none")
    return losses.view(m, n).mean(dim=1)
