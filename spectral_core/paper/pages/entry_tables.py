"""Tables of the book's entries: verdicts on a figure's claims, and estimates row by row."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from spectral_core import _checks
from spectral_core.paper.claims.claims import CLAIMS, Claim, Row
from spectral_core.paper.claims.verdict import Verdict
from spectral_core.paper.pages import tables
from spectral_core.paper.pages.tables import Table
from spectral_core.paper.questions import comparisons
from spectral_core.paper.results.statistics import Estimate
from spectral_core.paper.study.figures import CHANGES
from spectral_core.paper.study.methods import METHODS

LEAST_SEEDS = 3
"""Seeds of each network without which an estimate is not shown: two leave no useful interval."""


@functools.lru_cache
def verdict(key: str, settings: str = "text") -> Verdict:
    """The published verdict on one of :data:`~spectral_core.paper.claims.claims.CLAIMS`.

    Args:
        key: of the claim.
        settings: ``"text"`` or ``"released"``.
    """
    return _claim(key).verdict(settings)


def _claim(key: str) -> Claim:
    known = {claim.key: claim for claim in CLAIMS}
    return known[_checks.choice("claim", key, known)]


def verdicts(claims: Mapping[str, str]) -> Table:
    """Some claims of the paper with their verdicts at the text's and at the released settings.

    Args:
        claims: how the page words each, by its key.
    """
    return tables.verdicts(
        Row(replace(_claim(key), says=words), verdict(key), verdict(key, "released"))
        for key, words in claims.items()
    )


def changed_settings(found: pd.DataFrame | None = None) -> dict[str, dict[str, Estimate]]:
    """What each change of a setting makes of a method's accuracy, over networks of one hidden layer
    with at least :data:`LEAST_SEEDS` seeds: by method and by what is changed.

    Args:
        found: rows as :func:`~spectral_core.paper.questions.comparisons.question` returns them for
            ``"settings"``; the published ones if ``None``.
    """
    found = comparisons.question("settings") if found is None else found
    several = (found["over"] == "networks") & (found["seeds"] >= LEAST_SEEDS)
    rows = found[several & (found["depth"].astype(str) == "1")]
    return {
        method: {
            CHANGES[row.change].title: comparisons.estimate_of(row)
            for row in of_method.itertuples()
        }
        for method, of_method in rows.groupby("first", sort=False)
    }


def settings(found: pd.DataFrame | None = None) -> Table:
    """:func:`changed_settings` as a table, a row per change, a column per method."""
    by_method = changed_settings(found)
    columns = {METHODS[method].title: {k: str(v) for k, v in rows.items()}
               for method, rows in by_method.items()}  # fmt: skip
    frame = pd.DataFrame(columns).fillna("–").rename_axis("changed")
    return Table(frame, "Accuracy with the change − without it")


def compression(medians: pd.DataFrame, methods: Sequence[str]) -> Table:
    """How small and how fast the networks of each method become, for the same accuracy.

    Args:
        medians: as :func:`spectral_core.paper.questions.compression.medians` returns them.
        methods: rows, in order.
    """
    rows = {
        METHODS[row.method].title: {
            "networks": f"{row.networks} of {row.of}",
            "weights left": f"{row.share:.0f} %",
            "times as fast": f"{row.speed:.1f}",
        }
        for row in medians.set_index("method").loc[list(methods)].reset_index().itertuples()
    }
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("method")
    return Table(frame, "Smallest network within 1 pt of Magnitude unpruned, medians")


def recommendation(candidates: pd.DataFrame) -> Table:
    """Methods of equal training, the one that prunes furthest first.

    Args:
        candidates: as :func:`spectral_core.paper.questions.compression.candidates` returns them.
    """
    rows = {}
    for row in candidates.itertuples():
        lead = Estimate(row.difference, row.low, row.high, int(row.networks), "networks")
        rows[METHODS[row.method].title] = {
            "networks": row.networks,
            "prunes up to (median)": f"{row.median_reach:g} %",
            "at least": f"{row.least_reach:g} %",
            "loses a layer in": row.collapses,
            f"− {METHODS['pre'].title}": "–" if row.method == "pre" else str(lead),
        }
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("method")
    return Table(frame, "Pruned within 1 pt of Magnitude unpruned, and accuracy at 5 to 80 %")
