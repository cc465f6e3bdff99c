"""Pruning: drop the hidden nodes below a threshold on their scores, for real (Sec. VI)."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from spectral_core import _checks
from spectral_core.linear import SpectralLinear
from spectral_core.ranking import dense_layers

# Which side of the layer each axis of a parameter belongs to.
_AXES: dict[str, tuple[str, ...]] = {
    "weight": ("arrival", "departure"),
    "eigenvectors": ("arrival", "departure"),
    "eigenvalues": ("arrival",),
    "input_eigenvalues": ("departure",),
    "bias": ("arrival",),
}

# Between two layers only modules that act on each node by itself: a node's activity can then be
# taken out without touching its neighbours.
_NODEWISE = (
    nn.ELU,
    nn.ReLU,
    nn.Tanh,
    nn.LeakyReLU,
    nn.SiLU,
    nn.GELU,
    nn.Sigmoid,
    nn.Softplus,
    nn.Dropout,
    nn.Identity,
    nn.Flatten,
)


def select(scores: Sequence[Tensor], percentile: float) -> list[Tensor]:
    """Indices of the nodes to keep: those whose score is not below the percentile of all scores.

    All hidden layers form one pool with one threshold, so a layer may keep all or none of its
    nodes. The threshold is the linearly interpolated percentile; nodes *strictly* below it go.

    Args:
        scores: one tensor of shape (N_k,) per hidden layer.
        percentile: percentile q of the pooled scores, in [0, 100]; 0 keeps every node.

    Returns:
        One sorted int64 tensor of kept indices per hidden layer.

    Raises:
        TypeError, ValueError: if the percentile lies outside [0, 100], or the scores are not a
            non-empty sequence of vectors of finite numbers.
    """
    percentile = _checks.number("percentile", percentile, 0, 100)
    _check_scores(scores)
    values = [_numbers(score) for score in scores]
    pool = np.concatenate(values)
    threshold = np.percentile(pool, percentile) if len(pool) else 0.0
    return [
        torch.as_tensor(np.flatnonzero(value >= threshold)).to(score.device)
        for value, score in zip(values, scores)
    ]


def remove(network: nn.Sequential, kept: Sequence[Tensor]) -> nn.Sequential:
    """Build the smaller network that holds only the kept hidden nodes.

    Rows, columns, eigenvalues and biases of the other nodes are gone. The outputs are those of
    the full network with the removed nodes' activities set to 0, to float error. A layer may lose
    all its nodes: the network then predicts a constant.

    Args:
        network: stack of ``Linear`` or :class:`SpectralLinear` layers with node-wise modules
            (activations, dropout) in between. It is left as it is.
        kept: one index tensor per hidden layer, as :func:`select` returns them.

    Returns:
        A new network; no memory is shared with the old one.

    Raises:
        TypeError: if ``network`` is no ``nn.Sequential`` or holds a module that mixes nodes.
        ValueError: if ``kept`` does not fit the hidden layers.
    """
    layers = _checked_layers(network)
    kept = _checked_indices(kept, [layer.out_features for layer in layers[:-1]])
    everything = slice(None)
    sides = iter(zip(kept + [everything], [everything] + kept))  # (arrival, departure) per layer
    return nn.Sequential(
        *(
            _keep(module, *next(sides)) if module in layers else copy.deepcopy(module)
            for module in network
        )
    )


def prune(network: nn.Sequential, scores: Sequence[Tensor], percentile: float) -> nn.Sequential:
    """Remove the hidden nodes whose score lies below a percentile of all scores.

    :func:`select`, then :func:`remove`; arguments and errors are theirs.

    Example:
        >>> scores = node_scores(network)              # |λ| of each hidden node
        >>> small = prune(network, scores, percentile=80)
    """
    return remove(network, kept_nodes(network, scores, percentile))


def kept_nodes(network: nn.Sequential, scores: Sequence[Tensor], percentile: float) -> list[Tensor]:
    """What a cut keeps: :func:`~spectral_core.select`, once the scores are seen to fit the network.

    Arguments and errors are those of :func:`~spectral_core.prune`.
    """
    kept = select(scores, percentile)
    widths = [layer.out_features for layer in _checked_layers(network)[:-1]]
    if [len(score) for score in scores] != widths:
        raise ValueError(
            f"scores must have one score per hidden node, {widths}; "
            f"got {[len(score) for score in scores]}"
        )
    return kept


def hidden_nodes(network: nn.Module) -> tuple[int, ...]:
    """Number of nodes of each hidden layer, from input to output."""
    return tuple(layer.out_features for layer in dense_layers(network)[:-1])


def folded_parameters(network: nn.Module, hidden: Sequence[int] | None = None) -> int:
    """Number of weights and biases once every layer is folded to a plain one.

    Args:
        network: fully connected layers, one behind the other.
        hidden: count as if the hidden layers had so many nodes; their own if ``None``.
    """
    layers = dense_layers(network)
    hidden = hidden_nodes(network) if hidden is None else hidden
    ends = [layers[0].in_features, *hidden, layers[-1].out_features]
    return sum(
        arrival * (departure + (layer.bias is not None))
        for layer, (departure, arrival) in zip(layers, itertools.pairwise(ends))
    )


@torch.no_grad()
def _keep(
    layer: nn.Linear | SpectralLinear, arrival: Tensor | slice, departure: Tensor | slice
) -> nn.Linear | SpectralLinear:
    """Copy of a layer with only some of its arrival and departure nodes."""
    indices = {"arrival": arrival, "departure": departure}
    smaller = copy.deepcopy(layer)
    for name, parameter in layer.named_parameters(recurse=False):
        values = parameter
        for axis, side in enumerate(_AXES[name]):
            index = indices[side]
            if not isinstance(index, slice):
                values = values.index_select(axis, index.to(values.device))
        setattr(
            smaller,
            name,
            nn.Parameter(values.detach().clone(), requires_grad=parameter.requires_grad),
        )
    if not isinstance(arrival, slice):
        smaller.out_features = len(arrival)
    if not isinstance(departure, slice):
        smaller.in_features = len(departure)
    return smaller


def _checked_layers(network: nn.Sequential) -> list[nn.Linear | SpectralLinear]:
    if not isinstance(network, nn.Sequential):
        raise TypeError(f"network must be a torch.nn.Sequential; got {type(network).__name__}")
    layers = [module for module in network if isinstance(module, nn.Linear | SpectralLinear)]
    if not layers:
        raise ValueError("network must have Linear or SpectralLinear layers; got none")
    last = list(network).index(layers[-1])  # what comes behind it sees no hidden node
    for module in list(network)[:last]:
        if module not in layers and not isinstance(module, _NODEWISE):
            raise TypeError(
                "network must hold Linear or SpectralLinear layers with node-wise modules "
                f"({', '.join(kind.__name__ for kind in _NODEWISE)}) in between; "
                f"got {type(module).__name__}"
            )
    return layers


def _checked_indices(kept: Sequence[Tensor], widths: list[int]) -> list[Tensor]:
    if not isinstance(kept, list | tuple):
        raise TypeError(f"kept must be a list of index tensors; got {type(kept).__name__}")
    if len(kept) != len(widths):
        raise ValueError(
            f"kept must have one index tensor per hidden layer, {len(widths)}; got {len(kept)}"
        )
    checked = []
    for k, (indices, width) in enumerate(zip(kept, widths)):
        if not isinstance(indices, Tensor | list | tuple | np.ndarray):
            raise TypeError(f"kept[{k}] must be a tensor of indices; got {indices!r}")
        indices = torch.as_tensor(indices)
        if indices.numel() == 0:
            indices = indices.to(torch.int64)
        if indices.dim() != 1 or indices.dtype != torch.int64:
            raise ValueError(
                f"kept[{k}] must be a vector of whole numbers; got shape "
                f"{tuple(indices.shape)} of {indices.dtype}"
            )
        if indices.numel() and (indices.min() < 0 or indices.max() >= width):
            raise ValueError(
                f"kept[{k}] must hold indices from 0 to {width - 1}; "
                f"got {int(indices.min())} to {int(indices.max())}"
            )
        if len(indices.unique()) != len(indices):
            raise ValueError(f"kept[{k}] must hold each index once; got repeated ones")
        checked.append(indices)
    return checked


def _numbers(score: Tensor) -> np.ndarray:
    """Scores as numpy holds them; numpy has no bfloat16."""
    score = score.detach().cpu()
    return (score.float() if score.dtype == torch.bfloat16 else score).numpy()


def _check_scores(scores: Sequence[Tensor]) -> None:
    if isinstance(scores, Tensor) or not isinstance(scores, Sequence) or len(scores) == 0:
        raise TypeError(
            f"scores must be a list with one tensor per hidden layer; got {type(scores).__name__}"
        )
    for k, score in enumerate(scores):
        if not isinstance(score, Tensor) or score.dim() != 1:
            got = tuple(score.shape) if isinstance(score, Tensor) else type(score).__name__
            raise TypeError(f"scores[{k}] must be a vector, one score per node; got {got}")
        if not torch.isfinite(score).all():
            raise ValueError(f"scores[{k}] must be finite; got NaN or infinity")
