"""What pruning buys: latency and FLOPs of a pruned network against the full one, in torch."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.loops import problem
from benchmarks.measure import in_turns, ratios
from spectral_core import fold, node_scores, prune, spectral_mlp
from spectral_core.layers.flow import Flow

MINUTES = 1
DEPTH = 3
PERCENTILES = (50, 80, 90, 95)


def run(rounds: int = 9, quick: bool = False) -> list[dict[str, Any]]:
    """Measure at batches of 1 and 1000, on one thread; one row per level and batch."""
    torch.set_num_threads(1)
    networks = pruned_networks(quick)
    return race(
        {q: partial(_forward, fold(n)) for q, n in networks.items()}, networks, rounds, quick
    )


def race(
    forward: Mapping[int, Callable[[Tensor, int], None]],
    networks: Mapping[int, nn.Sequential],
    rounds: int,
    quick: bool,
) -> list[dict[str, Any]]:
    """Each of the :func:`pruned_networks` against the full one; one row per level and batch.

    ``forward`` has, by pruning level, what runs a network on some images so many times.
    """
    rows = []
    for batch, repeats in ((1, 2000), (1000, 10)):
        x, repeats = torch.rand(batch, problem(quick).inputs), 2 if quick else repeats
        for percentile in list(networks)[1:]:
            contestants = {"full": forward[0], "pruned": forward[percentile]}
            times = in_turns(
                {name: partial(run, x, repeats) for name, run in contestants.items()},
                rounds,
                f"batch of {batch}, {percentile} % pruned",
            )
            rows.append(
                {
                    "batch": batch,
                    "percentile": percentile,
                    "seconds_full": min(times["full"]) / repeats,
                    "seconds_pruned": min(times["pruned"]) / repeats,
                    # Without biases each weight is one multiplication and one addition.
                    "flops_ratio": Flow(networks[0]).flops() / Flow(networks[percentile]).flops(),
                    "speed_up": ratios(times, "full", "pruned"),
                }
            )
    return rows


def pruned_networks(quick: bool) -> dict[int, nn.Sequential]:
    """A network at its start, under 0, and what is left of it at each percentile."""
    what = problem(quick)
    generator = torch.Generator().manual_seed(0)
    full = spectral_mlp((what.inputs, *(what.width,) * DEPTH, 10), "elu", generator=generator)
    levels = PERCENTILES[:1] if quick else PERCENTILES
    return {0: full, **{q: prune(full, node_scores(full), q) for q in levels}}


def _forward(network: nn.Module, x: Tensor, repeats: int) -> None:
    with torch.inference_mode():
        for _ in range(repeats):
            network(x)
