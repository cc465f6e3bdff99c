"""Measuring a network: accuracy and loss."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spectral_core import _checks


class Evaluation(NamedTuple):
    """How a network does on a data set."""

    accuracy: float
    """Fraction of correctly classified inputs, in [0, 1]."""
    loss: float
    """Mean categorical cross-entropy, in nats."""


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Evaluation mode for a while; each module's own mode is restored."""
    training = [module for module in network.modules() if module.training]
    network.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


@torch.no_grad()
def evaluate(
    network: nn.Module, inputs: Tensor, targets: Tensor, batch_size: int = 10_000
) -> Evaluation:
    """Measure accuracy and loss of a network.

    Args:
        network: module from (n, N_1) inputs to (n, classes) logits; its training mode is restored.
        inputs: shape (n, N_1).
        targets: class indices, int64, shape (n,).
        batch_size: inputs per forward pass, at least 1; bounds the memory.

    Raises:
        TypeError, ValueError: if there is no module, there are no inputs, not one target per
            input, or the batch size is below 1.
    """
    _checks.module("network", network)
    _checks.examples(inputs, targets)
    _checks.whole_number("batch_size", batch_size, least=1)
    correct, loss = 0, 0.0
    with evaluating(network):
        for x, y in zip(inputs.split(batch_size), targets.split(batch_size)):
            logits = network(x)  # (batch, classes)
            # The sum over a batch is beyond half precision.
            logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
            correct += int((logits.argmax(dim=1) == y).sum())
            loss += float(F.cross_entropy(logits, y, reduction="sum"))
    return Evaluation(correct / len(targets), loss / len(targets))
