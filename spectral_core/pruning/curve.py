r"""Pruning curve: every cut of one network, measured for about the price of one.

A cut never changes the first hidden layer's activities :math:`a_j`, and the layer after it is a
sum over nodes, :math:`u_i = b_i + \sum_{j\,\text{kept}} w_{ij} a_j`. Kept nodes are nested: a
milder cut keeps all that a harder one does. So the cuts are walked from the smallest network to the
largest, and each adds to the running sums :math:`u` only the terms of the nodes that it brings
back. With one hidden layer :math:`u` are the logits, and the whole curve multiplies no more than
one forward pass does. With several, only the layers after :math:`u` are computed anew at each cut,
and only the kept part of them.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spectral_core import _checks
from spectral_core.layers.flow import Flow
from spectral_core.layers.kinds import (
    ELEMENTWISE,
    Dense,
    is_stack,
    is_untouched,
    matrix,
    own_forward,
)
from spectral_core.layers.running import tensors_of
from spectral_core.pruning.removal import removed
from spectral_core.pruning.selection import Selection, selected
from spectral_core.training.evaluation import evaluate

if TYPE_CHECKING:
    import pandas as pd


class Cut(NamedTuple):
    """What is left of a network at one cut, and how it does without retraining."""

    percentile: float
    """Percentile of the pooled scores below which nodes went, in [0, 100]."""
    widths: tuple[int, ...]
    """Nodes left in each hidden layer."""
    nodes: int
    """Hidden nodes left in all."""
    parameters: int
    """Weights and biases once folded to plain layers."""
    accuracy: float
    """Fraction of correctly classified inputs, in [0, 1]."""
    loss: float
    """Mean categorical cross-entropy, in nats."""


def pruning_curve(
    network: nn.Sequential,
    scores: Sequence[Tensor],
    inputs: Tensor,
    targets: Tensor,
    percentiles: Iterable[float],
    *,
    per_layer: bool = False,
    protect: Collection[int | str] = (),
) -> pd.DataFrame:
    """Accuracy and loss of a network pruned at each of several percentiles, without retraining.

    Args:
        network: one that :func:`~spectral_core.prune` can prune. If it is an ``nn.Sequential`` of
            fully connected layers with activations and dropout in between, the whole curve takes
            about as long as one evaluation; otherwise, each percentile takes one.
        scores: one tensor of shape (N_k,) per hidden layer, see :func:`~spectral_core.node_scores`.
        inputs: shape (n, …), as the network takes them.
        targets: class indices, int64, shape (n,).
        percentiles: percentiles to prune at, each in [0, 100], in any order.
        per_layer: whether each layer has a threshold of its own.
        protect: layers that keep all their nodes, see :func:`~spectral_core.select`.

    Returns:
        One row per percentile with the columns ``percentile``, ``nodes`` (hidden nodes left),
        ``parameters`` (weights and biases once folded to plain layers), ``accuracy`` (in [0, 1])
        and ``loss`` (mean cross-entropy, nats).

    Raises:
        TypeError, ValueError: as :func:`~spectral_core.prune` and :func:`~spectral_core.evaluate`.
    """
    import pandas as pd

    cuts = measure_cuts(
        network, scores, inputs, targets, percentiles, per_layer=per_layer, protect=protect
    )
    return pd.DataFrame(cuts, columns=Cut._fields).drop(columns="widths")


@torch.no_grad()
def measure_cuts(
    network: nn.Sequential,
    scores: Sequence[Tensor],
    inputs: Tensor,
    targets: Tensor,
    percentiles: Iterable[float],
    batch_size: int = 10_000,
    *,
    per_layer: bool = False,
    protect: Collection[int | str] = (),
) -> list[Cut]:
    """As :func:`pruning_curve`: one :class:`Cut` per percentile, in the given order.

    Each is measured as if pruned and evaluated by itself, up to the order in which floats are
    added: an accuracy may differ by an input whose two best logits are equal within float error.
    ``batch_size``, the inputs per pass, bounds the memory.
    """
    _checks.examples(inputs, targets)
    flow = Flow(network, inputs)
    if not isinstance(percentiles, Iterable):
        raise TypeError(f"percentiles must be a list of numbers in [0, 100]; got {percentiles!r}")
    percentiles = [
        _checks.number(f"percentiles[{i}]", q, 0, 100) for i, q in enumerate(percentiles)
    ]
    kept = [
        selected(flow, scores, Selection(percentile, per_layer=per_layer, protect=protect))
        for percentile in percentiles
    ]
    if not kept:
        return []
    # Nested as they are, the kept nodes of a cut are told by their numbers.
    widths = [tuple(map(len, nodes)) for nodes in kept]
    cuts = sorted(set(widths), key=sum)
    if _is_elementwise(network, flow):
        stack = _Stack(network, [_most_kept_first(nodes) for nodes in zip(*kept)])
        totals = torch.zeros(len(cuts), 2, dtype=torch.float64)  # right answers, loss of each cut
        for x, y in zip(inputs.split(batch_size), targets.split(batch_size)):
            batch = [_right_and_loss(logits, y) for logits in stack.at(x, cuts)]
            totals += torch.stack(batch).cpu()
        measured = dict(zip(cuts, (totals / len(targets)).tolist()))
    else:
        nodes = dict(zip(widths, kept))
        small = ((cut, removed(flow, nodes[cut], check=cut == cuts[0])) for cut in cuts)
        measured = {cut: evaluate(net, inputs.clone(), targets, batch_size) for cut, net in small}
    return [
        Cut(percentile, left, sum(left), flow.parameters(left), *measured[left])
        for percentile, left in zip(percentiles, widths)
    ]


def _is_elementwise(network: nn.Module, flow: Flow) -> bool:
    """Whether a network is a stack of vectors whose activations work on some nodes as on all."""
    vectors = all(x.dim() == 2 for x in tensors_of(flow.examples))
    modules = list(network) if is_stack(network) and vectors else []
    at = [i for i, module in enumerate(modules) if isinstance(module, Dense)]
    if not len(at) == len(flow.layers) == len(flow.groups) + 1:
        return False
    known = (nn.Flatten, *ELEMENTWISE)
    return all(
        is_untouched(m) and (not own_forward(m) if isinstance(m, Dense) else type(m) in known)
        for m in modules[at[0] : at[-1] + 1]
    )


def _most_kept_first(kept: Sequence[Tensor]) -> Tensor:
    """Order of a layer's nodes in which each cut keeps the first ones; none that no cut keeps."""
    times = torch.bincount(torch.cat(list(kept)).cpu())
    return times.argsort(descending=True, stable=True)[: max(map(len, kept))]


class _Layer(NamedTuple):
    """A layer in direct space; its nodes and those before it are ordered, most kept first."""

    weight: Tensor  # (N_out, N_in)
    bias: Tensor  # (N_out, 1)
    then: nn.Sequential  # activation and the like

    def __call__(self, activities: Tensor, width: int) -> Tensor:
        """Activities (N, batch) of the first N departure nodes → (width, batch)."""
        weight = self.weight[:width, : len(activities)]
        return self.then(torch.addmm(self.bias[:width], weight, activities))


class _Stack:
    """A stack with elementwise modules between its layers, in evaluation mode, ready for nested
    cuts: each hidden layer's nodes in a given order, (N_k,). Activities are (nodes, batch)."""

    def __init__(self, network: nn.Sequential, orders: Sequence[Tensor]) -> None:
        every = slice(None)
        sides = iter(zip([*orders, every], [every, *orders]))  # (arrival, departure)
        self.front = self.behind = nn.Sequential()  # of the first layer, of the last
        self.layers: list[_Layer] = []
        for module in network:
            if isinstance(module, Dense):
                arrival, departure = next(sides)
                weight = matrix(module)[arrival][:, departure]
                bias = weight.new_zeros(len(weight), 1)
                if module.bias is not None:
                    bias = module.bias[arrival, None]
                self.behind = nn.Sequential()
                self.layers.append(_Layer(weight, bias, self.behind))
            else:
                self.behind.append(copy.deepcopy(module).eval())
        self.layers[-1] = self.layers[-1]._replace(then=nn.Sequential())

    def at(self, inputs: Tensor, cuts: Sequence[tuple[int, ...]]) -> Iterator[Tensor]:
        """Logits (classes, batch) of inputs (batch, …) at each cut, hardest cut first."""
        first, second, *later = self.layers
        x = self.front(inputs.clone() if len(self.front) else inputs)  # it may act in place
        # Many small terms go into one sum: in half precision they would be lost.
        precise = torch.promote_types(second.weight.dtype, torch.float32)
        a = first(x.T, len(first.weight)).to(precise)  # (N_2, batch), the same at every cut
        weight = second.weight.to(precise)
        u = second.bias.to(precise).repeat(1, a.shape[1])  # (N_3, batch), the running sums
        ins, outs = 0, 0  # rows u[:outs] hold the terms of a[:ins]
        for cut in cuts:
            more_ins, more_outs, *widths = *cut, len(self.layers[-1].weight)
            u[:outs].addmm_(weight[:outs, ins:more_ins], a[ins:more_ins])
            u[outs:more_outs].addmm_(weight[outs:more_outs, :more_ins], a[:more_ins])
            ins, outs = more_ins, more_outs
            activities = second.then(u[:outs].to(second.weight.dtype, copy=True))
            for layer, width in zip(later, widths):
                activities = layer(activities, width)
            yield self.behind(activities.T).T


def _right_and_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Number of right answers and summed cross-entropy of (classes, batch) logits; shape (2,)."""
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    right = (logits.max(dim=0).indices == targets).sum()
    # As an image of one row would be laid out: the sums over classes then run over whole rows.
    loss = F.cross_entropy(logits[None], targets[None], reduction="sum")
    return torch.stack([right.to(loss.dtype), loss])
