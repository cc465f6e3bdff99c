"""Accuracy and loss by hand, and the pruning curve against its brute-force twin."""

import itertools
import math

import pandas as pd
import pytest
import torch
from torch import nn

from spectral_core import evaluate, node_scores, prune, pruning_curve, spectral_mlp


class Fixed(nn.Module):
    """Passes its inputs on as logits."""

    def forward(self, x):
        return x


def test_accuracy_and_loss_by_hand():
    logits = torch.tensor([[2.0, 0.0], [0.0, 2.0], [2.0, 0.0], [0.0, 0.0]])
    targets = torch.tensor([0, 1, 1, 0])  # right, right, wrong, a tie won by the first
    measured = evaluate(Fixed(), logits, targets)
    right, wrong, tie = math.log1p(math.exp(-2)), math.log1p(math.exp(2)), math.log(2)
    assert measured.accuracy == 0.75
    assert measured.loss == pytest.approx((2 * right + wrong + tie) / 4)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_batches_do_not_matter(batch_size):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(7, 3, generator=generator, dtype=torch.float64)
    targets = torch.randint(0, 3, (7,), generator=generator)
    whole, split = (evaluate(Fixed(), logits, targets, size) for size in (7, batch_size))
    assert split.accuracy == whole.accuracy and split.loss == pytest.approx(whole.loss)


def test_evaluation_mode_is_used_and_training_mode_restored():
    network = nn.Sequential(nn.Linear(4, 2), nn.Dropout(0.99))
    x, y = torch.randn(50, 4), torch.zeros(50, dtype=torch.int64)
    assert evaluate(network, x, y) == evaluate(network, x, y)
    assert network.training


@pytest.mark.parametrize("hidden", [(12,), (6, 9), (5, 4, 6)])
def test_curve_is_prune_and_evaluate_at_each_cut(hidden):
    generator = torch.Generator().manual_seed(1)
    network = spectral_mlp((8, *hidden, 3), "elu", bias=True, generator=generator)
    x, y = (
        torch.randn(200, 8, generator=generator),
        torch.randint(0, 3, (200,), generator=generator),
    )
    scores, percentiles = node_scores(network), [0, 12.5, 50, 90, 100]
    curve = pruning_curve(network, scores, x, y, percentiles)
    assert list(curve) == ["percentile", "nodes", "parameters", "accuracy", "loss"]
    assert curve["percentile"].tolist() == percentiles
    for row in curve.itertuples():
        small = prune(network, scores, row.percentile)
        with torch.no_grad():
            logits = small(x)
        widths = [layer.out_features for layer in small[::2]]
        assert row.nodes == sum(widths[:-1])
        ends = [8, *widths]
        assert row.parameters == sum(a * b + b for a, b in itertools.pairwise(ends))
        assert row.accuracy == (logits.argmax(1) == y).float().mean().item() or math.isclose(
            row.accuracy, (logits.argmax(1) == y).sum().item() / 200
        )
        assert row.loss == pytest.approx(nn.functional.cross_entropy(logits, y).item(), rel=1e-5)
    assert isinstance(curve, pd.DataFrame)


@pytest.mark.parametrize(
    ("inputs", "targets", "error", "words"),
    [
        (torch.rand(3, 2), torch.zeros(4, dtype=torch.int64), ValueError, ["(3, 2)", "(4,)"]),
        (torch.rand(0, 2), torch.zeros(0, dtype=torch.int64), ValueError, ["n ≥ 1"]),
        (torch.rand(3, 2), torch.zeros(3), TypeError, ["targets", "int64", "float32"]),
        ([[1.0]], torch.zeros(1, dtype=torch.int64), TypeError, ["inputs", "tensors", "list"]),
    ],
)
def test_bad_examples_are_named(inputs, targets, error, words):
    with pytest.raises(error) as caught:
        evaluate(Fixed(), inputs, targets)
    assert all(word in str(caught.value) for word in words)
