"""Structural pruning against masking, and the percentile rule against numpy by hand."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from spectral_core import (
    SpectralLinear,
    direct_mlp,
    node_scores,
    prune,
    remove,
    select,
    spectral_mlp,
)
from spectral_core.layers.flow import Flow

DOUBLE = torch.float64


def network_of(kind, hidden, activation, bias, seed, lam_in=False):
    sizes = (6, *hidden, 4)
    generator = torch.Generator().manual_seed(seed)
    make = spectral_mlp if kind == "spectral" else direct_mlp
    network = make(sizes, activation, bias, generator=generator).to(DOUBLE)
    for layer in Flow(network).layers.values():
        if bias:
            layer.bias.data.uniform_(-1, 1, generator=generator)
        if lam_in:
            values = torch.rand(layer.in_features, dtype=DOUBLE, generator=generator)
            layer.input_eigenvalues = nn.Parameter(values)
    return network


def masked_output(network, kept, x):
    """Forward pass of the full network with the activities of removed nodes set to 0."""
    kept = iter(kept)
    for module in network:
        x = module(x)
        if isinstance(module, nn.ELU | nn.ReLU | nn.Tanh | nn.Sigmoid):
            mask = torch.zeros(x.shape[1], dtype=DOUBLE)
            mask[next(kept)] = 1
            x = x * mask
    return x


networks = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["spectral", "direct"]),
        "hidden": st.lists(st.integers(1, 6), min_size=1, max_size=4),
        "activation": st.sampled_from(["elu", "relu", "tanh"]),
        "bias": st.booleans(),
        "seed": st.integers(0, 10_000),
    }
)


@given(networks, st.floats(0, 100))
def test_pruned_is_masked(network, percentile):
    full = network_of(**network)
    by = "eigenvalue" if network["kind"] == "spectral" else "connectivity"
    kept = select(node_scores(full, by), percentile)
    small = prune(full, node_scores(full, by), percentile)
    x = torch.randn(7, 6, dtype=DOUBLE, generator=torch.Generator().manual_seed(network["seed"]))
    torch.testing.assert_close(small(x), masked_output(full, kept, x), rtol=0, atol=1e-12)
    assert Flow(small).widths == [len(indices) for indices in kept]


def test_the_full_network_is_left_alone_and_shares_no_memory():
    full = spectral_mlp((4, 5, 3), "elu", bias=True)
    before = {name: value.clone() for name, value in full.state_dict().items()}
    small = prune(full, node_scores(full), 60)
    with torch.no_grad():
        for parameter in small.parameters():
            parameter.fill_(7)
    assert all(torch.equal(value, before[name]) for name, value in full.state_dict().items())


def test_what_trains_stays_what_trains():
    full = spectral_mlp((4, 5, 3), "elu")
    full[0].train_only("eigenvectors")
    small = prune(full, node_scores(full), 60)
    assert small[0].eigenvectors.requires_grad and not small[0].eigenvalues.requires_grad


def test_layers_of_a_pruned_network_are_smaller_of_the_same_kind():
    small = remove(spectral_mlp((4, 5, 3), "elu", bias=True), [torch.tensor([0, 2])])
    first, last = small[0], small[2]
    assert type(first) is type(last) is SpectralLinear
    assert first.eigenvectors.shape == (2, 4) and first.eigenvalues.shape == (2,)
    assert first.bias.shape == (2,) and last.eigenvectors.shape == (3, 2)
    assert (first.out_features, last.in_features, last.out_features) == (2, 2, 3)


def test_one_threshold_over_the_pool_by_hand():
    scores = [torch.tensor([1.0, 2.0, 3.0]), torch.tensor([4.0, 5.0])]
    # pool 1…5: the 50th percentile is 3, and only what is strictly below goes
    assert [k.tolist() for k in select(scores, 50)] == [[2], [0, 1]]
    assert [k.tolist() for k in select(scores, 51)] == [[], [0, 1]]
    assert [k.tolist() for k in select(scores, 0)] == [[0, 1, 2], [0, 1]]
    assert [k.tolist() for k in select(scores, 100)] == [[], [1]]
    # interpolated: the 60th percentile of 1…5 is 3.4
    assert [k.tolist() for k in select(scores, 60)] == [[], [0, 1]]


@pytest.mark.parametrize("percentile", range(0, 100, 5))
def test_share_removed_is_the_percentile(percentile):
    scores = [torch.rand(500, generator=torch.Generator().manual_seed(0))]
    assert len(select(scores, percentile)[0]) == 500 - 5 * percentile


def test_parameters_counted_by_hand():
    full = spectral_mlp((784, 500, 10), "elu")
    assert Flow(full).parameters() == 397_000
    small = remove(full, [torch.arange(50)])
    assert Flow(small).parameters() == 50 * 784 + 10 * 50 == 39_700
    assert Flow(direct_mlp((784, 300, 100, 10), "elu", bias=True)).parameters() == 266_610


SCORES = [torch.rand(5)]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda n: select(SCORES, 101), ValueError, ["percentile", "[0, 100]", "101"]),
        (lambda n: select(SCORES, float("nan")), ValueError, ["percentile", "nan"]),
        (lambda n: select(SCORES, "50"), TypeError, ["percentile", "'50'"]),
        (lambda n: select(torch.rand(5), 50), TypeError, ["scores", "list", "Tensor"]),
        (lambda n: select([], 50), TypeError, ["scores", "per hidden layer"]),
        (lambda n: select([torch.rand(2, 2)], 50), TypeError, ["scores[0]", "vector", "(2, 2)"]),
        (
            lambda n: select([torch.tensor([1.0, float("nan")])], 50),
            ValueError,
            ["scores[0]", "finite", "NaN"],
        ),
        (lambda n: remove(nn.ReLU(), []), ValueError, ["network", "SpectralLinear", "none"]),
        (lambda n: remove(n, []), ValueError, ["kept", "1", "got 0"]),
        (lambda n: remove(n, [torch.tensor([5])]), ValueError, ["kept[0]", "0 to 4", "5 to 5"]),
        (lambda n: remove(n, [torch.tensor([1, 1])]), ValueError, ["kept[0]", "once"]),
        (lambda n: remove(n, [torch.tensor([0.5])]), ValueError, ["kept[0]", "float32"]),
        (
            lambda n: remove(nn.Sequential(nn.Linear(3, 5), nn.Softmax(1), nn.Linear(5, 2)), [[]]),
            ValueError,
            ["network", "mixed", "Softmax"],
        ),
        (lambda n: prune(n, [torch.rand(4)], 50), ValueError, ["scores", "5", "4"]),
    ],
)
def test_bad_arguments_are_named(call, error, words):
    with pytest.raises(error) as caught:
        call(spectral_mlp((3, 5, 2), "elu"))
    assert all(word in str(caught.value) for word in words)


def test_networks_in_bfloat16_can_be_pruned():
    generator = torch.Generator().manual_seed(0)
    full = spectral_mlp((8, 6, 3), "elu", generator=generator).bfloat16()
    small = prune(full, node_scores(full), 50)
    assert Flow(small).widths == [3] and small[0].eigenvectors.dtype == torch.bfloat16
