"""Training a network on tensors that are already in memory. Knows nothing of measurement."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spectral_core import _checks
from spectral_core.stack import Stack, is_written_out

PRECISIONS = ("fp32", "bf16")
"""Number formats of the large matrix products."""

# Adam as Keras sets it. Keras adds ε to √v before, torch to √v̂ after the bias correction; the
# test of this module shows that accuracies don't tell the two apart.
ADAM_BETAS = (0.9, 0.999)
ADAM_EPSILON = 1e-7


class TrainingDiverged(RuntimeError):
    """The loss became NaN or infinite."""


def train(
    network: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    *,
    epochs: int,
    batch_size: int = 200,
    learning_rate: float = 1e-3,
    precision: str = "fp32",
    generator: torch.Generator | None = None,
    on_epoch: Callable[[int, float], None] | None = None,
) -> list[float]:
    """Minimise the categorical cross-entropy with Adam; the last epoch's weights are kept.

    Every parameter with ``requires_grad`` is trained, from a fresh optimiser; the others are not
    touched. The order of the examples is drawn anew each epoch.

    Args:
        network: module from (n, N_1) inputs to (n, classes) logits; trained in place.
        inputs: shape (n, N_1), on the network's device.
        targets: class indices, int64, shape (n,).
        epochs: passes over the data, at least 0.
        batch_size: examples per step; the last step of an epoch takes what is left.
        learning_rate: Adam's step size, above 0.
        precision: ``"fp32"``: all in the network's own type. ``"bf16"``: large matrix products in
            bfloat16, see :class:`~spectral_core.stack.Stack`; worth it where the hardware
            multiplies such numbers.
        generator: source of the order, on the CPU whatever the device; torch's default if ``None``.
        on_epoch: called after each epoch with its number, from 1, and its loss.

    Returns:
        Training loss of each epoch, in nats, averaged over its steps.

    Raises:
        TrainingDiverged: if the loss of a step is NaN or infinite; names the step and settings.
        TypeError, ValueError: if an argument is out of range, nothing is there to train, or the
            precision is not to be had for this network.
    """
    _checks.module("network", network)
    _checks.examples(inputs, targets)
    _checks.whole_number("epochs", epochs)
    _checks.whole_number("batch_size", batch_size, least=1)
    _checks.number("learning_rate", learning_rate, 0, open_low=True)
    _checks.choice("precision", precision, PRECISIONS)
    parameters = [p for p in network.parameters() if p.requires_grad]
    if not parameters:
        raise ValueError("network must have parameters with requires_grad; got none to train")
    optimiser = torch.optim.Adam(
        parameters, lr=learning_rate, betas=ADAM_BETAS, eps=ADAM_EPSILON, fused=True
    )

    n = len(targets)
    steps = math.ceil(n / batch_size)
    most = min(batch_size, n)
    if is_written_out(network):
        step_of = Stack(network, most, precision)
        inputs = step_of.prepare(inputs)
    elif precision == "fp32":
        step_of = partial(_autograd_step, network, optimiser)
    else:
        raise ValueError(
            "precision must be fp32 for networks other than stacks of Linear or SpectralLinear "
            f"layers with ELU, ReLU or tanh in between; got {precision!r}"
        )
    batch = inputs.new_empty(most, *inputs.shape[1:])
    losses = torch.empty(steps, device=inputs.device)  # read once an epoch: no wait per step
    history: list[float] = []
    network.train()
    with denormals_flushed():
        for epoch in range(1, epochs + 1):
            order = torch.randperm(n, generator=generator).to(inputs.device)
            for step, chosen in enumerate(order.split(batch_size)):
                x = torch.index_select(inputs, 0, chosen, out=batch[: len(chosen)])
                losses[step] = step_of(x, targets[chosen])
                optimiser.step()
            _check_finite(losses, epoch, learning_rate, batch_size)
            history.append(float(losses.mean()))
            if on_epoch is not None:
                on_epoch(epoch, history[-1])
    optimiser.zero_grad()  # leave no gradients behind
    return history


def _autograd_step(
    network: nn.Module, optimiser: torch.optim.Optimizer, inputs: Tensor, targets: Tensor
) -> Tensor:
    """Loss and gradients of a network of any kind."""
    optimiser.zero_grad()
    loss = F.cross_entropy(network(inputs), targets)
    loss.backward()
    return loss.detach()


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """Round denormal floats to 0 in this thread.

    Once the training set is fitted, gradients and Adam's moments fall below the smallest normal
    float, where a CPU is several times slower; no result depends on numbers of that size.
    """
    smallest = torch.tensor([torch.finfo(torch.float32).tiny])
    already = bool((smallest * 0.5 == 0).item())
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(already)


def _check_finite(losses: Tensor, epoch: int, learning_rate: float, batch_size: int) -> None:
    broken = (~torch.isfinite(losses)).nonzero()
    if len(broken):
        step = int(broken[0])
        raise TrainingDiverged(
            f"the loss became {losses[step].item()} at step {step + 1} of epoch {epoch} "
            f"(learning rate {learning_rate:g}, batch size {batch_size}); "
            "try a smaller learning rate"
        )
