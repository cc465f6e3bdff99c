"""What pruning buys: latency, parameters and FLOPs of a pruned network against the full one."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn

from benchmarks.loops import problem
from benchmarks.measure import in_turns, ratios
from spectral_core import fold, node_scores, prune, spectral_mlp
from spectral_core.layers.flow import Flow

MINUTES = 1
DEPTH = 3
PERCENTILES = (50, 80, 90, 95)


def run(rounds: int = 9, quick: bool = False) -> list[dict[str, Any]]:
    """Measure at batches of 1 and 1000, on one thread; one row per cut and batch."""
    torch.set_num_threads(1)
    full, pruned = pruned_networks(quick)
    rows = []
    for batch, repeats in ((1, 2000), (1000, 10)):
        x = torch.rand(batch, problem(quick).inputs)
        for percentile, network in pruned.items():
            contestants = {"full": full, "pruned": network}
            repeats = 2 if quick else repeats
            times = in_turns(
                {name: partial(_forward, fold(n), x, repeats) for name, n in contestants.items()},
                rounds,
                f"batch of {batch}, {percentile} % pruned",
            )
            # Without biases each weight is one multiplication and one addition.
            flops = Flow(full).flops() / Flow(network).flops()
            faster = ratios(times, "full", "pruned")
            rows.append(
                {
                    "batch": batch,
                    "percentile": percentile,
                    "seconds_full": min(times["full"]) / repeats,
                    "seconds_pruned": min(times["pruned"]) / repeats,
                    "flops_ratio": flops,
                    "speed_up": faster,
                    "share_of_flops_ratio": {name: each / flops for name, each in faster.items()},
                }
            )
    return rows


def pruned_networks(quick: bool) -> tuple[nn.Sequential, dict[int, nn.Sequential]]:
    """A network at its start, and what is left of it at each percentile."""
    what = problem(quick)
    inputs, width = what.inputs, what.width
    generator = torch.Generator().manual_seed(0)
    full = spectral_mlp((inputs, *(width,) * DEPTH, 10), "elu", generator=generator)
    return full, {q: prune(full, node_scores(full), q) for q in PERCENTILES}


def _forward(network: nn.Module, x: torch.Tensor, repeats: int) -> None:
    with torch.inference_mode():
        for _ in range(repeats):
            network(x)
