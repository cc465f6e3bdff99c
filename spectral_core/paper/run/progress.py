"""A progress bar for a run. It moves within a step, too, as one training can take an hour.

Every so often a process sets the size of a file in the store to what its step has done so far, in
hundredths of an epoch, and the run adds these sizes up. The store is all that the workers of a
cluster and the run have in common.
"""

import shutil
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from spectral_core._progress import bar
from spectral_core.paper.study.steps import Step

INTERVAL = 2.0
"""Seconds between two looks at the files, and at least between two reports of a process."""


class EpochReporter:
    """The ``on_epoch`` of steps that run as one: reports what they have done so far.

    The report is a file in the run's folder, named by the first of the steps. Where the folder is
    gone, because the run was killed or shows no progress, nothing is reported.
    """

    def __init__(self, folder: Path, steps: Sequence[Step]) -> None:
        self.file = folder / steps[0].key
        self.epoch_cost = sum(step.epoch_cost for step in steps)
        self.done = 0
        self.last_report = time.monotonic()

    def __call__(self, epoch: int, loss: float) -> None:
        self.done += self.epoch_cost
        if time.monotonic() - self.last_report >= INTERVAL:
            with suppress(OSError), self.file.open("ab") as file:
                file.truncate(self.done)
            self.last_report = time.monotonic()


class ProgressBar:
    """A bar over steps, in epochs of the unpruned network, drawn while the block runs."""

    def __init__(self, steps: Sequence[Step], folder: Path, enabled: bool) -> None:
        """Arguments: all steps of the run; a folder to be made for reports; whether to draw."""
        self.folder, self.enabled = folder, enabled
        self.phase, self.count = "", len(steps)
        self.settled: list[Step] = []
        self.bar = bar(
            total=sum(step.cost for step in steps),
            disable=not enabled,
            bar_format="{desc} {percentage:3.0f}% |{bar:12}| {elapsed} so far, {remaining} left, "
            "{rate_noinv_fmt}",
            unit=" epochs",
            unit_scale=0.01,
            smoothing=0,
            miniters=0,
        )
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "ProgressBar":
        if self.enabled:
            self.folder.mkdir()
            self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self.enabled:
            self._watcher.join()
            shutil.rmtree(self.folder, ignore_errors=True)
        self.bar.close()

    def begin(self, phase: str) -> None:
        """Name what is done from now on."""
        self.phase = phase
        self._describe(refresh=True)

    def settle(self, stored: Iterable[Step], diverged: Iterable[Step]) -> None:
        """Count steps as done that are stored now, in place of what was reported of them."""
        for step in (*stored, *diverged):
            with suppress(OSError):
                (self.folder / step.key).unlink(missing_ok=True)
        self.settled += stored
        self._describe(refresh=False)

    def _describe(self, refresh: bool) -> None:
        text = f"{self.phase}, {len(self.settled)}/{self.count} steps"
        self.bar.set_description_str(text, refresh=refresh)

    def _watch(self) -> None:
        ended = False
        while not ended:
            ended = self._over.wait(INTERVAL)
            done = sum(step.cost for step in self.settled)
            with suppress(OSError):  # one is gone, or the disk is out of reach for a while
                done += sum(report.stat().st_size for report in self.folder.iterdir())
            self.bar.update(min(done, self.bar.total) - self.bar.n)
