"""The written-out passes against automatic differentiation, in float64."""

import made_networks
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from made_networks import DOUBLE, TRAINS, heads, network_of, plain_loop, seeded
from torch import nn
from torch.nn import functional as F

from spectral_core import SpectralLinear, train
from spectral_core.layers.networks import ACTIVATIONS
from spectral_core.training import gradients
from spectral_core.training.autograd import penalised
from spectral_core.training.gradients import WrittenOut, is_written_out


def by_autograd(network, x, y):
    for parameter in network.parameters():
        parameter.grad = None
    loss = F.cross_entropy(network(x), y)
    loss.backward()
    return loss.detach(), {name: p.grad for name, p in network.named_parameters()}


@given(
    st.builds(
        network_of,
        st.lists(st.integers(1, 5), max_size=4).map(lambda hidden: (6, *hidden, 4)),
        *(st.sampled_from(TRAINS), st.sampled_from(list(ACTIVATIONS)), st.booleans()),
        seed=st.integers(0, 10_000),
        two=st.booleans(),
    ),
    st.integers(1, 9),
)
def test_loss_and_gradients_are_those_of_autograd(network, m):
    x = torch.randn(9, 6, dtype=DOUBLE, generator=seeded(1))
    y = torch.randint(0, 4, (9,), generator=seeded(2))
    written_out = WrittenOut(network, x, y)
    written_out(torch.arange(9))  # what an earlier, larger batch has left must not matter
    loss = written_out(torch.arange(m))
    ours = {name: p.grad for name, p in network.named_parameters()}
    expected_loss, expected = by_autograd(network, x[:m], y[:m])
    torch.testing.assert_close(loss, expected_loss, rtol=0, atol=1e-12)
    for name, gradient in expected.items():
        assert (gradient is None) == (ours[name] is None), name
        if gradient is not None:
            torch.testing.assert_close(ours[name], gradient, rtol=0, atol=1e-12)


def single_precision(trains="both", two_spectra=False):
    """A network of 6-64-48-4, and a batch of 100."""
    network = network_of((6, 64, 48, 4), trains, bias=True, dtype=torch.float32, two=two_spectra)
    x = torch.rand(100, 6, generator=seeded(1))
    return network, x, torch.randint(0, 4, (100,), generator=seeded(2))


@pytest.mark.parametrize("two_spectra", [False, True])
@pytest.mark.parametrize("trains", TRAINS)
def test_bf16_gradients_are_close_in_direction_and_size(trains, two_spectra):
    network, x, y = single_precision(trains, two_spectra)
    loss = WrittenOut(network, x, y, "bf16")(torch.arange(100))
    ours = {name: p.grad.clone() for name, p in network.named_parameters() if p.requires_grad}
    expected_loss, expected = by_autograd(network, x, y)
    assert abs(loss - expected_loss) < 0.02 * expected_loss
    for name, gradient in ours.items():
        assert (gradient - expected[name]).norm() < 0.03 * expected[name].norm(), name


def test_in_bf16_the_last_layer_stays_in_single_precision():
    _, x, y = single_precision()
    network = network_of((6, 4), "both", dtype=torch.float32)  # it is the last layer
    loss = WrittenOut(network, x, y, "bf16")(torch.arange(100))
    torch.testing.assert_close(loss, by_autograd(network, x, y)[0], rtol=1e-6, atol=0)


def test_bf16_gives_the_same_with_and_without_instructions_for_it(monkeypatch):
    network, x, y = single_precision()
    losses, grads = [], []
    for native in (True, False):
        monkeypatch.setattr(gradients, "cpu_has_bf16", lambda native=native: native)
        losses.append(WrittenOut(network, x, y, "bf16")(torch.arange(100)))
        grads.append([p.grad.clone() for p in network.parameters()])
    torch.testing.assert_close(*losses, rtol=1e-3, atol=0)
    for native, emulated in zip(*grads):
        assert (native - emulated).norm() < 0.01 * native.norm()


@pytest.mark.parametrize(
    ("network", "known"),
    [
        (nn.Sequential(nn.Linear(3, 2)), True),
        (nn.Sequential(nn.Linear(3, 2), nn.Tanh(), SpectralLinear(2, 2)), True),
        (nn.Sequential(SpectralLinear(3, 2, input_eigenvalues=True)), True),
        (nn.Linear(3, 2), False),
        (nn.Sequential(nn.Linear(3, 2), nn.ELU()), False),
        (nn.Sequential(nn.Linear(3, 2), nn.ELU(alpha=2.0), nn.Linear(2, 2)), False),
        (nn.Sequential(nn.Linear(3, 2), nn.Sigmoid(), nn.Linear(2, 2)), False),
    ],
)
def test_what_is_written_out(network, known):
    assert is_written_out(network) is known


MORE = ["masked", "used_twice", "tied", "hooked", "gradient_hooked"]


@pytest.mark.parametrize("name", [*MORE, "patched", "patched_layer", "derived"])
def test_what_does_more_than_its_layers_is_left_to_autograd(name):
    make = getattr(made_networks, name)
    x, y = torch.rand(8, 3), torch.tensor([0, 1] * 4)
    network, theirs = make(), make()
    assert not is_written_out(network)
    train(network, x, y, epochs=3, batch_size=8, learning_rate=0.01)
    plain_loop(theirs, x, y, 3, 8, 0.01, None)
    torch.testing.assert_close([*network.parameters()], [*theirs.parameters()])


def test_the_penalty_is_on_hidden_layers_in_the_order_of_execution():
    network = heads()  # they come first in it
    assert penalised(network, 0.1) == [network.trunk.eigenvalues]
    assert penalised(network, 0.0) == []
