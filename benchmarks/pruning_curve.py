"""A pruning curve against one evaluation per level, in passes of the unpruned network."""

from collections.abc import Callable
from typing import Any

import torch

from benchmarks.loops import problem
from benchmarks.measure import in_turns, ratios
from spectral_core import direct_mlp, evaluate, node_scores, prune, spectral_mlp
from spectral_core.pruning.curve import measure_cuts

MINUTES = 2
INPUTS = 10_000
MAKERS = {"spectral": (spectral_mlp, "eigenvalue"), "direct": (direct_mlp, "connectivity")}


def run(rounds: int = 5, quick: bool = False) -> list[dict[str, Any]]:
    """Measure on one thread; one row per network and number of cuts."""
    torch.set_num_threads(1)
    width, few, rows = problem(quick).width, 3 if quick else 20, []
    for depth, cuts in ((1, few), (1, width), (3, few)):
        for layers in MAKERS:
            contestants = curve_of(layers, depth, cuts, quick)
            if cuts > few:  # 500 evaluations of a cut network would take minutes
                del contestants["evaluations"]
            times = in_turns(contestants, rounds, f"{layers}, {depth} hidden layers, {cuts} cuts")
            row = {
                "layers": layers,
                "hidden": [width] * depth,
                "inputs": _inputs(quick),
                "cuts": cuts,
                "seconds_forward": min(times["forward"]),
                "curve_in_forward_passes": ratios(times, "curve", "forward"),
            }
            if "evaluations" in times:
                row["evaluations_in_forward_passes"] = ratios(times, "evaluations", "forward")
                row["speed_up"] = ratios(times, "evaluations", "curve")
            rows.append(row)
    return rows


def curve_of(layers: str, depth: int, cuts: int, quick: bool) -> dict[str, Callable[[], None]]:
    """One pass of a network at its start, uncut; all cuts at once; and cut by cut."""
    what = problem(quick)
    pixels, width = what.inputs, what.width
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(_inputs(quick), pixels, generator=generator)
    y = torch.randint(0, 10, (len(x),), generator=generator)
    make, score = MAKERS[layers]
    network = make((pixels, *(width,) * depth, 10), "elu", generator=generator)
    scores = node_scores(network, score)
    percentiles = [100 * cut / cuts for cut in range(cuts)]

    def forward() -> None:
        with torch.inference_mode():
            network(x)

    def curve() -> None:
        measure_cuts(network, scores, x, y, percentiles)

    def evaluations() -> None:
        for percentile in percentiles:
            evaluate(prune(network, scores, percentile), x, y)

    return {"forward": forward, "curve": curve, "evaluations": evaluations}


def _inputs(quick: bool) -> int:
    return 100 if quick else INPUTS
