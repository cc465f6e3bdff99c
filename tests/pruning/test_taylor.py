"""Activation times gradient, against scaling each node's activation by hand."""

import pytest
import torch
from made_networks import DOUBLE, Own, seeded
from torch import nn
from torch.nn import functional as F

from spectral_core import SpectralLinear, layer_scores, node_scores, spectralize
from spectral_core.data.torchvision_import import import_torchvision

MEAN = Own(lambda _, x: x.mean(dim=1))


def by_hand(network, behind, x, y, axis=1):
    """Mean over examples of |∂C/∂s| / M, with the output of module `behind` scaled by s per node.

    Args:
        behind: name of the module whose output the nodes send on.
    """
    module, scale = network.get_submodule(behind), []

    def scaled(_, __, output):
        scale[:] = [torch.ones(output.shape[axis], dtype=DOUBLE, requires_grad=True)]
        positions.append(output[0].numel() // output.shape[axis])
        shape = [-1 if d == axis % output.dim() else 1 for d in range(output.dim())]
        return output * scale[0].reshape(shape)

    positions, scores = [], []
    handle = module.register_forward_hook(scaled)
    for one, target in zip(x, y):
        loss = F.cross_entropy(network(one[None]), target[None])
        (gradient,) = torch.autograd.grad(loss, scale)
        scores.append(gradient.abs() / positions[-1])
    handle.remove()
    return torch.stack(scores).mean(dim=0)


def residual():
    models = import_torchvision().models.resnet
    return spectralize(models.ResNet(models.BasicBlock, [1, 1, 1, 1], num_classes=3))


@pytest.mark.parametrize(
    ("make", "shape", "behind"),
    [
        (  # nodes, behind their norm and activation
            lambda: nn.Sequential(
                *(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Sigmoid(), nn.Dropout(0.9)),
                *(SpectralLinear(4, 6), nn.Softplus(), nn.Linear(6, 3)),
            ),
            (5,),
            {"0": "2", "4": "5"},
        ),
        (  # channels, by the mean over their positions
            lambda: nn.Sequential(
                *(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(inplace=True), nn.MaxPool2d(2)),
                *(nn.Flatten(), nn.Linear(12, 3)),
            ),
            (1, 6, 6),
            {"0": "2"},
        ),
        (  # behind this norm they are not 0, before it they are
            lambda: nn.Sequential(
                *(nn.Conv2d(1, 3, 3), nn.InstanceNorm2d(3), nn.ReLU()),
                *(nn.Flatten(), nn.Linear(48, 3)),
            ),
            (1, 6, 6),
            {"0": "2"},
        ),
        (
            lambda: nn.Sequential(nn.Linear(5, 4), nn.Tanh(), MEAN, nn.Linear(4, 3)),
            (6, 5),
            {"0": "1"},
        ),
        (residual, (3, 32, 32), {"layer1.0.conv2": "layer1.0.bn2"}),
    ],
    ids=["nodes", "channels", "instance norm", "tokens", "residual"],
)
def test_scores_by_hand(make, shape, behind):
    network, y = make().to(DOUBLE), torch.randint(0, 3, (7,), generator=seeded(1))
    x = torch.randn(7, *shape, dtype=DOUBLE, generator=seeded())
    network(x)  # so that a norm has seen something
    scores = layer_scores(network, "taylor", x, y, layers=list(behind))
    assert all(module.training for module in network.modules())
    assert all(p.grad is None for p in network.parameters())
    network.eval()
    for name, module in behind.items():
        axis = -1 if len(shape) == 2 else 1
        torch.testing.assert_close(scores[name], by_hand(network, module, x, y, axis))


def test_batches_and_loss_by_hand():
    network = nn.Sequential(nn.Linear(2, 3, bias=False), nn.ReLU(), nn.Linear(3, 1, bias=False))
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]))
        network[2].weight.copy_(torch.tensor([[2.0, -3.0, 1.0]]))
    x, y = torch.rand(600, 2), torch.zeros(600, 1)
    (scores,) = node_scores(network, "taylor", x, y, loss=lambda out, _: out.mean())
    # ∂C/∂a = (2, −3, 1) for each example, a = (x_1, x_2, 0)
    expected = torch.stack([2 * x[:, 0].mean(), 3 * x[:, 1].mean(), torch.tensor(0.0)])
    torch.testing.assert_close(scores, expected)


def test_half_precision_loses_none_of_many_examples():
    torch.manual_seed(0)  # with some weights, rounding alone moves a small score by 5 %
    network = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))
    x, y = torch.randn(5000, 4, generator=seeded()), torch.zeros(5000, dtype=torch.int64)
    (exact,) = node_scores(network, "taylor", x, y)
    (half,) = node_scores(network.bfloat16(), "taylor", x.bfloat16(), y)
    torch.testing.assert_close(half, exact, rtol=0.03, atol=0)


def test_layers_may_be_called_by_keyword():
    def passes(own, x):
        return own.b(input=own.norm(input=own.a(input=x)))

    def by_position(own, x):
        return own.b(own.norm(own.a(x)))

    layers = {"a": nn.Linear(4, 6), "norm": nn.BatchNorm1d(6), "b": nn.Linear(6, 3)}
    x, y = torch.rand(5, 4), torch.tensor([0, 1, 2, 0, 1])
    scores = [
        layer_scores(Own(way, **layers), "taylor", x, y, layers=["a", "b"])
        for way in (passes, by_position)
    ]
    torch.testing.assert_close(*scores)
