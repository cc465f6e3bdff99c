"""Timing side by side: the contestants take turns, so that a noisy machine is noisy to all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import joblib


def in_turns(contestants: Mapping[str, Callable[[], Any]], rounds: int = 5) -> dict[str, list]:
    """Time each contestant once per round.

    Args:
        contestants: what to run, by name.
        rounds: how often; an unmeasured round comes first.

    Returns:
        Seconds of each round, by name.
    """
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for round_ in range(rounds + 1):
        for name, run in contestants.items():
            start = time.perf_counter()
            run()
            if round_:
                times[name].append(time.perf_counter() - start)
    return times


def ratios(times: Mapping[str, list[float]], slow: str, fast: str) -> dict[str, float]:
    """Median of ``slow / fast`` over rounds, with the smallest and largest."""
    each = [a / b for a, b in zip(times[slow], times[fast])]
    return {"median": statistics.median(each), "least": min(each), "most": max(each)}


def side_by_side(work: Callable[..., Any], arguments: tuple, processes: int, threads: int) -> None:
    """Run the same work in several processes at once."""
    with joblib.parallel_config("loky", n_jobs=processes, inner_max_num_threads=threads):
        joblib.Parallel()(joblib.delayed(work)(*arguments, threads) for _ in range(processes))
