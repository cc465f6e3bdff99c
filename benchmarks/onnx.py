"""What pruning buys once it is exported: latency in onnxruntime, pruned against full."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.inference import pruned_networks
from benchmarks.loops import problem
from benchmarks.measure import Skipped, in_turns, ratios
from spectral_core import export_onnx
from spectral_core.layers.flow import Flow

MINUTES = 1


def run(rounds: int = 9, quick: bool = False) -> list[dict[str, Any]]:
    """Measure at batches of 1 and 1000, on one thread; one row per cut and batch.

    Raises:
        Skipped: without the extra [onnx].
    """
    full, pruned = pruned_networks(quick)
    example = torch.rand(3, problem(quick).inputs, generator=torch.Generator().manual_seed(0))
    with tempfile.TemporaryDirectory() as folder:
        files = {q: Path(folder, f"{q}.onnx") for q in (0, *pruned)}
        try:
            differences = {
                q: export_onnx(full if q == 0 else pruned[q], file, example)
                for q, file in files.items()
            }
        except ModuleNotFoundError as error:
            raise Skipped(str(error)) from error
        sessions = {q: _session(file) for q, file in files.items()}
    rows = []
    for batch, repeats in ((1, 2000), (1000, 10)):
        x = {"inputs": torch.rand(batch, problem(quick).inputs).numpy()}
        repeats = 2 if quick else repeats
        for percentile, network in pruned.items():
            contestants = {"full": sessions[0], "pruned": sessions[percentile]}
            times = in_turns(
                {name: partial(_run, session, x, repeats) for name, session in contestants.items()},
                rounds,
                f"onnxruntime, batch of {batch}, {percentile} % pruned",
            )
            rows.append(
                {
                    "batch": batch,
                    "percentile": percentile,
                    "seconds_full": min(times["full"]) / repeats,
                    "seconds_pruned": min(times["pruned"]) / repeats,
                    "flops_ratio": Flow(full).flops() / Flow(network).flops(),
                    "speed_up": ratios(times, "full", "pruned"),
                    "largest_difference": differences[percentile],
                }
            )
    return rows


def _session(file: Path) -> Any:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(file), settings, providers=["CPUExecutionProvider"])


def _run(session: Any, x: dict[str, Any], repeats: int) -> None:
    for _ in range(repeats):
        session.run(None, x)
