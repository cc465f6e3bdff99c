"""The pruning curve against its brute-force twin, and what it costs."""

import math

import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_prune import network_of, networks
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from spectral_core import evaluate, fold, node_scores, prune, pruning_curve, spectral
from spectral_core.layers.flow import Flow
from spectral_core.pruning.curve import measure_cuts

DOUBLE = torch.float64


def examples(count=40, seed=0, dtype=DOUBLE):
    generator = torch.Generator().manual_seed(seed)
    x = 3 * torch.randn(count, 6, dtype=DOUBLE, generator=generator)
    return x.to(dtype), torch.randint(0, 4, (count,), generator=generator)


def assert_as_pruned_one_by_one(
    cuts, network, scores, x, y, percentiles, tolerance=1e-10, **options
):
    """Prune and evaluate at each cut; logits that tie within 10 tolerances may go either way."""
    assert [cut.percentile for cut in cuts] == list(percentiles)
    for cut in cuts:
        small = prune(network, scores, cut.percentile, **options)
        measured = evaluate(small, x, y)
        assert cut.widths == tuple(Flow(small).widths)
        assert cut.nodes == sum(Flow(small).widths)
        assert cut.parameters == Flow(small).parameters()
        assert cut.loss == pytest.approx(measured.loss, rel=tolerance, abs=tolerance)
        with torch.no_grad():
            best, second = small.eval()(x).topk(2, dim=1).values.T
        ties = int((best - second <= 10 * tolerance).sum())
        assert abs(round((cut.accuracy - measured.accuracy) * len(y))) <= ties


# Few values, so that many percentiles meet; unsorted and repeated.
cuts_at = st.lists(st.sampled_from([0, 12.5, 50, 90, 100]) | st.floats(0, 100), max_size=8)


@given(networks, cuts_at, st.integers(1, 50), st.data())
@pytest.mark.slow
def test_curve_is_prune_and_evaluate_at_each_cut(network, percentiles, batch_size, data):
    """Also with scores that tie, and layers that lose all their nodes."""
    lam_in, each, tie = (data.draw(st.booleans()) for _ in range(3))
    full = network_of(**network, lam_in=lam_in and network["kind"] == "spectral")
    x, y = examples(seed=network["seed"])
    scores = node_scores(full, "eigenvalue" if network["kind"] == "spectral" else "connectivity")
    if tie:
        few = st.integers(0, 3)
        scores = [torch.tensor([data.draw(few) for _ in score]) / 2 for score in scores]
    cuts = measure_cuts(full, scores, x, y, percentiles, batch_size, per_layer=each)
    assert_as_pruned_one_by_one(cuts, full, scores, x, y, percentiles, per_layer=each)


@pytest.mark.parametrize("emptied", [0, 1, 2])
def test_a_network_with_an_empty_layer_says_what_its_bias_says(emptied):
    full, (x, y) = network_of("spectral", (5, 4, 3), "tanh", False, 0), examples()
    scores = [torch.full((width,), 2.0) for width in (5, 4, 3)]
    scores[emptied].fill_(1.0)
    all_zero, whole = measure_cuts(full, scores, x, y, [80, 0])
    assert all_zero.widths == tuple(0 if k == emptied else n for k, n in enumerate((5, 4, 3)))
    assert all_zero.loss == pytest.approx(torch.tensor(4.0).log().item())
    assert all_zero.accuracy == (y == 0).double().mean().item()  # a tie won by the first class
    assert whole.accuracy == evaluate(full, x, y).accuracy


@pytest.mark.parametrize("place", ["in front", "in between", "behind"])
def test_modules_around_the_layers(place):
    full, (x, y) = network_of("spectral", (9, 7), "elu", True, 0), examples()
    first, elu, second, _, last = full
    if place == "in front":
        full, x = nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Tanh(), *full), x.view(-1, 2, 3)
    elif place == "in between":
        relu = nn.ReLU(inplace=True)
        full = nn.Sequential(first, elu, nn.Dropout(), nn.Tanh(), second, relu, last)
    else:  # acts on the classes of an input together
        full = nn.Sequential(first, elu, second, nn.ReLU(inplace=True), last, nn.LogSoftmax(dim=1))
    full[1].eval()
    before = {name: value.clone() for name, value in full.state_dict().items()}
    scores, percentiles = node_scores(full), [70, 0, 30, 100]
    cuts = measure_cuts(full, scores, x, y, percentiles)
    assert_as_pruned_one_by_one(cuts, full, scores, x, y, percentiles)
    assert all(torch.equal(value, before[name]) for name, value in full.state_dict().items())
    assert [module.training for module in full] == [i != 1 for i in range(len(full))]


@pytest.mark.parametrize("hidden", [(300,), (60, 50)])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 1e-2)])
def test_low_precision(hidden, dtype, tolerance):
    full = network_of("spectral", hidden, "elu", True, 0)
    percentiles = [i / 3 for i in range(301)]
    scores, (x, y) = node_scores(full), examples(200)
    exact = measure_cuts(full, scores, x, y, percentiles)
    cuts = measure_cuts(full.to(dtype), scores, x.to(dtype), y, percentiles)
    assert [cut[:4] for cut in cuts] == [cut[:4] for cut in exact]
    for cut, reference in zip(cuts, exact):
        assert cut.loss == pytest.approx(reference.loss, rel=tolerance, abs=tolerance)


def test_small_terms_are_not_lost_in_half_precision():
    nodes = 600  # each brings 1/128 to the first logit: in bfloat16, 2 + 1/128 is 2
    full = nn.Sequential(nn.Linear(6, nodes), nn.ReLU(), nn.Linear(nodes, 4, bias=False))
    with torch.no_grad():
        for parameter in full.parameters():
            parameter.zero_()
        full[0].bias.fill_(1)
        full[2].weight[0] = 1 / 128
    x, y = torch.zeros(5, 6, dtype=torch.bfloat16), torch.zeros(5, dtype=torch.int64)
    percentiles = [100 * i / nodes for i in range(nodes)]
    cuts = measure_cuts(full.bfloat16(), [torch.arange(nodes).float()], x, y, percentiles)
    for cut in cuts:
        logit = cut.nodes / 128
        assert cut.loss == pytest.approx(math.log1p(3 * math.exp(-logit)), rel=0.02)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("hidden", [(60,), (30, 20, 10)])
def test_on_a_gpu_as_on_the_cpu(hidden):
    full, (x, y) = network_of("spectral", hidden, "elu", True, 0), examples()
    percentiles, scores = [90, 0, 50], node_scores(full)
    cuts = measure_cuts(full.cuda(), scores, x.cuda(), y.cuda(), iter(percentiles))
    assert_as_pruned_one_by_one(cuts, full.cpu(), scores, x, y, percentiles)


class Products(TorchDispatchMode):
    """Counts the multiplications in matrix products."""

    count = 0

    def __torch_dispatch__(self, operation, types, arguments=(), keywords=None):
        name = operation._schema.name
        if name in ("aten::mm", "aten::addmm", "aten::addmm_"):
            left, right = arguments[-2:]
            self.count += left.shape[0] * left.shape[1] * right.shape[1]
        return operation(*arguments, **(keywords or {}))


def products(function, *arguments):
    with torch.no_grad(), Products() as counted:
        function(*arguments)
    return counted.count


@pytest.mark.parametrize("cuts", [1, 20, 500])
def test_with_one_hidden_layer_all_cuts_cost_one_forward_pass(cuts):
    network, (x, y) = network_of("direct", (500,), "relu", True, 0), examples()
    percentiles = [100 * i / cuts for i in range(cuts)]
    pass_ = products(network, x)
    assert pass_ == 40 * (6 * 500 + 500 * 4)
    assert (
        products(measure_cuts, network, node_scores(network, "connectivity"), x, y, percentiles)
        == pass_
    )


def test_with_several_hidden_layers_only_what_a_cut_changes_is_computed():
    network, (x, y) = network_of("direct", (30, 20, 10), "relu", True, 0), examples()
    scores = [torch.arange(width) / width for width in (30, 20, 10)]  # all cut alike
    counted = products(measure_cuts, network, scores, x, y, [0, 50, 50])
    (a, b, c), (_, left_b, left_c) = (30, 20, 10), Flow(prune(network, scores, 50)).widths
    first_two = 6 * a + a * b  # once, whatever the number of cuts
    last_two = (b * c + c * 4) + (left_b * left_c + left_c * 4)  # for each cut that differs
    assert counted == 40 * (first_two + last_two)


def test_curve_is_a_table_in_the_given_order():
    network, (x, y) = network_of("spectral", (12,), "elu", True, 0), examples()
    curve = pruning_curve(network, node_scores(network), x, y, [50, 0, 50])
    assert isinstance(curve, pd.DataFrame)
    assert list(curve) == ["percentile", "nodes", "parameters", "accuracy", "loss"]
    assert curve["percentile"].tolist() == [50, 0, 50]
    assert curve["nodes"].tolist() == [6, 12, 6]
    # 6 inputs, 4 classes, a bias at each hidden and output node
    assert curve["parameters"].tolist() == [6 * 7 + 4 * 7, 12 * 7 + 4 * 13, 6 * 7 + 4 * 7]
    assert curve.loc[0].equals(curve.loc[2])
    assert list(pruning_curve(network, node_scores(network), x, y, [])) == list(curve)


NETWORK = network_of("spectral", (5,), "elu", False, 0)
SCORES = [torch.rand(5)]
X, Y = examples()


class Free(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.norm, self.two = nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Linear(5, 4)

    def forward(self, x):
        return self.two(self.norm(self.one(x)).sigmoid())


@pytest.mark.parametrize(
    "network",
    [
        Free(),
        nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 4)),
        nn.Sequential(nn.Linear(6, 5), nn.PReLU(5), nn.Linear(5, 4)),
        nn.Sequential(nn.Sequential(nn.Linear(6, 5), nn.ELU()), nn.Linear(5, 4)),
        nn.Sequential(spectral(nn.Linear(6, 5)), nn.Softplus(), spectral(nn.Linear(5, 4))),
    ],
    ids=["free", "norm", "prelu", "nested", "reparametrised"],
)
def test_networks_of_other_forms_have_the_curve_of_prune_and_evaluate(network):
    network = network.to(DOUBLE).train()
    network(X)
    scores = node_scores(network, by="connectivity")
    for cut in measure_cuts(network, scores, X, Y, range(0, 101, 20)):
        small = prune(network, scores, cut.percentile)
        layers = [m for m in fold(small).modules() if isinstance(m, nn.Linear)]
        assert list(cut.widths) == [layer.out_features for layer in layers[:-1]]
        assert cut.parameters == sum(p.numel() for layer in layers for p in layer.parameters())
        expected = evaluate(small, X, Y)
        assert cut.accuracy == expected.accuracy
        assert cut.loss == pytest.approx(expected.loss, rel=1e-10)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((NETWORK, SCORES, X, Y, [101]), ValueError, ["percentile", "[0, 100]", "101"]),
        ((NETWORK, SCORES, X, Y, [[50], [0]]), TypeError, ["percentiles[0]", "[50]"]),
        ((NETWORK, [torch.rand(4)], X, Y, [50]), ValueError, ["scores", "[5]", "[4]"]),
        ((NETWORK, SCORES[0], X, Y, [50]), TypeError, ["scores", "Tensor"]),
        ((nn.Linear(6, 4), SCORES, X, Y, [50]), ValueError, ["network", "hidden layer"]),
        ((NETWORK, SCORES, X, Y[:3], [50]), ValueError, ["(40, 6)", "(3,)"]),
        ((NETWORK, SCORES, X, Y.double(), [50]), TypeError, ["targets", "int64"]),
        ((NETWORK, SCORES, X[:, :5], Y, [50]), ValueError, ["inputs", "6)", "5)"]),
        ((NETWORK, SCORES, X, Y + 4, [50]), IndexError, ["Target", "out of bounds"]),
    ],
)
def test_bad_arguments_are_named(arguments, error, words):
    with pytest.raises(error) as caught:
        pruning_curve(*arguments)
    assert all(word in str(caught.value) for word in words)
