"""Identities: they are met to rounding, and a slip in the layer shows in each of them."""

import pytest
import torch

from spectral_core import SpectralLinear
from spectral_core.paper.claims import identities
from spectral_core.paper.claims.identities import IDENTITIES, TOLERANCE


@pytest.mark.parametrize("name", IDENTITIES)
def test_identity_is_met(name):
    assert 0 <= IDENTITIES[name]() <= TOLERANCE


@pytest.mark.parametrize(
    ("method", "broken"),
    [
        ("eigenvector_matrix", {"inverse", "appendix"}),
        ("transfer_operator", {"spectrum", "weights", "activities"}),
    ],
)
def test_slip_in_the_dense_build_is_seen(monkeypatch, method, broken):
    right = getattr(SpectralLinear, method)
    monkeypatch.setattr(SpectralLinear, method, lambda self: right(self).tril() * 1.001)
    missed = {name for name, check in IDENTITIES.items() if check() > TOLERANCE}
    assert missed >= broken
    assert "direct" not in missed


def test_operator_with_a_diagonal_has_other_eigenvalues_than_0(monkeypatch):
    def with_diagonal(weight, widths):
        return torch.eye(weight.shape[0] + widths[1])

    monkeypatch.setattr(identities.F, "pad", with_diagonal)
    assert IDENTITIES["direct"]() == 1
