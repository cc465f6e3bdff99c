"""The paper's formulas, checked on a real layer in double precision against the dense operator."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import torch
from torch import Tensor
from torch.nn import functional as F

from spectral_core.layers.linear import SpectralLinear
from spectral_core.layers.networks import direct_mlp

TOLERANCE = 1e-12
"""Largest difference that counts as rounding; double precision has about 16 digits."""

_DEPARTURE, _ARRIVAL = 12, 7
_i, _j = slice(_DEPARTURE, None), slice(_DEPARTURE)  # rows of arrival, columns of departure nodes


def inverse_of_eigenvectors() -> float:
    """Largest entry of Φ (2I − Φ) − I (Sec. II)."""
    Phi = _layer().eigenvector_matrix()
    identity = torch.eye(len(Phi), dtype=Phi.dtype)
    return _difference(Phi @ (2 * identity - Phi), identity)


def spectrum_of_operator() -> float:
    """Largest difference between the eigenvalues of A and the diagonal of Λ (Sec. II)."""
    layer = _layer()
    found = torch.linalg.eigvals(layer.transfer_operator())
    real = _difference(found.real.sort().values, layer.eigenvalue_vector().sort().values)
    return max(real, float(found.imag.abs().max()))


def weights() -> float:
    """Largest difference between Eq. 2 and the block of A that leads from layer k to k+1."""
    layer = _layer()
    lam, phi = layer.eigenvalue_vector(), layer.eigenvectors
    return _difference((lam[_j] - lam[_i, None]) * phi, layer.transfer_operator()[_i, _j])


def appendix() -> float:
    """Largest difference between the two terms α and β of Appendix A and their closed forms."""
    layer = _layer()
    Phi, phi = layer.eigenvector_matrix(), layer.eigenvectors
    lam = layer.eigenvalue_vector()
    alpha = 2 * Phi @ torch.diag(lam)
    beta = Phi @ torch.diag(lam) @ Phi
    return max(
        _difference(alpha[_i, _j], 2 * phi * lam[_j]),
        _difference(beta[_i, _j], phi * lam[_j] + lam[_i, None] * phi),
    )


def activities() -> float:
    """Largest difference between the two sums of Eq. 3 and A applied to the long vector."""
    layer = _layer()
    lam, phi = layer.eigenvalue_vector(), layer.eigenvectors
    x = torch.rand(_DEPARTURE, generator=torch.Generator().manual_seed(1), dtype=phi.dtype)
    sums = phi @ (lam[_j] * x) - lam[_i] * (phi @ x)
    return _difference(sums, (layer.transfer_operator() @ F.pad(x, (0, _ARRIVAL)))[_i])


def eigenvalues_of_direct_layer() -> float:
    """Largest eigenvalue, in absolute value, of a plain layer's transfer operator (Sec. V)."""
    generator = torch.Generator().manual_seed(0)
    plain = direct_mlp((_DEPARTURE, _ARRIVAL), "elu", generator=generator)[0].double()
    operator = F.pad(plain.weight.detach(), (0, _ARRIVAL, _DEPARTURE, 0))
    return float(torch.linalg.eigvals(operator).abs().max())


IDENTITIES: dict[str, Callable[[], float]] = {
    "inverse": inverse_of_eigenvectors,
    "spectrum": spectrum_of_operator,
    "weights": weights,
    "appendix": appendix,
    "activities": activities,
    "direct": eigenvalues_of_direct_layer,
}
"""Checks by name; each returns by how much its identity is missed, 0 at best."""


def _layer() -> SpectralLinear:
    """A layer with eigenvalues on both sides, drawn wide."""
    return SpectralLinear(
        _DEPARTURE,
        _ARRIVAL,
        input_eigenvalues=True,
        eigenvector_range=(-1, 1),
        eigenvalue_range=(-1, 1),
        generator=torch.Generator().manual_seed(0),
        dtype=torch.float64,
    ).requires_grad_(False)


def _difference(found: Tensor, expected: Tensor) -> float:
    return float(torch.dist(found, expected, inf))
