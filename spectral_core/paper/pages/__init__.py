"""The pages of the book: pictures, tables, and what a notebook calls."""

from typing import Any

__all__ = ["Folded", "Page", "say"]


def __getattr__(name: str) -> Any:
    """What a notebook calls is imported when it is: building the book draws nothing itself."""
    if name in __all__:
        from spectral_core.paper.pages import page

        return getattr(page, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
