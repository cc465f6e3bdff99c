"""L2 on λ and φ is a group lasso on nodes: what that comes to, and how far a training gets.

A node's weights are w_i = −λ_i φ_i, and many pairs (λ_i, φ_i) give the same ones. Of all of these

    ½ (λ_i² + ‖φ_i‖²) ≥ |λ_i| ‖φ_i‖ = ‖w_i‖,   with equality where |λ_i| = ‖φ_i‖ = √‖w_i‖.

At the optimum the L2 term α/2 (Σλ² + Σφ²) is therefore α Σ_i ‖w_i‖, the group lasso of Yuan and Lin
(2006) with a node's incoming weights as a group; and |λ_i|² = ‖w_i‖, so that |λ_i| ranks as ‖w_i‖.
"""

from collections.abc import Sequence

import pandas as pd
import torch
from scipy import stats
from torch import Tensor, nn
from torch.nn import functional as F

from spectral_core.data import load
from spectral_core.layers.kinds import spectrum
from spectral_core.layers.networks import spectral_mlp
from spectral_core.layers.spectrum import Spectrum
from spectral_core.paper.study.methods import INGREDIENTS
from spectral_core.paper.study.settings import Settings
from spectral_core.training.loop import single_thread, train


def imbalance(found: Spectrum) -> Tensor:
    """λ_i² − ‖φ_i‖² of each arrival node, shape (out,); 0 where the L2 term is least."""
    phi = found.eigenvectors.flatten(1)
    return found.eigenvalues.square() - phi.square().sum(dim=1)


@single_thread()  # more threads would mostly wait for each other
def relaxation(
    decay: float = 0.01, learning_rate: float = 0.2, steps: int = 1000, every: int = 50
) -> pd.DataFrame:
    """Gradient descent on the 8×8 digits from the paper's start, with an L2 term of weight α.

    For small steps it follows the gradient flow, along which λ_i² − ‖φ_i‖² falls as e^(−2αt): the
    loss depends on λ_i and φ_i through w_i alone, so that λ_i ∂L/∂λ_i = φ_i · ∂L/∂φ_i, and it
    drops out of the difference.

    Returns:
        One row per hidden node every so many steps: ``node``, ``time`` (the learning rate times the
        steps so far), ``imbalance`` (λ² − ‖φ‖²), ``law`` (what the flow makes of the one at the
        start) and ``loss`` (cross-entropy, in nats).
    """
    data = load("digits")
    network = _network(Settings())
    parameters = list(network.parameters())
    hidden = spectrum(network[0])
    start = imbalance(hidden).detach()
    rows = []
    for step in range(steps + 1):
        loss = F.cross_entropy(network(data.train_inputs), data.train_targets)
        if step % every == 0:
            time = step * learning_rate
            law = start * torch.exp(torch.tensor(-2 * decay * time))
            found = {"imbalance": imbalance(hidden).detach().tolist(), "law": law.tolist()}
            rows.append(pd.DataFrame(found).assign(time=time, loss=loss.item()))
        # An optimiser of torch would import its compiler, which takes longer than the descent.
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for p, gradient in zip(parameters, gradients):
                p -= learning_rate * (gradient + decay * p)
    return pd.concat(rows).rename_axis("node").reset_index()


@single_thread()
def trained_nodes(
    epochs: int = 40, decays: Sequence[float] = (0.0, 1e-4, 1e-3, 1e-2)
) -> pd.DataFrame:
    """Networks of 32 nodes trained on the 8×8 digits as the others are, by Adam in batches of 50
    images, with each weight α in ``decays``.

    Returns:
        One row per hidden node: ``start`` (``paper`` or ``stronger``), ``decay``, ``eigenvalue``
        (|λ_i|), ``eigenvector`` (‖φ_i‖) and ``weight`` (‖w_i‖).
    """
    data = load("digits")
    stronger = {**INGREDIENTS["start"].settings, **INGREDIENTS["glorot"].settings}
    starts = {"paper": Settings(), "stronger": Settings(**stronger)}
    found = []
    for (start, settings), decay in ((each, decay) for each in starts.items() for decay in decays):
        network = _network(settings)
        train(
            network,
            data.train_inputs,
            data.train_targets,
            epochs=epochs,
            batch_size=50,
            decay=decay,
            generator=torch.Generator().manual_seed(1),
        )
        lam, phi, _ = spectrum(network[0])
        lengths = torch.linalg.vector_norm(phi.detach(), dim=1)
        sizes = {"eigenvalue": lam.detach().abs(), "eigenvector": lengths}
        sizes["weight"] = sizes["eigenvalue"] * lengths
        rows = pd.DataFrame({name: values.tolist() for name, values in sizes.items()})
        found.append(rows.assign(start=start, decay=decay))
    columns = ["start", "decay", "eigenvalue", "eigenvector", "weight"]
    return pd.concat(found, ignore_index=True)[columns]


def balance_table(nodes: pd.DataFrame) -> pd.DataFrame:
    """How near |λ| is to ‖φ‖ in :func:`trained_nodes`, and how nearly it ranks as ‖w‖ does.

    Returns:
        One row per start and α: the median of max(|λ|/‖φ‖, ‖φ‖/|λ|), which is 1 at the optimum, and
        Spearman's rank correlation of |λ| with ‖w‖, 1 where they rank alike.
    """
    rows = {}
    for (start, decay), each in nodes.groupby(["start", "decay"], sort=False):
        ratio = each["eigenvalue"] / each["eigenvector"]
        rank = stats.spearmanr(each["eigenvalue"], each["weight"]).statistic
        rows[f"{start}'s", f"{decay:g}"] = {
            "median ratio of |λ| and ‖φ‖": f"{ratio.where(ratio > 1, 1 / ratio).median():.2f}",
            "rank correlation of |λ| and ‖w‖": f"{rank:.2f}",
        }
    return pd.DataFrame(rows).T.rename_axis(["start", "α"])


def _network(settings: Settings) -> nn.Sequential:
    """A network for the 8×8 digits, where its settings let it start."""
    return spectral_mlp(
        (64, 32, 10),
        "elu",
        eigenvalue_range=settings.eigenvalue_range,
        eigenvector_range=settings.eigenvector_range,
        generator=torch.Generator().manual_seed(0),
    )
