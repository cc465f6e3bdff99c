"""Training against a plain loop, in numbers; what must not move; what must be refused."""

import copy
from fractions import Fraction

import numpy as np
import pytest
import torch
from made_networks import TRAINS, examples, network_of, plain_loop, seeded
from torch import nn
from torch.nn import functional as F

from spectral_core import TrainingDiverged, direct_mlp, evaluate, spectral_mlp, train
from spectral_core.data import load
from spectral_core.training.loop import (
    ADAM_BETAS,
    ADAM_EPSILON,
    Adam,
    Optimisation,
    denormals_flushed,
)


def appendix_d(network):
    """γ Σ|λ_i|, or γ Σ|w_ij|, over the two hidden layers of a network; γ = 0.01."""
    values = [
        layer.weight if isinstance(layer, nn.Linear) else layer.eigenvalues
        for layer in (network[0], network[2])
    ]
    return 1e-2 * sum(v.abs().sum() for v in values)


def squares(network):
    """α/2 Σp² over what trains; α = 0.01."""
    return 1e-2 / 2 * sum(p.square().sum() for p in network.parameters() if p.requires_grad)


@pytest.mark.parametrize("written_out", [True, False])
@pytest.mark.parametrize("trains", TRAINS[:3])
@pytest.mark.parametrize(
    ("regularised", "term"),
    [({}, None), ({"penalty": 1e-2}, appendix_d), ({"decay": 1e-2}, squares)],
)
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 2e-4), (torch.float64, 1e-10)], ids=["fp32", "fp64"]
)
def test_steps_equal_a_plain_loop(trains, written_out, regularised, term, dtype, tolerance):
    inputs, targets = examples(dtype)
    settings = {"epochs": 2, "batch_size": 150, "learning_rate": 1e-3}  # the last batch has 50
    ours, theirs = (network_of((64, 20, 15, 10), trains, dtype=dtype) for _ in range(2))
    trained = ours if written_out else nn.Sequential(*ours, nn.Identity())
    train(trained, inputs, targets, **settings, **regularised, generator=seeded(1))
    plain_loop(theirs, inputs, targets, **settings, generator=seeded(1), term=term)
    for one, other in zip(ours.parameters(), theirs.parameters()):
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)
        assert one.requires_grad or torch.equal(one, other)


@pytest.mark.parametrize("written_out", [True, False])
def test_history_leaves_the_penalty_out_and_what_is_zero_is_not_pushed(written_out):
    inputs, targets = examples()
    network = spectral_mlp((64, 20, 10), "elu", generator=seeded())
    network[0].eigenvalues.data[:3] = 0
    network[2].eigenvectors.data[:, :3] = 0  # nor by the loss: nothing depends on these nodes
    expected = F.cross_entropy(network(inputs), targets).item()
    trained = network if written_out else nn.Sequential(*network, nn.Identity())
    one_step = {"epochs": 1, "batch_size": len(targets), "generator": seeded()}
    (loss,) = train(trained, inputs, targets, penalty=100.0, **one_step)
    assert loss == pytest.approx(expected, rel=1e-5)
    assert (network[0].eigenvalues[:3] == 0).all() and (network[0].eigenvalues[3:] != 0).all()


def test_keras_and_torch_epsilon_agree():
    """Where ε enters moves the accuracy less than the seed does."""
    data = load("digits")
    accuracies = {True: [], False: []}
    for keras, measured in accuracies.items():
        for seed in range(3):
            network = spectral_mlp((64, 30, 10), "elu", generator=seeded(seed))
            plain_loop(network, *examples(count=None), 8, 50, 1e-3, seeded(9), keras)
            measured.append(evaluate(network, data.test_inputs, data.test_targets).accuracy)
    keras, torch_ = (torch.tensor(accuracies[which]) for which in (True, False))
    assert (keras - torch_).abs().max() <= max(torch_.std().item(), 1.5 / len(data.test_targets))


def test_the_optimiser_is_torchs_to_the_bit_and_what_has_no_gradient_stays():
    ours = [nn.Parameter(torch.randn(size)) for size in (600, 20, 60, 3)]
    theirs = copy.deepcopy(ours)
    settings = Optimisation(epochs=1, learning_rate=0.01, decay=0.1)
    torchs = torch.optim.Adam(theirs, 0.01, ADAM_BETAS, ADAM_EPSILON, 0.1, fused=True)
    optimiser = Adam(ours, settings)
    for step in range(5):
        for p, q in zip(ours, theirs):
            p.grad = torch.randn_like(p)
            q.grad = p.grad.clone()
        ours[step % 4].grad = theirs[step % 4].grad = None
        optimiser.step()
        torchs.step()
    assert all(torch.equal(p, q) for p, q in zip(ours, theirs))


def test_loss_falls_and_is_reported_per_epoch():
    network, seen = spectral_mlp((64, 20, 10), "elu", generator=seeded()), []
    settings = {"batch_size": 20, "generator": seeded(1)}
    settings["on_epoch"] = lambda *epoch: seen.append(epoch)
    history = train(network, *examples(count=None), epochs=5, **settings)
    assert seen == list(enumerate(history, start=1))
    assert history == sorted(history, reverse=True) and history[-1] < 0.8 * history[0]


@pytest.mark.parametrize(
    ("first", "rate", "words"),
    [
        (float("nan"), 0.5, r"nan at step 1 of epoch 1 \(learning rate 0.5, batch size 200"),
        (0.0, 1e38, "a parameter is nan or infinite after the last step"),
    ],
)
def test_a_broken_loss_or_parameter_is_no_result(first, rate, words):
    inputs, targets = torch.rand(10, 4), torch.zeros(10, dtype=torch.int64)
    inputs[0] = first
    network = direct_mlp((4, 2), "elu")
    with pytest.raises(TrainingDiverged, match=words):
        train(network, inputs, targets, epochs=1, learning_rate=rate)
    assert all(parameter.grad is None for parameter in network.parameters())


def test_denormals_are_flushed_inside_and_kept_outside():
    tiny = torch.tensor([1e-39])
    with denormals_flushed():
        assert (tiny * 0.5).item() == 0
        with denormals_flushed():
            pass
        assert (tiny * 0.5).item() == 0  # an inner block does not end the outer one's
    assert (tiny * 0.5).item() > 0


def test_a_loss_of_ones_own_is_minimised():
    """A linear network finds the least squares; its epoch's loss is that of the start."""
    x = torch.randn(64, 3, dtype=torch.float64, generator=seeded())
    y = x @ torch.randn(3, 2, dtype=torch.float64, generator=seeded(1)) + 0.5
    network = nn.Linear(3, 2).double()
    start = evaluate(network, x, y, batch_size=7, loss=F.mse_loss)
    settings = {"batch_size": 64, "learning_rate": 0.05, "loss": F.mse_loss}
    history = train(network, x, y, epochs=500, **settings)
    assert history[0] == pytest.approx(start.loss, rel=1e-12)
    solution = torch.linalg.lstsq(torch.cat([x, torch.ones(64, 1).double()], dim=1), y).solution
    torch.testing.assert_close(network.weight, solution[:3].mT, atol=1e-4, rtol=0)
    torch.testing.assert_close(network.bias, solution[3], atol=1e-4, rtol=0)


@pytest.mark.parametrize("batch_size", [5, 1])
def test_a_batch_of_one_is_refused_only_where_a_norm_cannot_take_it(batch_size):
    y = torch.randint(2, (11,))
    images = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 2))
    train(images, torch.rand(11, 1, 8, 8), y, epochs=1, batch_size=batch_size)
    vectors = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).eval()
    with pytest.raises(ValueError, match=r"batch of one example.*more than 1 value"):
        train(vectors, torch.rand(11, 4), y, epochs=1, batch_size=batch_size)
    assert not vectors.training
    assert train(vectors, torch.rand(11, 4), y, epochs=0, batch_size=batch_size) == []


def test_only_what_a_norm_cannot_take_is_blamed_on_the_batch_size():
    y, norm = torch.randint(2, (11,)), nn.BatchNorm1d(4)
    with pytest.raises(ValueError, match="expected 2D or 3D input") as caught:
        train(
            nn.Sequential(norm, nn.Linear(4, 2)), torch.rand(11, 1, 1, 4), y, epochs=1, batch_size=5
        )
    assert "batch_size" not in str(caught.value)
    network = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(4, 2))
    own = network[2].forward
    network[2].forward = lambda x: own(x)  # it cannot be copied, so it is not tried before
    assert len(train(network, torch.rand(11, 1, 2, 2), y, epochs=1, batch_size=5)) == 1


def test_settings_may_be_any_numbers():
    settings = {"epochs": np.int64(2), "batch_size": np.int64(3), "learning_rate": Fraction(1, 9)}
    x, y = torch.rand(8, 4), torch.tensor([0, 1] * 4)
    for network in (direct_mlp((4, 2, 2), "elu"), nn.Linear(4, 2)):
        history = train(network, x, y, **settings, penalty=Fraction(0), decay=np.float32(0.1))
        assert len(history) == 2
        assert 0 < evaluate(network, x, y, batch_size=np.int64(3)).loss < history[0]


def test_a_norm_without_parameters_normalises_unless_others_are_frozen():
    layers = nn.Linear(4, 6), nn.BatchNorm1d(6, affine=False), nn.ReLU(), nn.Linear(6, 2)
    network, x, y = nn.Sequential(*layers).eval(), torch.rand(8, 4), torch.tensor([0, 1] * 4)
    train(network, x, y, epochs=1)
    assert network[1].num_batches_tracked == 1
    network.eval()[0].requires_grad_(False)
    train(network, x, y, epochs=1)
    assert network[1].num_batches_tracked == 1
