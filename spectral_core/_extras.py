"""Packages that an extra brings, imported when they are used and not before."""

from __future__ import annotations

import importlib
from types import ModuleType


def needed(module: str, extra: str, user: str) -> ModuleType:
    """Import an optional module, or say which extra to install.

    Args:
        module: its name.
        extra: the project's extra that brings it.
        user: what needs it, as an error names it.

    Raises:
        ModuleNotFoundError: if the module, or one that it needs, is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{user} needs the extra [{extra}]: python -m pip install 'spectral-core[{extra}]'",
            name=error.name,
        ) from error
