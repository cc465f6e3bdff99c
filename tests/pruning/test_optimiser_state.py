"""Training goes on after a cut as it does in the full network with the removed nodes masked."""

import copy
from functools import partial

import pytest
import torch
from torch import nn, optim
from torch.nn import functional as F

from spectral_core import SpectralLinear, node_scores, prune, prune_in_steps, remove, spectral
from spectral_core.layers.flow import Flow

DOUBLE = torch.float64
KEPT = [torch.tensor([0, 2, 5]), torch.tensor([1, 3])]
OPTIMISERS = {
    "SGD": partial(optim.SGD, lr=0.1, momentum=0.9, weight_decay=0.1, nesterov=True),
    "Adam": partial(optim.Adam, lr=0.01, amsgrad=True),
    "AdamW": partial(optim.AdamW, lr=0.01),
    "RMSprop": partial(optim.RMSprop, lr=0.01, momentum=0.5, centered=True),
    "Adagrad": partial(optim.Adagrad, lr=0.01),
}


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        *(spectral(nn.Linear(4, 6)), nn.Tanh(), nn.BatchNorm1d(6)),
        *(SpectralLinear(6, 5, bias=True), nn.PReLU(5), nn.Linear(5, 3)),
    ).to(DOUBLE)


def train(network, optimiser, batches, masks=()):
    """Train; masked nodes send 0."""
    handles = [
        network[i].register_forward_pre_hook(lambda _, args, mask=mask: (args[0] * mask,))
        for i, mask in masks
    ]
    for x, y in batches:
        optimiser.zero_grad()
        F.cross_entropy(network(x), y).backward()
        optimiser.step()
    for handle in handles:
        handle.remove()


def batches(n):
    return [(torch.randn(8, 4, dtype=DOUBLE), torch.randint(3, (8,))) for _ in range(n)]


@pytest.mark.parametrize("name", OPTIMISERS)
def test_training_goes_on_as_in_the_masked_network(name):
    full = network()
    rest = nn.Parameter(torch.ones(2, dtype=DOUBLE))  # of no network
    groups = [{"params": list(full[:3].parameters())}, {"params": [*full[3:].parameters(), rest]}]
    optimiser = OPTIMISERS[name](groups)
    schedule = optim.lr_scheduler.StepLR(optimiser, 3, gamma=0.5)
    train(full, optimiser, batches(3))
    schedule.step()
    masked = copy.deepcopy(full)
    twin = OPTIMISERS[name](
        [{"params": list(part.parameters())} for part in (masked[:3], masked[3:])]
    )
    state = copy.deepcopy(optimiser.state_dict())
    state["param_groups"][1]["params"].pop()
    twin.load_state_dict(state)
    settings = [
        {key: value for key, value in group.items() if key != "params"}
        for group in optimiser.param_groups
    ]
    small = remove(full, KEPT, optimiser=optimiser)
    rows = optimiser.state[small[0].parametrizations.weight.original1]
    for key, value in twin.state[masked[0].parametrizations.weight.original1].items():
        expected = value[KEPT[0]] if torch.is_tensor(value) and value.dim() else value
        assert torch.equal(torch.as_tensor(rows[key]), torch.as_tensor(expected))
    assert [len(group["params"]) for group in optimiser.param_groups] == [5, 7]
    assert optimiser.param_groups[1]["params"][-1] is rest
    for group, before in zip(optimiser.param_groups, settings):
        assert {key: value for key, value in group.items() if key != "params"} == before

    more, masks = batches(5), []
    for i, kept in zip((3, 5), KEPT):
        mask = torch.zeros(full[i].in_features, dtype=DOUBLE)
        mask[kept] = 1
        masks.append((i, mask))
    train(small, optimiser, more)
    train(masked, twin, more, masks)
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
    held = [p for group in optimiser.param_groups for p in group["params"]]
    assert all(map(lambda a, b: a is b, held, pruned.network.parameters()))
    assert {int(state["step"]) for state in optimiser.state.values()} == {5}


def test_a_layer_that_loses_all_its_nodes_leaves_no_state():
    full = network()
    optimiser = optim.Adam(full.parameters(), lr=0.01)
    train(full, optimiser, batches(1))
    small = remove(full, [torch.arange(0), torch.arange(2)], optimiser=optimiser)
    assert isinstance(small[2], nn.Identity)
    assert optimiser.state.keys() == set(small.parameters())


def test_a_bias_that_a_fill_makes_is_reported():
    full = nn.Sequential(nn.Linear(4, 6), nn.Sigmoid(), nn.Linear(6, 3, bias=False))
    optimiser = optim.SGD(full.parameters(), lr=0.1)
    with pytest.warns(UserWarning, match=r"'2.bias' is new .* add_param_group"):
        remove(full, [torch.arange(2)], "constant", optimiser=optimiser)


def lbfgs(full):
    optimiser = optim.LBFGS(full.parameters())

    def closure():
        optimiser.zero_grad()
        loss = full(torch.ones(2, 4, dtype=DOUBLE)).square().sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    return optimiser


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lbfgs, ValueError, "LBFGS has 'd' of .* for '0.bias'"),
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
