"""L2 on λ and φ: its least value is the group lasso, and a training approaches it as told."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from spectral_core.layers.spectrum import Spectrum
from spectral_core.paper.questions import group_lasso
from spectral_core.paper.questions.group_lasso import balance_table, imbalance

weights = st.lists(st.floats(-10, 10).filter(lambda w: abs(w) > 1e-3), min_size=1)


@given(weights, st.floats(1e-3, 10))
def test_least_l2_term_of_some_weights_is_their_length_where_they_balance(weight, alpha):
    """Found by a search that knows nothing of the formula: convex in t = λ²."""
    length = float(np.linalg.norm(weight))

    def term(log_t):  # λ² = t and φ = w / λ
        return alpha / 2 * (np.exp(log_t) + length**2 * np.exp(-log_t))

    least = minimize_scalar(term, bounds=(-40, 10), method="bounded", options={"xatol": 1e-10})
    assert least.fun == pytest.approx(alpha * length, rel=1e-6)
    lam = torch.full((1,), np.exp(least.x / 2), dtype=torch.float64)
    found = Spectrum(-lam, torch.tensor([weight], dtype=torch.float64) / lam)
    torch.testing.assert_close(found.weight()[0].tolist(), weight)
    assert imbalance(found).item() == pytest.approx(0, abs=1e-4 * length)


@pytest.mark.parametrize(("decay", "rate"), [(0.0, 0.05), (0.01, 0.1)])
def test_imbalance_falls_as_the_gradient_flow_says_while_the_network_learns(decay, rate):
    found = group_lasso.relaxation(decay=decay, learning_rate=rate, steps=400, every=200)
    start = found[found["time"] == 0]["imbalance"].abs().max()
    assert (found["imbalance"] - found["law"]).abs().max() < 0.005 * start
    last = found[found["time"] == 400 * rate]
    assert len(last) == 32
    assert last["law"].abs().max() == pytest.approx(start * np.exp(-2 * decay * 400 * rate))
    losses = found.groupby("time")["loss"].first()
    assert losses.iloc[-1] < 0.97 * losses.iloc[0]


def test_adam_with_l2_evens_out_and_ranks_as_the_weights_do():
    nodes = group_lasso.trained_nodes(epochs=20, decays=(0.0, 1e-2))
    assert len(nodes) == 4 * 32 and (nodes["weight"] >= 0).all()
    shown = balance_table(nodes).astype(float)
    ratio, rank = shown.columns
    for start in ("paper's", "stronger's"):
        assert 1 <= shown.loc[(start, "0.01"), ratio] < shown.loc[(start, "0"), ratio]
        assert shown.loc[(start, "0"), rank] < shown.loc[(start, "0.01"), rank] <= 1
