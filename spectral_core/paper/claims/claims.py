"""The paper's claims about trainings, in its order, each with the tests that decide it.

The six identities of Secs. II and V and Appendix A are not here: ``tests/layers`` checks them, and
so does the page on theory.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import pandas as pd

from spectral_core import _checks
from spectral_core.paper.claims.verdict import Verdict, verdict
from spectral_core.paper.claims.yardsticks import (
    Test,
    better_with_penalty,
    equality,
    falls,
    fewer_tuned,
    lead_grows,
    order,
    stable_with_penalty,
    unchanged,
)
from spectral_core.paper.results.statistics import Estimate, holm
from spectral_core.paper.results.tables import NoResults

PIXELS = ("fashion-mnist", "mnist")
"""Data sets of which networks take the pixels."""
COLUMNS = {"text": ("text", "jpeg"), "released": ("released",)}
"""Columns of verdicts, never merged, and the sources of settings that each reads. The JPEG copy of
CIFAR-10 has the text's settings."""


@dataclass(frozen=True)
class Claim:
    """One claim of the paper."""

    key: str
    place: str
    """Section or figure of the paper."""
    says: str
    """What it says, in our own words."""
    claimed: str
    """The paper's value, or how we read a vague word."""
    tests: tuple[Callable[..., list[Test]], ...]
    """From a table of results and filters to tests."""
    where: dict[str, Any] = field(default_factory=dict)
    """Networks that it is about, by :data:`~spectral_core.paper.results.accuracies.FILTERS`."""

    def verdict(self, column: str = "text", table: pd.DataFrame | None = None) -> Verdict:
        """The verdict at the settings of a column, out of :data:`COLUMNS`.

        Args:
            column: ``"text"`` or ``"released"``.
            table: results as :func:`~spectral_core.paper.results.accuracies.described` makes them;
                the published ones if ``None``.
        """
        sources = COLUMNS[_checks.choice("column", column, COLUMNS)]
        where = {"source": sources, "dataset": PIXELS} | self.where
        found = []
        for test in self.tests:
            with contextlib.suppress(NoResults):
                found += test(table=table, **where)
        return verdict(found)


_FIG03 = {"dataset": "fashion-mnist", "activation": "elu", "depth": 1}
_FIG04 = {"dataset": "fashion-mnist", "activation": "elu", "depth": 3}
_FIG06, _FIG08 = ({"dataset": "mnist", "depth": depth} for depth in (1, 3))
_FIG07, _FIG09 = (
    {"dataset": "fashion-mnist", "depth": depth, "activation": ("relu", "tanh")} for depth in (1, 3)
)
_FIG11 = {"dataset": ("cifar10", "cifar10-jpeg"), "activation": "elu"}
_WITH_CIFAR = {"dataset": (*PIXELS, "cifar10", "cifar10-jpeg")}
_RELU, _SMOOTH = {"activation": "relu"}, {"activation": ("elu", "tanh")}
UNPRUNED = (0.0, 0.0)
SLIGHT = 2.0
"""A lead in points that "slightly" leaves room for: twice what a figure can show."""

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "eigenvalues-alone",
        "Sec. I",
        "Trained in λ alone, an unpruned network is slightly less accurate than a direct one.",
        f"0 to {SLIGHT:g} pt (slightly)",
        (partial(order, "direct", "pre-unretrained", UNPRUNED, SLIGHT),),
    ),
    Claim(
        "fewer-parameters",
        "Sec. IV.A, Sec. V",
        "The two stages together tune considerably fewer numbers than the other methods.",
        "at most 50 % (considerably fewer)",
        # Counted where two-stage is pruned within one point, in per cent of what Magnitude tunes.
        (fewer_tuned,),
    ),
    Claim(
        "marker",
        "Sec. I, Sec. V",
        "|λ| marks how much a node matters, also once φ is trained.",
        "> 0 pt",
        (partial(order, "post", "post-random"),),
    ),
    Claim(
        "vast-majority-post",
        "Abstract, Sec. IV",
        "Pruned by |λ| after full training, the vast majority of nodes can go, with virtually "
        "unchanged accuracy.",
        "75 % (the vast majority)",
        (partial(unchanged, "post", 75),),
        _WITH_CIFAR,
    ),
    Claim(
        "vast-majority-pre",
        "Abstract, Sec. IV",
        "Pruned by |λ| before φ is trained (two-stage), the vast majority can go as well.",
        "75 % (the vast majority)",
        (partial(unchanged, "pre", 75),),
        _WITH_CIFAR,
    ),
    Claim(
        "same-accuracy",
        "Sec. IV.A, Fig. 3; here of all",
        "Unpruned, spectral and direct training reach virtually the same accuracy.",
        "0 pt",
        (partial(equality, "post", "direct"),),
    ),
    Claim(
        "fig03-direct",
        "Sec. IV.A, Fig. 3",
        "Magnitude drops significantly beyond 60 % pruned.",
        "60 %",
        (partial(falls, "direct", 60),),
        _FIG03,
    ),
    Claim(
        "fig03-post",
        "Sec. IV.A, Fig. 3",
        "Post-training is practically unchanged up to about 70 %.",
        "70 %",
        (partial(unchanged, "post", 70),),
        _FIG03,
    ),
    Claim(
        "fig03-pre",
        "Sec. IV.A, Fig. 3",
        "Two-stage is unaltered even in extremely compact networks.",
        "95 % (extremely compact)",
        (partial(unchanged, "pre", 95),),
        _FIG03,
    ),
    Claim(
        "winning-ticket",
        "Sec. IV.A, Sec. VI",
        "The small two-stage network performs as well as the full network, fully trained.",
        "90 % (small)",
        # Against the full network of post-training.
        (partial(unchanged, "pre", 90, "post"),),
    ),
    Claim(
        "suitable-start",
        "Sec. IV.A",
        "Two-stage uncovers a sub-network whose start suits training particularly well.",
        "> 0 pt",
        # Against a new network of the same widths that trains as long or longer, and random nodes.
        (partial(order, "pre", "fresh"), partial(order, "pre", "pre-random")),
    ),
    Claim(
        "post-over-direct",
        "Sec. IV.A, Fig. 3; by implication Figs. 6 and 7",
        "One hidden layer, ELU or tanh: post-training withstands pruning better than Magnitude.",
        "> 0 pt",
        (partial(order, "post", "direct"),),
        {"depth": 1} | _SMOOTH,
    ),
    Claim(
        "fig04-direct",
        "Sec. IV.B, Fig. 4",
        "Three hidden layers: Magnitude drops at 20 %.",
        "20 %",
        (partial(falls, "direct", 20),),
        _FIG04,
    ),
    Claim(
        "fig04-post",
        "Sec. IV.B, Fig. 4",
        "Three hidden layers: post-training begins to fall at about 60 %.",
        "60 %",
        (partial(falls, "post", 60),),
        _FIG04,
    ),
    Claim(
        "fig04-pre",
        "Sec. IV.B, Fig. 4",
        "Three hidden layers: two-stage stays level up to about 90 %.",
        "90 %",
        (partial(unchanged, "pre", 90),),
        _FIG04,
    ),
    Claim(
        "fig04-lead",
        "Sec. IV.B",
        "The spectral methods' lead over Magnitude is larger with three hidden layers than "
        "with one.",
        "> 0 pt",
        tuple(partial(lead_grows, name) for name in ("post", "pre")),
        {"dataset": "fashion-mnist", "activation": "elu"},
    ),
    Claim(
        "pre-over-post",
        "Sec. I, Sec. V",
        "Compact two-stage networks outperform compact post-training ones.",
        "> 0 pt",
        # Compact: from 50 % pruned.
        (partial(order, "pre", "post", (50.0, 95.0)),),
    ),
    Claim(
        "fig06-relu",
        "Appendix B, Fig. 6(b)",
        "ReLU: Magnitude is slightly better than post-training.",
        f"0 to {SLIGHT:g} pt (slightly)",
        (partial(order, "direct", "post", most=SLIGHT),),
        _FIG06 | _RELU,
    ),
    Claim(
        "fig06-pre",
        "Appendix B, Fig. 6",
        "Two-stage is always more effective than the other two.",
        "> 0 pt",
        (partial(order, "pre", "direct"), partial(order, "pre", "post")),
        _FIG06,
    ),
    Claim(
        "fig07-relu",
        "Appendix B, Fig. 7",
        "ReLU, as on MNIST: Magnitude is slightly better than post-training.",
        f"0 to {SLIGHT:g} pt (slightly)",
        (partial(order, "direct", "post", most=SLIGHT),),
        _FIG07 | _RELU,
    ),
    Claim(
        "fig07-pre",
        "Appendix B, Fig. 7",
        "As on MNIST, two-stage is always more effective than the other two.",
        "> 0 pt",
        (partial(order, "pre", "direct"), partial(order, "pre", "post")),
        _FIG07,
    ),
    Claim(
        "fig08-spectral",
        "Appendix C, Fig. 8",
        "ELU or tanh: both spectral methods are definitely more effective than Magnitude.",
        "> 0 pt",
        (partial(order, "post", "direct"), partial(order, "pre", "direct")),
        _FIG08 | _SMOOTH,
    ),
    Claim(
        "fig08-relu",
        "Appendix C, Fig. 8",
        "ReLU: both spectral methods are more effective than Magnitude, too.",
        "> 0 pt",
        (partial(order, "post", "direct"), partial(order, "pre", "direct")),
        _FIG08 | _RELU,
    ),
    Claim(
        "fig09-spectral",
        "Appendix C, Fig. 9",
        "Both spectral methods are always superior to Magnitude.",
        "> 0 pt",
        (partial(order, "post", "direct"), partial(order, "pre", "direct")),
        _FIG09,
    ),
    Claim(
        "fig11-stable",
        "Appendix D, Fig. 11",
        "With the right γ, accuracy is stable up to the highest levels.",
        "≥ −1 pt",
        # With each method's best γ, chosen by the test images.
        tuple(partial(stable_with_penalty, name) for name in ("direct", "post", "pre")),
        _FIG11,
    ),
    Claim(
        "fig11-better",
        "Sec. V, Fig. 11",
        "A suitable penalty on λ improves the spectral methods in general.",
        "> 0 pt",
        # With each method's best γ, chosen by the test images.
        tuple(partial(better_with_penalty, name) for name in ("post", "pre")),
        _FIG11,
    ),
)
"""The 25 empirical claims, and ``fewer-parameters``, a count."""


class Row(NamedTuple):
    """A claim and its two verdicts."""

    claim: Claim
    text: Verdict
    released: Verdict


def judged(table: pd.DataFrame | None = None) -> list[Row]:
    """Every claim with its verdicts at the text's and at the released settings.

    Args:
        table: as for :meth:`Claim.verdict`.
    """
    return [Row(c, *(c.verdict(column, table) for column in COLUMNS)) for c in CLAIMS]


def details(rows: Sequence[Row]) -> pd.DataFrame:
    """What verdicts rest on: a row per claim and settings that have results.

    Args:
        rows: as :func:`judged` returns them.

    Returns:
        By claim and ``settings``: what is ``claimed`` and ``compared``, what is ``observed`` with
        its interval, ``seeds``, ``tests`` (how many came to each verdict) and ``p`` (of no
        difference, corrected by Holm's method for all claims of these settings).
    """
    cells = {}
    for column in COLUMNS:
        of_column = [(row.claim, getattr(row, column)) for row in rows]
        found = [(claim, one) for claim, one in of_column if one.tests]
        seen = [one.observed for _, one in found if isinstance(one.observed, Estimate)]
        tested = [estimate for estimate in seen if not estimate.single]
        p = dict(zip(map(id, tested), holm([estimate.p for estimate in tested])))
        for claim, one in found:
            cells[claim.says, column] = {
                "claimed": claim.claimed,
                "compared": one.what,
                "observed": str(one.observed),
                "seeds": "–".join(map(str, dict.fromkeys(one.n))),
                "tests": ", ".join(f"{n} {word}" for word, n in one.counts.items()),
                "p": p.get(id(one.observed)),
            }
    return pd.DataFrame.from_dict(cells, orient="index").rename_axis(["claim", "settings"])
