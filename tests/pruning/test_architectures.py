"""Networks of many forms: pruned is masked, and what is pruned can be saved and exported."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from benchmarks.architectures import HUGGING_FACE, SMALL, checked, masked
from spectral_core import node_scores, prune, remove
from spectral_core.layers.flow import Flow

GROUPS = {
    "autoencoder": 3, "residual MLP": 2, "SwiGLU": 1, "concatenation, norm": 2,
    "written-out activation": 1, "actor-critic, dictionary": 2, "siamese": 2, "two inputs": 1,
    "DeepSets": 3, "MLP-Mixer": 2, "GPT block": 1, "nn.TransformerEncoder": 2,
}  # fmt: skip
"""Counted by hand: nodes that share columns are one group."""


@pytest.mark.parametrize("name", SMALL)
def test_groups_counted_by_hand_can_go(name):
    make, example = SMALL[name]
    network, inputs = make(), example()
    scores = node_scores(network, "invariant", example=inputs)
    assert len(scores) == GROUPS[name]
    for fill in ("zero", "constant"):  # which is checked against the masked network
        small = prune(network, scores, 50, per_layer=True, example=inputs, fill=fill)
        assert type(small) is type(network)


NORM = pytest.param(
    "concatenation, norm",
    marks=pytest.mark.skipif(torch.__version__.startswith("2.6."), reason="exports no batch norm"),
)


@pytest.mark.parametrize("name", ["two inputs", "actor-critic, dictionary", "GPT block", NORM])
@pytest.mark.slow
def test_pruned_is_masked_saved_and_exported(name):
    row = checked(*SMALL[name])
    assert row["difference"] < 1e-5 and row["loaded"] and row["onnx"] < 1e-4


@pytest.mark.parametrize("name", HUGGING_FACE)
def test_hugging_face_models_lose_the_nodes_of_their_feed_forward_blocks(name):
    pytest.importorskip("transformers")
    row = checked(*HUGGING_FACE[name])
    assert row["layers"] in (2, 4) and row["difference"] < 1e-5 and row["loaded"]


KINDS = ("linear", "linear", "act", "norm", "mix", "join", "sum", "attend")


class Graph(nn.Module):
    """A random network: each step makes a tensor of width 4, 6 or 10 from one or two before it."""

    def __init__(self, draw):
        super().__init__()
        self.steps, widths = [], [4]
        self.modules_ = nn.ModuleList()
        for _ in range(draw(st.integers(2, 7))):
            kind = draw(st.sampled_from(KINDS))
            a, b = (draw(st.integers(0, len(widths) - 1)) for _ in range(2))
            width, module = widths[a], nn.Identity()
            if kind == "linear":
                width = draw(st.sampled_from([4, 6]))
                module = nn.Linear(widths[a], width, bias=draw(st.booleans()))
            elif kind == "norm":
                module = nn.BatchNorm1d(width)
            elif kind == "mix":
                module = nn.LayerNorm(width)
            elif kind == "sum" and widths[b] != width:
                kind = "act"
            elif kind == "join":
                width += widths[b]
            elif kind == "attend":
                width = widths[b]
            self.steps.append((kind, a, b))
            self.modules_.append(module)
            widths.append(width)
        self.last = nn.Linear(widths[-1], 3)
        for tensor in (*self.parameters(), *self.buffers()):
            if tensor.is_floating_point():
                tensor.data.uniform_(0.2, 1.2)

    def forward(self, x):
        made = [x]
        for (kind, a, b), module in zip(self.steps, self.modules_):
            x = module(made[a])
            if kind == "act":
                x = x * torch.sigmoid(x)
            elif kind == "join":
                x = torch.cat([x, made[b]], dim=-1)
            elif kind == "sum":
                x = x + made[b].tanh()
            elif kind == "attend":  # over the rows
                x = (x @ x.T).softmax(-1) @ made[b]
            made.append(x)
        return self.last(made[-1])


@st.composite
def graphs(draw):
    torch.manual_seed(draw(st.integers(0, 1000)))
    return Graph(draw).double().eval()


@given(graphs(), st.data())
@settings(max_examples=20)
def test_whatever_is_said_to_be_removable_can_be_removed(network, data):
    x = torch.randn(5, 4, dtype=torch.float64)
    flow = Flow(network, x)
    kept = [
        torch.tensor(sorted(data.draw(st.sets(st.integers(0, width - 1)))), dtype=torch.int64)
        for width in flow.widths
    ]
    small = remove(network, kept, example=x, check=False)
    (wanted,) = masked(network, flow, kept, x)
    torch.testing.assert_close(small(x), wanted, rtol=0, atol=1e-9)
    assert flow.parameters(list(map(len, kept))) == sum(
        p.numel() for name in flow.layers for p in small.get_submodule(name).parameters()
    )
