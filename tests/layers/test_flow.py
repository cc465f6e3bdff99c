"""Which nodes of a network can be removed, and where they are read."""

import pytest
import torch
from torch import nn

from spectral_core import SpectralLinear, spectral, spectral_mlp
from spectral_core.layers.flow import Flow, find


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
    assert flow.hidden == flow.inner == ["trunk"] and flow.widths == [4]
    (group,) = flow.groups
    assert {name: nodes.tolist() for name, nodes in group.read.items()} == {
        "left": [0, 1, 2, 3],
        "right": [0, 1, 2, 3],
    }


def test_counts_of_two_heads_by_hand():
    flow = Flow(Heads())
    assert flow.parameters() == 3 * 4 + (4 + 1) + (4 * 2 + 2)
    assert flow.parameters([2]) == 3 * 2 + (2 + 1) + (2 * 2 + 2)
    assert flow.flops([2]) == 2 * (3 * 2 + 2 + 2 * 2)
    table = find(Heads())
    assert table.loc["trunk", "parameters"] == 3 * 4 + 4 * 1 + 4 * 2
    assert (table["reason"] != "").tolist() == [False, True, True]


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate, self.up, self.down = nn.Linear(4, 8), nn.Linear(4, 8), nn.Linear(8, 4)

    def forward(self, x):
        return self.down(torch.sigmoid(self.gate(x)) * self.up(x))


def test_a_gate_and_what_it_gates_go_together():
    flow = Flow(Gated())
    assert [group.layers for group in flow.groups] == [("gate", "up")]
    assert find(Gated()).loc["up", "together"] == "gate, up"


def test_concatenated_nodes_keep_their_columns():
    class Joined(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c = nn.Linear(4, 2), nn.Linear(4, 3), nn.Linear(5, 2)

        def forward(self, x):
            return self.c(torch.cat([self.b(x), self.a(x)], dim=-1))

    first, second = Flow(Joined()).groups
    assert (first.name, second.name) == ("b", "a")
    assert first.read["c"].tolist() == [0, 1, 2, -1, -1]
    assert second.read["c"].tolist() == [-1, -1, -1, 0, 1]


def test_a_lone_layer_has_no_hidden_one():
    flow = Flow(nn.Linear(3, 2))
    assert list(flow.layers.values()) and flow.hidden == [] and flow.parameters() == 8


def test_a_branch_on_values_is_no_obstacle():
    class Branching(nn.Sequential):
        def forward(self, x):
            return super().forward(x) if x.shape[0] > 0 else x

    flow = Flow(Branching(*spectral_mlp((4, 3, 2), "elu")))
    assert list(flow.layers) == ["0", "2"] and flow.hidden == ["0"]


class Attention(nn.Module):
    """Written out, with a residual stream, norms and a feed-forward block."""

    def __init__(self):
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(8, 8) for _ in range(4))
        self.one, self.two = nn.LayerNorm(8), nn.LayerNorm(8)
        self.up, self.down, self.head = nn.Linear(8, 12), nn.Linear(12, 8), nn.Linear(8, 2)
        self.scale = nn.Parameter(torch.zeros(12))

    def forward(self, x):
        h = self.one(x)
        q, k, v = (
            layer(h).unflatten(-1, (2, 4)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        mixed = (q @ k.transpose(-1, -2)).softmax(-1) @ v
        x = x + self.out(mixed.transpose(1, 2).flatten(2))
        x = x + self.down(self.scale * torch.nn.functional.gelu(self.up(self.two(x))))
        return self.head(x.mean(dim=1))


def test_of_a_transformer_the_feed_forward_nodes_go_and_the_others_say_why():
    flow = Flow(Attention(), torch.rand(2, 3, 8))
    assert flow.hidden == ["up"]
    ((axis, nodes),) = flow.groups[0].between.items()
    assert tuple(axis) == ("", "scale", 0) and nodes.tolist() == list(range(12))
    assert set(flow.refused) == {"query", "key", "value", "out", "down", "head"}
    assert "mixed" in flow.refused["query"] and "outputs" in flow.refused["head"]


def test_an_example_is_asked_for_where_the_shape_of_inputs_decides():
    class Either(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(4, 3), nn.Linear(3, 2)

        def forward(self, x):
            return self.b(self.a(x).softmax(dim=1))  # over tokens, or over nodes

    with pytest.raises(ValueError, match=r"example.*'a', 'b'|'a', 'b'.*example"):
        Flow(Either())
    assert Flow(Either(), torch.rand(2, 5, 4)).hidden == ["a"]
    assert Flow(Either(), torch.rand(2, 4)).hidden == []
