"""Records of how settings were chosen, kept in ``results/choices``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from spectral_core import paths
from spectral_core.panels import Panel


def recorded(panel: Panel) -> dict[str, Any] | None:
    """The record that a panel's settings come from; ``None`` if there is none.

    It is as :func:`spectral_core.choice.choose` or
    :func:`spectral_core.choice_of_decay.choose_decay` returns it.

    Its learning rates and widths are the panel's, or its weight α, which is one for all widths. Its
    images may be others.
    """
    for file in sorted(paths.choices().glob("*.json")):
        found = json.loads(file.read_text(encoding="utf-8"))
        if _is_of(panel, found):
            return found
    return None


def _is_of(panel: Panel, found: Mapping[str, Any]) -> bool:
    """Whether a panel's methods are set as a record has chosen."""
    for method, chosen in found["chosen"].items():
        own = panel.recipe_by_method.get(method, {})
        name = "decay" if "decay" in chosen else "learning_rate"
        if own.get(name) != chosen[name]:
            return False
        if name == "learning_rate" and found["hidden"] != list(panel.hidden):
            return False
    return True
