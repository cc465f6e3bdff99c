"""Accuracy and loss by hand."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from spectral_core import evaluate


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_accuracy_and_loss_by_hand(batch_size):
    logits = torch.tensor([[2.0, 0.0], [0.0, 2.0], [2.0, 0.0], [0.0, 0.0]])
    targets = torch.tensor([0, 1, 1, 0])  # right, right, wrong, a tie won by the first
    measured = evaluate(nn.Identity(), logits, targets, batch_size)
    right, wrong, tie = math.log1p(math.exp(-2)), math.log1p(math.exp(2)), math.log(2)
    assert measured.accuracy == 0.75
    assert measured.loss == pytest.approx((2 * right + wrong + tie) / 4)
    zeros = torch.zeros_like(logits)  # a loss of one's own is averaged over the examples
    measured = evaluate(nn.Identity(), logits, zeros, batch_size, loss=nn.functional.mse_loss)
    assert measured.loss == 4 * 3 / 8 and math.isnan(measured.accuracy)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_many_losses_in_half_precision_are_summed_in_single(dtype):
    logits = torch.tensor([[0.0, 10.0]]).repeat(10_000, 1)
    targets = torch.zeros(10_000, dtype=torch.int64)
    exact = evaluate(nn.Identity(), logits, targets)
    assert evaluate(nn.Identity(), logits.to(dtype), targets) == exact  # both are whole in any type


def test_evaluation_mode_is_used_and_training_mode_restored():
    network = nn.Sequential(nn.Linear(4, 2), nn.Dropout(0.99))
    x, y = torch.randn(50, 4), torch.zeros(50, dtype=torch.int64)
    assert evaluate(network, x, y) == evaluate(network, x, y)
    assert network.training


def test_a_module_that_does_something_on_changing_its_mode_does_it_both_ways():
    class Merging(nn.Linear):
        merged = False

        def train(self, mode=True):
            self.merged = not mode
            return super().train(mode)

    network = nn.Sequential(Merging(4, 2), nn.Dropout().eval())
    x, y = torch.randn(5, 4), torch.zeros(5, dtype=torch.int64)
    evaluate(network, x, y)
    assert network[0].training and not network[0].merged and not network[1].training


def test_a_loss_may_do_what_it_will_with_shapes():
    def loss(outputs, targets):
        return F.binary_cross_entropy_with_logits(outputs[:, 0], targets)

    x = torch.randn(5, 4)
    assert evaluate(nn.Linear(4, 1), x, (x[:, 0] > 0).float(), loss=loss).loss > 0
