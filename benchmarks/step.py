"""Training on one core against what a user would take instead, and against its matrix products.

All train the same spectral network, λ and φ, on the same images with the same Adam, and take turns
in one process; seconds are the processor's, so that what else the machine does counts little, and
those of an epoch after the first. ``products`` are the matrix products of a training and nothing
else, written to memory that is there; ``Adam`` is the optimiser's pass over parameters, gradients
and moments alone. No training in a precision takes less than the two together. JAX, and
``torch.compile``, which needs a C++ compiler, are left out where they are missing.
"""

import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import trange

from benchmarks.loops import name_of, plain_loop, problem, training
from benchmarks.measure import ratios
from spectral_core.data import load
from spectral_core.paper.run.work import initial_network, training_examples, training_settings
from spectral_core.paper.study.steps import TrainStep
from spectral_core.training.loop import ADAM_BETAS, ADAM_EPSILON, PRECISIONS, OnEpoch, train

MINUTES = 3
STEPS = 30
EPOCHS = 3
IMAGES = 60_000
"""What the seconds of an epoch are for."""
TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}

Contestant = Callable[[OnEpoch], object]
"""Trains a network for a few epochs and calls what it is given after each."""


def run(rounds: int = 11, quick: bool = False) -> list[dict[str, Any]]:
    """Measure 1 and 3 hidden layers; one row per network and contestant."""
    what, rows = problem(quick), []
    for depth in (1, 3):
        step = training(what, "post", depth, epochs=EPOCHS, images=200 * (2 if quick else STEPS))
        with one_core():
            runs = contestants(step, compiles=not quick)
            times: dict[str, list[float]] = {name: [] for name in runs}
            for _ in trange(rounds, desc=name_of(step, what), leave=False, disable=None):
                for name, contestant in runs.items():
                    times[name].append(seconds_per_epoch(contestant))
        for name, seconds in times.items():
            row: dict[str, Any] = {"network": name_of(step, what), "contestant": name}
            row["seconds_per_epoch"] = median(seconds) * IMAGES / step.train_images
            for precision in PRECISIONS:
                for other in (f"ours, {precision}", f"products, {precision}"):
                    row[f"over {other}"] = ratios(times, name, other)
            rows.append(row)
    return rows


def seconds_per_epoch(contestant: Contestant) -> float:
    """Seconds of the processor for an epoch after the first, which loads and allocates."""
    ends: list[float] = []
    contestant(lambda *_: ends.append(time.process_time()))
    return (ends[-1] - ends[0]) / (len(ends) - 1)


@contextmanager
def one_core() -> Iterator[None]:
    """Compute on one core, libraries with threads of their own included, where the system can."""
    threads = torch.get_num_threads()
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else None
    if cores:
        os.sched_setaffinity(0, {max(cores)})
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        if cores:
            os.sched_setaffinity(0, cores)


def contestants(step: TrainStep, compiles: bool) -> dict[str, Contestant]:
    """Everything that can train here, each with a network of its own; compiling takes a while."""
    data = load(step.dataset)

    def new() -> tuple[nn.Sequential, Tensor, Tensor]:
        network = initial_network(step, data, torch.Generator().manual_seed(step.seed))
        return network, *training_examples(step, data)

    runs: dict[str, Contestant] = {}
    for precision in PRECISIONS:
        settings = training_settings(step) | {"precision": precision}
        runs[f"ours, {precision}"] = ours(*new(), settings)
    runs["autograd, fused Adam"] = autograd(*new(), step)
    runs["autograd, Adam, DataLoader"] = partial(
        plain_loop, *new(), step, EPOCHS, torch.Generator().manual_seed(step.seed)
    )
    if compiles:
        with suppress(RuntimeError):  # without a compiler
            compiled = autograd(*new(), step, compiled=True)
            compiled(lambda *_: None)
            runs["autograd, fused Adam, torch.compile"] = compiled
    with suppress(ImportError):
        runs["JAX, jit"] = in_jax(*new(), step)
    for precision, dtype in TYPES.items():
        runs[f"products, {precision}"] = products(*new(), step, dtype)
    runs["Adam"] = optimiser(*new(), step)
    return runs


def ours(
    network: nn.Sequential, inputs: Tensor, targets: Tensor, settings: dict[str, Any]
) -> Contestant:
    """This project's training."""
    return lambda on_epoch: train(network, inputs, targets, **settings, on_epoch=on_epoch)


def autograd(
    network: nn.Sequential,
    inputs: Tensor,
    targets: Tensor,
    step: TrainStep,
    *,
    compiled: bool = False,
) -> Contestant:
    """PyTorch as it is: tensors in memory, autograd, the fused Adam; the loss perhaps compiled."""
    trained = [p for p in network.parameters() if p.requires_grad]
    adam = torch.optim.Adam(
        trained, step.learning_rate, betas=ADAM_BETAS, eps=ADAM_EPSILON, fused=True
    )

    def loss_of(x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(network(x), y)

    loss_of = torch.compile(loss_of) if compiled else loss_of

    def fit(on_epoch: OnEpoch) -> None:
        for epoch in range(1, EPOCHS + 1):
            losses = []
            for batch in torch.randperm(len(inputs)).split(step.batch_size):
                adam.zero_grad()
                loss = loss_of(inputs[batch], targets[batch])
                loss.backward()
                adam.step()
                losses.append(loss.detach())
            on_epoch(epoch, torch.stack(losses).mean().item())

    return fit


def in_jax(network: nn.Sequential, inputs: Tensor, targets: Tensor, step: TrainStep) -> Contestant:
    """The same in JAX: an epoch is one compiled scan over its batches, its memory reused."""
    import jax
    import jax.numpy as jnp

    x, y = jnp.asarray(inputs.numpy()), jnp.asarray(targets.numpy().astype("int32"))
    params = [
        {name: jnp.array(p.detach().numpy()) for name, p in layer.named_parameters()}
        for layer in network[::2]
    ]
    (beta1, beta2), rate = ADAM_BETAS, step.learning_rate
    activation = getattr(jax.nn, step.activation)

    def loss_of(params: list[dict[str, Any]], x: Any, y: Any) -> Any:
        for k, layer in enumerate(params):
            x = -layer["eigenvalues"] * (x @ layer["eigenvectors"].T) + layer.get("bias", 0.0)
            x = x if k == len(params) - 1 else activation(x)
        return -jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], axis=1).mean()

    def one_step(state: tuple, batch: Any) -> tuple[tuple, Any]:
        params, first, second, t = state
        loss, gradients = jax.value_and_grad(loss_of)(params, x[batch], y[batch])
        t = t + 1
        first = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, first, gradients)
        second = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * g * g, second, gradients)
        scale, root = rate / (1 - beta1**t), jnp.sqrt(1 - beta2**t)
        params = jax.tree.map(
            lambda p, m, v: p - scale * m / (jnp.sqrt(v) / root + ADAM_EPSILON),
            *(params, first, second),
        )
        return (params, first, second, t), loss

    scan = jax.jit(partial(jax.lax.scan, one_step), donate_argnums=0)
    zeros = partial(jax.tree.map, jnp.zeros_like)
    state = params, zeros(params), zeros(params), jnp.float32(0)

    def fit(on_epoch: OnEpoch) -> None:
        nonlocal state
        for epoch in range(1, EPOCHS + 1):
            order = torch.randperm(len(inputs)).view(-1, step.batch_size).numpy()
            state, losses = scan(state, jnp.asarray(order))
            on_epoch(epoch, losses.mean().item())

    return fit


def optimiser(
    network: nn.Sequential, inputs: Tensor, targets: Tensor, step: TrainStep
) -> Contestant:
    """The fused Adam of an epoch, with gradients that are there."""
    adam = torch.optim.Adam(network.parameters(), step.learning_rate, fused=True)
    for parameter in network.parameters():
        parameter.grad = torch.full_like(parameter, 1e-3)

    def update(on_epoch: OnEpoch) -> None:
        for epoch in range(1, EPOCHS + 1):
            for _ in range(len(inputs) // step.batch_size):
                adam.step()
            on_epoch(epoch, 0.0)

    return update


def products(
    network: nn.Sequential, inputs: Tensor, targets: Tensor, step: TrainStep, dtype: torch.dtype
) -> Contestant:
    """The matrix products of an epoch; those of the output layer in fp32, as in training."""
    layers = [layer.eigenvectors.detach() for layer in network[::2]]
    calls = []
    for k, phi in enumerate(layers):
        phi = phi if k == len(layers) - 1 else phi.to(dtype)
        x = phi.new_ones(step.batch_size, phi.shape[1])
        g = phi.new_ones(step.batch_size, phi.shape[0])
        calls += [(x, phi.T, g.clone()), (g.T, x, phi.clone())]
        calls += [(g, phi, x.clone())] if k > 0 else []

    def multiply(on_epoch: OnEpoch) -> None:
        for epoch in range(1, EPOCHS + 1):
            steps = itertools.repeat(calls, len(inputs) // step.batch_size)
            for a, b, out in itertools.chain.from_iterable(steps):
                torch.mm(a, b, out=out)
            on_epoch(epoch, 0.0)

    return multiply
