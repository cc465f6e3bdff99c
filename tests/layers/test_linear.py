"""SpectralLinear against the dense transfer operator of Sec. II, in float64."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from made_networks import DOUBLE, seeded
from torch import nn

from spectral_core import SpectralLinear, fold


def layer_of(n_in, n_out, *, seed=0, bias=False, input_eigenvalues=False):
    of_lam = {"input_eigenvalues": input_eigenvalues}
    layer = SpectralLinear(n_in, n_out, bias, **of_lam, generator=seeded(seed), dtype=DOUBLE)
    if bias:
        layer.bias.data.uniform_(-1, 1, generator=seeded(seed + 1))
    return layer


shapes = st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(0, 10_000), st.booleans())


@given(shapes)
def test_inverse_of_eigenvector_matrix_is_two_minus_itself(shape):
    n_in, n_out, seed, lam_in = shape
    Phi = layer_of(n_in, n_out, seed=seed, input_eigenvalues=lam_in).eigenvector_matrix().detach()
    identity = torch.eye(n_in + n_out, dtype=DOUBLE)
    torch.testing.assert_close(torch.linalg.inv(Phi), 2 * identity - Phi, rtol=0, atol=1e-12)


@given(shapes, st.booleans())
def test_a_layer_is_the_block_of_the_dense_operator_in_value_and_gradient(shape, bias):
    """Eqs. 1–3, against A = Φ Λ Φ⁻¹ with a numerically inverted Φ, whose eigenvalues are λ.

    The weight is the lower-left block of A; A acts on (x, 0), and the arrival nodes' entries are
    read.
    """
    n_in, n_out, seed, lam_in = shape
    layer = layer_of(n_in, n_out, seed=seed, input_eigenvalues=lam_in, bias=bias)
    generator = seeded(seed)
    x = torch.randn(5, n_in, dtype=DOUBLE, generator=generator, requires_grad=True)
    state = torch.cat([x, torch.zeros(5, n_out, dtype=DOUBLE)], dim=1)  # (5, N_k + N_k+1)

    Phi, lam = layer.eigenvector_matrix(), layer.eigenvalue_vector()
    A = Phi @ torch.diag(lam) @ torch.linalg.inv(Phi)
    torch.testing.assert_close(layer.transfer_operator(), A, rtol=0, atol=1e-12)
    outputs = (state @ A.T)[:, n_in:]
    if bias:
        outputs = outputs + layer.bias
    variables = [x, *layer.parameters()]
    for values, dense in ((layer.weight, A[n_in:, :n_in]), (layer(x), outputs)):
        torch.testing.assert_close(values, dense, rtol=0, atol=1e-12)
        cotangent = torch.randn(dense.shape, dtype=DOUBLE, generator=generator)
        got, expected = (
            torch.autograd.grad(
                (y * cotangent).sum(), variables, retain_graph=True, materialize_grads=True
            )
            for y in (values, dense)
        )
        for one, other in zip(got, expected):
            torch.testing.assert_close(one, other, rtol=0, atol=1e-11)


@pytest.mark.parametrize("lam_in", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_to_linear_has_the_very_same_weights(lam_in, bias):
    layer = layer_of(6, 4, input_eigenvalues=lam_in, bias=bias)
    linear = layer.to_linear()
    assert type(linear) is nn.Linear
    assert (linear.in_features, linear.out_features) == (6, 4)
    assert torch.equal(linear.weight, layer.weight)
    assert (linear.bias is None) if not bias else torch.equal(linear.bias, layer.bias)
    assert torch.equal(fold(layer).weight, layer.weight)
    linear.weight.data.zero_()
    assert layer.weight.abs().sum() > 0  # no memory is shared
    assert linear.weight.requires_grad
    assert not layer.requires_grad_(False).to_linear().weight.requires_grad


def test_starts_are_uniform_in_their_ranges_and_settable():
    layer = SpectralLinear(200, 500, generator=seeded())
    for values, half in ((layer.eigenvectors, 0.2), (layer.eigenvalues, 0.5)):
        assert values.abs().max() <= half and values.abs().max() > 0.98 * half
        assert abs(values.mean()) < 0.06 * half
        assert abs(values.std() - half / 3**0.5) < 0.05 * half
    fixed = SpectralLinear(3, 2, eigenvalue_range=(1.0, 1.0), eigenvector_range=(0.0, 0.5))
    assert (fixed.eigenvalues == 1).all() and (fixed.eigenvectors >= 0).all()


def test_empty_layers_are_legal():
    assert SpectralLinear(0, 3)(torch.zeros(2, 0)).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert SpectralLinear(3, 0)(torch.zeros(2, 3)).shape == (2, 0)
    assert SpectralLinear(0, 0, eigenvector_range="glorot").eigenvectors.shape == (0, 0)
    assert SpectralLinear(0, 3).to_linear().weight.shape == (3, 0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_layer_starts_from_the_same_numbers():
    on_gpu = SpectralLinear(5, 4, generator=seeded(), device="cuda")
    on_cpu = SpectralLinear(5, 4, generator=seeded())
    assert torch.equal(on_gpu.weight.cpu(), on_cpu.weight)
    x = torch.randn(3, 5)
    torch.testing.assert_close(on_gpu(x.cuda()).cpu(), on_cpu(x))


def test_from_linear_of_huge_weights_stays_finite():
    linear = nn.Linear(50, 2)
    linear.weight.data.fill_(3e38)
    weight = SpectralLinear.from_linear(linear).weight
    torch.testing.assert_close(weight, linear.weight, rtol=3e-7, atol=0)


def test_under_autocast_the_outputs_are_as_wide_as_a_plain_layers():
    x, layer = torch.rand(4, 3), SpectralLinear(3, 2, bias=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(x).dtype == layer.to_linear()(x).dtype == torch.bfloat16
    torch.testing.assert_close(layer(x), layer.to_linear()(x))
