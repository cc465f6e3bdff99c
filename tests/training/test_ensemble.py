"""Networks trained side by side against the same ones trained one by one."""

import itertools

import pytest
import torch
from made_networks import DOUBLE, TRAINS, examples, network_of, seeded
from torch import nn

from spectral_core import TrainingDiverged, remove, train
from spectral_core.layers.networks import ACTIVATIONS
from spectral_core.training.ensemble import most_members, stacked, train_ensemble
from spectral_core.training.gradients import WrittenOut

# Widths of three networks; each layer has another one that is the widest.
WIDTHS = {1: [(7,), (20,), (1,)], 3: [(20, 3, 9), (5, 15, 2), (1, 1, 10)]}
STEPS = {"epochs": 3, "batch_size": 80}  # of 300 examples: the last batch has 60


def networks_of(trains, depth=1, activation="elu", dtype=DOUBLE, two=False):
    return [
        network_of((64, *hidden, 10), trains, activation, True, seed, dtype, two)
        for seed, hidden in enumerate(WIDTHS[depth])
    ]


def trained_both_ways(make, dtype=DOUBLE, **settings):
    """Networks and their losses, trained side by side and one by one in the same orders."""
    inputs, targets = examples(dtype, 300)
    together, alone = make(), make()
    orders = [[seeded(100 + e) for e in range(len(alone))] for _ in range(2)]
    losses = train_ensemble(together, inputs, targets, **settings, generators=orders[0])
    one_by_one = [
        train(network, inputs, targets, **settings, generator=generator)
        for network, generator in zip(alone, orders[1])
    ]
    return together, losses, alone, one_by_one


def assert_equal(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close([*one.parameters()], [*other.parameters()], rtol=0, atol=1e-12)
        assert all(p.grad is None for p in one.parameters())


@pytest.mark.parametrize("depth", WIDTHS)
@pytest.mark.parametrize(
    ("trains", "activation", "two", "regularised"),
    [
        *itertools.product(TRAINS, ACTIVATIONS, [False], [{}]),
        *((trains, "elu", True, {"penalty": 1e-2}) for trains in TRAINS[:3]),
        *((trains, "tanh", True, {"decay": 1e-2}) for trains in TRAINS),
    ],
)
def test_steps_are_those_of_each_network_by_itself(trains, activation, two, regularised, depth):
    settings = {**STEPS, **regularised, "learning_rate": 1e-2}
    together, losses, alone, one_by_one = trained_both_ways(
        lambda: networks_of(trains, depth, activation, two=two), **settings
    )
    assert_equal(together, alone)
    torch.testing.assert_close(torch.tensor(losses), torch.tensor(one_by_one), rtol=1e-6, atol=0)


@pytest.mark.parametrize("empty", [[1], [0, 1]])
@pytest.mark.parametrize("trains", ["both", "eigenvalues"])
def test_a_network_that_has_lost_a_layer_trains_beside_others(trains, empty):
    def make():
        networks = [network_of((64, 6, 5, 10), trains, bias=True, seed=seed) for seed in range(2)]
        return [
            remove(network, [torch.arange(0 if e in empty else 4), torch.arange(3)])
            for e, network in enumerate(networks)
        ]

    together, _, alone, _ = trained_both_ways(make, epochs=2)
    assert_equal(together, alone)
    assert together[1][0].out_features == 0
    assert train_ensemble(together, *examples(DOUBLE), epochs=0) == [[], []]


def test_networks_with_the_same_generator_see_the_same_order():
    def ensemble(generators):
        networks = [network_of((64, 7, 10), "both") for _ in generators]
        train_ensemble(networks, *examples(DOUBLE), **STEPS, generators=generators)
        return networks

    shared = seeded(1)
    one, different, same = ensemble([shared, seeded(2), shared])
    assert (one[0].eigenvectors != different[0].eigenvectors).any()
    torch.manual_seed(1)
    assert_equal([one] * 3, [same, *ensemble([None, None])])


@pytest.mark.parametrize("trains", TRAINS)
def test_bf16_is_that_of_each_network_by_itself(trains):
    settings = {"epochs": 10, "batch_size": 50, "precision": "bf16"}
    _, losses, _, alone = trained_both_ways(
        lambda: networks_of(trains, dtype=torch.float32), torch.float32, **settings
    )
    for one, other in zip(losses, alone):
        assert one == pytest.approx(other, rel=0.02)


@pytest.mark.parametrize(("member", "epochs"), [(1, 2), (2, 0)])  # a loss sees it, or none does
def test_the_network_whose_loss_or_parameter_is_broken_is_named(member, epochs):
    networks = networks_of("both")
    networks[member][0].eigenvalues.data[0] = float("nan")
    with pytest.raises(TrainingDiverged) as caught:
        train_ensemble(networks, *examples(DOUBLE), epochs=epochs)
    assert caught.value.member == member


def some(**changes):
    return network_of(**{"sizes": (64, 5, 10), "trains": "both", **changes})


@pytest.mark.parametrize(
    "other",
    [
        *(nn.Linear(64, 10), some(activation="tanh"), some(trains="eigenvalues")),
        *(some(trains="weights"), some(bias=True), some(dtype=torch.float32)),
        *(some(sizes=(64, 5, 5, 10)), some(sizes=(64, 5, 9))),
    ],
    ids=str,
)
def test_networks_that_cannot_be_stacked_are_refused(other):
    with pytest.raises(ValueError, match=r"networks must be stacks of .* alike but for"):
        train_ensemble([some(), other], *examples(DOUBLE), epochs=1)


def test_each_network_needs_a_generator():
    with pytest.raises(ValueError, match="generators must be one per network, 2; got 1"):
        train_ensemble([some(), some()], *examples(DOUBLE), epochs=1, generators=[seeded()])


@pytest.mark.parametrize("trains", ["both", "eigenvalues"])
def test_memory_of_a_network_is_about_what_its_tensors_take(trains):
    sizes = (64, 200, 100, 10)
    networks = [network_of(sizes, trains, dtype=torch.float32) for _ in range(4)]
    inputs = torch.rand(1000, 64)
    together = stacked(networks)
    written_out = WrittenOut(together, inputs, torch.zeros(1000, dtype=torch.int64))
    written_out(torch.stack([torch.arange(50)] * 4))
    tensors = [p for network in (together, *networks) for p in network.parameters()]
    # Gradients and two moments; what the layers keep, and as much again that comes and goes.
    tensors += [p for p in together.parameters() if p.requires_grad] * 3
    tensors += [t for layer in written_out.layers for t in (layer.a, layer.z)] * 2
    projects = trains == "eigenvalues"
    tensors += [written_out.rows] * projects
    held = sum(t.numel() * t.element_size() for t in tensors)
    share = 0.7 * 2**30  # of the memory of a device that does not say how much it has
    assert 1.0 < 4 * share / most_members(sizes, 50, inputs, projects) / held < 1.6
    assert most_members((10**6, 10**6, 10), 200, inputs, False) == 1  # at least one
