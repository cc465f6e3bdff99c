"""What pruning buys: latency, parameters and FLOPs of a pruned network against the full one."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.measure import in_turns, ratios
from spectral_core import node_scores, prune, spectral_mlp
from spectral_core.pruning import folded_parameters

HIDDEN = (500, 500, 500)


def run(rounds: int = 9) -> list[dict[str, Any]]:
    """Measure at batches of 1 and 1000, on one thread; one row per cut and batch."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    full = spectral_mlp((784, *HIDDEN, 10), "elu", generator=generator)
    rows = []
    for batch in (1, 1000):
        x = torch.rand(batch, 784, generator=generator)
        for percentile in (50, 80, 90, 95):
            pruned = prune(full, node_scores(full), percentile)
            plain = {
                name: _plain(network) for name, network in (("full", full), ("pruned", pruned))
            }
            repeats = 2000 if batch == 1 else 10

            def forward(network: torch.nn.Module, x=x, repeats=repeats) -> None:
                with torch.inference_mode():
                    for _ in range(repeats):
                        network(x)

            times = in_turns(
                {name: lambda n=network: forward(n) for name, network in plain.items()}, rounds
            )
            # Without biases each weight is one multiplication and one addition.
            flops = folded_parameters(full) / folded_parameters(pruned)
            faster = ratios(times, "full", "pruned")
            rows.append(
                {
                    "batch": batch,
                    "percentile": percentile,
                    "seconds_full": min(times["full"]) / repeats,
                    "seconds_pruned": min(times["pruned"]) / repeats,
                    "flops_ratio": flops,
                    "speed_up": faster,
                    "share_of_flops_ratio": faster["median"] / flops,
                }
            )
    return rows


def _plain(network: torch.nn.Sequential) -> torch.nn.Sequential:
    """The network with its spectral layers folded."""
    return torch.nn.Sequential(*(m.to_linear() if hasattr(m, "to_linear") else m for m in network))
