"""One weight in spectral variables: the function stays, whatever torch does with the layer."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import parametrize

from spectral_core import SpectralLinear, fold, spectral, spectral_parameters
from spectral_core.layers.spectrum import spectrum_of

KINDS = {
    "linear": (lambda: nn.Linear(6, 4), (3, 6)),
    "conv1d": (lambda: nn.Conv1d(4, 6, 3, groups=2), (3, 4, 7)),
    "conv2d": (lambda: nn.Conv2d(3, 5, 3, bias=False), (2, 3, 6, 6)),
    "conv3d": (lambda: nn.Conv3d(2, 3, 2), (2, 2, 4, 4, 4)),
}


@pytest.mark.parametrize("init", ["norm", "unit"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_function_stays_and_gradients_are_those_of_the_formula(kind, init):
    make, shape = KINDS[kind]
    plain = make().double()
    layer = spectral(copy.deepcopy(plain), init=init)
    x = torch.randn(shape, dtype=torch.float64)
    torch.testing.assert_close(layer(x), plain(x), rtol=1e-12, atol=1e-14)
    layer(x).square().sum().backward()
    plain(x).square().sum().backward()
    (lam,), (phi,), _ = spectral_parameters(layer)
    dw = plain.weight.grad.flatten(1)  # w = −λ φ: ∂λ_i = −Σ_j ∂w_ij φ_ij, ∂φ = −λ ∂w
    torch.testing.assert_close(lam.grad, -(dw * phi.flatten(1)).sum(dim=1))
    torch.testing.assert_close(phi.grad.flatten(1), -lam[:, None] * dw)


@given(st.integers(0, 10_000), st.sampled_from([torch.float32, torch.float64]), st.floats(-30, 15))
def test_both_starts_give_the_weights_back(seed, dtype, magnitude):
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(5, 2, 3, dtype=dtype, generator=generator) * 10.0**magnitude
    weight[2] = 0
    assert torch.equal(spectrum_of(weight, "unit").weight(), weight)
    assert (spectrum_of(weight, "unit").eigenvalues == -1).all()  # so that each φ learns
    norm = spectrum_of(weight, "norm")
    ulp = torch.nextafter(weight.abs(), torch.full_like(weight, torch.inf)) - weight.abs()
    assert ((norm.weight() - weight).abs() <= 2 * ulp).all()
    expected = -weight.double().flatten(1).norm(dim=1)
    torch.testing.assert_close(norm.eigenvalues.double(), expected, rtol=1e-6, atol=0)
    assert norm.eigenvalues[2] == 0 and (norm.eigenvectors[2] == 0).all()


def test_the_plain_weight_shares_no_memory_and_assignment_goes_through_the_start():
    linear = nn.Linear(3, 2)
    weight = linear.weight
    layer = spectral(linear, init="unit")
    with torch.no_grad():
        weight.fill_(7)
    assert (layer.weight != 7).all()
    layer.weight = torch.ones(2, 3)
    assert (layer.weight == 1).all() and (layer.parametrizations.weight.original0 == -1).all()


def test_other_parameters_than_weight_can_be_named():
    attention = spectral(nn.MultiheadAttention(4, 2).eval(), "in_proj_weight")
    (lam,), (phi,), rest = spectral_parameters(attention)
    assert lam.shape == (12,) and phi.shape == (12, 4) and len(rest) == 3
    x = torch.rand(5, 2, 4)
    torch.testing.assert_close(fold(attention)(x, x, x), attention(x, x, x))
    assert not any(parametrize.is_parametrized(m) for m in fold(attention).modules())


@pytest.mark.parametrize("make", [spectral, SpectralLinear.from_linear])
def test_a_spectral_start_draws_nothing_and_keeps_what_is_frozen_and_the_mode(make):
    linear = nn.Linear(3, 2).eval()
    linear.weight.requires_grad_(False)
    state = torch.get_rng_state()
    layer = make(linear)
    assert torch.equal(torch.get_rng_state(), state) and not layer.training
    (lam,), (phi,), (bias,) = spectral_parameters(layer)
    assert (lam.requires_grad, phi.requires_grad, bias.requires_grad) == (False, False, True)
    named = [(name, p.requires_grad) for name, p in fold(layer).named_parameters()]
    assert named == [("weight", False), ("bias", True)]
    for trains in (True, False):
        whole = make(nn.Linear(3, 2).requires_grad_(trains))
        assert {p.requires_grad for p in whole.parameters()} == {trains}
