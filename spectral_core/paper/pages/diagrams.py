"""The matrices of Figs. 1 and 2, of a layer's own numbers: tables with a cell for each entry."""

import html
from collections.abc import Iterable, Mapping

import numpy as np
import torch
from IPython.display import HTML
from torch import Tensor

from spectral_core.layers.linear import SpectralLinear

KINDS = {
    "departure": "<i>λ<sub>m(j)</sub></i>, eigenvalues of the departure nodes",
    "arrival": "<i>λ<sub>l(i)</sub></i>, eigenvalues of the arrival nodes",
    "block": "<i>w<sub>ij</sub></i>, weights (Eq. 2)",
    "other": "1, for the nodes of all other layers",
}
"""What an entry of the transfer operator can be."""


@torch.no_grad()
def transfer_operator(
    layer: SpectralLinear, inputs: Tensor, alt: str, before: int, after: int
) -> HTML:
    """A^(k), and its action on x^(k), of a layer's own numbers (Fig. 1).

    Args:
        layer: leads from layer k to layer k+1; a dozen nodes in all stay readable.
        inputs: activities of layer k, shape (in_features,); x^(k) is 0 elsewhere.
        alt: what one sees, in words.
        before: nodes of the layers before k, at least 0; A^(k) is the identity there.
        after: nodes of the layers after k+1, at least 0; likewise.
    """
    nodes = _nodes(layer, before, after)
    operator = _in_whole_network(layer.transfer_operator(), before, after)
    activity = np.zeros(len(operator))
    activity[before : before + layer.in_features] = inputs
    vectors = np.stack([activity, operator @ activity], axis=1)
    names = {"<i>x</i><sup>(k)</sup>": 1, "<b>A</b><sup>(k)</sup> <i>x</i><sup>(k)</sup>": 1}
    key = "".join(f'<li class="{kind}">{name}</li>' for kind, name in KINDS.items())
    parts = (
        _table("<b>A</b><sup>(k)</sup>", operator, _kinds(nodes), nodes, nodes),
        f"{_table('', vectors, np.full(vectors.shape, 'other'), nodes, names)}<ul>{key}</ul>",
    )
    return _beside(parts, alt)


@torch.no_grad()
def eigenvectors(layer: SpectralLinear, alt: str, before: int, after: int) -> HTML:
    """Φ^(k), and beside it its inverse, of a layer's own numbers (Fig. 2).

    Arguments are those of :func:`transfer_operator`.
    """
    nodes = _nodes(layer, before, after)
    vectors = _in_whole_network(layer.eigenvector_matrix(), before, after)
    kinds = _kinds(nodes)
    np.fill_diagonal(kinds, "other")
    phi, names = "<b>Φ</b><sup>(k)</sup>", ("{}, with its block {}", "({})<sup>−1</sup>, with −{}")
    parts = (
        _table(name.format(phi, "<i>φ</i><sup>(k)</sup>"), matrix, kinds, nodes, nodes)
        for name, matrix in zip(names, (vectors, np.linalg.inv(vectors)))
    )
    return _beside(parts, alt)


def _beside(parts: Iterable[str], alt: str) -> HTML:
    """Matrices side by side, as many as fit, in the colours of the book's style."""
    name = html.escape(alt)
    return HTML(f'<div class="matrices" role="group" aria-label="{name}">{"".join(parts)}</div>')


def _nodes(layer: SpectralLinear, before: int, after: int) -> dict[str, int]:
    """How many nodes there are before layer k, in it, in layer k+1 and after it, by name."""
    size, following = layer.in_features, layer.out_features
    return {
        "layers<br>before": before,
        f"layer <i>k</i><br><i>N<sub>k</sub></i> = {size}": size,
        f"layer <i>k</i>+1<br><i>N<sub>k+1</sub></i> = {following}": following,
        "layers<br>after": after,
    }


def _in_whole_network(block: Tensor, before: int, after: int) -> np.ndarray:
    """The N × N matrix of the whole network: a layer's block, and the identity outside of it."""
    return torch.block_diag(torch.eye(before), block, torch.eye(after)).numpy()


def _kinds(nodes: Mapping[str, int]) -> np.ndarray:
    """What each entry of the N × N matrix is, a key of :data:`KINDS`."""
    of_node = np.repeat(["other", "departure", "arrival", "other"], list(nodes.values()))
    kinds = np.where(np.equal.outer(of_node, of_node), of_node, "other")
    kinds[np.ix_(of_node == "arrival", of_node == "departure")] = "block"
    return kinds


def _table(
    name: str,
    matrix: np.ndarray,
    kinds: np.ndarray,
    rows: Mapping[str, int],
    columns: Mapping[str, int],
) -> str:
    """A matrix as HTML, with headings over so many rows and columns. Exact zeros stay blank, small
    entries are pale."""
    columns = {heading: n for heading, n in columns.items() if n}
    groups = "".join(f'<colgroup span="{n}"></colgroup>' for n in columns.values())
    heads = "".join(
        f'<th scope="colgroup" colspan="{n}">{heading}</th>' for heading, n in columns.items()
    )
    caption = f"<caption>{name}</caption>" if name else ""
    text = f"<table>{caption}<col>{groups}<thead><tr><td></td>{heads}</tr></thead>"
    entries = zip(matrix, kinds)
    for heading, n in rows.items():
        side = f'<th scope="rowgroup" rowspan="{n}"><span>{heading}</span></th>'
        cells = ["".join(map(_cell, *next(entries))) for _ in range(n)]
        text += f"<tbody><tr>{side}{'</tr><tr>'.join(cells)}</tr></tbody>" if n else ""
    return f"{text}</table>"


def _cell(value: float, kind: str) -> str:
    if not value:
        return "<td></td>"
    strength = 15 + 45 * min(abs(value), 1)  # never so strong that the number could not be read
    text = f"{value:.0f}" if value == round(value) else f"{value:.2f}".replace("-", "−")
    return f'<td class="{kind}" style="--strength: {strength:.0f}%">{text}</td>'
