"""Our scores in Torch-Pruning: what goes is what scores least, and the result runs."""

import pytest
import torch
import torch_pruning
from made_networks import Own
from torch import nn

from spectral_core import SpectralImportance, fold, layer_scores, spectralize
from spectral_core.data.torchvision_import import import_torchvision


def convolutions():
    torch.manual_seed(0)
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 6, 3), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5)),
    ).eval()


def pruner(plain, importance, classifier, example, **settings):
    return torch_pruning.pruner.BasePruner(
        plain, example, importance, ignored_layers=[classifier], **settings
    )


@pytest.mark.parametrize("by", ["eigenvalue", "connectivity", "taylor"])
def test_the_best_channels_stay(by):
    model = spectralize(convolutions(), init="unit")
    with torch.no_grad():  # λ that say another thing than the weights' lengths
        for layer in (model[0], model[3]):
            layer.parametrizations.weight.original0.uniform_(-1, 1)
    x, y = torch.rand(4, 3, 8, 8), torch.arange(4)
    scores, plain = layer_scores(model, by, x, y), fold(model)
    weight = plain[0].weight.detach().clone()
    importance = SpectralImportance(plain, scores)
    pruner(plain, importance, plain[7], torch.rand(1, 3, 8, 8), pruning_ratio=0.5).step()
    best = scores["0"].topk(4).indices.sort().values
    assert torch.equal(plain[0].weight, weight[best])
    assert plain[3].weight.shape == (3, 4, 3, 3) and plain[7].in_features == 3


def test_channels_that_hang_together_count_by_their_mean():
    model = spectralize(import_torchvision().models.resnet18()).eval()
    scores, plain = layer_scores(model), fold(model)
    graph = torch_pruning.DependencyGraph().build_dependency(plain, torch.rand(1, 3, 64, 64))
    group = graph.get_pruning_group(
        plain.conv1, torch_pruning.prune_conv_out_channels, list(range(64))
    )
    givers = ["conv1", "layer1.0.conv2", "layer1.1.conv2"]
    expected = torch.stack([scores[name] for name in givers]).mean(dim=0)
    torch.testing.assert_close(SpectralImportance(plain, scores)(group), expected)
    normalised = SpectralImportance(plain, scores, normalise=True)(group)
    torch.testing.assert_close(normalised, expected / expected.mean())
    one = SpectralImportance(plain, {"conv1": scores["conv1"]})(group)
    torch.testing.assert_close(one, scores["conv1"])
    assert SpectralImportance(plain, {"fc": torch.rand(1000)})(group) is None


def test_a_second_step_on_old_scores_is_refused():
    model = spectralize(convolutions())
    scores, plain = layer_scores(model), fold(model)
    importance = SpectralImportance(plain, scores)
    steps = pruner(
        *(plain, importance, plain[7], torch.rand(1, 3, 8, 8)), pruning_ratio=0.5, iterative_steps=2
    )
    steps.step()
    with pytest.raises(ValueError, match=r"had 6 channels and has 4 now.*score again"):
        steps.step()


def test_each_channel_counts_by_the_layers_that_give_it():
    def passes(own, x):
        return own.out(torch.relu(own.whole(x) + torch.cat([own.one(x), own.two(x)], 1)))

    layers = {"whole": nn.Conv2d(3, 8, 1), "one": nn.Conv2d(3, 4, 1), "two": nn.Conv2d(3, 4, 1)}
    model = Own(passes, **layers, out=nn.Conv2d(8, 2, 1))
    whole, two = torch.tensor([1.5] * 4 + [1.0] * 4), torch.ones(4)

    def importance(scores, normalise=False):
        graph = torch_pruning.DependencyGraph().build_dependency(model, torch.rand(1, 3, 4, 4))
        every = torch_pruning.prune_conv_out_channels
        group = graph.get_pruning_group(model.whole, every, list(range(8)))
        return SpectralImportance(model, scores, normalise)(group)

    assert torch.equal(importance({"whole": whole, "two": two}), whole)
    for normalise in (False, True):
        assert importance({"two": two}, normalise).tolist() == [torch.inf] * 4 + [1.0] * 4
        assert importance({"whole": 0 * whole}, normalise).tolist() == [0.0] * 8
