"""Packages that an extra brings, imported when they are used and not before."""

import importlib
from types import ModuleType


def needed(module: str, extra: str, user: str) -> ModuleType:
    """Import a module that an extra brings, for a user, or raise ``ModuleNotFoundError``."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{user} needs the extra [{extra}]: python -m pip install 'spectral-core[{extra}]'",
            name=error.name,
        ) from error
