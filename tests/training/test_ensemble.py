"""Networks trained side by side against the same ones trained one by one."""

import itertools

import pytest
import torch
from torch import nn

from spectral_core import TrainingDiverged, direct_mlp, remove, spectral_mlp, train, train_only
from spectral_core.data import load
from spectral_core.layers.networks import ACTIVATIONS
from spectral_core.training.ensemble import most_members, stacked, train_ensemble
from spectral_core.training.gradients import WrittenOut
from spectral_core.training.loop import Optimisation, fit

DOUBLE = torch.float64
TRAINS = ["weights", "both", "eigenvalues", "eigenvectors"]
# Widths of three networks; each layer has another one that is the widest.
WIDTHS = {1: [(7,), (20,), (1,)], 3: [(20, 3, 9), (5, 15, 2), (1, 1, 10)]}
FIFTY_STEPS = {"epochs": 10, "batch_size": 100}  # of 430 examples: the last batch has 30


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def orders(count=3):
    return [seeded(100 + seed) for seed in range(count)]


def examples(dtype=DOUBLE, count=430):
    data = load("digits")
    return data.train_inputs[:count].to(dtype), data.train_targets[:count]


def network_of(hidden, trains, activation="elu", bias=False, seed=0, dtype=DOUBLE, two=False):
    sizes, generator = (64, *hidden, 10), seeded(seed)
    if trains == "weights":
        return direct_mlp(sizes, activation, bias, generator=generator).to(dtype)
    network = spectral_mlp(sizes, activation, bias, input_eigenvalues=two, generator=generator).to(
        dtype
    )
    return train_only(network, trains)


def networks_of(trains, depth=1, activation="elu", bias=False, dtype=DOUBLE, two=False):
    return [
        network_of(hidden, trains, activation, bias, seed, dtype, two)
        for seed, hidden in enumerate(WIDTHS[depth])
    ]


def trained_alone(networks, inputs, targets, **settings):
    """Losses of networks, trained one by one in the orders of an ensemble."""
    return [
        train(network, inputs, targets, **settings, generator=generator)
        for network, generator in zip(networks, orders(len(networks)))
    ]


def assert_equal(ours, theirs, tolerance=1e-12):
    for one, other in zip(ours, theirs, strict=True):
        for p, q in zip(one.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(p, q, rtol=0, atol=tolerance)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("depth", WIDTHS)
@pytest.mark.parametrize("trains", TRAINS)
@pytest.mark.slow
def test_fifty_steps_equal_those_of_each_network_by_itself(trains, depth, activation):
    inputs, targets = examples()
    bias = depth == 1
    together, alone, before = (networks_of(trains, depth, activation, bias) for _ in range(3))
    losses = train_ensemble(together, inputs, targets, **FIFTY_STEPS, generators=orders())
    one_by_one = trained_alone(alone, inputs, targets, **FIFTY_STEPS)
    assert_equal(together, alone)
    assert torch.tensor(losses).shape == (3, 10)
    torch.testing.assert_close(torch.tensor(losses), torch.tensor(one_by_one), rtol=1e-6, atol=0)
    for network, start in zip(together, before):
        for p, q in zip(network.parameters(), start.parameters()):
            assert p.grad is None
            assert torch.equal(p, q) != p.requires_grad


@pytest.mark.parametrize(
    ("trains", "regularised", "two"),
    [
        *((trains, "penalty", False) for trains in TRAINS[:3]),
        ("weights", "decay", False),
        *((trains, "decay", True) for trains in TRAINS[1:]),
    ],
)
def test_regularised_steps_are_those_of_each_network_by_itself(trains, regularised, two):
    inputs, targets = examples()
    together, alone = (networks_of(trains, 3, two=two) for _ in range(2))
    settings = {**FIFTY_STEPS, regularised: 1e-2, "learning_rate": 1e-2}
    train_ensemble(together, inputs, targets, **settings, generators=orders())
    trained_alone(alone, inputs, targets, **settings)
    assert_equal(together, alone)


@pytest.mark.parametrize("two", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("trains", TRAINS)
def test_padding_stays_zero_and_has_no_gradient(trains, activation, two):
    inputs, targets = examples()
    penalty = 0.1 if trains != "eigenvectors" else 0.0
    networks = networks_of(trains, 3, activation, bias=True, two=two)
    together = stacked(networks)

    def padding(of):
        """What lies outside each network's own corner of the stacked tensors."""
        for values, *members in zip(
            together.parameters(), *(network.parameters() for network in networks)
        ):
            outside = torch.ones_like(values, dtype=torch.bool)
            for e, member in enumerate(members):
                outside[e][tuple(map(slice, member.shape))] = False
            if of(values) is not None:
                yield of(values)[outside]

    WrittenOut(together, inputs, targets, penalty=penalty)(torch.stack([torch.arange(50)] * 3))
    gradients = torch.cat(list(padding(lambda values: values.grad)))
    assert len(gradients) > 30 and (gradients == 0).all()

    def draw_orders(n):
        return torch.stack([torch.randperm(n, generator=seeded(e)) for e in range(3)])

    fit(together, inputs, targets, Optimisation(5, 50, 0.1, "fp32", penalty, 0.1), draw_orders)
    values = torch.cat(list(padding(lambda values: values)))
    assert len(values) > 1000 and (values == 0).all()


@pytest.mark.parametrize("trains", ["both", "eigenvalues"])
def test_a_network_that_has_lost_a_layer_trains_beside_others(trains):
    inputs, targets = examples()
    nothing = torch.tensor([], dtype=torch.int64)

    def make(empty):
        networks = [network_of((6, 5), trains, bias=True, seed=seed) for seed in range(2)]
        return [
            remove(network, [nothing if e in empty else torch.arange(4), torch.arange(3)])
            for e, network in enumerate(networks)
        ]

    for empty in ([1], [0, 1]):
        together, alone = make(empty), make(empty)
        train_ensemble(together, inputs, targets, epochs=2, generators=orders(2))
        trained_alone(alone, inputs, targets, epochs=2)
        assert_equal(together, alone)
        assert together[1][0].out_features == 0
        assert train_ensemble(together, inputs, targets, epochs=0) == [[], []]


def test_networks_with_the_same_generator_see_the_same_order():
    inputs, targets = examples()

    def ensemble(generators):
        networks = [network_of((7,), "both") for _ in generators]
        train_ensemble(networks, inputs, targets, **FIFTY_STEPS, generators=generators)
        return networks

    shared = seeded(1)
    one, different, same = ensemble([shared, seeded(2), shared])
    assert (one[0].eigenvectors != different[0].eigenvectors).any()
    torch.manual_seed(1)
    assert_equal([one] * 3, [same, *ensemble([None, None])])


@pytest.mark.parametrize("trains", TRAINS)
def test_bf16_is_that_of_each_network_by_itself(trains):
    inputs, targets = examples(torch.float32)
    settings = {"epochs": 15, "batch_size": 50, "precision": "bf16"}
    together, alone = (networks_of(trains, 1, dtype=torch.float32) for _ in range(2))
    losses = train_ensemble(together, inputs, targets, **settings, generators=orders())
    for one, other in zip(losses, trained_alone(alone, inputs, targets, **settings)):
        assert one == pytest.approx(other, rel=0.02)


@pytest.mark.parametrize(
    ("value", "member", "epochs", "event"),
    [
        ("nan", 1, 2, "became nan at step 1 of epoch 1"),
        ("inf", 2, 0, "a parameter is nan or infinite"),  # no loss is there to see it
    ],
)
def test_the_network_that_diverged_is_named(value, member, epochs, event):
    networks = networks_of("both")
    networks[member][0].eigenvalues.data[0] = float(value)
    with pytest.raises(TrainingDiverged, match=event) as caught:
        train_ensemble(networks, *examples(), epochs=epochs)
    assert caught.value.member == member


def some(**changes):
    return network_of(**{"hidden": (5,), "trains": "both", **changes})


@pytest.mark.parametrize(
    "other",
    [
        nn.Linear(64, 10),
        some(activation="tanh"),
        some(trains="eigenvalues"),
        some(trains="weights"),
        some(hidden=(5, 5)),
        some(bias=True),
        some(dtype=torch.float32),
        spectral_mlp((64, 5, 9), "elu").double(),
    ],
    ids=str,
)
def test_networks_that_cannot_be_stacked_are_refused(other):
    with pytest.raises(ValueError, match=r"networks must be stacks of .* alike but for"):
        train_ensemble([some(), other], *examples(), epochs=1)


@pytest.mark.parametrize("trains", ["both", "eigenvalues"])
def test_memory_of_a_network_is_about_what_its_tensors_take(trains):
    sizes = (64, 200, 100, 10)
    networks = [
        train_only(spectral_mlp(sizes, "elu", generator=seeded(seed)), trains) for seed in range(4)
    ]
    inputs = torch.rand(1000, 64)
    together = stacked(networks)
    written_out = WrittenOut(together, inputs, torch.zeros(1000, dtype=torch.int64))
    written_out(torch.stack([torch.arange(50)] * 4))
    parameters = [*together.parameters(), *itertools.chain(*(n.parameters() for n in networks))]
    moments = [p for p in together.parameters() if p.requires_grad] * 2
    # What the layers keep, and as much again that comes and goes.
    passes = [t for layer in written_out.layers for t in (layer.a, layer.z)] * 2
    tensors = [*parameters, *moments, *passes]
    tensors += [] if written_out.rows is inputs else [written_out.rows]
    gradients = [p.grad for p in together.parameters() if p.grad is not None]
    held = sum(t.numel() * t.element_size() for t in [*tensors, *gradients])
    projects = trains == "eigenvalues"
    share = 0.7 * 2**30  # of the memory of a device that does not say how much it has
    assert 1.0 < 4 * share / most_members(sizes, 50, inputs, projects) / held < 1.6


def test_at_least_one_network_is_trained_at_a_time():
    assert most_members((10**6, 10**6, 10), 200, torch.rand(2, 3), False) == 1
