"""A pruned network beside the full one: size, work, latency and accuracy, as a table."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from spectral_core import _checks
from spectral_core.layers.conversion import fold
from spectral_core.layers.flow import Flow
from spectral_core.layers.kinds import Dense, arrival_width, named_layers
from spectral_core.layers.running import (
    Example,
    arguments,
    check_example,
    copied,
    on_few,
    rows_of,
    run,
    tensors_of,
    undisturbed,
)
from spectral_core.training.evaluation import evaluate

if TYPE_CHECKING:
    import pandas as pd

ROUNDS = 7
"""How many times each network is timed; the networks take turns."""


@dataclass(frozen=True)
class Measures:
    """Size, work and quality of one network, folded and in evaluation mode."""

    nodes: int
    """Nodes of the hidden fully connected layers."""
    channels: int
    """Output channels of all convolutions."""
    parameters: int
    """Parameters of the whole model."""
    flops: int
    """Floating-point operations of matrix products and convolutions for one input, a
    multiplication and an addition for each weight and place, as torch counts them: a fused kernel
    of attention may leave out its two products. Of the whole example if one input does not run.
    """
    latency: float
    """Median time of one forward pass over the example batch, in seconds."""
    accuracy: float | None
    """Fraction of correctly classified inputs, in [0, 1]; ``None`` without targets."""


@dataclass(frozen=True, repr=False)
class Comparison:
    """Two networks measured; prints as a table, and shows as one in a notebook."""

    full: Measures
    pruned: Measures
    batch: int
    """Number of inputs that the latency is for."""

    def table(self) -> pd.DataFrame:
        """One row per measure, as text: ``full``, ``pruned``, and what is left of it."""
        import pandas as pd

        rows = [
            ("hidden nodes", "nodes", "{:,}", 1),
            ("channels", "channels", "{:,}", 1),
            ("parameters", "parameters", "{:,}", 1),
            ("FLOPs per input", "flops", "{:,}", 1),
            (f"ms per batch of {self.batch}", "latency", "{:.3g}", 1000),
        ]
        cells = {}
        for title, name, form, scale in rows:
            full, pruned = getattr(self.full, name), getattr(self.pruned, name)
            if full:
                texts = (form.format(scale * full), form.format(scale * pruned))
                cells[title] = (*texts, f"{100 * pruned / full:.1f} %")
        if self.full.accuracy is not None and self.pruned.accuracy is not None:
            full, pruned = 100 * self.full.accuracy, 100 * self.pruned.accuracy
            cells["accuracy (%)"] = (f"{full:.1f}", f"{pruned:.1f}", f"{pruned - full:+.1f} pt")
        return pd.DataFrame.from_dict(cells, orient="index", columns=["full", "pruned", "left"])

    def __repr__(self) -> str:
        return self.table().to_string()

    def _repr_html_(self) -> str:
        return self.table().to_html()


@torch.no_grad()
def compare(
    model: nn.Module, pruned: nn.Module, example: Example, targets: Tensor | None = None
) -> Comparison:
    """Compare a pruned network with the full one: size, work, latency and accuracy.

    Copies of both are folded and put into evaluation mode. Latencies are medians over several
    rounds in which the two take turns, on as many threads as torch is set to; they depend on the
    machine and on what else runs on it.

    Args:
        model: the full network.
        pruned: the smaller one, made by whatever tool.
        example: inputs that both take, on their device; the batch that is timed: a tensor (n, …)
            with n ≥ 1, a tuple of arguments or a dictionary of keyword arguments.
        targets: class indices, int64, shape (n,), for networks from one tensor to (n, classes);
            without them accuracy is left out.

    Raises:
        TypeError, ValueError: if an argument is of the wrong kind, or the two give outputs of
            different shapes.

    Example:
        >>> print(compare(network, small, test_inputs, test_targets))
    """
    networks = [_checks.module("model", model), _checks.module("pruned", pruned)]
    check_example(example)
    plain = [fold(network).eval() for network in networks]
    shapes = []
    for network in plain:
        with undisturbed(network):
            shapes.append([tuple(x.shape) for x in tensors_of(run(network, example))])
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"pruned must give outputs of the full model's shapes, {shapes[0]}; got {shapes[1]}"
        )
    measures = [
        _measures(network, example, targets, seconds)
        for network, seconds in zip(plain, _latencies(plain, example))
    ]
    return Comparison(*measures, batch=rows_of(example) or 1)


def _measures(
    network: nn.Module, example: Example, targets: Tensor | None, latency: float
) -> Measures:
    """Everything about a folded network but the time that it takes."""
    widths = {layer: arrival_width(layer) for layer in named_layers(network).values()}
    dense = any(isinstance(layer, Dense) for layer in widths)
    return Measures(
        nodes=sum(Flow(network, example).widths) if dense else 0,
        channels=sum(width for layer, width in widths.items() if not isinstance(layer, Dense)),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        flops=_flops(network, example),
        latency=latency,
        accuracy=None if targets is None else evaluate(network, copied(example), targets).accuracy,
    )


def _flops(network: nn.Module, example: Example) -> int:
    from torch.utils.flop_counter import FlopCounterMode

    # The fused kernels of transformer layers, which run without gradients, would count as nothing.
    for parameter in network.parameters():
        parameter.requires_grad_(parameter.is_floating_point())

    def counted(shown: Example) -> int:
        with torch.enable_grad(), FlopCounterMode(display=False) as counter:
            run(network, shown)
        return counter.get_total_flops()

    return on_few(counted, example, 1)


def _latencies(networks: Sequence[nn.Module], example: Example) -> list[float]:
    """Median seconds of one pass of each network; they take turns."""
    from torch.utils.benchmark import Timer

    threads = torch.get_num_threads()
    args, kwargs = arguments(copied(example))
    timers = [
        Timer("f(*x, **y)", globals={"f": network, "x": args, "y": kwargs}, num_threads=threads)
        for network in networks
    ]
    with torch.device(tensors_of((args, kwargs))[0].device):  # the timer makes tensors of its own
        passes = [timer.blocked_autorange(min_run_time=0.02).number_per_run for timer in timers]
        rounds = [
            [timer.timeit(n).median for timer, n in zip(timers, passes)] for _ in range(ROUNDS)
        ]
    return [statistics.median(seconds) for seconds in zip(*rounds)]
