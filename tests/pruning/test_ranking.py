"""Scores against hand-computed ones."""

import torch
from torch import nn

from spectral_core import (
    direct_mlp,
    fold,
    layer_scores,
    node_scores,
    prune,
    spectral_mlp,
    spectralize,
)


def test_eigenvalue_scores_are_moduli_of_hidden_layers_only():
    network = spectral_mlp((4, 3, 2, 5), "elu")
    network[0].eigenvalues.data = torch.tensor([-0.5, 0.25, 0.0])
    network[2].eigenvalues.data = torch.tensor([2.0, 3.0])
    scores = node_scores(network)
    assert [s.tolist() for s in scores] == [[0.5, 0.25, 0.0], [2.0, 3.0]]
    scores[1].zero_()
    assert not scores[1].requires_grad and network[2].eigenvalues.abs().sum() > 0  # a copy


def test_connectivity_sums_the_incoming_weights():
    network = spectral_mlp((3, 2, 4), "elu")
    network[0].eigenvalues.data = torch.tensor([-2.0, 0.5])
    network[0].eigenvectors.data = torch.tensor([[0.5, -1.0, 0.25], [0.0, 0.0, 0.5]])
    for each in (network, fold(network)):
        assert node_scores(each, by="connectivity")[0].tolist() == [3.5, 0.25]


def test_invariant_is_the_weights_length_and_no_rescaling_changes_it():
    network = spectral_mlp((6, 4, 2), "elu")
    (scores,) = node_scores(network, "invariant")
    torch.testing.assert_close(scores, network[0].weight.norm(dim=1))
    torch.testing.assert_close(scores, node_scores(fold(network), "invariant")[0])
    network[0].eigenvalues.data *= torch.tensor([2.0, -8.0, 0.5, 4.0])
    network[0].eigenvectors.data /= torch.tensor([2.0, -8.0, 0.5, 4.0])[:, None]
    torch.testing.assert_close(scores, node_scores(network, "invariant")[0])
    assert not torch.allclose(scores, node_scores(network)[0])


def test_convolutions_score_by_output_channel():
    network = nn.Sequential(nn.Conv2d(2, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(27, 2))
    weight = network[0].weight.detach().clone()
    spectralize(network)
    assert list(layer_scores(network)) == ["0"]  # the classifier is a plain layer
    lengths = weight.square().sum(dim=(1, 2, 3)).sqrt()
    torch.testing.assert_close(layer_scores(network)["0"], lengths)
    torch.testing.assert_close(layer_scores(network, "invariant")["0"], lengths)
    scores = layer_scores(network, "connectivity")
    torch.testing.assert_close(scores["0"], weight.abs().sum(dim=(1, 2, 3)))
    assert list(scores) == ["0", "3"] and scores["3"].shape == (2,)


def test_a_criterion_of_ones_own_is_a_function_of_a_layer():
    network = direct_mlp((4, 3, 5), "elu")
    scores = node_scores(network, by=lambda layer: layer.weight.abs().amax(dim=1))
    assert torch.equal(scores[0], network[0].weight.detach().abs().amax(dim=1))
    assert prune(network, scores, nodes=1)[0].out_features == 1
    counts = node_scores(network, by=lambda layer: (layer.weight > 0).sum(dim=1).tolist())
    assert counts[0].tolist() == (network[0].weight > 0).sum(dim=1).tolist()
