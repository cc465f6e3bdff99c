"""Which nodes of a network can be removed, and where they are read."""

import collections
import copy
import dataclasses
import types

import pytest
import torch
from made_networks import Own, heads
from torch import nn

from benchmarks.architectures import Concatenated, SwiGLU
from spectral_core import compare, find, prune
from spectral_core.layers.flow import Flow


def test_layers_come_in_the_order_of_execution_and_heads_are_not_hidden():
    flow = Flow(heads())
    assert list(flow.layers) == ["trunk", "left", "right"]
    assert flow.hidden == flow.inner == ["trunk"] and flow.widths == [4]
    read = {name: nodes.tolist() for name, nodes in flow.groups[0].read.items()}
    assert read == {"left": [0, 1, 2, 3], "right": [0, 1, 2, 3]}


def test_counts_of_two_heads_by_hand():
    flow = Flow(heads())
    assert flow.parameters() == 3 * 4 + (4 + 1) + (4 * 2 + 2)
    assert flow.parameters([2]) == 3 * 2 + (2 + 1) + (2 * 2 + 2)
    assert flow.flops([2]) == 2 * (3 * 2 + 2 + 2 * 2)
    table = find(heads())
    assert table.loc["trunk", "parameters"] == 3 * 4 + 4 * 1 + 4 * 2
    assert (table["reason"] != "").tolist() == [False, True, True]


def test_a_gate_and_what_it_gates_go_together():
    assert [group.layers for group in Flow(SwiGLU()).groups] == [("gate", "up")]
    assert find(SwiGLU()).loc["up", "together"] == "gate, up"


def test_concatenated_nodes_keep_their_columns_and_what_is_between_goes_along():
    first, second = Flow(Concatenated()).groups  # 10 nodes and 8, a norm of 18
    assert first.read["c"].tolist() == [*range(10), *[-1] * 8]
    assert second.read["c"].tolist() == [*[-1] * 10, *range(8)]
    for group in (first, second):
        tensors = {"weight", "bias", "running_mean", "running_var"}
        assert {axis.tensor for axis in group.between} == tensors
        for axis, nodes in group.between.items():
            assert axis.module == "norm" and nodes.tolist() == group.read["c"].tolist()


def test_a_lone_layer_has_no_hidden_one():
    flow = Flow(nn.Linear(3, 2))
    assert list(flow.layers.values()) and flow.hidden == [] and flow.parameters() == 8


def test_of_attention_the_values_go_and_the_others_say_why():
    """One head, with a residual stream and a feed-forward block."""

    def passes(own, x):
        q, k, v = own.query(x), own.key(x), own.value(x)
        x = x + own.out((q @ k.transpose(-1, -2)).softmax(-1) @ v)
        return own.head((x + own.down(torch.relu(own.up(x)))).mean(dim=1))

    layers = {name: nn.Linear(8, 8) for name in ("query", "key", "value", "out")}
    layers |= {"up": nn.Linear(8, 12), "down": nn.Linear(12, 8), "head": nn.Linear(8, 2)}
    flow = Flow(Own(passes, **layers), torch.rand(2, 3, 8))
    assert flow.hidden == ["value", "up"]  # of one head: node i of value is column i of out
    assert set(flow.refused) == {"query", "key", "out", "down", "head"}
    assert "mixed" in flow.refused["query"] and "outputs" in flow.refused["head"]


def test_an_example_is_asked_for_where_the_shape_of_inputs_decides():
    def passes(own, x):
        return own.b(own.a(x).softmax(dim=1))  # over tokens, or over nodes

    network = Own(passes, a=nn.Linear(4, 3), b=nn.Linear(3, 2))
    with pytest.raises(ValueError, match=r"example.*'a', 'b'|'a', 'b'.*example"):
        Flow(network)
    assert Flow(network, torch.rand(2, 5, 4)).hidden == ["a"]
    assert Flow(network, torch.rand(2, 4)).hidden == []


def test_a_model_that_takes_no_fewer_than_all_of_its_example_gets_all():
    """A layer over a graph of fifty nodes."""
    neighbours = torch.rand(50, 50)

    def passes(own, x):
        return neighbours @ own.b(torch.relu(neighbours @ own.a(x)))

    network, example = Own(passes, a=nn.Linear(4, 8), b=nn.Linear(8, 2)), torch.rand(50, 4)
    assert Flow(network, example).hidden == ["a"]
    found = compare(network, network, example)
    assert found.full.flops == 2 * 50 * (4 * 8 + 8 * 2 + 50 * 8 + 50 * 2)
    with pytest.raises(ValueError, match=r"does not run on the example") as error:
        Flow(network, example[:49])
    assert error.value.__context__ is error.value.__cause__  # reported once


def test_layers_that_two_inputs_do_not_reach_are_looked_for_and_the_others_said():
    """A mixture of experts, of which each input takes one, and a head for training alone."""

    def passes(own, x):
        best = own.router(x).argmax(dim=1)
        each = torch.stack(
            [
                own.get_submodule(f"b{i}")(own.get_submodule(f"a{i}")(x[best == i]).relu()).sum(0)
                for i in range(4)
                if (best == i).any()
            ]
        )
        return each.sum(0, keepdim=True).expand(len(x), -1)

    layers = {f"{side}{i}": nn.Linear(4, 4) for i in range(4) for side in "ab"}
    network = Own(passes, router=nn.Linear(4, 4), **layers, spare=nn.Linear(4, 9))
    flow = Flow(network, torch.randn(40, 4))
    assert set(flow.hidden) == {"a0", "a1", "a2", "a3"}
    assert "not called" in find(network, torch.randn(40, 4)).loc["spare", "reason"]
    assert flow.parameters() == 9 * 20 and flow.flops() == 2 * 9 * 16
    assert "spare" not in flow.inner


class Plain:
    """Outputs of a class that torch does not know."""

    def __init__(self, **values):
        self.values, self.again, self.library = values, self, torch


@dataclasses.dataclass(slots=True)
class Slotted:
    logits: torch.Tensor
    features: torch.Tensor


@dataclasses.dataclass
class WithMore:
    logits: torch.Tensor
    late: torch.Tensor = dataclasses.field(init=False)

    @classmethod
    def made(cls, logits, features):
        output = cls(logits)
        output.features = features
        return output


@pytest.mark.parametrize(
    "kind",
    [dict, collections.UserDict, types.SimpleNamespace, Plain, Slotted, WithMore.made],
)
def test_outputs_are_seen_in_whatever_holds_them(kind):
    def passes(own, x):
        h = own.a(x).relu()
        return kind(logits=own.b(h), features=h)

    network = Own(passes, a=nn.Linear(4, 3), b=nn.Linear(3, 2))
    assert "outputs" in find(network, torch.rand(5, 4)).loc["a", "reason"]


def test_an_example_need_not_hold_tensors_alone_or_take_many_inputs():
    def passes(own, x, *more):
        if len(x) > 4:
            raise RuntimeError("too much")
        return own.b(own.a(x).relu())

    network = Own(passes, a=nn.Linear(4, 3), b=nn.Linear(3, 2), spare=nn.Linear(4, 3))
    for more in ("text", 3, torch.empty(5, 0), {"boxes": [torch.empty(0, 4)]}):
        assert find(network, (torch.rand(4, 4), more)).loc["a", "reason"] == ""
    assert prune(network, [torch.rand(3)], 50, example=torch.rand(9, 4)).a.out_features == 2
    with pytest.raises(TypeError, match=r"example must .*\(0, 4\)"):
        find(network, torch.empty(0, 4))


def test_what_a_stack_passes_on_stays_one_argument_and_need_not_count_its_inputs_alike():
    def last(own, found):
        outputs, (states, _) = found  # (n, tokens, …) and (layers, n, …)
        return own.b(own.a(outputs[:, -1] + states[0]).relu())

    head = Own(last, a=nn.Linear(3, 5), b=nn.Linear(5, 2))
    network = nn.Sequential(nn.LSTM(4, 3, batch_first=True), head)
    small = prune(network, [torch.rand(5)], 50, example=torch.rand(9, 6, 4))
    assert small[1].a.out_features == 3


def test_seeing_leaves_the_vectors_of_a_spectral_norm():
    network = nn.Sequential(
        nn.Linear(4, 8), nn.ReLU(), nn.utils.parametrizations.spectral_norm(nn.Linear(8, 2))
    )
    before = copy.deepcopy(network.state_dict())
    find(network)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_a_closure_that_a_copy_would_share_is_refused():
    network = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    network = Own(lambda own, x: own.head(x), inside=network)
    network.head = lambda x: network.inside(x)
    with pytest.raises(TypeError, match=r"a copy would share 'inside' \(Sequential\)"):
        find(network, torch.rand(5, 4))
    assert not network.inside._forward_pre_hooks
