"""Scores that rank the hidden nodes of a network: the larger, the more important."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from spectral_core import _checks
from spectral_core.linear import SpectralLinear


def dense_layers(network: nn.Module) -> list[nn.Linear | SpectralLinear]:
    """Fully connected layers of a network, from input to output.

    Raises:
        ValueError: if there is none.
    """
    _checks.module("network", network)
    layers = [m for m in network.modules() if isinstance(m, nn.Linear | SpectralLinear)]
    if not layers:
        raise ValueError("network must have Linear or SpectralLinear layers; got none")
    return layers


def eigenvalue(layer: nn.Linear | SpectralLinear) -> Tensor:
    """|λ_i| of each arrival node (Sec. VI); shape (out_features,).

    Raises:
        ValueError: if the layer is a plain one, whose transfer operator has only the
            eigenvalue 0 (Sec. V).
    """
    if not isinstance(layer, SpectralLinear):
        raise ValueError(
            f"by='eigenvalue' needs SpectralLinear layers; got {type(layer).__name__}, whose "
            "transfer operator has only zero eigenvalues. Rank it by 'connectivity', or convert "
            "it with SpectralLinear.from_linear"
        )
    return layer.eigenvalues.abs()


def connectivity(layer: nn.Linear | SpectralLinear) -> Tensor:
    """Σ_j |w_ij|, the incoming absolute connectivity of each node (Sec. VI); (out_features,)."""
    return layer.weight.abs().sum(dim=1)


CRITERIA: dict[str, Callable[[nn.Linear | SpectralLinear], Tensor]] = {
    "eigenvalue": eigenvalue,
    "connectivity": connectivity,
}
"""Ranking criteria by name; each maps a layer to one score per arrival node."""


@torch.no_grad()
def node_scores(
    network: nn.Module,
    by: str = "eigenvalue",
    inputs: Tensor | None = None,
    targets: Tensor | None = None,
) -> list[Tensor]:
    """Score each hidden node; the output layer is never ranked.

    Args:
        network: feed-forward network of :class:`SpectralLinear` or ``nn.Linear`` layers.
        by: ``"eigenvalue"`` (|λ_i|) or ``"connectivity"`` (Σ_j |w_ij|).
        inputs: data of shape (n, N_1), for criteria that look at activities; neither of the two
            above does.
        targets: class indices of shape (n,), for criteria that look at the loss; likewise.

    Returns:
        One tensor of shape (N_k,) per hidden layer, each score ≥ 0.

    Raises:
        TypeError, ValueError: if the criterion is unknown, does not fit the layers, or the
            network has no hidden layer.
    """
    score = CRITERIA[_checks.choice("by", by, CRITERIA)]
    hidden = dense_layers(network)[:-1]
    if not hidden:
        raise ValueError("network must have at least one hidden layer; got a single layer")
    return [score(layer).detach().clone() for layer in hidden]
