"""Roofline of a training step: the speed that each part reaches, and the most it could reach.

A part that does few operations per byte it moves is bound by memory, one that does many by the
processor: it can reach at most min(peak, intensity · bandwidth). The peak is what a product of
large matrices reaches, the bandwidth that of a copy that fits no cache; a part whose data stay in a
cache may go beyond. All run in turns on one core, at the sizes of a step of Fig. 3's network.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.loops import problem
from benchmarks.measure import in_turns, spread
from benchmarks.step import TYPES, one_core
from spectral_core.paper.study.settings import Settings

MINUTES = 1
CLASSES = 10
LARGE, COPIED = 2048, 1 << 25
"""Side of the large matrices; numbers that are copied."""


class Part(NamedTuple):
    """Something to time."""

    run: Callable[[], Any]
    operations: float
    """Of the processor on numbers, in one call."""
    moved: float
    """Bytes read and written in one call, each number once."""


def run(rounds: int = 30, quick: bool = False) -> list[dict[str, Any]]:
    """Measure; one row per precision and part, the two limits first."""
    rows = []
    with one_core():
        for precision, dtype in TYPES.items():
            parts = limits(dtype, quick) | step(dtype, quick)
            times = in_turns({name: part.run for name, part in parts.items()}, rounds)
            for name, part in parts.items():
                rates = [part.operations / seconds / 1e9 for seconds in times[name]]
                row = {"precision": precision, "part": name, "gflops": spread(rates)}
                row["operations_per_byte"] = part.operations / part.moved
                rows.append(row)
    return rows


def limits(dtype: torch.dtype, quick: bool) -> dict[str, Part]:
    """What is measured for the roof; a copy counts as one operation per number."""
    side, numbers = (64, 1 << 12) if quick else (LARGE, COPIED)
    a = torch.ones(side, side, dtype=dtype)
    source, target = torch.ones(2, numbers).unbind()
    return {
        "large product": product(a, a),
        "copy": Part(lambda: target.copy_(source), numbers, 8 * numbers),
    }


def step(dtype: torch.dtype, quick: bool) -> dict[str, Part]:
    """Parts of a step of a network with one hidden layer, λ and φ trained."""
    what, batch = problem(quick), Settings().batch_size
    x = torch.ones(batch, what.inputs, dtype=dtype)
    phi = torch.ones(what.width, what.inputs, dtype=dtype)
    hidden = torch.ones(batch, what.width)
    outputs = torch.ones(batch, CLASSES)
    weights = torch.ones(what.width, what.inputs, requires_grad=True)
    weights.grad = torch.full_like(weights, 1e-3)
    adam = torch.optim.Adam([weights], fused=True)
    adam.step()  # its moments are there
    return {
        "first layer, forward": product(x, phi.T),
        "first layer, gradient of φ": product(hidden.to(dtype).T, x),
        "output layer, gradient of φ": product(outputs.T, hidden),  # in fp32 always
        "fused Adam": Part(adam.step, 12 * weights.numel(), 28 * weights.numel()),
        "ELU": Part(lambda: F.elu(hidden), hidden.numel(), 8 * hidden.numel()),
    }


def product(a: Tensor, b: Tensor) -> Part:
    """One matrix product, into memory that is there."""
    out = a.new_empty(len(a), b.shape[1])
    moved = (a.numel() + b.numel() + out.numel()) * a.element_size()
    return Part(lambda: torch.mm(a, b, out=out), 2 * out.numel() * a.shape[1], moved)
