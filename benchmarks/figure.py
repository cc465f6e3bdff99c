"""The whole of Fig. 3 at the paper's settings, one seed, on all cores, against the plain loop.

``direct``, ``post`` and ``pre`` with their 20 cuts: the plain loop trains, prunes, trains again and
evaluates cut by cut, a process per core; this project's ``compute`` fills an empty store with as
many processes. One contestant follows the other. Seconds are of computing, added up over processes:
with one seed a core may have to wait for the other, which five seeds give work to.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import Any

import joblib
import torch
from torch import nn
from tqdm import tqdm

from benchmarks.loops import plain, plain_loop
from benchmarks.measure import ratios, side_by_side, spread
from spectral_core import evaluate, node_scores, prune, train_only
from spectral_core.data import load
from spectral_core.paper.run.compute import compute
from spectral_core.paper.run.remaining import remaining
from spectral_core.paper.run.store import Store
from spectral_core.paper.run.work import retraining_generator, training_examples
from spectral_core.paper.study.figures import FIGURES
from spectral_core.paper.study.methods import METHODS as EVERY
from spectral_core.paper.study.planning import Study, plan
from spectral_core.paper.study.steps import CutStep, Step, TrainStep, with_trainings
from spectral_core.training.loop import PRECISIONS

MINUTES = 20
SEEDS, CORES = 5, 2
"""What the paper asks for, and the machine that the minutes are given for."""
METHODS = FIGURES["fig03"][0].methods
PARTS = (*(f"{method}, training" for method in METHODS), "pre, its cuts", "other cuts", "whole")
"""What the seconds are given for. The training of ``pre`` is its stage 1, its cuts are stage 2."""

Seconds = Counter[str]
"""Seconds of computing by part."""


def run(rounds: int = 1, quick: bool = False) -> list[dict[str, Any]]:
    """Measure as many seeds as rounds; one row per part, and one for the whole with the minutes
    that five seeds take and the seconds taken over those that ``--dry-run`` forecasts."""
    make = partial(plan, "fig03", "smoke" if quick else "paper")
    found: dict[str, list[Seconds]] = {name: [] for name in ("DataLoader", *PRECISIONS)}
    with tqdm(total=rounds * len(found), disable=True if quick else None, unit="turn") as bar:
        for seed in range(rounds):
            for name, seconds in found.items():
                bar.set_description_str(f"seed {seed}: {name}")
                study = make(seeds=[seed], precision=name if name in PRECISIONS else "fp32")
                seconds.append((ours if name in PRECISIONS else plainly)(study))
                bar.update()
    rows = []
    for part in PARTS:
        times = {name: [each[part] for each in seconds] for name, seconds in found.items()}
        row: dict[str, Any] = {
            "part": part,
            "seeds": rounds,
            "seconds": {name: spread(each) for name, each in times.items()},
        }
        row |= {f"{how}_faster_by": ratios(times, "DataLoader", how) for how in PRECISIONS}
        if part == "whole":
            row |= {
                f"{name}_minutes_of_five_seeds": spread([s * SEEDS / CORES / 60 for s in each])
                for name, each in times.items()
            } | {
                f"{how}_over_its_forecast": spread([s[part] / s["forecast"] for s in found[how]])
                for how in PRECISIONS
            }
        rows.append(row)
    return rows


def part_of(step: Step) -> str:
    """The name out of :data:`PARTS` that a step's seconds count for."""
    if isinstance(step, CutStep):
        return "other cuts" if step.retrains is None else "pre, its cuts"
    methods = {(EVERY[name].layers, EVERY[name].trains): name for name in METHODS}
    return f"{methods[step.layers, step.trains]}, training"


def ours(study: Study) -> Seconds:
    """Fill an empty store, after asking how long it takes (``forecast``)."""
    steps = study.steps()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        forecast = remaining(steps, store, workers=joblib.cpu_count()).computing
        compute(steps, store, progress=False)
        seconds = _added_up(
            (step, store.record(step)["made"]["seconds"]) for step in with_trainings(steps)
        )
    return seconds + Counter(forecast=forecast)


def plainly(study: Study) -> Seconds:
    """Train, a process per core, then go through the cuts one by one, a process per core."""
    cuts, cores = study.steps(), joblib.cpu_count()
    trainings = [step for step in with_trainings(cuts) if isinstance(step, TrainStep)]
    trained = dict(
        zip(trainings, side_by_side(timed_training, [(step,) for step in trainings], cores))
    )
    calls = [(cut, trained[cut.trained][1]) for cut in sorted(cuts, key=lambda cut: -cut.cost)]
    measured = zip((cut for cut, _ in calls), side_by_side(timed_cut, calls, cores))
    done = [*trained.items(), *measured]
    return _added_up((step, seconds) for step, (seconds, _) in done)


def _added_up(done: Iterable[tuple[Step, float]]) -> Seconds:
    """Seconds by part, from those of each step."""
    seconds: Seconds = Counter()
    for step, each in done:
        seconds[part_of(step)] += each
        seconds["whole"] += each
    return seconds


def timed_training(step: TrainStep) -> tuple[float, nn.Sequential]:
    """Seconds of a training by the plain loop, and the network."""
    load(step.dataset)  # kept from here on
    start = time.perf_counter()
    network = plain(step)
    return time.perf_counter() - start, network


def timed_cut(cut: CutStep, network: nn.Sequential) -> tuple[float, float]:
    """Seconds of pruning, training again if the method does, and evaluating; and the accuracy."""
    data = load(cut.trained.dataset)
    torch.set_num_threads(1)
    start = time.perf_counter()
    pruned = prune(network, node_scores(network, by=cut.score), cut.percentile)
    if cut.retrains is not None:
        plain_loop(
            train_only(pruned, cut.retrains),
            *training_examples(cut.trained, data),
            cut.trained,
            cut.retraining_epochs,
            retraining_generator(cut.trained.seed),
        )
    with torch.no_grad():
        accuracy = evaluate(pruned, data.test_inputs, data.test_targets).accuracy
    return time.perf_counter() - start, accuracy
