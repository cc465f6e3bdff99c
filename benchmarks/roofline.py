"""Operations per second that training reaches, against what the same machine reaches at most.

On one thread. The limit is the fastest matrix product of the round, large square ones and those of
a training step; the bandwidths are those of an addition, over arrays that fill main memory's share
or fit the cache.
Operations are those of the matrix products, 2 for each weight and image; bytes are what products
must read and write at least, and for a step of training Adam's arrays besides.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch

from benchmarks.loops import ours, plain, problem, training
from benchmarks.measure import in_turns, spread
from spectral_core.paper.study.steps import TrainStep
from spectral_core.training.loop import PRECISIONS

MINUTES = 1
BATCH = 200
TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
ADAM = 7  # arrays as long as the weights: four read (gradient included), three written


class Work(NamedTuple):
    """Something to time, and what it has to do each time."""

    kind: str
    name: str
    how: str
    """``"fp32"``, ``"bf16"``, or ``"DataLoader"`` for the plain loop."""
    run: Callable[[], Any]
    operations: float
    bytes: float


def run(rounds: int = 5, quick: bool = False) -> list[dict[str, Any]]:
    """Measure; one row each for limits, bandwidths, products, and steps of training."""
    torch.set_num_threads(1)
    works = [*_bandwidths(quick), *_products(quick), *_steps(quick)]
    times = in_turns(
        {f"{work.kind} {work.name} {work.how}": work.run for work in works}, rounds, "roofline"
    )
    measured = list(zip(works, times.values()))
    limits = {how: _limit(measured, how) for how in PRECISIONS}
    rows = [_row(work, seconds, limits[_precision(work.how)]) for work, seconds in measured]
    rows += [
        {"kind": "limit", "name": "fastest product", "how": how, "gflops": spread(limit)}
        for how, limit in limits.items()
    ]
    return rows


def _row(work: Work, seconds: list[float], limit: list[float]) -> dict[str, Any]:
    """What one contestant reached in each round, also as a share of the round's limit."""
    row: dict[str, Any] = {"kind": work.kind, "name": work.name, "how": work.how}
    if not work.operations:
        row["gigabytes_per_second"] = spread([work.bytes / each / 1e9 for each in seconds])
        return row
    rates = [work.operations / each / 1e9 for each in seconds]
    row["gflops"] = spread(rates)
    row["operations_per_byte"] = work.operations / work.bytes
    row["share_of_limit"] = spread([rate / most for rate, most in zip(rates, limit)])
    return row


def _limit(measured: list[tuple[Work, list[float]]], how: str) -> list[float]:
    """GFLOP/s of the fastest matrix product of each round."""
    rates = [
        [work.operations / each / 1e9 for each in seconds]
        for work, seconds in measured
        if work.kind == "product" and work.how == how
    ]
    return [max(of_round) for of_round in zip(*rates)]


def _precision(how: str) -> str:
    """Number format of a contestant's matrix products."""
    return "bf16" if how == "bf16" else "fp32"


def _product(name: str, shape: tuple[int, int, int], how: str, quick: bool) -> Work:
    """A product of an (m, k) with a (k, n) matrix, repeated until it takes a while."""
    m, k, n = shape
    a, b = (torch.rand(*size).to(TYPES[how]) for size in ((m, k), (k, n)))
    out = a.new_empty(m, n)
    operations = 2 * m * k * n
    repeats = max(1, int((1e6 if quick else 4e9) / operations))
    size = a.element_size() * (m * k + k * n + m * n)

    def multiply() -> None:
        for _ in range(repeats):
            torch.mm(a, b, out=out)

    return Work("product", name, how, multiply, operations * repeats, size * repeats)


def _bandwidths(quick: bool) -> list[Work]:
    sizes = {"main memory": 2**14 if quick else 2**26, "cache": 2**12 if quick else 2**16}
    return [_addition(name, size, quick) for name, size in sizes.items()]


def _addition(name: str, numbers: int, quick: bool) -> Work:
    a, b = torch.rand(numbers), torch.rand(numbers)
    repeats = max(1, (2**14 if quick else 2**28) // numbers)

    def add() -> None:
        for _ in range(repeats):
            torch.add(a, 1.0, out=b)

    return Work("bandwidth", name, "fp32", add, 0, 2 * 4 * numbers * repeats)


def _products(quick: bool) -> list[Work]:
    """The products of a training step, one by one, and large ones."""
    what = problem(quick)
    inputs, width = what.inputs, what.width
    shapes = {
        "first layer": (BATCH, inputs, width),
        "first layer's gradient": (width, BATCH, inputs),
        "hidden layer": (BATCH, width, width),
        "output layer": (BATCH, width, 10),
    }
    for side in (16, 32) if quick else (1024, 2048):
        shapes[f"square of {side}"] = (side, side, side)
    return [
        _product(name, shape, how, quick) for name, shape in shapes.items() for how in PRECISIONS
    ]


def _steps(quick: bool) -> list[Work]:
    """Steps of training, by contestant."""
    works, steps = [], 2 if quick else 60
    for depth in (1, 3):
        make = partial(training, problem(quick), "post", depth, images=BATCH * steps)
        name = f"training step, {depth} hidden layer{'s' * (depth > 1)}"
        operations, size = _needs(make(), problem(quick).inputs)
        runs = {"DataLoader": partial(plain, make())}
        runs |= {how: partial(ours, make(precision=how)) for how in PRECISIONS}
        works += [
            Work("step", name, how, run, operations * steps, size * steps)
            for how, run in runs.items()
        ]
    return works


def _needs(step: TrainStep, inputs: int) -> tuple[int, int]:
    """Operations and bytes of a step that trains everything, all numbers in fp32."""
    sizes = (inputs, *step.hidden, 10)
    operations = size = 0
    for layer, (before, after) in enumerate(itertools.pairwise(sizes)):
        products = 2 if layer == 0 else 3  # forward, gradient, and back to the layer before
        operations += products * 2 * BATCH * before * after
        moved = BATCH * before + before * after + BATCH * after
        size += 4 * (products * moved + ADAM * before * after)
    return operations, size
