"""Every published accuracy, once, with the name of its network in words."""

import functools
from collections.abc import Iterable
from typing import Any

import pandas as pd
from pandas.api.types import is_list_like

from spectral_core import _checks
from spectral_core.layers.networks import ACTIVATION_NAMES, hidden_widths
from spectral_core.paper.results.published import every_run

DATASET_NAMES = {"fashion-mnist": "Fashion-MNIST", "mnist": "MNIST", "cifar10": "CIFAR-10"}
DATASET_NAMES |= {"cifar10-jpeg": "CIFAR-10 (JPEG copy)", "digits": "digits"}
PIXELS = ("fashion-mnist", "mnist")
"""Data sets of which networks take the pixels."""


@functools.lru_cache(maxsize=4)
def results(preset: str = "paper") -> pd.DataFrame:
    """Every published point of every experiment, each once.

    Returns:
        The columns of :data:`~spectral_core.paper.results.collect.COLUMNS` and ``source``,
        ``change``, ``precision``, ``depth`` (hidden layers), ``network`` (its name in words),
        ``level`` (the percentile) and ``collapsed`` (whether a hidden layer has no nodes left).
        Do not change it: it is cached.

    Where a later experiment publishes the same point with another accuracy, its networks are of
    another run: the ``precision`` of all its results then names the experiment, as in
    ``bf16, random``, so that methods are compared within one run.

    Raises:
        ValueError: if one experiment publishes the same point with different accuracies.
    """
    return described(pd.concat(every_run(preset), ignore_index=True))


def described(table: pd.DataFrame) -> pd.DataFrame:
    """A table of results with what :func:`results` adds; a point of two experiments is kept once.

    Args:
        table: results, with ``source``, ``change`` and ``precision`` where they are known.
    """
    defaults = {"source": "text", "change": "", "precision": "fp32", "file": "", "figure": ""}
    table = table.assign(**{k: v for k, v in defaults.items() if k not in table})
    point = ["precision", "panel", "method", "seed", "penalty", "percentile"]
    first = table.groupby(point)[["accuracy", "figure"]].transform("first")
    differs = (table["accuracy"] != first["accuracy"]) & (table["figure"] != first["figure"])
    others = set(table.loc[differs, "file"])
    own = table["precision"] + ", " + table["figure"]
    table = table.assign(precision=table["precision"].mask(table["file"].isin(others), own))
    distinct = table.drop_duplicates([*point, "accuracy"])
    if (twice := distinct.duplicated(point, keep=False)).any():
        files = ", ".join(sorted(map(str, distinct.loc[twice, "file"].unique())))
        raise ValueError(f"the same points have different accuracies in {files}")
    widths = distinct["hidden"].map(hidden_widths)
    return distinct.assign(
        depth=widths.map(len),
        network=list(
            map(network_name, distinct["dataset"], distinct["activation"], distinct["hidden"])
        ),
        level=distinct["percentile"],
        collapsed=[0 in hidden_widths(kept) for kept in distinct["kept"]],
    ).reset_index(drop=True)


def network_name(dataset: str, activation: str, hidden: str) -> str:
    """``Fashion-MNIST · 3 × 500 · ELU``."""
    widths = hidden_widths(hidden)
    if len(set(widths)) == 1:
        hidden = f"{len(widths)} × {widths[0]}"
    names = (DATASET_NAMES.get(dataset, dataset), hidden, ACTIVATION_NAMES[activation])
    return " · ".join(names)


FILTERS = ("dataset", "activation", "depth", "source", "network", "penalty")
"""Columns by which networks are selected; a value or several."""


def selected(
    method: str | Iterable[str],
    change: str = "",
    table: pd.DataFrame | None = None,
    **filters: Any,
) -> pd.DataFrame:
    """Rows of one method, or of several, in some networks; the text's settings and no penalty
    unless filtered.

    Args:
        method: its key, or several.
        change: the setting changed, ``""`` for none.
        table: as :func:`described` makes it; the published results if ``None``.
        filters: values of :data:`FILTERS`, one or several of each; all if ``None``.
    """
    for name in filters:
        _checks.choice("filter", name, FILTERS)
    table = results() if table is None else table
    filters = {"method": method, "change": change, "source": "text", "penalty": 0.0} | filters
    for name, wanted in filters.items():
        if wanted is not None:
            table = table[table[name].isin(list(wanted) if is_list_like(wanted) else [wanted])]
    return table
