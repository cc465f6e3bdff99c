"""How a method stands against another one, network by network."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from spectral_core.layers.networks import hidden_widths
from spectral_core.paper.results.intervals import Interval, all_at_once, lead, leads, points

NOTHING = "Nothing is published yet that answers this."
"""What stands in the place of an answer."""


class Standing(NamedTuple):
    """How a method does against another one, network by network."""

    leads: Mapping[str, Interval]
    """Difference of accuracies, averaged over all cuts or at one, by panel; of those with two
    seeds."""

    def __str__(self) -> str:
        return f"{points(self.mean)} points {self.counts}"

    @property
    def counts(self) -> str:
        """In how many networks it is ahead, and in how many behind; in brackets."""
        if len(self.leads) == 1:
            word = "ahead" if self.ahead else "behind" if self.behind else "undecided"
            return f"({word} in the one network)"
        return f"(ahead in {self.ahead} of {len(self.leads)} networks, behind in {self.behind})"

    @property
    def mean(self) -> float:
        """Lead on average over the networks; an accuracy."""
        return sum(lead.mean for lead in self.leads.values()) / len(self.leads)

    @property
    def median(self) -> float:
        """Lead in the median over the networks; an accuracy."""
        return statistics.median(lead.mean for lead in self.leads.values())

    @property
    def ahead(self) -> int:
        """Networks in which the interval lies above 0."""
        return sum(lead.low > 0 for lead in self.leads.values())

    @property
    def behind(self) -> int:
        """Networks in which the interval lies below 0."""
        return sum(lead.high < 0 for lead in self.leads.values())

    @property
    def mostly_ahead(self) -> bool:
        """Whether the method is ahead in more than half of the networks."""
        return 2 * self.ahead > len(self.leads)


def standing(table: pd.DataFrame, method: str, reference: str, at: float | None = None) -> Standing:
    """Compare two methods seed by seed in each panel that has at least two seeds of both.

    Args:
        table: results of any number of panels, see :data:`spectral_core.paper.results.tables.COLUMNS`.
        method: method that may lead.
        reference: method that it is compared with.
        at: the cut, in per cent; if ``None``, the average over all cuts beyond 0 that both have.
    """
    panels = table.groupby("panel", sort=False)
    found = {panel: lead(rows, method, reference, at) for panel, rows in panels}
    return Standing({panel: each for panel, each in found.items() if each is not None})


def standings(table: pd.DataFrame, methods: Iterable[str], reference: str) -> dict[str, Standing]:
    """Compare some methods with one other; those without two seeds in any panel are left out."""
    found = {method: standing(table, method, reference) for method in methods}
    return {method: each for method, each in found.items() if each.leads}


def scope(table: pd.DataFrame) -> str:
    """Say that all networks of a table have one hidden layer, or three, where it is so.

    Args:
        table: results of any number of panels.

    Returns:
        A sentence in Markdown, with a blank before it; empty if depths differ.
    """
    depths = {len(hidden_widths(label)) for label in table["hidden"]}
    if len(depths) != 1:
        return ""
    (depth,) = depths
    layers = "one hidden layer" if depth == 1 else f"{depth} hidden layers"
    return f" All of these networks have {layers}."


def at_once(table: pd.DataFrame, pairs: Iterable[tuple[str, str]]) -> str:
    """Say how many comparisons are sure when all of them are to be right at once (Bonferroni).

    Args:
        table: results of any number of panels.
        pairs: methods that are compared in each panel: one that may lead, and its reference.

    Returns:
        A sentence in Markdown, with a blank before it; empty if no panel has two seeds.
    """
    by_panel = [rows for _, rows in table.groupby("panel", sort=False)]
    values = [leads(rows, *pair) for pair in pairs for rows in by_panel]
    found = all_at_once([each for each in values if len(each) > 1])
    apart = sum(each.low > 0 or each.high < 0 for each in found)
    if not found:
        return ""
    are = "is" if apart == 1 else "are"
    return (
        f" Of these {len(found)} comparisons, each in one network, {apart} {are} set apart from 0 "
        "by intervals that hold all at once."
    )
