"""Saving: a file gives back the pruned network, bit for bit, and says what does not fit."""

import copy
import tempfile

import pytest
import torch
import torch_pruning
from hypothesis import given, settings
from hypothesis import strategies as st
from made_networks import Conv1D, Own, architectures, masked, plain, tied
from safetensors.torch import load_file, save_file
from torch import nn

from spectral_core import (
    SpectralImportance,
    direct_mlp,
    fold,
    layer_scores,
    load,
    node_scores,
    prune,
    remove,
    save,
    spectral_mlp,
    spectralize,
)
from spectral_core.data.torchvision_import import import_torchvision


@given(architectures(), st.sampled_from(["zero", "constant"]), st.booleans())
@settings(max_examples=min(20, settings().max_examples))
def test_random_networks_come_back_into_ones_with_other_numbers(architecture, fill, folded):
    network, _, kept = architecture
    fresh = copy.deepcopy(network)
    with torch.no_grad():
        for tensor in (*fresh.parameters(), *fresh.buffers()):
            tensor.fill_(1)
    if folded:
        network, fresh = fold(network), fold(fresh)
    small, before = remove(network, kept, fill), copy.deepcopy(fresh)
    with tempfile.TemporaryDirectory() as folder:
        save(small, f"{folder}/deep/small")
        assert load_file(f"{folder}/deep/small").keys() == small.state_dict().keys()
        loaded, again = (load(f"{folder}/deep/small", into=into) for into in (fresh, small))
    x = torch.randn(5, 2, 2, dtype=torch.float64)
    assert torch.equal(loaded(x), small(x)) and torch.equal(again(x), small(x))
    assert str(loaded) == str(small) and type(loaded) is type(network)
    stays = zip(fresh.parameters(), before.parameters(), strict=True)
    assert all(torch.equal(p, q) for p, q in stays)
    loaded(x).sum().backward()
    assert all(p.grad is not None for p in loaded.parameters() if p.numel())


def weight_normed():
    network = plain()
    nn.utils.parametrizations.weight_norm(network[0])
    return network


@pytest.mark.parametrize("make", [masked, weight_normed])
def test_what_a_mask_or_a_parametrisation_holds_comes_back(make, tmp_path):
    network, other, x = make(), make(), torch.rand(5, 3)
    with torch.no_grad():
        for tensor in (*other.parameters(), *other.buffers()):
            tensor.fill_(1)
    save(network, tmp_path / "a")
    loaded = load(tmp_path / "a", into=other)
    assert torch.equal(loaded(x), network(x)) and not torch.equal(other(x), network(x))


def test_tied_weights_stay_tied(tmp_path):
    network = tied()
    save(network, tmp_path / "tied")
    loaded = load(tmp_path / "tied", into=tied())
    assert torch.equal(loaded[0].weight, network[0].weight)
    assert loaded[2].weight is loaded[0].weight


def channels(model):
    return [m.out_channels for m in model.modules() if isinstance(m, nn.Conv2d)]


def test_channels_that_torch_pruning_took_out(tmp_path):
    """Residual sums, depthwise convolutions; and spectral again after the cut."""
    build = import_torchvision().models.mobilenet_v2
    model, example = build(num_classes=10), torch.rand(2, 3, 32, 32)
    before = channels(model)
    torch_pruning.pruner.BasePruner(
        *(model, example, SpectralImportance(model, layer_scores(model, "invariant"))),
        pruning_ratio=0.5,
        ignored_layers=[model.classifier[1]],
    ).step()
    assert channels(model) == [width // 2 for width in before]
    save(model, tmp_path / "small")
    loaded = load(tmp_path / "small", into=build(num_classes=10))
    assert str(loaded) == str(model)  # kinds and widths of all modules
    assert torch.equal(loaded.eval()(example), model.eval()(example))
    loaded.train()(example).sum().backward()
    save(spectralize(model), tmp_path / "spectral")
    loaded = load(tmp_path / "spectral", into=spectralize(build(num_classes=10)))
    assert torch.equal(loaded.eval()(example), model.eval()(example))
    with pytest.raises(ValueError, match=r"into must have a '.*' of at least.*\(10,.*got \(4,"):
        load(tmp_path / "small", into=build(num_classes=4))
    with pytest.raises(ValueError, match=r"into must have as many outputs"):
        load(tmp_path / "small", into=build(num_classes=20))


def test_norms_that_torch_pruning_made_smaller(tmp_path):
    def passes(own, x):
        tokens = own.patches(own.groups(own.stem(x))).flatten(2).transpose(1, 2)
        return own.head(own.norm(tokens).mean(dim=1))

    def build():
        layers = {"stem": nn.Conv2d(3, 8, 1), "groups": nn.GroupNorm(2, 8)}
        layers |= {"patches": nn.Conv2d(8, 16, 4, 4), "norm": nn.LayerNorm(16)}
        return Own(passes, **layers, head=nn.Linear(16, 4))

    model, example = build().eval(), torch.rand(2, 3, 16, 16)
    importance = SpectralImportance(model, layer_scores(model, "invariant"))
    pruner = torch_pruning.pruner.BasePruner(
        model, example, importance, pruning_ratio=0.5, ignored_layers=[model.head]
    )
    pruner.step()
    assert model.norm.normalized_shape == (8,)
    save(model, tmp_path / "small")
    loaded = load(tmp_path / "small", into=build().eval())
    assert str(loaded) == str(model) and torch.equal(loaded(example), model(example))


def test_a_buffer_that_loses_entries_is_saved_though_the_full_one_is_not(tmp_path):
    def build():
        network = Own(
            lambda own, x: own.b(own.a(x) * own.gains), a=nn.Linear(4, 8), b=nn.Linear(8, 2)
        )
        network.register_buffer("gains", torch.linspace(1, 2, 8), persistent=False)
        return network

    full, x = build(), torch.rand(3, 4)
    small = prune(full, node_scores(full, "connectivity", example=x), percentile=50, example=x)
    assert list(small.gains.shape) == [4] and "gains" not in full.state_dict()
    save(small, tmp_path / "small")
    loaded = load(tmp_path / "small", into=build())
    assert torch.equal(loaded(x), small(x)) and torch.equal(loaded.gains, small.gains)


@pytest.mark.parametrize(
    "buffers",
    [
        lambda net, big: {"all": big, "part": big[:3]},
        lambda net, big: {"p": big[:3], "q": big[2:5]},
        lambda net, big: {"expanded": big[:1].expand(5)},
        lambda net, big: {"rows": net[0].weight.detach()[:2]},
    ],
)
def test_tensors_that_share_memory_come_back(buffers, tmp_path):
    network = plain()
    for name, buffer in buffers(network, torch.rand(6)).items():
        network.register_buffer(name, buffer)
    save(network, tmp_path / "a")
    loaded = load(tmp_path / "a", into=copy.deepcopy(network))
    for name, tensor in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name


@pytest.mark.parametrize(
    ("into", "words"),
    [
        (spectral_mlp((6, 3), "elu"), "the file lacks none, the model '2."),
        (spectral_mlp((6, 3, 3), "elu"), r"'0.eigenvectors'.*\(4, 6\); got \(3, 6\)"),
        (spectral_mlp((9, 8, 3), "elu"), "inputs in '0'"),
        (direct_mlp((6, 8, 3), "elu"), "'0.weight'.*'0.eigenvalues'.*folded.*spectralize"),
    ],
)
def test_a_model_that_does_not_fit_is_told_why(into, words, tmp_path):
    network = spectral_mlp((6, 8, 3), "elu")
    save(prune(network, node_scores(network), 50), tmp_path / "a")
    with pytest.raises(ValueError, match=f"into must have.*{words}"):
        load(tmp_path / "a", into=into)


@pytest.mark.parametrize("kinds", [(Conv1D, nn.Linear), (nn.Linear, Conv1D)])
def test_a_transposed_layer_tells_its_inputs_from_its_outputs(kinds, tmp_path):
    def network(inputs, outputs):
        first, last = (kind(*sides) for kind, sides in zip(kinds, ((inputs, 8), (8, outputs))))
        return nn.Sequential(first, nn.ELU(), last)

    small = prune(network(6, 3), [torch.rand(8)], 50)
    save(small, tmp_path / "a")
    x = torch.rand(2, 6)
    assert torch.equal(load(tmp_path / "a", into=network(6, 3))(x), small(x))
    for sizes, words in (((9, 3), "inputs in '0'"), ((6, 5), "outputs in '2'")):
        with pytest.raises(ValueError, match=f"into must have as many {words}"):
            load(tmp_path / "a", into=network(*sizes))


def test_files_of_another_kind_are_named(tmp_path):
    (tmp_path / "text").write_text("no tensors")
    with pytest.raises(ValueError, match=r"text must be a file of safetensors"):
        load(tmp_path / "text", into=plain())
    save_file(plain().state_dict(), tmp_path / "other")
    with pytest.raises(ValueError, match=r"other must be a file that spectral_core.save"):
        load(tmp_path / "other", into=plain())
