"""Training a network on tensors that are already in memory. Knows nothing of measurement."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spectral_core import _checks
from spectral_core.training.cuda_graphs import BatchStep, Replayed, own_stream
from spectral_core.training.gradients import Stack, is_written_out, penalised

PRECISIONS = ("fp32", "bf16")
"""Number formats of the large matrix products."""

# Adam as Keras sets it. Keras adds ε to √v before, torch to √v̂ after the bias correction; the
# test of this module shows that accuracies don't tell the two apart.
ADAM_BETAS = (0.9, 0.999)
ADAM_EPSILON = 1e-7


class TrainingDiverged(RuntimeError):
    """The loss, or a parameter, became NaN or infinite."""

    member: int = 0
    """Which network of an ensemble it was, from 0."""


def train(
    network: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    *,
    epochs: int,
    batch_size: int = 200,
    learning_rate: float = 1e-3,
    precision: str = "fp32",
    penalty: float = 0.0,
    decay: float = 0.0,
    generator: torch.Generator | None = None,
    on_epoch: Callable[[int, float], None] | None = None,
) -> list[float]:
    """Minimise the categorical cross-entropy with Adam; the last epoch's weights are kept.

    A penalty γ adds γ Σ|λ_i| over the eigenvalues of each hidden spectral layer, and γ Σ|w_ij| over
    the weights of each hidden plain layer, where these train (Appendix D); fully connected layers
    are meant. A decay α adds α/2 Σp² over all that trains, output layer and biases included.

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
            bfloat16, see :class:`~spectral_core.training.gradients.Stack`; worth it where the hardware
            multiplies such numbers.
        penalty: weight γ of the ℓ1 penalty, at least 0; 0 for none.
        decay: weight α of the L2 term, at least 0; 0 for none. Its gradient α p goes through Adam
            with the loss's, unlike the decoupled decay of AdamW.
        generator: source of the order, on the CPU whatever the device; torch's default if ``None``.
        on_epoch: called after each epoch with its number, from 1, and its loss.

    Returns:
        Cross-entropy of each epoch, in nats, averaged over its steps, without penalty and decay.

    Raises:
        TrainingDiverged: if the loss of a step, or a parameter after the last one, is NaN or
            infinite; names the step and settings.
        TypeError, ValueError: if an argument is out of range, nothing is there to train or to
            penalise, or the precision is not to be had for this network.
    """
    _checks.module("network", network)
    return fit(
        network,
        inputs,
        targets,
        lambda n: torch.randperm(n, generator=generator),
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        precision=precision,
        penalty=penalty,
        decay=decay,
        on_epoch=on_epoch,
    )


def fit(
    network: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    draw_order: Callable[[int], Tensor],
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    precision: str,
    penalty: float,
    decay: float,
    on_epoch: Callable[[int, Any], None] | None,
) -> list[Any]:
    """The loop of :func:`~spectral_core.train` and :func:`~spectral_core.training.ensemble.train_ensemble`.

    Args:
        network: one network, or the stacked parameters of E, see
            :func:`~spectral_core.training.ensemble.stacked`.
        draw_order: from the number n of examples to an order of them, (n,) or (E, n), on the CPU.
        inputs, targets, epochs, batch_size, learning_rate, precision, penalty, decay: as
            :func:`~spectral_core.train`.
        on_epoch: called after each epoch with its number and its loss, or list of E losses.

    Returns:
        The loss, or list of E losses, of each epoch.

    Raises:
        TrainingDiverged, TypeError, ValueError: as :func:`~spectral_core.train`.
    """
    _checks.examples(inputs, targets)
    _checks.whole_number("epochs", epochs)
    _checks.whole_number("batch_size", batch_size, least=1)
    _checks.number("learning_rate", learning_rate, 0, open_low=True)
    _checks.choice("precision", precision, PRECISIONS)
    _checks.number("penalty", penalty, 0)
    _checks.number("decay", decay, 0)
    parameters = [p for p in network.parameters() if p.requires_grad]
    if not parameters:
        raise ValueError("network must have parameters with requires_grad; got none to train")
    on = penalised(network) if penalty else []
    if penalty and not on:
        raise ValueError(
            "penalty must be 0 for a network without a hidden fully connected layer whose "
            f"eigenvalues, or plain weights, train; got {penalty:g}"
        )
    optimiser = torch.optim.Adam(
        parameters,
        lr=learning_rate,
        betas=ADAM_BETAS,
        eps=ADAM_EPSILON,
        weight_decay=decay,
        fused=True,
    )
    n, members, written_out = len(targets), (), is_written_out(network)
    if written_out:
        _check_sizes(network, inputs, targets)
        loss_of = Stack(network, min(batch_size, n), precision, penalty)
        inputs, members = loss_of.prepare(inputs), loss_of.members
    elif precision == "fp32":
        loss_of = partial(_autograd_step, network, optimiser, penalty, on)
    else:
        raise ValueError(
            "precision must be fp32 for networks other than stacks of Linear or SpectralLinear "
            f"layers with ELU, ReLU or tanh in between; got {precision!r}"
        )
    step = _step_on(inputs, targets, math.prod((*members, min(batch_size, n))), loss_of, optimiser)
    if inputs.is_cuda and written_out:
        step = Replayed(step, optimiser)
    # Read once an epoch: no wait per step.
    kind = torch.promote_types(parameters[0].dtype, torch.float32)
    losses = torch.empty(math.ceil(n / batch_size), *members, dtype=kind, device=inputs.device)
    history: list[Any] = []
    network.train()
    with denormals_flushed(), own_stream(inputs.device):
        for epoch in range(1, epochs + 1):
            order = draw_order(n).to(inputs.device)
            for i, chosen in enumerate(order.split(batch_size, dim=-1)):
                losses[i] = step(chosen)
            _check_finite(losses, epoch, learning_rate, batch_size)
            history.append(losses.mean(dim=0).tolist())
            if on_epoch is not None:
                on_epoch(epoch, history[-1])
    _check_parameters(parameters, members, learning_rate, batch_size)
    optimiser.zero_grad()  # leave no gradients behind
    return history


def _check_sizes(network: nn.Sequential, inputs: Tensor, targets: Tensor) -> None:
    """Raise unless inputs and targets fit a stack of fully connected layers."""
    first, last = network[0], network[-1]
    dtype = next(network.parameters()).dtype
    if inputs.dtype != dtype:
        raise TypeError(f"inputs must be {dtype}, as the network is; got {inputs.dtype}")
    if inputs.shape[1:] != (first.in_features,):
        raise ValueError(
            f"inputs must be (n, {first.in_features}), as many as the first layer has departure "
            f"nodes; got {tuple(inputs.shape)}"
        )
    if targets.max() >= last.out_features:
        raise ValueError(
            f"targets must be below {last.out_features}, the number of output nodes; got "
            f"{targets.max()}"
        )


def _step_on(
    inputs: Tensor,
    targets: Tensor,
    most: int,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    optimiser: torch.optim.Optimizer,
) -> BatchStep:
    """A step of training, from indices of its batch, ((E,) m), to its loss, () or (E,).

    Args:
        inputs: shape (n, …); or (E n, …), the rows of each of E networks behind those of the one
            before.
        targets: class indices, shape (n,).
        most: rows of the largest batch, those of all networks together.
        loss_of: loss of a batch, whose gradients it leaves in the parameters.
        optimiser: the one that steps.
    """
    batch = inputs.new_empty(most, *inputs.shape[1:])
    firsts = torch.arange(0, len(inputs), len(targets), device=inputs.device)[:, None]

    def step(chosen: Tensor) -> Tensor:
        rows = (chosen if len(firsts) == 1 else chosen + firsts).flatten()
        x = torch.index_select(inputs, 0, rows, out=batch[: len(rows)])
        loss = loss_of(x.view(*chosen.shape, *inputs.shape[1:]), targets[chosen])
        optimiser.step()
        return loss

    return step


def _autograd_step(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    penalty: float,
    penalised: Sequence[nn.Parameter],
    inputs: Tensor,
    targets: Tensor,
) -> Tensor:
    """Cross-entropy, and gradients with the penalty's, of a network of any kind."""
    optimiser.zero_grad()
    loss = F.cross_entropy(network(inputs), targets)
    objective = loss
    if penalty:
        objective = loss + penalty * sum(p.abs().sum() for p in penalised)
    objective.backward()
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


@contextmanager
def single_thread() -> Iterator[None]:
    """Let torch compute on one thread, which makes its sums independent of the machine's cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _check_finite(losses: Tensor, epoch: int, learning_rate: float, batch_size: int) -> None:
    """Raise if one of the losses of an epoch, (steps,) or (steps, E), is not finite."""
    broken = (~torch.isfinite(losses)).nonzero()
    if len(broken):
        step, *member = broken[0].tolist()
        said = f"the loss became {losses[step, *member].item()} at step {step + 1} of epoch {epoch}"
        raise _diverged(said, sum(member), learning_rate, batch_size)


def _check_parameters(
    parameters: Sequence[Tensor], members: tuple[int, ...], learning_rate: float, batch_size: int
) -> None:
    """Raise if the last step, which no loss has seen, left a parameter that is not finite."""
    finite = [torch.isfinite(p.detach()).reshape(*members, -1).all(dim=-1) for p in parameters]
    broken = (~torch.stack(finite).all(dim=0)).nonzero()
    if len(broken):
        said = "a parameter is nan or infinite after the last step"
        raise _diverged(said, sum(broken[0].tolist()), learning_rate, batch_size)


def _diverged(said: str, member: int, learning_rate: float, batch_size: int) -> TrainingDiverged:
    error = TrainingDiverged(
        f"{said} (learning rate {learning_rate:g}, batch size {batch_size}); "
        "try a smaller learning rate"
    )
    error.member = member
    return error
