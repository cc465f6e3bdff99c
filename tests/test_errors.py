"""Wrong arguments of public functions are refused: the error names what must be and what came."""

import math

import made_networks
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from spectral_core import (
    SpectralImportance,
    SpectralLinear,
    compare,
    data,
    direct_mlp,
    evaluate,
    export_onnx,
    fold,
    layer_scores,
    load,
    node_scores,
    plot_spectrum,
    prune_in_steps,
    prune_until,
    pruning_curve,
    remove,
    save,
    select,
    spectral,
    spectral_mlp,
    spectralize,
    train,
    train_only,
)

INPUTS, TARGETS = torch.rand(5, 4), torch.zeros(5, dtype=torch.int64)
SPECTRAL, PLAIN = spectral_mlp((4, 3, 2, 2), "elu"), direct_mlp((4, 3, 2, 2), "elu")
STACK = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
NORM = nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2))
CONVOLUTIONS = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3))
SCORES = [torch.tensor([1.0, 2.0, 3.0]), torch.tensor([4.0, 5.0])]
VECTORS = spectral_mlp((4, 3, 2), "elu")


LAYERS = [
    (lambda: SpectralLinear(-1, 3), "ValueError: in_features must .*at least 0; got -1"),
    (lambda: SpectralLinear(True, 3), "TypeError: in_features must .*whole number.*got True"),
    (lambda: SpectralLinear(3, 2.0), "TypeError: out_features must .*whole number.*2.0"),
    (lambda: SpectralLinear(3, 2, eigenvalue_range=(1, 0)), r"ValueError: .*low ≤ high.*\(1, 0\)"),
    (lambda: SpectralLinear(3, 2, eigenvalue_range=(1, 2, 3)), r"TypeError: .*\(low, high\).* 3\)"),
    (lambda: SpectralLinear(3, 2, eigenvalue_range=(0, "1")), r"TypeError: eigen.*\[1\] .*'1'"),
    (lambda: SpectralLinear(3, 2, eigenvector_range="x"), "ValueError: .*'glorot'; got 'x'"),
    (lambda: SpectralLinear(3, 2)(INPUTS), r"ValueError: inputs must .*3\); got \(5, 4\)"),
    (lambda: SpectralLinear(3, 2).train_only("eigenvalue"), "ValueError: which .*'eigenvalues'"),
    (lambda: SpectralLinear.from_linear(nn.ReLU()), "TypeError: linear must .*got ReLU"),
    (lambda: spectral_mlp((4,), "elu"), r"ValueError: sizes .*input and an output.*\[4\]"),
    (lambda: direct_mlp((4, 2), "elu", bias="no"), "TypeError: bias must be True or .*; got 'no'"),
    (lambda: direct_mlp((4, 2), "elu", output_bias=0), "TypeError: output_bias must be .*; got 0"),
    (lambda: direct_mlp((4, 0, 3), "elu"), r"ValueError: sizes\[1\] must .*at least 1; got 0"),
    (lambda: spectral_mlp((4, 3), "rellu"), "ValueError: activation .*Did you mean 'relu'"),
    (lambda: spectral_mlp((4, 3), 3), "TypeError: activation .*one of elu, relu, tanh; got 3"),
    (lambda: train_only(PLAIN, "both"), "ValueError: network .*SpectralLinear.*none"),
    (lambda: train_only(SPECTRAL, "phi"), "ValueError: which .*'phi'"),
    (lambda: spectral("layer"), "TypeError: module must be .*Module; got str"),
    (lambda: spectral(nn.Linear(3, 2), "wait"), "ValueError: name must be .*Linear.*'wait'"),
    (lambda: spectral(nn.Linear(3, 2), "bias"), r"ValueError: bias .*matrix.*\(2,\)"),
    (lambda: spectral(spectral(nn.Linear(3, 2))), "ValueError: weight .*already"),
    (lambda: spectral(nn.ConvTranspose2d(3, 2, 1)), "TypeError: .*first .*ConvTranspose2d"),
    (lambda: spectral(nn.LSTM(3, 2), "weight_hh_l0"), "TypeError: .*recurrent; got LSTM"),
    (lambda: spectral(nn.LazyLinear(2)), "ValueError: weight of LazyLinear .*batch"),
    (lambda: spectral(nn.Linear(3, 2), init="norms"), "ValueError: init .*Did you mean 'norm'"),
    (lambda: spectralize(nn.ReLU()), "ValueError: model .*Linear, Conv2d.*none"),
    (lambda: spectralize(nn.Linear(3, 2)), "ValueError: model .*besides.*none"),
    (lambda: spectralize(PLAIN, "Linear"), "TypeError: layers must be kinds .*; got 'Linear'"),
    (lambda: spectralize(PLAIN, PLAIN[0]), r"TypeError: layers must be kinds .*; got Linear\("),
    (lambda: spectralize(PLAIN, skip="5"), "TypeError: skip .*list.*'5'"),
    (lambda: spectralize(PLAIN, skip=["00"]), "ValueError: skip .*Did you mean '0'"),
    (lambda: spectralize(made_networks.tied()), "ValueError: .*weight of its own; '0' .*skip"),
    (lambda: spectralize([1]), "TypeError: .*Module; got list"),
    (lambda: fold([1]), "TypeError: model .*Module; got list"),
]


def training(**change):
    good = {"network": direct_mlp((4, 2), "elu"), "inputs": INPUTS, "targets": TARGETS}
    return lambda: train(**{**good, "epochs": 1, **change})


FROZEN = train_only(spectral_mlp((4, 3, 2), "elu"), "eigenvectors")
TRAINING = [
    (training(epochs=-1), "ValueError: epochs must .*at least 0; got -1"),
    (training(epochs=2**63), r"ValueError: epochs must .*below 2\^63"),
    (training(batch_size=0), "ValueError: batch_size must .*at least 1; got 0"),
    (training(batch_size=2, network=NORM), "ValueError: batch_size must not .*normalisation"),
    (training(learning_rate=0), "ValueError: learning_rate must .*above 0; got 0"),
    (training(learning_rate=math.nan), "ValueError: learning_rate must .*got nan"),
    (training(learning_rate=math.inf), "ValueError: learning_rate must .*got inf"),
    (training(penalty=False), "TypeError: penalty must .*got False"),
    (training(penalty=-0.1), "ValueError: penalty must .*at least 0; got -0.1"),
    (training(penalty=0.1), r"ValueError: penalty=0\.1 has nothing to act on"),
    (training(penalty=0.1, network=FROZEN), r"ValueError: penalty=0\.1 has nothing to act on"),
    (
        training(penalty=0.1, network=made_networks.masked(), inputs=INPUTS[:, :3]),
        r"ValueError: penalty=0\.1 needs hidden layers .* masks",
    ),
    (training(targets=TARGETS + 2), "ValueError: targets must be below 2.*got 2"),
    (training(targets=TARGETS - 1), "ValueError: targets must .*at least 0; got -1"),
    (training(inputs=INPUTS[:, :3]), r"ValueError: inputs must be \(n, 4\).*\(5, 3\)"),
    (training(inputs=INPUTS.byte()), "TypeError: inputs must be .*float32.*uint8"),
    (training(loss=lambda x, y: x), r"TypeError: loss must .*scalar.*\(5, 2\)"),
    (training(loss=F.mse_loss, precision="bf16"), "ValueError: precision must be fp32.*loss"),
    (training(network=NORM, precision="bf16"), "ValueError: precision must be fp32.*'bf16'"),
    (training(network=PLAIN.requires_grad_(False)), "ValueError: network must .*requires_grad"),
    (lambda: evaluate("net", INPUTS, TARGETS), "TypeError: network must be .* got str"),
    (lambda: evaluate(STACK, INPUTS, TARGETS[:3]), r"ValueError: .*same n ≥ 1.*\(3,\)"),
    (lambda: evaluate(STACK, INPUTS[:0], TARGETS[:0]), "ValueError: .*n ≥ 1"),
    (lambda: evaluate(STACK, INPUTS[0, 0], TARGETS[0]), r"ValueError: .*n ≥ 1; got \(\)"),
    (lambda: evaluate(STACK, INPUTS, TARGETS.float()), "TypeError: targets must be int64.*float32"),
    (lambda: evaluate(STACK, [[1.0]], TARGETS), "TypeError: inputs and targets must .* list"),
    (lambda: evaluate(STACK, INPUTS, TARGETS, 0), "ValueError: batch_size must .*at least 1"),
    (
        lambda: evaluate(STACK, INPUTS, INPUTS[:, :2], loss=nn.MSELoss(reduction="none")),
        r"TypeError: loss must return a scalar tensor, .*got shape \(5, 2\)",
    ),
    (
        lambda: evaluate(nn.Linear(4, 1), INPUTS, INPUTS[:, 0], loss=nn.PoissonNLLLoss()),
        r"ValueError: targets must have the shape of the outputs, \(5, 1\); got \(5,\)",
    ),
    (
        lambda: evaluate(nn.Linear(4, 1), INPUTS, INPUTS[:, 0], loss=F.mse_loss),
        r"ValueError: targets must have the shape of the outputs, \(5, 1\); got \(5,\)",
    ),
]


def selecting(**settings):
    return lambda: select(**{"scores": SCORES, **settings})


def between(module):
    return nn.Sequential(nn.Linear(3, 3), module, nn.Linear(3, 2))


def removing(network):
    return lambda: remove(network, [[1]])


class Averaging(nn.Linear):
    def forward(self, x):
        return super().forward(x).mean(-1, keepdim=True).expand(-1, 3)


AVERAGING = nn.Sequential(Averaging(3, 3), nn.Linear(3, 2))


def in_steps(**schedule):
    return lambda: prune_in_steps(VECTORS, lambda *_: pytest.fail("it has trained"), **schedule)


def curve(*percentiles, network=VECTORS, scores=SCORES[:1], inputs=INPUTS):
    return lambda: pruning_curve(network, scores, inputs, TARGETS, percentiles)


PRUNING = [
    (selecting(), "TypeError: exactly one of percentile, nodes, .* got none"),
    (selecting(percentile=50, nodes=3), r"TypeError: exactly one .*\['percentile', 'nodes'\]"),
    (selecting(percentile="50"), "TypeError: percentile must .*'50'"),
    (selecting(nodes=1.5), r"ValueError: nodes must .*\[0, 1\]; got 1.5"),
    (selecting(nodes=0.2, least=1), "ValueError: nodes must be at least 2.*got 0.2, that is 1"),
    (selecting(parameters=10), "TypeError: parameters needs network"),
    (selecting(percentile=[50]), "ValueError: percentile must .* per hidden layer, 2; got 1"),
    (selecting(percentile=[50, 101]), r"ValueError: percentile\[1\] must .*101"),
    (selecting(percentile=50, protect=[2]), "ValueError: protect must .* 0 to 1; got 2"),
    (selecting(percentile=50, protect="0"), "TypeError: protect must be a list .*'0'"),
    (selecting(percentile=50, protect=["0"]), "TypeError: protect by name needs network"),
    (selecting(percentile=50, protect=["1"], network=PLAIN), "ValueError: protect .* 4; .*'1'"),
    (selecting(percentile=50, least=-1), "ValueError: least must .*-1"),
    (selecting(percentile=50, network=VECTORS), r"ValueError: scores must .*\[3\].*\[3, 2\]"),
    (selecting(percentile=50, scores=INPUTS), "TypeError: scores .*list.* got Tensor"),
    (selecting(percentile=50, scores=[INPUTS]), r"TypeError: scores\[0\] .*\(5, 4\)"),
    (selecting(percentile=50, scores=[INPUTS[0] / 0]), "ValueError: .*finite; got NaN"),
    (lambda: remove(STACK, []), "ValueError: kept must .* per hidden layer, 1; got 0"),
    (lambda: remove(STACK, [[3]]), r"ValueError: kept\[0\] must .* 0 to 2; got 3 to 3"),
    (lambda: remove(STACK, [[1, 1]]), r"ValueError: kept\[0\] must .* once"),
    (lambda: remove(STACK, [[0.5]]), r"ValueError: kept\[0\] must .*float32"),
    (lambda: remove(STACK, [[0]], fill="mean"), "ValueError: fill .*zero, constant; got 'mean'"),
    (removing(nn.ReLU()), "ValueError: network must have Linear or SpectralLinear layers.*none"),
    (removing(between(nn.Softmax(1))), r"ValueError: .*mixed before '2' reads.*'1' \(Softmax\)"),
    (removing(between(nn.BatchNorm1d(5))), "ValueError: network .*example"),
    (removing(AVERAGING), "ValueError: .*'0': .*forward of its own"),
    (removing(made_networks.used_twice()), "ValueError: network .*'0'"),
    (removing(made_networks.tied()), "ValueError: network .*'0' ties its weight"),
    (removing(made_networks.masked()), "ValueError: .*'0'.*'weight_orig'.*nn.utils.prune.remove"),
    (removing(made_networks.hooked()), "ValueError: network .*mixed.*hooks on '0'"),
    (removing(made_networks.patched()), "TypeError: .*Sequential has a patched forward"),
    (removing(nn.DataParallel(STACK)), "ValueError: network .*network.module"),
    (lambda: remove(STACK, [[True] * 3]), r"ValueError: kept\[0\] must .*torch.bool"),
    (lambda: prune_until(VECTORS, len, -0.1), "ValueError: max_drop must .*-0.1"),
    (lambda: prune_until(VECTORS, lambda _: math.nan, 0.1), "ValueError: evaluate .*nan"),
    (in_steps(), "TypeError: exactly one .*nodes, parameters, flops"),
    (in_steps(nodes=[3], flops=[3]), r"TypeError: exactly one .*\['nodes', 'flops'\]"),
    (in_steps(nodes=3), "TypeError: nodes must .*list.*3"),
    (in_steps(nodes=[]), "ValueError: nodes must .*at least one"),
    (in_steps(nodes=[0.5, 2.0]), r"ValueError: nodes\[1\] must .*\[0, 1\]; got 2.0"),
    (curve(101), r"ValueError: percentiles\[0\] .*\[0, 100\]; got 101"),
    (
        lambda: pruning_curve(VECTORS, SCORES[:1], INPUTS, TARGETS, 50),
        r"TypeError: percentiles must be a list of numbers in \[0, 100\]; got 50",
    ),
    (curve([50]), r"TypeError: percentiles\[0\] .*\[50\]"),
    (curve(50, scores=SCORES), r"ValueError: scores .*\[3\].*\[3, 2\]"),
    (curve(50, network=nn.Linear(4, 2)), "ValueError: network .*hidden layer"),
    (curve(50, inputs=INPUTS[:, :3]), r"ValueError: inputs .*4\).*3\)"),
    (lambda: node_scores(VECTORS, by="eigenvalues"), "ValueError: by .*Did you mean 'eigenvalue'"),
    (lambda: node_scores(spectral_mlp((4, 2), "elu")), "ValueError: network .*hidden layer"),
    (lambda: node_scores(nn.ReLU()), "ValueError: network .*Linear.*none"),
    (lambda: node_scores(VECTORS, "taylor"), "ValueError: .*taylor.* inputs"),
    # The transfer operator of plain weights has no eigenvalue but 0 (Sec. V).
    (lambda: node_scores(PLAIN), "ValueError: .*SpectralLinear.*got Linear.*zero eigen.*connect"),
    (lambda: node_scores(PLAIN, lambda layer: layer.weight), r"ValueError: .*\(3,\).*got \(3, 4\)"),
    (lambda: layer_scores(PLAIN), "ValueError: by='eigenvalue' needs spectral.*Score before"),
    (lambda: layer_scores(nn.ReLU(), "random"), "ValueError: network .*convolutional.*none"),
    (lambda: layer_scores(PLAIN, "random", layers=["1"]), "ValueError: layers .*0, 2, 4; got '1'"),
    (lambda: layer_scores(PLAIN, "random", layers="02"), "TypeError: layers .*list.*; got '02'"),
]


INTEROP = [
    (lambda: compare(STACK, None, INPUTS), "TypeError: pruned must be"),
    (lambda: compare(STACK, STACK, [1.0]), "TypeError: example must be .* list"),
    (lambda: compare(STACK, STACK, INPUTS[:0]), r"TypeError: .*\(0, 4\)"),
    (lambda: compare(STACK, STACK[0], INPUTS), r"ValueError: .*\(5, 2\)\]; got \[\(5, 3\)"),
    (lambda: export_onnx({}, "no/a", INPUTS), "TypeError: network must be"),
    (lambda: export_onnx(STACK, "no/a", [1.0]), "TypeError: example must be .* list"),
    (lambda: export_onnx(STACK, "no/a", INPUTS[:0]), r"TypeError: example must be .*\(0, 4\)"),
    (lambda: export_onnx(STACK, "no/a", INPUTS, tolerance=-1), "ValueError: tolerance must be"),
    (lambda: save({"weight": INPUTS}, "nowhere/a"), "TypeError: network must be"),
    (lambda: load("nowhere/a", into=STACK), "FileNotFoundError: .*nowhere"),
    (lambda: plot_spectrum(PLAIN), "ValueError: model must have spectral layers.*spectralize"),
    (lambda: plot_spectrum(SPECTRAL, [[0]]), "ValueError: kept must .*per hidden layer, 2"),
    (lambda: plot_spectrum(spectralize(CONVOLUTIONS), [[0]]), "ValueError: .*fully connected"),
    (lambda: SpectralImportance(SPECTRAL, {"0": SCORES[0]}), "TypeError: model .*plain, see fold"),
    (lambda: SpectralImportance(STACK, {}), "ValueError: scores must be of at least one layer"),
    (lambda: SpectralImportance(STACK, SCORES), "TypeError: scores must map names .*; got list"),
    (lambda: SpectralImportance(STACK, {"1": SCORES[0]}), "ValueError: scores .*0, 2; got '1'"),
    (lambda: SpectralImportance(STACK, {"0": SCORES[0] * math.nan}), "ValueError: scores.*NaN"),
    (lambda: SpectralImportance(STACK, {"0": SCORES[1]}), r"ValueError: .*\(3,\); got \(2,\)"),
]


DATA = [
    (lambda take=take: take("fashion_mnist"), "ValueError: .*'fashion_mnist'.*'fashion-mnist'")
    for take in (data.load, data.fetch, data.identify)
]


@pytest.mark.parametrize(("call", "words"), [*LAYERS, *TRAINING, *PRUNING, *INTEROP, *DATA])
def test_wrong_arguments_are_named(call, words):
    kind, _, words = words.partition(": ")
    with pytest.raises(Exception, match=words) as caught:
        call()
    assert caught.type.__name__ == kind
