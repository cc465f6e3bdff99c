"""A bar over the work of a run. It moves within a step, too, as a training can take an hour.

Processes tell how far their steps are in a file of the store, one byte for each hundredth of an
epoch: all that the workers of a cluster share with the run.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tqdm import tqdm

from spectral_core._progress import bar
from spectral_core.paper.study.steps import Step

SECONDS = 1
"""Between two looks at the file, and between two words of a process."""


class Epochs:
    """Called after each epoch of some steps that run as one, it tells the run of them."""

    def __init__(self, file: Path, steps: Sequence[Step]) -> None:
        self.file, self.each = file, sum(step.epoch_cost for step in steps)
        self.told, self.untold, self.last = 0, 0, time.monotonic()

    def __call__(self, epoch: int, loss: float) -> None:
        self.untold += self.each
        if time.monotonic() - self.last < SECONDS:
            return
        with suppress(OSError), open(self.file, "ab", opener=_existing) as file:
            file.write(b"." * self.untold)
            self.told, self.untold = self.told + self.untold, 0
        self.last = time.monotonic()


def _existing(path: str, flags: int) -> int:
    """Open a file unless it is gone, as it is where the run has been killed."""
    return os.open(path, flags & ~os.O_CREAT)


@contextmanager
def shown(
    steps: Sequence[Step], file: Path, finished: Callable[[], int], wanted: bool
) -> Iterator[tqdm]:
    """A progress bar over steps, in epochs of the unpruned network, while the block runs.

    Args:
        steps: all that are to be run.
        file: where processes tell of epochs.
        finished: gives the cost of what is done, less what was told of it.
        wanted: whether it is shown at all.
    """
    over = threading.Event()
    with bar(
        total=sum(step.cost for step in steps),
        disable=not wanted,
        bar_format="{desc} {percentage:3.0f}% |{bar:12}| {elapsed} so far, {remaining} left, "
        "{rate_noinv_fmt}",
        unit=" epochs",
        unit_scale=0.01,
        smoothing=0,
    ) as drawn:

        def watch() -> None:
            while not over.wait(SECONDS):
                move()

        def move() -> None:
            with suppress(OSError):  # a disk elsewhere may be out of reach for a while
                drawn.update(finished() + file.stat().st_size - drawn.n)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield drawn
        finally:
            over.set()
            watcher.join()
            move()
