"""Progress: a bar in a terminal, a line now and then in a log."""

import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from tqdm import tqdm

SECONDS = 30
"""Between two lines in a log, at least."""


def bar(items: Iterable[Any] | None = None, text: str | None = None, **options: Any) -> tqdm:
    """Progress over items on standard error, with a text and further options of
    :class:`tqdm.tqdm`."""
    if not sys.stderr.isatty():
        # Position 0: where an interrupted bar is still open, the cursor need not move past it.
        options |= {"file": _Lines(), "position": 0}
        options |= {"mininterval": SECONDS, "miniters": 1}
    return tqdm(items, text, **options)


class _Lines:
    """Standard error as a file that a bar is written to: each time that it is drawn is a line."""

    def write(self, text: str) -> None:
        if line := text.strip():
            with suppress(OSError):  # a log that cannot be written to ends no run
                print(line, file=sys.stderr)
