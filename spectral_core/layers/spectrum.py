"""Weights in spectral variables, w = (λ_in − λ) φ, whatever kind of layer holds them (Eq. 2)."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from spectral_core import _checks

Trainable = Literal["eigenvalues", "eigenvectors", "both"]
Init = Literal["norm", "unit"]


class Spectrum(NamedTuple):
    """Eigenvalues and eigenvectors behind one weight tensor, as the layer holds them."""

    eigenvalues: Tensor
    """λ of the arrival nodes (or channels), shape (out,)."""
    eigenvectors: Tensor
    """φ, of the weight's shape, (out, in, ...)."""
    input_eigenvalues: Tensor | None = None
    """λ of the departure nodes, shape (in,), or ``None`` for 0."""

    def weight(self) -> Tensor:
        """Weights in direct space, Eq. 2; of the shape of φ.

        Where departure nodes have no λ, passes need no weights: they multiply by φ, then by −λ.
        """
        lam = self.eigenvalues.reshape(-1, *[1] * (self.eigenvectors.dim() - 1))
        if self.input_eigenvalues is None:
            return -lam * self.eigenvectors
        return (self.input_eigenvalues - lam) * self.eigenvectors

    def train_only(self, which: Trainable) -> None:
        """Let only the eigenvalues, only the eigenvectors, or both take gradients."""
        _checks.choice("which", which, ("eigenvalues", "eigenvectors", "both"))
        self.eigenvectors.requires_grad_(which != "eigenvalues")
        self.eigenvalues.requires_grad_(which != "eigenvectors")
        if self.input_eigenvalues is not None:
            self.input_eigenvalues.requires_grad_(which != "eigenvectors")


@torch.no_grad()
def spectrum_of(weight: Tensor, init: Init = "norm") -> Spectrum:
    """Write weights in spectral variables, w_i = −λ_i φ_i for each arrival node i.

    Args:
        weight: shape (out, in, ...).
        init: ``"norm"``: λ_i = −‖w_i‖₂ and φ_i = w_i / ‖w_i‖₂, which gives the weights back within
            2 units in the last place, in float16 within more; a node without incoming weights gets
            λ_i = 0 and φ_i = 0, and stays without them. ``"unit"``: λ_i = −1 and φ_i = w_i, which
            gives them back exactly.

    Returns:
        New tensors; no memory is shared with the weights.

    Raises:
        TypeError, ValueError: if ``init`` is neither.
    """
    if _checks.choice("init", init, ("norm", "unit")) == "unit":
        return Spectrum(weight.new_full((len(weight),), -1.0), weight.clone())
    # In float64, so that squares of small or large float32 weights stay in range.
    rows = weight.flatten(1)
    norm = torch.linalg.vector_norm(rows, dim=1, dtype=torch.float64)
    norm = norm.clamp(max=torch.finfo(weight.dtype).max).to(weight.dtype)
    unit = rows / torch.where(norm > 0, norm, 1.0)[:, None]
    return Spectrum(-norm, unit.reshape(weight.shape))
