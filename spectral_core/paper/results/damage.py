r"""What each node is worth by itself: the loss when that node alone is removed.

Removing node :math:`i` takes one term from every sum of the next layer,
:math:`u_j \to u_j - w_{ji} a_i`. So all layers up to :math:`u` are computed once, and each removal
costs a product of one column and what follows :math:`u`.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spectral_core import _checks
from spectral_core.layers.kinds import Dense
from spectral_core.training.evaluation import evaluating


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
    layers = [i for i, module in enumerate(network) if isinstance(module, Dense)]
    with evaluating(network):
        whole = F.cross_entropy(network(inputs), targets)
        activities, damage = inputs, []
        for this, following in itertools.pairwise(layers):
            activities = network[this:following](activities)  # (n, N_k)
            sums = network[following](activities)  # (n, N_{k+1})
            columns = zip(activities.T, network[following].weight.T)
            logits = (network[following + 1 :](sums - torch.outer(a, w)) for a, w in columns)
            damage.append(
                torch.stack([F.cross_entropy(u, targets, reduction="none").mean() for u in logits])
                - whole
            )
    return damage
