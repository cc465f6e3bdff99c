"""Records of how settings were chosen, kept in ``results/choices``, and what pages say of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from spectral_core.layers.networks import hidden_label
from spectral_core.paper import paths
from spectral_core.paper.study.panels import Panel
from spectral_core.paper.study.variations import DECAY


def recorded(panel: Panel) -> dict[str, Any] | None:
    """The record that a panel's settings come from; ``None`` if there is none.

    It is as :func:`spectral_core.paper.run.choice.choose` or
    :func:`spectral_core.paper.run.choice_of_decay.choose_decay` returns it.

    Its learning rates and widths are the panel's, or its weight α, which is one for all widths. Its
    images may be others.
    """
    for file in sorted(paths.choices().glob("[!.]*.json")):
        found = json.loads(file.read_text(encoding="utf-8"))
        if _is_of(panel, found):
            return found
    return None


def decay_sentence(panel: Panel) -> str:
    """Say where the α of a panel comes from.

    Args:
        panel: one of the figure ``stronger``.
    """
    record = recorded(panel)
    if record is None:
        return (
            f"α = {DECAY:g} is a first guess: no record in `results/choices` has chosen it by "
            "held-out images yet."
        )
    tried = [float(decay) for decay in record["accuracies"]["stronger"]]
    edge = {max(tried): "largest", min(tried): "smallest"}.get(DECAY)
    end = f"; it is the {edge} of them" if edge else ""
    images = "all the others" if record["train_images"] is None else f"{record['train_images']:,}"
    return (
        f"α = {DECAY:g} was chosen by {record['held_out']:,} held-out training images: of the "
        f"weights below it leaves the highest accuracy after a cut of {record['percentile']:g} %, "
        f"on {record['inputs']} with {hidden_label(record['hidden'])} hidden nodes, trained "
        f"on {images} for {record['epochs']} + {record['retraining_epochs']} epochs{end}."
    )


def decay_table(panel: Panel) -> pd.DataFrame | None:
    """Held-out accuracies behind :func:`decay_sentence`, in per cent; ``None`` without a record."""
    record = recorded(panel)
    if record is None:
        return None
    found = record["accuracies"]["stronger"]
    row = {f"α = {decay}": f"{100 * accuracy:.2f}" for decay, accuracy in found.items()}
    return pd.DataFrame(row, index=["held-out accuracy (%)"])


def _is_of(panel: Panel, found: Mapping[str, Any]) -> bool:
    """Whether a panel's methods are set as a record has chosen."""
    if not found["chosen"]:
        return False
    for method, chosen in found["chosen"].items():
        own = panel.recipe_by_method.get(method, {})
        name = "decay" if "decay" in chosen else "learning_rate"
        if own.get(name) != chosen[name]:
            return False
        if name == "learning_rate" and found["hidden"] != list(panel.hidden):
            return False
    return True
