"""Whole models in spectral variables, folded back, in the tools that train and keep models."""

import copy

import pytest
import torch
from made_networks import used_twice
from torch import nn
from torch.nn import functional as F

from benchmarks.architectures import encoder
from spectral_core import (
    SpectralLinear,
    fold,
    spectral_mlp,
    spectral_parameters,
    spectralize,
    train_only,
)
from spectral_core.data.torchvision_import import import_torchvision
from spectral_core.layers.kinds import named_layers, spectra


def mlp():
    return nn.Sequential(
        *(nn.Linear(64, 20), nn.BatchNorm1d(20), nn.ELU(), nn.Linear(20, 10), nn.ReLU()),
        nn.Linear(10, 5),
    )


def lenet():
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU()),
        *(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 10)),
    )


MODELS = {
    "mlp": (mlp, (4, 64)),
    "lenet": (lenet, (2, 1, 28, 28)),
    "transformer": (encoder, (2, 5, 16)),
    "mobilenet_v2": (lambda: import_torchvision().models.mobilenet_v2(), (1, 3, 64, 64)),
    "resnet18": (lambda: import_torchvision().models.resnet18(), (1, 3, 64, 64)),
}


@pytest.mark.parametrize("init", ["norm", "unit"])
@pytest.mark.parametrize("name", MODELS)
def test_a_model_spectralized_and_folded_is_the_model(name, init):
    make, shape = MODELS[name]
    torch.manual_seed(0)
    model = make().eval()
    x = torch.rand(shape)
    wide = spectralize(copy.deepcopy(model), init=init)
    plain = fold(wide)
    with torch.no_grad():
        expected = model(x)
        torch.testing.assert_close(wide(x), expected, rtol=1e-4, atol=1e-5)
        assert torch.equal(plain(x), wide(x))  # the same weights, so the same floats
    assert list(plain.state_dict()) == list(model.state_dict())
    assert [type(m) for m in plain.modules()] == [type(m) for m in model.modules()]

    *layers, classifier = named_layers(wide).values()
    assert all("weight" in spectra(layer) for layer in layers) and not spectra(classifier)
    wide(x).square().sum().backward()
    eigenvalues, eigenvectors, rest = spectral_parameters(wide)
    assert len(eigenvalues) == len(eigenvectors) == len(layers)
    assert sum(p.numel() for p in eigenvalues) == sum(len(layer.weight) for layer in layers)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in wide.parameters())
    assert any((p.grad != 0).any() for p in eigenvalues)
    every = [id(p) for p in (*eigenvalues, *eigenvectors, *rest)]
    assert sorted(every) == sorted(map(id, wide.parameters()))


def test_skip_names_modules_with_all_that_is_in_them():
    def spectral_ones(model):
        return [bool(spectra(layer)) for layer in named_layers(model).values()]

    model = spectralize(nn.Sequential(mlp(), mlp()), skip=["0", "1.5"])
    assert spectral_ones(model) == [False, False, False, True, True, False]
    assert all(spectral_ones(spectralize(mlp(), skip=())))
    assert spectral_ones(spectralize(lenet(), layers=nn.Conv2d)) == [True, True, False, False]


def test_spectralizing_twice_changes_nothing():
    model = spectralize(mlp())
    before = [id(p) for p in model.parameters()]
    assert [id(p) for p in spectralize(model).parameters()] == before


def two_sided():
    return SpectralLinear(5, 4, bias=True, input_eigenvalues=True)


@pytest.mark.parametrize("which", ["eigenvalues", "eigenvectors", "both"])
@pytest.mark.parametrize(
    ("make", "choose"),
    [
        (lambda: spectralize(lenet()), train_only),
        (lambda: spectral_mlp((4, 5, 3), "elu", True).requires_grad_(False), train_only),
        (lambda: two_sided().requires_grad_(False), SpectralLinear.train_only),
    ],
)
def test_train_only_chooses_among_spectral_variables_and_the_rest_trains(make, choose, which):
    model = make()
    assert choose(model, which) is model
    eigenvalues, eigenvectors, rest = spectral_parameters(model)
    assert all(p.requires_grad == (which != "eigenvectors") for p in eigenvalues)
    assert all(p.requires_grad == (which != "eigenvalues") for p in eigenvectors)
    assert all(p.requires_grad for p in rest)


@pytest.mark.parametrize("autocast", [False, True])
def test_a_stock_loop_with_adamw_learns_with_and_without_autocast(autocast):
    torch.manual_seed(0)
    model, y = spectralize(mlp()), torch.randint(0, 5, (200,))
    x = torch.randn(5, 64)[y] + 0.3 * torch.randn(200, 64)
    eigenvalues, eigenvectors, rest = spectral_parameters(model)
    optimiser = torch.optim.AdamW(
        [{"params": eigenvalues, "weight_decay": 0.0}, {"params": [*eigenvectors, *rest]}], lr=3e-3
    )
    before = [p.detach().clone() for p in eigenvalues]
    for _ in range(30):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            outputs = model(x)
            loss = F.cross_entropy(outputs, y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert outputs.dtype == (torch.bfloat16 if autocast else torch.float32)
    assert (fold(model).eval()(x).argmax(dim=1) == y).float().mean() > 0.9
    assert all((p != old).any() for p, old in zip(eigenvalues, before))


@pytest.mark.slow
def test_a_compiled_model_gives_the_same_in_value_and_gradient():
    model, x, grads = nn.Sequential(spectralize(mlp()), two_sided()).eval(), torch.rand(3, 64), []
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), model(x))
    for network in (compiled, model):
        model.zero_grad()
        network(x).sum().backward()
        grads.append([p.grad.clone() for p in model.parameters()])
    torch.testing.assert_close(*grads)
    with pytest.raises(TypeError, match=r"'0' \(OptimizedModule\) .*torch.compile.*_orig_mod"):
        fold(nn.Sequential(compiled))


def test_parameters_of_tied_layers_are_listed_once():
    model = spectralize(used_twice(), skip=())
    listed = [id(parameter) for group in spectral_parameters(model) for parameter in group]
    assert sorted(listed) == sorted(map(id, model.parameters()))


def test_hooks_of_a_layer_stay_when_it_is_folded():
    network, x = spectral_mlp((4, 8, 2), "elu"), torch.rand(3, 4)
    network[0].register_forward_hook(lambda module, inputs, outputs: 2 * outputs)
    plain = fold(network)
    assert type(plain[0]) is nn.Linear and vars(plain[0]).keys() == vars(nn.Linear(1, 1)).keys()
    torch.testing.assert_close(plain(x), network(x))


def test_a_layer_with_a_forward_of_its_own_is_not_folded():
    class Tripled(SpectralLinear):
        def forward(self, inputs):
            return 3 * super().forward(inputs)

    with pytest.raises(TypeError, match=r"'0': Tripled has a forward of its own"):
        fold(nn.Sequential(Tripled(4, 8), nn.ELU(), SpectralLinear(8, 2)))
