"""Which layers a network has in which order, and where their nodes go."""

import pytest
import torch
from torch import fx, nn

from spectral_core import SpectralLinear, spectral, spectral_mlp
from spectral_core.layers.flow import Flow
from spectral_core.layers.kinds import Layer
from spectral_core.layers.tracing import trace


class Heads(nn.Module):
    """Two heads on one trunk; registered back to front."""

    def __init__(self):
        super().__init__()
        self.right, self.left = nn.Linear(4, 2), spectral(nn.Linear(4, 1))
        self.trunk = SpectralLinear(3, 4)

    def forward(self, x):
        x = torch.relu(self.trunk(x)) * 2
        return self.left(x), self.right(x).softmax(dim=1)


def test_layers_come_in_the_order_of_execution_and_heads_are_not_hidden():
    flow = Flow(Heads())
    assert list(flow.layers) == ["trunk", "left", "right"]
    assert flow.hidden == ["trunk"] and flow.widths == [4]
    left, right = flow.ways("trunk")
    assert (left.reader, right.reader) == ("left", "right")
    assert left.constants(torch.tensor([-1.0, 0.5])).tolist() == [0.0, 1.0]


def test_counts_of_two_heads_by_hand():
    flow = Flow(Heads())
    assert flow.parameters() == 3 * 4 + (4 + 1) + (4 * 2 + 2)
    assert flow.parameters([2]) == 3 * 2 + (2 + 1) + (2 * 2 + 2)
    assert flow.flops([2]) == 2 * (3 * 2 + 2 + 2 * 2)


class Tracer(fx.Tracer):
    def is_leaf_module(self, m, module_qualified_name):
        return isinstance(m, Layer) or super().is_leaf_module(m, module_qualified_name)


def test_the_graph_of_a_stack_is_what_fx_finds():
    relu = nn.ReLU()
    network = nn.Sequential(
        *(nn.Flatten(), nn.Linear(4, 3), relu, SpectralLinear(3, 3), relu),
        *(nn.BatchNorm1d(3), nn.Dropout(), spectral(nn.Linear(3, 2)), nn.Softmax(dim=1)),
    )
    steps = lambda graph: [(n.op, n.target) for n in graph.nodes]  # noqa: E731
    ours, expected = steps(trace(network)), steps(Tracer().trace(network))
    assert ours[1:] == expected[1:] and len(ours) == len(network) + 2


def test_blocks_are_looked_into_down_to_layers_and_functions():
    class Sine(nn.Module):
        def forward(self, x):
            return torch.sin(x)

    class Head(nn.Module):
        """Something that fx could not trace, with parameters of its own."""

        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, x):
            return x * self.scale if x.sum() > 0 else x

    inner = nn.Sequential(nn.Linear(4, 3), Sine(), nn.Linear(3, 2))
    flow = Flow(nn.Sequential(Head(), inner, Head()))
    assert flow.untraceable is None and flow.hidden == ["1.0"]
    (way,) = flow.ways("1.0")
    assert way.constants(torch.tensor([torch.pi / 2])).tolist() == [1.0]


def test_a_lone_layer_has_no_hidden_one():
    flow = Flow(nn.Linear(3, 2))
    assert list(flow.layers.values()) and flow.hidden == [] and flow.parameters() == 8


def test_a_network_that_cannot_be_traced_has_its_layers_in_the_order_of_registration():
    class Branching(nn.Sequential):
        def forward(self, x):
            return super().forward(x) if x.sum() > 0 else x

    flow = Flow(Branching(*spectral_mlp((4, 3, 2), "elu")))
    assert list(flow.layers) == ["0", "2"] and flow.hidden == ["0"]
    with pytest.raises(ValueError, match=r"torch\.fx can trace.*'0'"):
        flow.ways("0")


def test_weights_used_by_hand_make_a_layer_one_that_is_used_twice():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder = nn.Linear(4, 3), nn.Linear(3, 4)

        def forward(self, x):
            return self.decoder(self.encoder(x)) @ self.encoder.weight.T

    with pytest.raises(ValueError, match=r"use each layer to prune once; got 'encoder', used 2"):
        Flow(Tied()).ways("encoder")
