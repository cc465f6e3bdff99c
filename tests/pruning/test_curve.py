"""The pruning curve against masking what each cut removes, and what it costs."""

import copy
import math

import made_networks
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made_networks import DOUBLE, Conv1D, Own, with_masks
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from spectral_core import evaluate, node_scores, prune, pruning_curve, select, spectral
from spectral_core.layers.flow import Flow
from spectral_core.layers.kinds import Dense
from spectral_core.pruning.curve import measure_cuts

pytestmark = pytest.mark.filterwarnings("ignore:.* nodes have the same score")


def network_of(hidden, activation="elu", bias=True, seed=0, trains="both", two=False):
    return made_networks.network_of((6, *hidden, 4), trains, activation, bias, seed, two=two)


def examples(count=40):
    generator = torch.Generator().manual_seed(0)
    x = 3 * torch.randn(count, 6, dtype=DOUBLE, generator=generator)
    return x, torch.randint(0, 4, (count,), generator=generator)


def assert_as_masked(cuts, network, scores, x, y, percentiles, per_layer=False):
    """Each cut does as the full network whose removed nodes send 0; logits may tie."""
    network = copy.deepcopy(network).eval()
    readers = [name for name, m in network.named_modules() if isinstance(m, Dense)][1:]
    assert [cut.percentile for cut in cuts] == list(percentiles)
    for cut in cuts:
        kept = select(scores, cut.percentile, per_layer=per_layer)
        assert cut.widths == tuple(map(len, kept)) and cut.nodes == sum(cut.widths)
        with torch.no_grad():
            logits = with_masks(copy.deepcopy(network), dict(zip(readers, kept)))(x)
        assert cut.loss == pytest.approx(F.cross_entropy(logits, y).item(), rel=1e-10, abs=1e-10)
        best, second = logits.topk(2, dim=1).values.T
        right, ties = (logits.argmax(dim=1) == y).sum(), (best - second <= 1e-9).sum()
        assert abs(cut.accuracy * len(y) - right) <= ties + 1e-6


@given(
    st.builds(
        network_of,
        st.lists(st.integers(1, 6), min_size=1, max_size=4),
        *(st.sampled_from(["elu", "relu", "tanh"]), st.booleans(), st.integers(0, 10_000)),
        two=st.booleans(),
    ),
    # Few values, so that many percentiles meet; unsorted and repeated.
    st.lists(st.sampled_from([0, 12.5, 50, 90, 100]) | st.floats(0, 100), max_size=6),
    st.integers(1, 50),
    st.data(),
)
@settings(max_examples=min(30, settings().max_examples))
def test_each_cut_does_as_the_masked_network(network, percentiles, batch_size, data):
    """Also with scores that tie, and layers that lose all their nodes."""
    each, tie = data.draw(st.booleans()), data.draw(st.booleans())
    (x, y), scores = examples(), node_scores(network)
    if tie:
        scores = [torch.tensor([data.draw(st.integers(0, 3)) for _ in s]) / 2 for s in scores]
    cuts = measure_cuts(network, scores, x, y, percentiles, batch_size, per_layer=each)
    assert_as_masked(cuts, network, scores, x, y, percentiles, each)


first, elu, second, _, last = network_of((9, 7))
FORMS = {
    "in front": nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Tanh(), first, elu, second, elu, last),
    "in between": nn.Sequential(
        first, elu, nn.Dropout(), nn.Tanh(), second, nn.ReLU(inplace=True), last
    ),
    # acts on the classes of an input together
    "behind": nn.Sequential(first, elu, second, elu, last, nn.LogSoftmax(dim=1)),
    "free": Own(
        lambda own, x: own.two(own.norm(own.one(x)).sigmoid()),
        **{"one": nn.Linear(6, 5), "norm": nn.BatchNorm1d(5), "two": nn.Linear(5, 4)},
    ),
    "prelu": nn.Sequential(nn.Linear(6, 5), nn.PReLU(5), nn.Linear(5, 4)),
    "transposed": nn.Sequential(Conv1D(6, 6), nn.ELU(), Conv1D(6, 4)),
    "tokens": nn.Sequential(nn.Linear(3, 5), nn.ELU(), nn.Linear(5, 4), Own(lambda _, x: x.sum(1))),
    "nested": nn.Sequential(nn.Sequential(nn.Linear(6, 5), nn.ELU()), nn.Linear(5, 4)),
    "reparametrised": nn.Sequential(
        spectral(nn.Linear(6, 5)), nn.Softplus(), spectral(nn.Linear(5, 4))
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_networks_of_other_forms_are_measured_and_left_alone(form):
    network, (x, y) = copy.deepcopy(FORMS[form]).to(DOUBLE).train(), examples()
    x = x.view(-1, 2, 3) if form in ("in front", "tokens") else x
    network(x)
    list(network.children())[1].eval()
    modes = [module.training for module in network.modules()]
    before = copy.deepcopy(network.state_dict())
    scores, percentiles = node_scores(network, "connectivity"), [70, 0, 30, 100]
    cuts = measure_cuts(network, scores, x, y, percentiles)
    assert_as_masked(cuts, network, scores, x, y, percentiles)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert [module.training for module in network.modules()] == modes


def test_inputs_stay_where_a_network_begins_in_place():
    network, (x, y) = (
        nn.Sequential(nn.ReLU(inplace=True), first, elu, second, elu, last),
        examples(),
    )
    (cut,) = measure_cuts(network, node_scores(network, "connectivity"), x, y, [0])
    assert torch.equal(x, examples()[0])
    assert cut.loss == pytest.approx(evaluate(network, x, y).loss)


@pytest.mark.parametrize("hidden", [(60,), (60, 50)])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 1e-2)])
def test_low_precision(hidden, dtype, tolerance):
    network, percentiles = network_of(hidden), range(0, 101, 4)
    scores, (x, y) = node_scores(network), examples(200)
    exact = measure_cuts(network, scores, x, y, percentiles)
    cuts = measure_cuts(network.to(dtype), scores, x.to(dtype), y, percentiles)
    assert [cut[:4] for cut in cuts] == [cut[:4] for cut in exact]
    for cut, reference in zip(cuts, exact):
        assert cut.loss == pytest.approx(reference.loss, rel=tolerance, abs=tolerance)


def test_small_terms_are_not_lost_in_half_precision():
    nodes = 400  # each brings 1/128 to the first logit: in bfloat16, 2 + 1/128 is 2
    full = nn.Sequential(nn.Linear(6, nodes), nn.ReLU(), nn.Linear(nodes, 4, bias=False))
    with torch.no_grad():
        for parameter in full.parameters():
            parameter.zero_()
        full[0].bias.fill_(1)
        full[2].weight[0] = 1 / 128
    x, y = torch.zeros(5, 6, dtype=torch.bfloat16), torch.zeros(5, dtype=torch.int64)
    percentiles = [100 * i / nodes for i in range(nodes)]
    for cut in measure_cuts(full.bfloat16(), [torch.arange(nodes).float()], x, y, percentiles):
        assert cut.loss == pytest.approx(math.log1p(3 * math.exp(-cut.nodes / 128)), rel=0.02)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("hidden", [(60,), (30, 20, 10)])
def test_on_a_gpu_as_on_the_cpu(hidden):
    network, (x, y) = network_of(hidden), examples()
    percentiles, scores = [90, 0, 50], node_scores(network)
    cuts = measure_cuts(network.cuda(), scores, x.cuda(), y.cuda(), iter(percentiles))
    assert_as_masked(cuts, network.cpu(), scores, x, y, percentiles)


def products(function, *arguments):
    """Multiplications in matrix products."""
    in_place = {torch.ops.aten.addmm_: lambda _, left, right, **__: 2 * left.numel() * right[1]}
    with torch.no_grad(), FlopCounterMode(display=False, custom_mapping=in_place) as counted:
        function(*arguments)
    return counted.get_total_flops() // 2


@pytest.mark.parametrize("cuts", [1, 100])
def test_with_one_hidden_layer_all_cuts_cost_one_forward_pass(cuts):
    network, (x, y) = network_of((500,), "relu", trains="weights"), examples()
    percentiles, scores = [100 * i / cuts for i in range(cuts)], node_scores(network, "invariant")
    one_pass = products(network, x)
    assert one_pass == 40 * (6 * 500 + 500 * 4)
    seen = products(network, x[:2])  # where nodes are read
    assert products(measure_cuts, network, scores, x, y, percentiles) == one_pass + seen


def test_with_several_hidden_layers_only_what_a_cut_changes_is_computed():
    network, (x, y) = network_of((30, 20, 10), "relu", trains="weights"), examples()
    scores = [torch.arange(width) / width for width in (30, 20, 10)]  # all cut alike
    counted = products(measure_cuts, network, scores, x, y, [0, 50, 50])
    (a, b, c), (_, left_b, left_c) = (30, 20, 10), Flow(prune(network, scores, 50)).widths
    first_two = 6 * a + a * b  # once, whatever the number of cuts
    last_two = (b * c + c * 4) + (left_b * left_c + left_c * 4)  # for each cut that differs
    seen = products(network, x[:2])  # where nodes are read
    assert counted == 40 * (first_two + last_two) + seen


def test_curve_is_a_table_in_the_given_order():
    network, (x, y) = network_of((12,)), examples()
    curve = pruning_curve(network, node_scores(network), x, y, [50, 0, 50])
    assert isinstance(curve, pd.DataFrame)
    assert list(curve) == ["percentile", "nodes", "parameters", "accuracy", "loss"]
    assert curve["percentile"].tolist() == [50, 0, 50]
    assert curve["nodes"].tolist() == [6, 12, 6]
    # 6 inputs, 4 classes, a bias at each hidden and output node
    assert curve["parameters"].tolist() == [6 * 7 + 4 * 7, 12 * 7 + 4 * 13, 6 * 7 + 4 * 7]
    assert curve.loc[0].equals(curve.loc[2])
    assert list(pruning_curve(network, node_scores(network), x, y, [])) == list(curve)


class Tripled(nn.Linear):
    def forward(self, inputs):
        return 3 * super().forward(inputs)


@pytest.mark.parametrize(
    "change",
    [
        lambda net: net[0].register_forward_hook(lambda module, inputs, outputs: -outputs),
        lambda net: nn.utils.parametrizations.weight_norm(net[4]),
        lambda net: net.register_module("4", Tripled(5, 4, dtype=DOUBLE)),
    ],
)
def test_a_layer_that_does_more_is_measured_by_running_it(change):
    network, (x, y) = network_of((8, 5), trains="weights"), examples()
    change(network)
    scores = node_scores(network, "connectivity", example=x)
    for cut in measure_cuts(network, scores, x, y, [0, 50]):
        found = evaluate(prune(network, scores, cut.percentile, example=x), x, y)
        assert (cut.accuracy, cut.loss) == pytest.approx(found)
