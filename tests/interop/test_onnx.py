"""ONNX: onnxruntime gives what torch gives, at any batch size; the file is checked or not there."""

import os

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from spectral_core import export_onnx, fold, node_scores, prune, spectral_mlp
from spectral_core.interop import onnx as module


def session(file):
    return onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])


@pytest.mark.slow
def test_outputs_are_torchs_at_any_batch_and_the_file_is_as_small_as_its_weights(tmp_path):
    """Fig. 4's network, pruned by 90 %."""
    full = spectral_mlp((784, 500, 500, 500, 10), "elu", generator=torch.Generator().manual_seed(0))
    pruned, file = prune(full, node_scores(full), 90), tmp_path / "pruned"
    assert export_onnx(pruned, file, torch.rand(5, 784)) <= 1e-5
    assert pruned.training
    for batch in (1, 2, 13, 1000):
        inputs = torch.rand(batch, 784)
        (outputs,) = session(file).run(["outputs"], {"inputs": inputs.numpy()})
        expected = fold(pruned)(inputs).detach().numpy()
        np.testing.assert_allclose(outputs, expected, atol=1e-5 * max(1, abs(expected).max()))
    weights = 4 * sum(p.numel() for p in fold(pruned).parameters())
    assert weights < os.path.getsize(file) < weights + 20_000
    assert list(tmp_path.iterdir()) == [file]  # no weights in a second file


@pytest.mark.parametrize("difference", [0.5, float("nan")])
@pytest.mark.slow
def test_a_file_that_differs_is_not_there(tmp_path, monkeypatch, difference):
    network = spectral_mlp((4, 3, 2), "elu")
    monkeypatch.setattr(module, "_difference", lambda *_: difference)
    with pytest.raises(ArithmeticError, match=f"to 1e-05; they differ by {difference}"):
        export_onnx(network, tmp_path / "a", torch.rand(2, 4))
    assert list(tmp_path.iterdir()) == []


class Bilinear(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 4), nn.Linear(2, 4)

    def forward(self, left, right):
        product = self.a(left) * self.b(right)
        return {"logits": product, "parts": (left.sum(-1), right.sum(-1))}


@pytest.mark.parametrize("rows", [2, 1])
def test_several_inputs_and_outputs_have_names(tmp_path, rows):
    model, example = Bilinear(), {"right": torch.rand(rows, 2), "left": torch.rand(2, 3)}
    assert export_onnx(model, tmp_path / "a", example) <= 1e-5
    of_file = session(tmp_path / "a")
    assert {taken.name for taken in of_file.get_inputs()} == {"left", "right"}
    names = ["outputs.logits", "outputs.parts.0", "outputs.parts.1"]
    assert [given.name for given in of_file.get_outputs()] == names
    # all of one first dimension, so of any; or else of these alone
    assert isinstance(of_file.get_inputs()[0].shape[0], str) == (rows == 2)


class Signed(nn.Linear):
    def forward(self, x):
        y = super().forward(x)
        return y, y > 0


class Masked(nn.Linear):
    def forward(self, x):
        return super().forward(x).masked_fill(torch.arange(3) > 1, -torch.inf)


@pytest.mark.parametrize("kind", [Signed, Masked])
def test_outputs_may_be_booleans_or_infinite(tmp_path, kind):
    assert export_onnx(kind(4, 3), tmp_path / "a.onnx", torch.rand(2, 4)) < 1e-5
