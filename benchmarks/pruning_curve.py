"""A pruning curve against as many evaluations, in forward passes of the uncut network.

``python -m benchmarks.pruning_curve`` prints it alone.
"""

from __future__ import annotations

import json
from typing import Any

import torch

from benchmarks.measure import in_turns, ratios
from spectral_core import direct_mlp, evaluate, node_scores, prune, spectral_mlp
from spectral_core.curve import measure_cuts

INPUTS = 10_000
MAKERS = {"spectral": (spectral_mlp, "eigenvalue"), "direct": (direct_mlp, "connectivity")}


def run(rounds: int = 7) -> list[dict[str, Any]]:
    """Measure on one thread; one row per network and number of cuts."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(INPUTS, 784, generator=generator)
    y = torch.randint(0, 10, (INPUTS,), generator=generator)
    rows = []
    for hidden, cuts in (((500,), 20), ((500,), 500), ((500, 500, 500), 20)):
        percentiles = [100 * cut / cuts for cut in range(cuts)]
        for layers, (make, score) in MAKERS.items():
            network = make((784, *hidden, 10), "elu", generator=generator)
            scores = node_scores(network, score)

            def forward(network=network) -> None:
                with torch.inference_mode():
                    network(x)

            def curve(network=network, scores=scores, percentiles=percentiles) -> None:
                measure_cuts(network, scores, x, y, percentiles)

            def evaluations(network=network, scores=scores, percentiles=percentiles) -> None:
                for percentile in percentiles:
                    evaluate(prune(network, scores, percentile), x, y)

            contestants = {"forward": forward, "curve": curve}
            if cuts <= 20:  # 500 evaluations of a cut network would take minutes
                contestants["evaluations"] = evaluations
            times = in_turns(contestants, rounds)
            row = {
                "layers": layers,
                "hidden": hidden,
                "inputs": INPUTS,
                "cuts": cuts,
                "seconds_forward": min(times["forward"]),
                "curve_in_forward_passes": ratios(times, "curve", "forward"),
            }
            if "evaluations" in times:
                row["evaluations_in_forward_passes"] = ratios(times, "evaluations", "forward")
                row["speed_up"] = ratios(times, "evaluations", "curve")
            rows.append(row)
    return rows


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
