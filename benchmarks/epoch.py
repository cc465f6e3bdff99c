"""How many epochs of training the whole machine gets through, against a loop over a DataLoader."""

from __future__ import annotations

from typing import Any

import joblib
import torch
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.measure import in_turns, ratios, side_by_side
from spectral_core import direct_mlp, spectral_mlp, train, train_only
from spectral_core.data import load

NETWORKS = {"784-500-10": (500,), "784-500-500-500-10": (500, 500, 500)}


def network_of(hidden: tuple[int, ...], layers: str, trains: str) -> torch.nn.Sequential:
    """A network at its start."""
    generator = torch.Generator().manual_seed(0)
    sizes = (784, *hidden, 10)
    if layers == "direct":
        return direct_mlp(sizes, "elu", generator=generator)
    return train_only(spectral_mlp(sizes, "elu", generator=generator), trains)


def plain_epochs(hidden: tuple, layers: str, trains: str, epochs: int, threads: int) -> None:
    """The loop of any tutorial: modules, DataLoader, Adam."""
    torch.set_num_threads(threads)
    data = load("fashion-mnist")
    examples = DataLoader(
        TensorDataset(data.train_inputs, data.train_targets), batch_size=200, shuffle=True
    )
    network = network_of(hidden, layers, trains)
    optimiser = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=1e-3)
    for _ in range(epochs):
        for x, y in examples:
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(network(x), y).backward()
            optimiser.step()


def our_epochs(
    hidden: tuple, layers: str, trains: str, epochs: int, precision: str, threads: int
) -> None:
    """The same by this project."""
    torch.set_num_threads(threads)
    data = load("fashion-mnist")
    train(
        network_of(hidden, layers, trains),
        data.train_inputs,
        data.train_targets,
        epochs=epochs,
        precision=precision,
    )


def run(rounds: int = 3, epochs: int = 1) -> list[dict[str, Any]]:
    """Measure each network; one row each, with seconds per epoch of the whole machine."""
    cores = joblib.cpu_count()
    rows = []
    for name, hidden in NETWORKS.items():
        for layers, trains in (
            ("spectral", "both"),
            ("spectral", "eigenvalues"),
            ("direct", "both"),
        ):
            what = (hidden, layers, trains, epochs)
            many = {
                "DataLoader, one process": lambda w=what: [
                    side_by_side(plain_epochs, w, 1, cores) for _ in range(cores)
                ],
                "DataLoader, a process per core": lambda w=what: side_by_side(
                    plain_epochs, w, cores, 1
                ),
                "fp32": lambda w=what: side_by_side(our_epochs, (*w, "fp32"), cores, 1),
                "bf16": lambda w=what: side_by_side(our_epochs, (*w, "bf16"), cores, 1),
            }
            times = in_turns(many, rounds)
            best = min(list(many)[:2], key=lambda each: sorted(times[each])[rounds // 2])
            rows.append(
                {
                    "network": name,
                    "layers": layers,
                    "trains": trains,
                    "seconds_per_epoch": {
                        each: sorted(found)[rounds // 2] / (cores * epochs)
                        for each, found in times.items()
                    },
                    "reference": best,
                    "fp32_faster_by": ratios(times, best, "fp32"),
                    "bf16_faster_by": ratios(times, best, "bf16"),
                }
            )
    return rows
