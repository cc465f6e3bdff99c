"""Numbers for the prose of a page."""

from __future__ import annotations

from typing import Any

_GLUED = "application/papermill.record/"


def say(**values: Any) -> None:
    """Give numbers names for the page's prose, where the role ``glue:text`` stands for one.

    Args:
        values: numbers, texts or estimates, by name; each is printed as its text.
    """
    from IPython.display import display

    for name, value in values.items():
        record = {"name": name, "mime_prefix": _GLUED}
        display({f"{_GLUED}text/plain": str(value)}, metadata={"scrapbook": record}, raw=True)
