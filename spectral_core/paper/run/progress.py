"""A progress bar that many processes, also of several machines, move together."""

from __future__ import annotations

import os
import shutil
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tqdm import tqdm


class Tally:
    """Work done so far, counted by the lengths of files, one for each step that has begun.

    A step is done by one process at a time, so no file has two writers, which a network disk
    would not forgive. If its process dies, the step begins again, and so does its count.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, step: str) -> None:
        """Count from nothing for a step, whatever was counted when it was begun before."""
        with suppress(FileNotFoundError):  # nobody looks any more; the step is worth its end
            (self.folder / step).write_bytes(b"")

    def add(self, step: str, amount: int) -> None:
        """Count an amount of a step's work as done."""
        with suppress(FileNotFoundError), open(self.folder / step, "ab") as file:
            file.write(b"." * amount)

    def total(self) -> int:
        """Amount of work done by all processes."""
        with os.scandir(self.folder) as files:
            return sum(file.stat().st_size for file in files)


@contextmanager
def progress_bar(total: int, shown: bool, folder: Path) -> Iterator[tuple[Tally, tqdm]]:
    """Show how much of ``total`` is done, and the time left, while the block runs.

    Args:
        total: amount of work, in hundredths of an epoch.
        shown: whether to draw the bar.
        folder: where the tally is kept, in a hidden folder that goes when the block ends; every
            process that adds to it must see it.

    Yields:
        The tally that processes add to, and the bar, whose description says what is running.
    """
    tally, finished = Tally(folder / f".{uuid.uuid4().hex}.tally"), threading.Event()
    tally.folder.mkdir(parents=True)
    bar = tqdm(
        total=total,
        disable=not shown,
        bar_format="{desc} {percentage:3.0f}% |{bar:12}| {elapsed} so far, {remaining} left, "
        "{rate_noinv_fmt}",
        unit=" epochs",
        unit_scale=0.01,
        mininterval=0,
        smoothing=0,  # tqdm's moving average forgets the redraws at which nothing had moved
    )

    def redraw() -> None:
        bar.update(min(tally.total(), total) - bar.n)

    def watch() -> None:
        while not finished.wait(0.5 if _is_terminal(bar) else 5.0):
            redraw()

    watcher = threading.Thread(target=watch, daemon=True)
    if shown:
        watcher.start()
    try:
        yield tally, bar
    finally:
        finished.set()
        if shown:
            watcher.join()
            redraw()
        bar.close()
        shutil.rmtree(tally.folder, ignore_errors=True)


def show_running(bar: tqdm, text: str) -> None:
    """Say in front of the bar what is running; a log file waits for the next redraw."""
    bar.set_description_str(text, refresh=_is_terminal(bar))


def _is_terminal(bar: tqdm) -> bool:
    stream = getattr(bar, "fp", None)  # a bar that is not shown has none
    return hasattr(stream, "isatty") and stream.isatty()
