"""Matrices of Figs. 1 and 2: every cell holds a number of the layer."""

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup
from made_networks import seeded

from spectral_core import SpectralLinear
from spectral_core.paper.pages.diagrams import KINDS, eigenvectors, transfer_operator


def layer(departure=4, arrival=3, input_eigenvalues=True):
    start = {"eigenvector_range": (-1, 1), "eigenvalue_range": (-1, 1), "generator": seeded()}
    return SpectralLinear(departure, arrival, input_eigenvalues=input_eigenvalues, **start)


def tables(shown):
    return BeautifulSoup(shown._repr_html_(), "html.parser").select("table")


def close(table, matrix):
    """All numbers must be there, to two decimals, and exact zeros be blank."""
    cells = [[cell.text for cell in row.select("td")] for row in table.select("tbody tr")]
    shown = [[float(text.replace("−", "-") or 0) for text in row] for row in cells]
    matrix = matrix.detach().double().numpy()
    np.testing.assert_allclose(shown, matrix, atol=0.0051)
    np.testing.assert_array_equal([[not text for text in row] for row in cells], matrix == 0)


@pytest.mark.parametrize(
    ("departure", "arrival", "input_eigenvalues", "before", "after"),
    [(4, 3, True, 2, 2), (4, 3, False, 0, 1), (1, 1, True, 0, 0), (6, 1, False, 1, 0)],
)
def test_operator_its_action_and_eigenvectors_are_the_layers(
    departure, arrival, input_eigenvalues, before, after
):
    own = layer(departure, arrival, input_eigenvalues)
    x = torch.rand(departure, generator=seeded(1))
    others = torch.eye(before), torch.eye(after)
    whole = torch.block_diag(others[0], own.transfer_operator(), others[1])
    sent = torch.cat([torch.zeros(before), x, torch.zeros(arrival + after)])
    received = whole @ sent
    arrived = slice(before + departure, before + departure + arrival)
    torch.testing.assert_close(received[arrived], own(x))  # Eq. 3
    matrix, vectors = tables(transfer_operator(own, x, "alt", before, after))
    close(matrix, whole)
    close(vectors, torch.stack([sent, received], dim=1))
    Phi = torch.block_diag(others[0], own.eigenvector_matrix(), others[1])
    left, right = tables(eigenvectors(own, "alt", before, after))
    close(left, Phi)
    close(right, 2 * torch.eye(len(Phi)) - Phi)


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
    text = shown._repr_html_()
    assert text.count("<li") == len(KINDS) and 'aria-label="alt"' in text
