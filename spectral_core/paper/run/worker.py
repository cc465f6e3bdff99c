"""What a process does with a job: steps are run under their locks, on one thread, and stored."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import torch
from filelock import Timeout
from torch import nn

from spectral_core.data import Dataset, load
from spectral_core.paper.run.batching import parts, run_together
from spectral_core.paper.run.progress import EpochReporter
from spectral_core.paper.run.provenance import code, commit, made
from spectral_core.paper.run.store import Store, reports_of
from spectral_core.paper.run.work import hold_out_tenth, initial_network
from spectral_core.paper.study.steps import Step, TrainStep
from spectral_core.training.loop import TrainingDiverged, single_thread


@dataclass
class Done:
    """What became of some steps."""

    settled: list[Step] = field(default_factory=list)
    """Those that are stored now."""
    seconds: list[float] = field(default_factory=list)
    """Time that each took that was run for it."""
    busy: list[Step] = field(default_factory=list)
    """Those left out because another run is busy with them."""
    diverged: dict[Step, str] = field(default_factory=dict)
    """Those whose loss became NaN or infinite, each with a message."""

    def add(self, other: Done) -> None:
        """Add what became of further steps."""
        self.settled += other.settled
        self.seconds += other.seconds
        self.busy += other.busy
        self.diverged |= other.diverged


@dataclass(frozen=True)
class Where:
    """Where a run computes: its store, its device and its data."""

    store: Store
    device: str
    data_dir: Path | None
    marker: str
    """Name of a file in the store that is there while the run is."""
    code: Mapping[str, str] = field(default_factory=code)
    """What the run's numbers are made by, see :func:`~spectral_core.paper.run.provenance.code`."""

    def check(self) -> None:
        """Raise an error where a worker, perhaps elsewhere, has other code, or lacks the device or
        the run's store."""
        commit()  # read now: the folder of the source may change while this process runs
        for name, version in self.code.items():
            if code()[name] != version:
                raise RuntimeError(
                    f"all workers must have the same {name}; the run has {version}, "
                    f"{platform.node()} has {code()[name]}. Install the run's there"
                )
        check_device(self.device)
        if not (self.store.root / self.marker).exists():
            raise FileNotFoundError(
                f"store must be on a disk that all workers share; {platform.node()} does not see "
                f"this run in {self.store.root}"
            )


def check_device(device: str) -> None:
    """Raise ``TypeError`` or ``ValueError`` unless torch can compute on the device."""
    if not isinstance(device, str):
        raise TypeError(f"device must be a name such as 'cpu'; got {device!r}")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"device must be one that torch can use here, such as 'cpu'; got {device!r} ({error})"
        ) from error


def run_job(job: Sequence[Step], where: Where, wait: bool) -> Done:
    """Run the steps of one of :func:`~spectral_core.paper.run.batching.jobs` that are not stored by
    now; wait for those that another run is busy with, or leave them out."""
    where.check()
    trained = getattr(job[0], "trained", job[0])
    data = load(trained.dataset, where.data_dir)
    data = (hold_out_tenth(data) if trained.held_out else data).to(where.device)
    networks = {}
    for trained in dict.fromkeys(step.trained for step in job if not isinstance(step, TrainStep)):
        network = initial_network(trained, data, torch.Generator())
        networks[trained] = where.store.load_network(trained, network)
    done = Done()
    with single_thread():
        for part in parts(job, data):
            done.add(_run_missing(part, networks, data, where, wait))
    return done


def _run_missing(
    part: Sequence[Step],
    networks: Mapping[TrainStep, nn.Sequential],
    data: Dataset,
    where: Where,
    wait: bool,
) -> Done:
    """Run the steps of a part that are not stored by now as one, each under its lock.

    Where one of them diverges, the others start again without it. Their locks are taken in the
    order of their keys: two runs that wait for each other's would otherwise do so for ever.
    """
    done, missing = Done(), []
    with ExitStack() as locks:
        for step in sorted(part, key=lambda step: step.key):
            try:
                locks.enter_context(where.store.lock(step, wait))
            except Timeout:
                done.busy.append(step)
                continue
            if step not in where.store:  # another run may have just done it
                missing.append(step)
        while missing and not done.seconds:
            start = time.perf_counter()
            on_epoch = EpochReporter(reports_of(where.store.root / where.marker), missing)
            try:
                outcomes = run_together(missing, networks, data, on_epoch)
            except TrainingDiverged as error:
                step = missing.pop(error.member)
                done.diverged[step] = f"{step}: {error}"
                continue
            how = made((time.perf_counter() - start) / len(missing), where.device)
            for step, (result, network) in zip(missing, outcomes):
                where.store.save(step, result, how, network)
                done.seconds.append(how["seconds"])
    done.settled += [step for step in part if step not in done.busy and step not in done.diverged]
    return done
