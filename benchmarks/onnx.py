"""What pruning buys once it is exported: latency in onnxruntime, pruned against full."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.inference import pruned_networks, race
from benchmarks.loops import problem
from benchmarks.measure import Skipped
from spectral_core import export_onnx

MINUTES = 1


def run(rounds: int = 9, quick: bool = False) -> list[dict[str, Any]]:
    """Measure at batches of 1 and 1000, on one thread; one row per level and batch."""
    networks = pruned_networks(quick)
    example = torch.rand(3, problem(quick).inputs, generator=torch.Generator().manual_seed(0))
    sessions, differences = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for percentile, network in networks.items():
            file = Path(folder, f"{percentile}.onnx")
            try:
                differences[percentile] = export_onnx(network, file, example)
            except ModuleNotFoundError as error:
                raise Skipped(str(error)) from error
            sessions[percentile] = _session(file)
    rows = race({q: partial(_run, each) for q, each in sessions.items()}, networks, rounds, quick)
    return [row | {"largest_difference": differences[row["percentile"]]} for row in rows]


def _session(file: Path) -> Any:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(file), settings, providers=["CPUExecutionProvider"])


def _run(session: Any, x: Tensor, repeats: int) -> None:
    inputs = {"inputs": x.numpy()}
    for _ in range(repeats):
        session.run(None, inputs)
