"""Training goes on after a cut as it does in the full network with the removed nodes masked."""

import copy
from functools import partial

import pytest
import torch
from made_networks import DOUBLE, with_masks
from torch import nn, optim
from torch.nn import functional as F

from spectral_core import SpectralLinear, node_scores, prune, prune_in_steps, remove, spectral
from spectral_core.layers.flow import Flow

KEPT = [torch.tensor([0, 2, 5]), torch.tensor([1, 3])]
OPTIMISERS = {
    "SGD": partial(optim.SGD, lr=0.1, momentum=0.9, weight_decay=0.1, nesterov=True),
    "Adam": partial(optim.Adam, lr=0.01, amsgrad=True),
    "RMSprop": partial(optim.RMSprop, lr=0.01, momentum=0.5, centered=True),
}


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        *(spectral(nn.Linear(4, 6)), nn.Tanh(), nn.BatchNorm1d(6)),
        *(SpectralLinear(6, 5, bias=True), nn.PReLU(5), nn.Linear(5, 3)),
    ).to(DOUBLE)


def train(network, optimiser, batches):
    for x, y in batches:
        optimiser.zero_grad()
        F.cross_entropy(network(x), y).backward()
        optimiser.step()


def batches(n):
    return [(torch.randn(8, 4, dtype=DOUBLE), torch.randint(3, (8,))) for _ in range(n)]


def without_parameters(optimiser):
    return [{k: v for k, v in group.items() if k != "params"} for group in optimiser.param_groups]


@pytest.mark.parametrize("name", OPTIMISERS)
def test_training_goes_on_as_in_the_masked_network(name):
    full = network()
    rest = nn.Parameter(torch.ones(2, dtype=DOUBLE))  # of no network
    groups = [{"params": list(full[:3].parameters())}, {"params": [*full[3:].parameters(), rest]}]
    optimiser = OPTIMISERS[name](groups)
    train(full, optimiser, batches(3))
    optimiser.param_groups[0]["lr"] /= 2  # as a schedule would
    masked, twin = copy.deepcopy((full, optimiser))
    settings = without_parameters(optimiser)
    small = remove(full, KEPT, optimiser=optimiser)
    assert [len(group["params"]) for group in optimiser.param_groups] == [5, 7]
    assert optimiser.param_groups[1]["params"][-1] is rest
    assert without_parameters(optimiser) == settings

    more = batches(5)
    train(small, optimiser, more)
    train(with_masks(masked, dict(zip(("3", "5"), KEPT))), twin, more)
    for module in masked:
        module._forward_pre_hooks.clear()
    for ours, theirs in zip(small.parameters(), remove(masked, KEPT).parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


def test_each_step_of_a_schedule_carries_it():
    full = network()
    optimiser = optim.Adam(full.parameters(), lr=0.01)
    train(full, optimiser, batches(1))
    pruned = prune_in_steps(
        full,
        lambda small, _: train(small, optimiser, batches(2)),
        score=partial(node_scores, by="invariant"),
        nodes=[8, 6],
        least=1,
        optimiser=optimiser,
    )
    held = optimiser.param_groups[0]["params"]
    assert list(map(id, held)) == list(map(id, pruned.network.parameters()))
    assert {int(state["step"]) for state in optimiser.state.values()} == {5}


def test_a_layer_that_loses_all_its_nodes_leaves_no_state():
    full = network()
    optimiser = optim.Adam(full.named_parameters(), lr=0.01)
    train(full, optimiser, batches(1))
    small = remove(full, [torch.arange(0), torch.arange(2)], optimiser=optimiser)
    assert isinstance(small[2], nn.Identity)
    assert optimiser.state.keys() == set(small.parameters())
    names = [name for name, _ in small.named_parameters()]
    assert optimiser.param_groups[0]["param_names"] == names


def test_a_bias_that_a_fill_makes_is_reported():
    full = nn.Sequential(nn.Linear(4, 6), nn.Sigmoid(), nn.Linear(6, 3, bias=False))
    optimiser = optim.SGD(full.parameters(), lr=0.1)
    with pytest.warns(UserWarning, match=r"'2.bias' are not trained.*add_param_group"):
        remove(full, [torch.arange(2)], "constant", optimiser=optimiser)


def of_another_shape(full):
    optimiser = optim.SGD(full.parameters())
    optimiser.state[full[0].bias]["d"] = torch.ones(99)
    return optimiser


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (of_another_shape, ValueError, "SGD has 'd' of .* for '0.bias'"),
        (lambda _: optim.SGD(nn.Linear(2, 2).parameters()), ValueError, "trains others"),
        (lambda _: "Adam", TypeError, "optimiser must be .* got str"),
    ],
)
def test_what_cannot_be_carried_is_refused_and_left_as_it_is(make, error, words):
    full = network()
    optimiser = make(full)
    with pytest.raises(error, match=words):
        prune(full, node_scores(full, "invariant"), 50, optimiser=optimiser)
    if error is ValueError:
        assert not any(p.shape[:1] == (3,) for p in optimiser.param_groups[0]["params"][:2])
    assert Flow(full).widths == [6, 5]
