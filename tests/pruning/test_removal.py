"""A pruned network against the full one with its nodes masked, over random architectures."""

import copy

import pytest
import torch
from hypothesis import given, settings
from made_networks import DOUBLE, Own, architectures, norm_of, with_masks
from torch import nn
from torch.nn import functional as F

from spectral_core import SpectralLinear, fold, node_scores, prune, remove
from spectral_core.layers.flow import Flow
from spectral_core.layers.kinds import arrival_width, spectrum
from spectral_core.layers.running import alike
from spectral_core.pruning.removal import removed


def without_incoming_weights(network, kept_by_layer, x):
    """Output when all but the kept nodes of some layers have no incoming weights."""
    network = copy.deepcopy(network)
    for name, kept in kept_by_layer.items():
        layer = network.get_submodule(name)
        gone = torch.ones(layer.out_features, dtype=torch.bool)
        gone[kept] = False
        pair = spectrum(layer)
        (layer.weight if pair is None else pair.eigenvectors).data[gone] = 0
    return network(x)


@given(architectures())
@settings(max_examples=min(25, settings().max_examples))
def test_removed_nodes_are_masked_and_folding_commutes(architecture):
    network, layers, kept = architecture
    x = torch.randn(5, 2, 2, dtype=DOUBLE)
    flow = Flow(network)
    small, constant = removed(flow, kept), removed(flow, kept, fill="constant")
    left = [arrival_width(small.get_submodule(name)) for name in layers[:-1]]
    assert left == list(map(len, kept))
    expected = with_masks(copy.deepcopy(network), dict(zip(layers[1:], kept)))(x)
    torch.testing.assert_close(small(x), expected, rtol=0, atol=1e-12)
    expected = without_incoming_weights(network, dict(zip(layers, kept)), x)
    torch.testing.assert_close(constant(x), expected, rtol=0, atol=1e-12)
    folded_first = remove(fold(network), kept, fill="constant")
    torch.testing.assert_close(folded_first(x), fold(constant)(x))


def test_kept_nodes_stay_in_the_order_that_they_have_and_no_bias_is_made_for_nothing():
    network = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2))
    small = remove(network, [torch.tensor([2, 1])])
    assert torch.equal(small[0].bias, network[0].bias[[1, 2]])
    assert torch.equal(small[2].weight, network[2].weight[:, [1, 2]])
    network = nn.Sequential(SpectralLinear(3, 4), nn.Tanh(), SpectralLinear(4, 2))
    assert remove(network, [torch.tensor([1])], fill="constant")[2].bias is None


@pytest.mark.parametrize(
    ("passes", "words"),
    [
        (lambda own, h, x: own.b(h) / own.a.out_features, "outputs, behind 'b'"),
        # as an input shows that is not needed to see the nodes
        (lambda own, h, x: own.b(h) + (h.mean() if (x < 0).any() else 0), "the two differ"),
        (lambda own, h, x: own.b(h) + (h @ torch.ones(4, 1) if own.training else 0), "in training"),
    ],
)
def test_a_cut_that_changes_more_than_the_mask_is_refused(passes, words):
    layers = {"a": nn.Linear(3, 4), "b": nn.Linear(4, 2)}
    network = Own(lambda own, x: passes(own, own.a(x).relu(), x), **layers)
    x, kept = torch.rand(9, 3), [torch.tensor([1], dtype=torch.int32)]
    x[5] = -1
    with pytest.raises(ValueError, match=f"'a' cannot be removed.*{words}"):
        remove(network, kept, example=x)
    assert remove(network, kept, example=x, check=False).a.out_features == 1


def test_nothing_of_a_model_changes():
    def noted(own, x):
        own.calls += 1
        own.last = F.dropout(own.norm(own.a(x)), 0.5, training=own.training)
        return own.b(own.last)

    network = Own(noted, a=nn.Linear(3, 4), norm=nn.BatchNorm1d(4), b=nn.Linear(4, 2))
    network.calls, network.last, x = 0, None, torch.rand(5, 3)
    network(x)
    network.norm.eval()
    network.a.bias.requires_grad_(False)
    before = copy.deepcopy(network.state_dict())
    last, state = network.last, torch.get_rng_state()
    small = prune(network, node_scores(network, "taylor", x, torch.zeros(5).long()), 50, example=x)
    assert network.calls == 1 and network.last is last and network.training
    assert not network.norm.training and torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())
    assert small.calls == 1 and small.training and not small.norm.training
    assert not small.a.bias.requires_grad and small.a.weight.requires_grad


@pytest.mark.parametrize("seed", range(4))
def test_a_norm_that_leaves_one_sign_hides_no_slope(seed):
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(4, 4), norm_of(4, ""), nn.PReLU(4), nn.Linear(4, 3)).eval()
    network[1].bias.data.fill_(50)
    assert remove(network, [torch.tensor([0, 2])])[2].weight.shape == (2,)


def test_outputs_in_single_precision_of_layers_in_half_may_differ_as_theirs_do():
    def passes(own, x):
        return own.b(torch.relu(own.a(x))).float()

    for seed in range(8):
        torch.manual_seed(seed)
        network = Own(passes, a=nn.Linear(64, 256), b=nn.Linear(256, 2000)).half()
        small = remove(network, [torch.arange(0, 256, 3)], example=torch.randn(4, 64).half())
        assert small.a.out_features == 86


def test_numbers_agree_as_far_as_the_coarser_of_two_precisions_goes():
    one, half = torch.ones(3), torch.bfloat16
    assert alike(one.to(half), 1.01 * one.to(half), torch.float32)  # such as under autocast
    assert alike(one, 1.01 * one, half) and not alike(one, 1.01 * one, torch.float32)
    turned = torch.ones(3, dtype=torch.complex64)
    assert alike(turned, turned * (1 + 1e-6j)) and not alike(turned, turned * (1 + 0.01j))
