"""Small networks that do more than their layers say, made for tests."""

import torch
from torch import nn
from torch.nn.utils import prune


def plain():
    """The same at each call; the others are this one, changed."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))


def masked():
    network = plain()
    prune.random_unstructured(network[0], "weight", amount=0.5)
    return network


def used_twice():
    first, *_ = plain()
    return nn.Sequential(first, nn.Tanh(), first, nn.Tanh(), nn.Linear(3, 2))


def tied():
    network = plain()
    network[2].weight = network[0].weight
    return network


def hooked():
    network = plain()
    network[0].register_forward_hook(lambda module, inputs, outputs: outputs.softmax(-1))
    return network


def patched():
    network = plain()
    forward = network.forward
    network.forward = lambda inputs: 2 * forward(inputs)
    return network


class Doubled(nn.Sequential):
    def forward(self, inputs):
        return 2 * super().forward(inputs)


def derived():
    return Doubled(*plain())
