"""The eigenvalues of a network's layers, and which of its nodes are pruned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from spectral_core._extras import needed
from spectral_core.layers.flow import Flow
from spectral_core.layers.kinds import Dense, named_layers, spectrum
from spectral_core.layers.running import Example
from spectral_core.pruning.removal import checked_indices

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PLOTS_PER_ROW = 4
"""Panels side by side, at most."""
STAYS = "#0072B2"
"""Colour, the paper's blue, of eigenvalues whose nodes stay."""
GOES = "0.6"
"""Colour, a grey, of eigenvalues whose nodes go."""


def plot_spectrum(
    model: nn.Module, kept: Sequence[Tensor] | None = None, example: Example | None = None
) -> Figure:
    """Draw |λ_i| of every spectral layer, the largest first, and which nodes are pruned.

    Args:
        model: model with spectral layers, before it is pruned and folded.
        kept: one index tensor per hidden layer, as :func:`~spectral_core.select` returns them.
            Nodes that are not among them are grey; where a layer keeps the largest |λ_i|, a dashed
            line marks the smallest that is kept. ``None`` keeps all.
        example: inputs of the model, see :class:`~spectral_core.layers.flow.Flow`, for ``kept``.

    Returns:
        A figure of pyplot with one panel per layer, all on one scale.

    Raises:
        ImportError: without the extra ``[figures]``.
        TypeError, ValueError: if no layer is spectral, or ``kept`` does not fit the hidden layers.

    Example:
        >>> figure = plot_spectrum(network, select(node_scores(network), 80))
    """
    plt = needed("matplotlib.pyplot", "figures", "plot_spectrum")

    layers = named_layers(model)
    pairs = {name: spectrum(layer) for name, layer in layers.items()}
    values = {name: s.eigenvalues.detach().abs().double().cpu() for name, s in pairs.items() if s}
    if not values:
        raise ValueError(
            "model must have spectral layers; got none. Call spectralize first; plot before fold"
        )
    stay = {}  # kept nodes of hidden fully connected layers, by the layers' names
    if kept is not None:
        if not any(isinstance(layer, Dense) for layer in layers.values()):
            raise ValueError("kept needs a model with fully connected layers; got none")
        flow = Flow(model, example)
        nodes = checked_indices(kept, flow.widths)
        stay = {name: k for group, k in zip(flow.groups, nodes) for name in group.layers}
    columns = min(len(values), PLOTS_PER_ROW)
    rows = math.ceil(len(values) / columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(7 if columns == 1 else 1 + 3 * columns, 0.6 + 3 * rows),
        sharey=True,
        layout="constrained",
        squeeze=False,
    )
    for panel, (name, lam) in zip(axes.flat, values.items()):
        _draw(panel, lam, stay.get(name))
        panel.set_title(f"{name or 'the layer'}: {len(lam)} eigenvalues", loc="center")
        panel.set_ylim(0, None)
    for panel in axes.flat[len(values) :]:
        panel.remove()
    for panel in axes[:, 0]:
        panel.set_ylabel("|λ| (no unit)")
    figure.supxlabel("rank of the node or channel in its layer", fontsize="medium")
    return figure


def _draw(axes: Axes, lam: Tensor, kept: Tensor | None) -> None:
    """Draw one layer's |λ|, shape (N,)."""
    nodes = torch.arange(len(lam))
    stays = torch.isin(nodes, nodes if kept is None else kept.cpu())
    rank = 1 + lam.argsort(descending=True, stable=True).argsort()
    kinds = ((stays, STAYS, "s", "kept"), (~stays, GOES, "x", "pruned"))
    for which, colour, marker, label in kinds:
        if which.any():
            axes.plot(rank[which], lam[which], marker, color=colour, markersize=4, label=label)
    if stays.any() and not stays.all():
        cut = lam[stays].min()
        if cut >= lam[~stays].max():
            axes.axhline(float(cut), color="0.3", linestyle="--", linewidth=1, label="threshold")
    if not stays.all():
        axes.legend(fontsize="small")
