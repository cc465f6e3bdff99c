"""Drawings of matrices: every square holds a number of the layer."""

import re

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.patches import Rectangle

from spectral_core import SpectralLinear
from spectral_core.paper.pages.diagrams import KINDS, eigenvectors, transfer_operator


def layer(departure=4, arrival=3, input_eigenvalues=True):
    return SpectralLinear(
        departure,
        arrival,
        input_eigenvalues=input_eigenvalues,
        eigenvector_range=(-1, 1),
        eigenvalue_range=(-1, 1),
        generator=torch.Generator().manual_seed(0),
    )


def numbers(figure, left, columns, rows):
    """The numbers written into the squares of a matrix; NaN where nothing is written."""
    (axes,) = figure.axes
    found = np.full((rows, columns), np.nan)
    for text in axes.texts:
        x, y = text.get_position()
        i, j = y - 0.5, x - left - 0.5
        inside = 0 <= i < rows and 0 <= j < columns and i % 1 == 0 and abs(j - round(j)) < 1e-9
        if inside and re.fullmatch(r"−?[\d.]+", text.get_text()):
            found[round(i), round(j)] = float(text.get_text().replace("−", "-"))
    return found


def shown(matrix):
    """What the squares of a matrix should say: two decimals, nothing for an exact zero."""
    matrix = matrix.detach().double().numpy()
    return np.where(matrix == 0, np.nan, np.round(matrix, 2))


def words(picture):
    return " ".join(text.get_text() for each in picture.drawings for text in each.axes[0].texts)


@pytest.mark.parametrize("input_eigenvalues", [True, False])
@pytest.mark.parametrize(("before", "after"), [(2, 2), (0, 1), (0, 0)])
def test_operator_and_its_action_are_the_layers(input_eigenvalues, before, after):
    drawn = layer(input_eigenvalues=input_eigenvalues)
    x = torch.rand(4, generator=torch.Generator().manual_seed(1))
    matrix, vectors = transfer_operator(drawn, x, "alt", before, after).drawings
    size = before + 7 + after
    whole = torch.block_diag(torch.eye(before), drawn.transfer_operator(), torch.eye(after))
    np.testing.assert_allclose(numbers(matrix, 0, size, size), shown(whole), atol=1e-6)

    long = torch.zeros(size)
    long[before : before + 4] = x
    for left, vector in ((0, long), (2.2, whole @ long)):
        written = numbers(vectors, left, 1, size)[:, 0]
        np.testing.assert_allclose(written, shown(vector), atol=0.0051)
    # Eq. 3: the entries of layer k+1 are what the layer itself computes.
    arrival = numbers(vectors, 2.2, 1, size)[before + 4 : before + 7, 0]
    np.testing.assert_allclose(arrival, drawn(x).detach(), atol=0.0051)


def test_entries_have_the_colour_of_their_kind():
    (axes,) = transfer_operator(layer(), torch.rand(4), "alt", 1, 1).drawings[0].axes
    squares = {
        (round(p.get_y()), round(p.get_x())): matplotlib.colors.to_hex(p.get_facecolor()).upper()
        for p in axes.patches
        if isinstance(p, Rectangle) and p.get_width() == 1 and p.get_fill()
    }
    assert squares[0, 0] == squares[8, 8] == KINDS["other"]
    assert {squares[i, i] for i in range(1, 5)} == {KINDS["departure"]}
    assert {squares[i, i] for i in range(5, 8)} == {KINDS["arrival"]}
    assert {squares[i, j] for i in range(5, 8) for j in range(1, 5)} == {KINDS["block"]}


def test_labels_are_the_papers():
    text = words(transfer_operator(layer(), torch.rand(4), "alt"))
    for label in (r"\mathbf{A}^{(k)}", r"\vec{x}^{\,(k)}", "$N_k = 4$", "$N_{k+1} = 3$",
                  r"\lambda_{m(j)}^{(k)}", r"\lambda_{l(i)}^{(k)}", r"w_{ij}^{(k)}"):  # fmt: skip
        assert label in text
    text = words(eigenvectors(layer(), "alt"))
    for label in (r"\mathbf{\Phi}^{(k)}", r"^{-1}", r"$\phi^{(k)}$", r"$-\phi^{(k)}$"):
        assert label in text


@pytest.mark.parametrize(("before", "after"), [(1, 1), (2, 0)])
def test_eigenvectors_and_their_inverse_are_the_layers(before, after):
    drawn = layer()
    left, right = eigenvectors(drawn, "alt", before, after).drawings
    size = before + 7 + after
    Phi = torch.block_diag(torch.eye(before), drawn.eigenvector_matrix(), torch.eye(after))
    np.testing.assert_allclose(numbers(left, 0, size, size), shown(Phi), atol=1e-6)
    inverse = shown(2 * torch.eye(size) - Phi)
    np.testing.assert_allclose(numbers(right, 0, size, size), inverse, atol=1e-6)


@pytest.mark.parametrize(("departure", "arrival"), [(1, 1), (2, 5), (6, 1)])
def test_layers_of_other_shapes_are_drawn_entry_by_entry(departure, arrival):
    drawn, size = layer(departure, arrival), departure + arrival
    for picture, matrix in (
        (transfer_operator(drawn, torch.rand(departure), "", 0, 0), drawn.transfer_operator()),
        (eigenvectors(drawn, "", 0, 0), drawn.eigenvector_matrix()),
    ):
        written = numbers(picture.drawings[0], 0, size, size)
        np.testing.assert_allclose(written, shown(matrix), atol=1e-6)
