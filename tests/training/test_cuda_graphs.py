"""Steps that are recorded once and replayed: with a stand-in for the device, and on a device."""

import itertools

import pytest
import torch
from made_networks import TRAINS, network_of, seeded

from spectral_core import spectral_mlp, train
from spectral_core.training import cuda_graphs
from spectral_core.training.cuda_graphs import Replayed
from spectral_core.training.ensemble import train_ensemble
from spectral_core.training.gradients import WrittenOut
from spectral_core.training.loop import Adam, Optimisation

CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def examples(device="cpu"):
    inputs = torch.rand(70, 6, dtype=torch.float64, generator=seeded(1))
    return inputs.to(device), torch.randint(0, 4, (70,), generator=seeded(2)).to(device)


def losses_of(steps, wrapped):
    """Losses of steps over batches of 20 and 10, and the network that they leave."""
    inputs, targets = examples()
    network = spectral_mlp((6, 5, 4), "elu", generator=seeded()).double()
    gradients = WrittenOut(network, inputs, targets)
    optimiser = Adam(list(network.parameters()), Optimisation(epochs=1))
    ran = []

    def step(batch):
        ran.append(len(batch))
        loss = gradients(batch)
        optimiser.step()
        return loss

    run = wrapped(step)
    batches = itertools.cycle(torch.randperm(70, generator=seeded(3)).split(20))
    losses = [run(next(batches)).item() for _ in range(steps)]
    assert ran == [20, 20, 20, 10] * (steps // 4)
    return losses, network


def test_replayed_steps_are_those_that_run_plainly(monkeypatch):
    graphs = []

    def record(step):
        """Do at each replay what a graph would, with the tensors that it was shown."""
        graphs.append(step)
        loss = torch.full((), float("nan"), dtype=torch.float64)
        return lambda: loss.copy_(step()), loss

    monkeypatch.setattr(cuda_graphs, "record", record)
    plain, network = losses_of(12, lambda step: step)
    losses, replayed = losses_of(12, Replayed)
    assert len(graphs) == 2 and losses == plain  # one graph of each size of batch
    for one, other in zip(network.parameters(), replayed.parameters()):
        assert torch.equal(one, other)
    losses_of(4, Replayed)
    assert len(graphs) == 3  # a size seen once is not recorded


@CUDA
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("trains", TRAINS)
def test_a_cuda_device_trains_as_the_cpu_does(trains):
    def make(device):
        widths = enumerate((9, 5, 2))
        return [network_of((6, n, n + 1, 4), trains, seed=seed).to(device) for seed, n in widths]

    settings = {"epochs": 8, "batch_size": 20}
    alone, single, together = make("cpu"), make("cuda"), make("cuda")
    for seed, networks in enumerate(zip(alone, single)):
        for network, device in zip(networks, ("cpu", "cuda")):
            train(network, *examples(device), **settings, generator=seeded(seed))
    orders = [seeded(seed) for seed in range(3)]
    train_ensemble(together, *examples("cuda"), **settings, generators=orders)
    for networks in zip(alone, single, together):
        for expected, *trained in zip(*(network.parameters() for network in networks)):
            for parameter in trained:
                torch.testing.assert_close(parameter.cpu(), expected, rtol=0, atol=1e-10)


@CUDA
def test_a_cuda_device_trains_in_bf16():
    inputs, targets = examples("cuda")
    networks = [spectral_mlp((6, 64, 4), "elu", generator=seeded(s)).cuda() for s in range(2)]
    losses = train_ensemble(
        networks, inputs.float(), targets, epochs=30, batch_size=20, precision="bf16"
    )
    assert all(own[-1] < own[0] for own in losses)
