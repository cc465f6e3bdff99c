"""The matrices of Figs. 1 and 2, drawn from a layer's own numbers: one square per entry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from torch import Tensor

from spectral_core.layers.linear import SpectralLinear
from spectral_core.paper.pages.picture import WIDTH, Picture, drawing, themed
from spectral_core.paper.pages.style import INK

# One colour for each kind of entry: Okabe and Ito's, but none of those that stand for a method.
KINDS = {"other": "#BBBBBB", "departure": "#F0E442", "arrival": "#CC79A7", "block": "#56B4E9"}


class Span(NamedTuple):
    """Consecutive nodes of the whole network, as its matrices number them."""

    start: int
    stop: int
    name: str

    @property
    def nodes(self) -> slice:
        """The nodes as an index."""
        return slice(self.start, self.stop)

    @property
    def middle(self) -> float:
        """Where the name goes."""
        return (self.start + self.stop) / 2


@themed
@torch.no_grad()
def transfer_operator(
    layer: SpectralLinear, inputs: Tensor, alt: str, before: int = 2, after: int = 2
) -> Picture:
    """A^(k), and its action on x^(k), drawn from a layer's own numbers (Fig. 1).

    Args:
        layer: leads from layer k to layer k+1; a dozen nodes in all stay readable.
        inputs: activities of layer k, shape (in_features,); x^(k) is 0 elsewhere.
        alt: what the picture shows, in words.
        before: nodes of the layers before k, at least 0; A^(k) is the identity there.
        after: nodes of the layers after k+1, at least 0; likewise.
    """
    _, departure, arrival, _ = spans = _spans(layer, before, after)
    operator = _in_whole_network(layer.transfer_operator(), before, after)
    matrix = _drawn(operator, _kinds(spans), spans, r"$\mathbf{A}^{(k)}$", r"$w_{ij}^{(k)}$")
    for span, name in (
        (departure, r"$\lambda_{m(j)}^{(k)}$"),
        (arrival, r"$\lambda_{l(i)}^{(k)}$"),
    ):
        if span.stop - span.start > 2:  # room above the diagonal, which is blank there
            _write(matrix, (span.stop - 0.15, span.start + 0.9), name, ha="right", size=15)

    size = len(operator)
    activity = np.zeros((size, 1))
    activity[departure.nodes, 0] = inputs
    vectors = _canvas(size)
    for left, vector, name in (
        (0, activity, r"$\vec{x}^{\,(k)}$"),
        (2.2, operator @ activity, r"$\mathbf{A}^{(k)} \vec{x}^{\,(k)}$"),
    ):
        _draw_matrix(vectors, vector, np.full((size, 1), "other"), left)
        _write(vectors, (left + 0.5, -0.8), name, size=14)
    key = {
        "departure": "eigenvalues of the\ndeparture nodes",
        "arrival": "eigenvalues of the\narrival nodes",
        "block": "weights, Eq. 2",
        "other": "1 for the nodes of\nall other layers",
    }
    for row, (kind, name) in enumerate(key.items()):
        x, y = 4.2, size / 2 + (row - 1.5) * size / 6
        vectors.add_patch(Rectangle((x, y - 0.3), 0.6, 0.6, facecolor=(KINDS[kind], 0.6)))
        _write(vectors, (x + 0.9, y), name, ha="left", size=12)
    return Picture((matrix.figure, vectors.figure), alt)


@themed
@torch.no_grad()
def eigenvectors(layer: SpectralLinear, alt: str, before: int = 1, after: int = 1) -> Picture:
    """Φ^(k), and beside it its inverse, drawn from a layer's own numbers (Fig. 2).

    Arguments are those of :func:`transfer_operator`.
    """
    spans = _spans(layer, before, after)
    vectors = _in_whole_network(layer.eigenvector_matrix(), before, after)
    kinds = _kinds(spans)
    np.fill_diagonal(kinds, "other")
    inverse = np.linalg.inv(vectors)
    drawings = (
        _drawn(vectors, kinds, spans, r"$\mathbf{\Phi}^{(k)}$", r"$\phi^{(k)}$"),
        _drawn(inverse, kinds, spans, r"$(\mathbf{\Phi}^{(k)})^{-1}$", r"$-\phi^{(k)}$"),
    )
    return Picture(tuple(axes.figure for axes in drawings), alt)


def _spans(layer: SpectralLinear, before: int, after: int) -> list[Span]:
    """Nodes before layer k, of layer k, of layer k+1 and after it."""
    counts = {
        "layers\nbefore": before,
        f"layer $k$\n$N_k = {layer.in_features}$": layer.in_features,
        f"layer $k+1$\n$N_{{k+1}} = {layer.out_features}$": layer.out_features,
        "layers\nafter": after,
    }
    stops = np.cumsum(list(counts.values()))
    return [Span(int(stop - n), int(stop), name) for (name, n), stop in zip(counts.items(), stops)]


def _in_whole_network(block: Tensor, before: int, after: int) -> np.ndarray:
    """The N × N matrix of the whole network: a layer's block, and the identity outside of it."""
    return torch.block_diag(torch.eye(before), block, torch.eye(after)).numpy()


def _kinds(spans: Sequence[Span]) -> np.ndarray:
    """What each entry of the N × N matrix stands for, a key of :data:`KINDS`."""
    _, departure, arrival, after = spans
    kinds = np.full((after.stop, after.stop), "other", dtype=object)
    kinds[departure.nodes, departure.nodes] = "departure"
    kinds[arrival.nodes, arrival.nodes] = "arrival"
    kinds[arrival.nodes, departure.nodes] = "block"
    return kinds


def _drawn(
    matrix: np.ndarray, kinds: np.ndarray, spans: Sequence[Span], title: str, block: str
) -> Axes:
    """A matrix, with the names of the layers along its edges and of its block of weights."""
    size, (_, departure, arrival, _) = len(matrix), spans
    axes = _canvas(size)
    _draw_matrix(axes, matrix, kinds, 0)
    _write(axes, (size / 2, -2.2), title, size=16)
    for span in spans:
        if span.start == span.stop:
            continue
        axes.hlines([span.start, span.stop], 0, size, color=INK, linewidth=0.8)
        axes.vlines([span.start, span.stop], 0, size, color=INK, linewidth=0.8)
        _write(axes, (span.middle, -0.75), span.name, size=11)
        _write(axes, (-0.75, span.middle), span.name, size=11, rotation=90)
    if departure.start > 1:  # left of the block it is blank, or else below
        _write(axes, (departure.start - 0.2, arrival.middle), block, ha="right", size=15)
    elif departure.stop > 2:
        _write(axes, (departure.middle, arrival.stop + 0.5), block, size=13)
    return axes


def _draw_matrix(axes: Axes, matrix: np.ndarray, kinds: np.ndarray, left: float) -> None:
    """A matrix with its upper left corner at (left, 0). Exact zeros stay blank."""
    rows, columns = matrix.shape
    low, high = axes.get_xlim()
    side = WIDTH / (high - low)  # of a square, in units
    for (i, j), value in np.ndenumerate(matrix):
        # Small entries are pale, and none so strong that the text on it could not be read.
        strength = 0.15 + 0.45 * min(abs(value), 1) if value else 0
        colour = (*to_rgb(KINDS[kinds[i, j]]), strength)
        axes.add_patch(Rectangle((left + j, i), 1, 1, facecolor=colour, edgecolor=(INK, 0.2)))
        if value:
            text = f"{value:.0f}" if value == round(value) else f"{value:.2f}".replace("-", "−")
            _write(axes, (left + j + 0.5, i + 0.5), text, size=min(0.33 * side, 12))
    axes.add_patch(Rectangle((left, 0), columns, rows, fill=False, edgecolor=INK, linewidth=1.2))


def _canvas(size: int) -> Axes:
    """Axes without frame for a matrix of so many rows; y runs down, a unit is as long as one of
    x."""
    (left, right), (top, bottom) = (-1.6, size + 0.2), (-2.8, size + 0.3)
    figure = drawing(WIDTH, WIDTH * (bottom - top) / (right - left))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(left, right), ylim=(bottom, top))
    axes.axis("off")
    return axes


def _write(axes: Axes, at: tuple[float, float], text: str, **style: Any) -> None:
    axes.text(*at, text, **{"ha": "center", "va": "center", "color": INK} | style)
