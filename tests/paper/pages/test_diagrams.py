"""Matrices of Figs. 1 and 2: every cell holds a number of the layer."""

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup

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


def tables(shown):
    return BeautifulSoup(shown._repr_html_(), "html.parser").select("table")


def numbers(table):
    """The numbers in the cells of a table; 0 where nothing is written."""
    rows = [[cell.text for cell in row.select("td")] for row in table.select("tbody tr")]
    return np.array([[float(text.replace("−", "-") or 0) for text in row] for row in rows])


def close(table, matrix):
    """Whether all numbers are there, to two decimals, and exact zeros are blank."""
    matrix = matrix.detach().double().numpy()
    np.testing.assert_allclose(numbers(table), matrix, atol=0.0051)
    blank = [[not cell.text for cell in row.select("td")] for row in table.select("tbody tr")]
    np.testing.assert_array_equal(blank, matrix == 0)


@pytest.mark.parametrize("input_eigenvalues", [True, False])
@pytest.mark.parametrize(("before", "after"), [(2, 2), (0, 1), (0, 0)])
def test_operator_and_its_action_are_the_layers(input_eigenvalues, before, after):
    shown = layer(input_eigenvalues=input_eigenvalues)
    x = torch.rand(4, generator=torch.Generator().manual_seed(1))
    matrix, vectors = tables(transfer_operator(shown, x, "alt", before, after))
    whole = torch.block_diag(torch.eye(before), shown.transfer_operator(), torch.eye(after))
    close(matrix, whole)
    long = torch.zeros(before + 7 + after)
    long[before : before + 4] = x
    close(vectors, torch.stack([long, whole @ long], dim=1))
    # Eq. 3: the entries of layer k+1 are what the layer itself computes.
    arrival = numbers(vectors)[before + 4 : before + 7, 1]
    np.testing.assert_allclose(arrival, shown(x).detach(), atol=0.0051)


def test_entries_are_of_their_kind_below_the_headings_of_their_layers():
    shown = transfer_operator(layer(), torch.rand(4), "alt", 1, 1)
    matrix, _ = tables(shown)
    kinds = [[(cell.get("class") or [""])[0] for cell in r.select("td")] for r in matrix("tr")[1:]]
    assert kinds[0][0] == kinds[8][8] == "other"
    assert {kinds[i][i] for i in range(1, 5)} == {"departure"}
    assert {kinds[i][i] for i in range(5, 8)} == {"arrival"}
    assert {kinds[i][j] for i in range(5, 8) for j in range(1, 5)} == {"block"}
    spans = [(th.get("colspan") or th["rowspan"], th.text) for th in matrix.select("th")]
    names = ["layersbefore", "layer kNk = 4", "layer k+1Nk+1 = 3", "layersafter"]
    assert spans == list(zip("1431", names)) * 2
    assert (
        shown._repr_html_().count("<li") == len(KINDS) and 'aria-label="alt"' in shown._repr_html_()
    )


@pytest.mark.parametrize(("before", "after"), [(1, 1), (2, 0)])
def test_eigenvectors_and_their_inverse_are_the_layers(before, after):
    shown = layer()
    left, right = tables(eigenvectors(shown, "alt", before, after))
    Phi = torch.block_diag(torch.eye(before), shown.eigenvector_matrix(), torch.eye(after))
    close(left, Phi)
    close(right, 2 * torch.eye(len(Phi)) - Phi)


@pytest.mark.parametrize(("departure", "arrival"), [(1, 1), (2, 5), (6, 1)])
def test_layers_of_other_shapes_are_shown_entry_by_entry(departure, arrival):
    shown = layer(departure, arrival)
    close(
        tables(transfer_operator(shown, torch.rand(departure), "", 0, 0))[0],
        shown.transfer_operator(),
    )
    close(tables(eigenvectors(shown, "", 0, 0))[0], shown.eigenvector_matrix())
