"""Scores against hand-computed ones."""

import pytest
import torch
from torch import nn

from spectral_core import SpectralLinear, direct_mlp, node_scores, spectral_mlp


def test_eigenvalue_scores_are_moduli_of_hidden_layers_only():
    network = spectral_mlp((4, 3, 2, 5), "elu")
    network[0].eigenvalues.data = torch.tensor([-0.5, 0.25, 0.0])
    network[2].eigenvalues.data = torch.tensor([2.0, -3.0])
    assert [s.tolist() for s in node_scores(network)] == [[0.5, 0.25, 0.0], [2.0, 3.0]]


@pytest.mark.parametrize("make", [direct_mlp, spectral_mlp])
def test_connectivity_sums_the_incoming_weights(make):
    network = make((3, 2, 4), "elu")
    if make is direct_mlp:
        network[0].weight.data = torch.tensor([[1.0, -2.0, 0.5], [0.0, 0.0, -0.25]])
    else:
        network[0].eigenvalues.data = torch.tensor([-2.0, 0.5])
        network[0].eigenvectors.data = torch.tensor([[0.5, -1.0, 0.25], [0.0, 0.0, 0.5]])
    (scores,) = node_scores(network, by="connectivity")
    assert scores.tolist() == [3.5, 0.25]


def test_scores_are_detached_copies():
    network = spectral_mlp((4, 3, 2), "elu")
    network[0].eigenvalues.data.abs_()
    (scores,) = node_scores(network)
    scores.zero_()
    assert not scores.requires_grad and network[0].eigenvalues.abs().sum() > 0


def test_direct_training_has_only_zero_eigenvalues_so_that_ranking_by_them_is_refused():
    with pytest.raises(ValueError, match=r"SpectralLinear.*got Linear.*zero eigenvalues.*connect"):
        node_scores(direct_mlp((4, 3, 2), "elu"))


def test_norm_start_makes_eigenvalues_rank_like_the_weights_norm():
    linear = nn.Linear(6, 4)
    network = nn.Sequential(SpectralLinear.from_linear(linear), nn.ELU(), SpectralLinear(4, 2))
    torch.testing.assert_close(node_scores(network)[0], linear.weight.norm(dim=1))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: node_scores(spectral_mlp((4, 3, 2), "elu"), by="eigenvalues"),
            ["by must be one of eigenvalue, connectivity", "Did you mean 'eigenvalue'"],
        ),
        (lambda: node_scores(spectral_mlp((4, 2), "elu")), ["network", "hidden layer"]),
        (lambda: node_scores(nn.ReLU()), ["network", "Linear", "none"]),
    ],
)
def test_bad_arguments_are_named(call, words):
    with pytest.raises(ValueError) as caught:
        call()
    assert all(word in str(caught.value) for word in words)
