"""Where the time goes: what torch's profiler sees of a training step, a pruned network, a curve.

On one thread. Times of operations are the profiler's, which adds a little to each; the rest, up to
the time that the same work takes without it, is Python and the calls between operations.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import torch
from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import ProfilerActivity, profile

from benchmarks.inference import pruned_networks
from benchmarks.loops import ours, plain, problem, training
from benchmarks.pruning_curve import curve_of
from spectral_core import fold
from spectral_core.training.loop import PRECISIONS

MINUTES = 2
REST = "Python and calls"
# What an operation belongs to: by the range of torch's that it lies in, else by its own name.
RANGES = {"Optimizer.step": "optimiser", "enumerate(DataLoader)": "picking rows"}
OPERATIONS = {
    "matrix products": ("mm", "addmm", "addmm_", "matmul", "linear", "mv"),
    "picking rows": ("index_select", "index", "randperm", "split", "stack"),
    "copies": ("copy_", "to", "_to_copy", "clone", "zero_", "fill_", "empty", "new_empty"),
    "loss": ("log_softmax", "_log_softmax", "gather", "scatter_add_", "exp_", "nll_loss_forward",
             "cross_entropy_loss", "nll_loss_backward", "_log_softmax_backward_data", "nll_loss_nd",
             "argmax", "logsumexp"),
}  # fmt: skip
OTHER = "activations and sums"

Timed = Callable[[Callable[[], Any], Callable[[], Any]], int]
"""Works; calls the first function before and the second after what is to be timed, and returns how
many units (steps, passes) that was."""


def run(rounds: int = 2, quick: bool = False) -> list[dict[str, Any]]:
    """Profile; one row per case, with milliseconds of a step, or of a pass, by what they go to."""
    torch.set_num_threads(1)
    rows = []
    for case, how, work in cases(quick):
        whole = median(_milliseconds(work) for _ in range(rounds))
        seen = [_parts(work) for _ in range(rounds)]
        parts = {
            kind: median(each[kind] for each in seen)
            for kind in (*OPERATIONS, *RANGES.values(), OTHER)
        }
        parts[REST] = max(0.0, whole - sum(parts.values()))
        rows.append({"case": case, "how": how, "milliseconds": parts, "whole": whole})
    return rows


def cases(quick: bool) -> list[tuple[str, str, Timed]]:
    """What is profiled, how it computes, and the work."""
    return [*_trainings(quick), *_inference(quick), *_curve(quick)]


def _trainings(quick: bool) -> list[tuple[str, str, Timed]]:
    """Steps of training, by method, depth and contestant."""
    steps = 2 if quick else 60
    found: list[tuple[str, str, Timed]] = []
    for case, method, depth in (
        ("1 hidden layer, λ and φ", "post", 1),
        ("1 hidden layer, λ alone", "pre", 1),
        ("3 hidden layers, λ and φ", "post", 3),
    ):
        make = partial(training, problem(quick), method, depth, epochs=2, images=200 * steps)
        contestants = {"DataLoader": partial(plain, make())}
        contestants |= {how: partial(ours, make(precision=how)) for how in PRECISIONS}
        found += [
            (case, how, partial(_second_epoch, train, steps)) for how, train in contestants.items()
        ]
    return found


def _second_epoch(train: Callable, steps: int, start: Callable, stop: Callable) -> int:
    """Of two, when everything is set up."""
    train(on_epoch=lambda epoch, _: start() if epoch == 1 else stop())
    return steps


def _inference(quick: bool) -> list[tuple[str, str, Timed]]:
    passes = 2 if quick else 20
    full, pruned = pruned_networks(quick)
    networks = {"uncut": full, **{f"{q} % pruned": network for q, network in pruned.items()}}
    inputs = torch.rand(1000, problem(quick).inputs)

    def forward(network: torch.nn.Module, start: Callable, stop: Callable) -> int:
        with torch.inference_mode():
            network(inputs)
            start()
            for _ in range(passes):
                network(inputs)
            stop()
        return passes

    return [
        (f"batch of 1000, {name}", "fp32", partial(forward, fold(network)))
        for name, network in networks.items()
    ]


def _curve(quick: bool) -> list[tuple[str, str, Timed]]:
    curve = curve_of("spectral", 1, 20, quick).curve

    def measured(start: Callable, stop: Callable) -> int:
        curve()
        start()
        curve()
        stop()
        return 1

    return [("curve of 20 cuts", "fp32", measured)]


def _milliseconds(work: Timed) -> float:
    """Of one unit, without the profiler."""
    times: list[float] = []

    def note() -> None:
        times.append(time.perf_counter())

    units = work(note, note)
    return 1000 * (times[1] - times[0]) / units


def _parts(work: Timed) -> Counter[str]:
    """Milliseconds of one unit by what they go to, as the profiler sees them."""
    profiler = profile(activities=[ProfilerActivity.CPU])
    units = work(profiler.start, profiler.stop)
    parts: Counter[str] = Counter()
    for event in profiler.events():
        parts[_kind(event)] += event.self_cpu_time_total / 1000 / units
    return parts


def _kind(event: FunctionEvent) -> str:
    """What an operation belongs to."""
    above: FunctionEvent | None = event
    while above is not None:
        for range_, kind in RANGES.items():
            if above.name.startswith(range_):
                return kind
        above = above.cpu_parent
    operation = event.name.removeprefix("aten::")
    for kind, operations in OPERATIONS.items():
        if operation in operations:
            return kind
    return OTHER if event.name.startswith("aten::") else REST
