"""The whole of Fig. 3 at the paper's settings, one seed, against the plain loop.

``direct``, ``post`` and ``pre`` with their 20 cuts: the plain loop trains, prunes, trains again and
evaluates cut by cut; this project's ``compute`` fills an empty store. In each process, of one
thread, the contestants take turns, method by method. A process per core, each with a seed.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import torch
from torch import nn

from benchmarks.loops import plain, plain_loop
from benchmarks.measure import in_turns, ratios, side_by_side, spread
from spectral_core import evaluate, node_scores, prune, train_only
from spectral_core.compute import compute
from spectral_core.data import load
from spectral_core.progress import Tally, progress_bar
from spectral_core.steps import CutStep, retraining_generator, training_examples
from spectral_core.store import Store
from spectral_core.strategies import STRATEGIES
from spectral_core.study import Study, plan
from spectral_core.training import PRECISIONS

MINUTES = 40
SEEDS, CORES = 5, 2
"""What the paper asks for, and the machine that the minutes are given for."""


def run(rounds: int = 1, quick: bool = False) -> list[dict[str, Any]]:
    """Measure; one row per method and one for the whole, ratios and minutes over seeds.

    Args:
        rounds: seeds per core.
        quick: the preset ``smoke`` in place of ``paper``.
    """
    cores = joblib.cpu_count()
    seeds: list[dict[str, dict[str, float]]] = []
    turns = rounds * cores * len(STRATEGIES) * (1 + len(PRECISIONS))
    with (
        tempfile.TemporaryDirectory() as folder,
        progress_bar(turns, not quick, Path(folder)) as (tally, _),
    ):
        for first in range(0, rounds * cores, cores):
            calls = [(first + core, quick, tally) for core in range(cores)]
            seeds += side_by_side(one_seed, calls)
    rows = []
    for method in [*STRATEGIES, "whole"]:
        times = {name: [seed[method][name] for seed in seeds] for name in seeds[0][method]}
        row: dict[str, Any] = {
            "method": method,
            "seeds": len(seeds),
            "seconds": {name: spread(each) for name, each in times.items()},
        }
        for precision in PRECISIONS:
            row[f"{precision}_faster_by"] = ratios(times, "DataLoader", precision)
            # All cores were busy while this was timed, so five seeds take 5/2 as long on two.
            minutes = [seconds * SEEDS / CORES / 60 for seconds in times[precision]]
            row[f"{precision}_minutes_of_five_seeds"] = spread(minutes)
        rows.append(row)
    return rows


def one_seed(seed: int, quick: bool, tally: Tally) -> dict[str, dict[str, float]]:
    """Seconds of each contestant by method, and added up."""
    found: dict[str, dict[str, float]] = {}
    for method in STRATEGIES:
        make = partial(plan, "fig03", "smoke" if quick else "paper", seeds=[seed], methods=method)
        contestants = {"DataLoader": partial(plain_study, make())}
        for precision in PRECISIONS:
            contestants[precision] = partial(our_study, make(precision=precision))
        found[method] = {}
        for name, contestant in contestants.items():
            (found[method][name],) = in_turns({name: contestant}, 1, warm_up=False)[name]
            tally.add(str(seed), 1)
    found["whole"] = {name: sum(times[name] for times in found.values()) for name in contestants}
    return found


def our_study(study: Study) -> None:
    """Fill an empty store."""
    with tempfile.TemporaryDirectory() as folder:
        compute(study.steps(), Store(folder), workers=1, progress=False)


def plain_study(study: Study) -> list[float]:
    """Train, then cut by cut; return the accuracies."""
    trained: dict[Any, nn.Sequential] = {}
    accuracies = []
    for cut in study.steps():
        if cut.trained not in trained:
            trained[cut.trained] = plain(cut.trained)
        accuracies.append(plain_cut(cut, trained[cut.trained]))
    return accuracies


def plain_cut(cut: CutStep, network: nn.Sequential) -> float:
    """Prune a network, train it again if the method does, and evaluate it."""
    data = load(cut.trained.dataset)
    pruned = prune(network, node_scores(network, by=cut.score), cut.percentile)
    if cut.retrains is not None:
        plain_loop(
            train_only(pruned, cut.retrains),
            *training_examples(cut.trained, data, "cpu"),
            cut.trained,
            cut.retraining_epochs,
            retraining_generator(cut.trained.seed),
        )
    with torch.no_grad():
        return evaluate(pruned, data.test_inputs, data.test_targets).accuracy
