"""A progress bar that many processes move together."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm


class Tally:
    """Work done so far, counted by the length of a file that every process appends to."""

    def __init__(self, path: str) -> None:
        self.path = path

    def add(self, amount: int) -> None:
        """Count an amount of work as done; appending is atomic on a local disk."""
        with open(self.path, "ab") as file:
            file.write(b"." * amount)

    def total(self) -> int:
        """Amount of work done by all processes."""
        return os.path.getsize(self.path)


@contextmanager
def progress_bar(total: int, shown: bool) -> Iterator[tuple[Tally, tqdm]]:
    """Show how much of ``total`` is done, and the time left, while the block runs.

    Args:
        total: amount of work.
        shown: whether to draw the bar.

    Yields:
        The tally that processes add to, and the bar, whose description says what is running.
    """
    handle, path = tempfile.mkstemp(prefix="spectral-core-", suffix=".tally")
    os.close(handle)
    tally, finished = Tally(path), threading.Event()
    bar = tqdm(
        total=total,
        disable=not shown,
        bar_format="{desc} {percentage:3.0f}% |{bar:24}| {elapsed} so far, {remaining} left",
        mininterval=0,
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
        finished.set()
        if shown:
            watcher.join()
            redraw()
    finally:
        finished.set()
        bar.close()
        Path(path).unlink(missing_ok=True)


def show_running(bar: tqdm, text: str) -> None:
    """Say in front of the bar what is running; a log file waits for the next redraw."""
    bar.set_description_str(text, refresh=_is_terminal(bar))


def _is_terminal(bar: tqdm) -> bool:
    stream = getattr(bar, "fp", None)  # a bar that is not shown has none
    return hasattr(stream, "isatty") and stream.isatty()
