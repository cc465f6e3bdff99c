"""Measuring a network: accuracy and loss."""

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spectral_core import _checks
from spectral_core.training.autograd import Loss


class Evaluation(NamedTuple):
    """How a network does on a data set."""

    accuracy: float
    """Fraction of correctly classified inputs, in [0, 1]; NaN if a ``loss`` was given."""
    loss: float
    """Mean categorical cross-entropy, in nats, or the mean of the given ``loss``."""


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Evaluation mode for a while; each module's own mode is restored."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():  # parents first
            if module.training != mode:
                with suppress(Exception):  # whatever a method of one's own does
                    module.train(mode)
        for module, mode in modes.items():
            module.training = mode


@torch.no_grad()
def evaluate(
    network: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    batch_size: int = 10_000,
    *,
    loss: Loss | None = None,
) -> Evaluation:
    """Measure accuracy and loss of a network.

    Args:
        network: any module from one batch of inputs to (n, classes) logits, or to what ``loss``
            takes; its training mode is restored.
        inputs: shape (n, …), as the network takes them.
        targets: class indices, int64, shape (n,); with a ``loss``, what it takes, shape (n, …).
        batch_size: inputs per forward pass, at least 1; bounds the memory.
        loss: in place of the cross-entropy, as for :func:`~spectral_core.train`: from a batch's
            outputs and targets to their mean loss. There is no accuracy then.

    Raises:
        TypeError, ValueError: if ``network`` is not a module, there are no inputs or not one target
            per input, the batch size is below 1, or a ``loss`` gives no scalar, or would broadcast
            outputs, (n, 1), against targets, (n,), as ``F.mse_loss`` does.
    """
    _checks.module("network", network)
    _checks.examples(inputs, targets, classes=loss is None)
    batch_size = _checks.whole_number("batch_size", batch_size, least=1)
    correct, total = 0.0 if loss is None else math.nan, 0.0
    with evaluating(network):
        for x, y in zip(inputs.split(batch_size), targets.split(batch_size)):
            outputs = _checks.outputs(network(x))  # (batch, classes)
            # The sum over a batch is beyond half precision.
            outputs = outputs.to(torch.promote_types(outputs.dtype, torch.float32))
            if loss is not None:
                _checks.paired(loss, outputs, y)
                total += len(y) * float(_checks.mean_loss(torch.as_tensor(loss(outputs, y))))
                continue
            correct += int((outputs.argmax(dim=1) == y).sum())
            total += float(F.cross_entropy(outputs, y, reduction="sum"))
    return Evaluation(correct / len(targets), total / len(targets))
