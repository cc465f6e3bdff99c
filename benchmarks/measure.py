"""Timing side by side: the contestants take turns, so that a noisy machine is noisy to all."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import joblib
import torch
from tqdm import tqdm

Spread = dict[str, float]
"""``median``, ``least`` and ``most`` of several measurements of one thing."""


class Skipped(RuntimeError):
    """A suite cannot run here; the message says what it needs."""


def in_turns(
    contestants: Mapping[str, Callable[[], Any]],
    rounds: int,
    label: str | None = None,
    warm_up: bool = True,
) -> dict[str, list[float]]:
    """Time each contestant once per round: seconds, by name.

    A progress bar has the ``label`` before the contestant's name; without one there is none. To
    ``warm_up``, an unmeasured round comes first.
    """
    times: dict[str, list[float]] = {name: [] for name in contestants}
    turns = (rounds + warm_up) * len(contestants)
    hidden = True if label is None else None  # None: shown where there is a terminal
    with tqdm(total=turns, leave=False, disable=hidden, unit="turn") as bar:
        for round_ in range(rounds + warm_up):
            for name, run in contestants.items():
                bar.set_description(f"{label}: {name}")
                start = time.perf_counter()
                run()
                if round_ >= warm_up:
                    times[name].append(time.perf_counter() - start)
                bar.update()
    return times


def spread(values: Sequence[float]) -> Spread:
    """Median of some values, with the smallest and the largest."""
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def ratios(times: Mapping[str, Sequence[float]], slow: str, fast: str) -> Spread:
    """Spread of ``slow / fast`` over rounds."""
    return spread([a / b for a, b in zip(times[slow], times[fast])])


def side_by_side(
    work: Callable[..., Any], calls: Sequence[tuple], processes: int | None = None
) -> list[Any]:
    """What a function returns for each tuple of arguments, run at once in processes of one thread;
    in one per call, if no number of processes is given."""
    with joblib.parallel_config("loky", n_jobs=processes or len(calls), inner_max_num_threads=1):
        return joblib.Parallel()(joblib.delayed(work)(*call) for call in calls)


def machine() -> dict[str, Any]:
    """What the ratios depend on: ``cores``, and whether bfloat16 products have instructions.

    ``amx_bf16`` (a matrix unit) and ``avx512_bf16`` (vectors) are ``None`` where torch can't tell.
    """
    known = getattr(torch.cpu, "get_capabilities", dict)()  # torch 2.10 and later
    instructions = {name: known.get(name) for name in ("amx_bf16", "avx512_bf16")}
    return {"cores": joblib.cpu_count(), **instructions}
