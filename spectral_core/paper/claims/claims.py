"""The paper's claims about trainings, in its order, each with the tests that decide it.

The six identities of Secs. II and V and Appendix A are not here: ``tests/layers`` checks them, and
so does the page on theory.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import pandas as pd

from spectral_core import _checks
from spectral_core.paper.claims.single import (
    better_with_penalty,
    fewer_tuned,
    lead_grows,
    stable_with_penalty,
)
from spectral_core.paper.claims.verdict import (
    Test,
    Verdict,
    equality,
    falls,
    order,
    unchanged,
    verdict,
)
from spectral_core.paper.results.estimate import holm

COLUMNS = {"text": ("text", "jpeg"), "released": ("released",)}
"""Columns of verdicts, never merged, and the sources of settings that each reads. The JPEG copy of
CIFAR-10 has the text's settings."""

Tests = Callable[..., list[Test]]
"""From a table of results and filters to tests."""


@dataclass(frozen=True)
class Claim:
    """One claim of the paper."""

    key: str
    place: str
    """Section or figure of the paper."""
    says: str
    """What it says, in our own words."""
    tested: str
    """What is tested, and how a vague word is read."""
    claimed: str
    """The paper's value, as short as a cell."""
    tests: tuple[Tests, ...]
    where: dict[str, Any]
    """Networks that it is about, by :data:`~spectral_core.paper.results.estimates.FILTERS`."""

    def verdict(self, column: str = "text", table: pd.DataFrame | None = None) -> Verdict:
        """The verdict at the settings of a column, out of :data:`COLUMNS`.

        Args:
            column: ``"text"`` or ``"released"``.
            table: results as :func:`~spectral_core.paper.results.estimates.described` makes them;
                the published ones if ``None``.
        """
        sources = COLUMNS[_checks.choice("column", column, COLUMNS)]
        where = {"source": sources, "dataset": _PIXELS} | self.where
        return verdict([t for test in self.tests for t in test(table=table, **where)])


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


def matrix(rows: list[Row] | None = None) -> pd.DataFrame:
    """The claims as a table: ``key``, ``place``, ``says``, ``claimed`` and, for each column,
    ``verdict``, ``observed``, ``what`` was, its ``lower`` and ``upper`` half of the levels, ``n``
    (seeds), ``tests`` (how many came to each verdict) and ``p``: of no difference, corrected by
    Holm's method for all claims of the column; NaN for levels.

    Args:
        rows: as :func:`judged` returns them; of the published results if ``None``.
    """
    lines, rows = [], judged() if rows is None else rows
    for claim, *verdicts in rows:
        line = {name: getattr(claim, name) for name in ("key", "place", "says", "claimed")}
        for column, found in zip(COLUMNS, verdicts):
            low, high = found.n
            line |= {
                f"{column}_verdict": found.word,
                **{
                    f"{column}_{part}": str(getattr(found, part) or "")
                    for part in ("observed", "what", "lower", "upper")
                },
                f"{column}_n": f"{low}" if low == high else f"{low}-{high}",
                f"{column}_tests": "; ".join(f"{k}: {v}" for k, v in found.counts.items()),
            }
        lines.append(line)
    table = pd.DataFrame(lines)
    for i, column in enumerate(COLUMNS, start=1):
        p = pd.Series([getattr(row[i].observed, "p", math.nan) for row in rows]).dropna()
        table[f"{column}_p"] = pd.Series(holm(p), index=p.index, dtype=float)
    return table


_PIXELS = ("fashion-mnist", "mnist")
_FIG03 = {"dataset": "fashion-mnist", "activation": "elu", "depth": 1}
_FIG04 = {"dataset": "fashion-mnist", "activation": "elu", "depth": 3}
_FIG06, _FIG08 = ({"dataset": "mnist", "depth": depth} for depth in (1, 3))
_FIG07, _FIG09 = (
    {"dataset": "fashion-mnist", "depth": depth, "activation": ("relu", "tanh")} for depth in (1, 3)
)
_FIG11 = {"dataset": ("cifar10", "cifar10-jpeg"), "activation": "elu"}
_WITH_CIFAR = {"dataset": (*_PIXELS, "cifar10", "cifar10-jpeg")}
_RELU, _SMOOTH = {"activation": "relu"}, {"activation": ("elu", "tanh")}
SLIGHT = 2.0
"""A lead in points that "slightly" leaves room for: twice what a figure can show."""

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "fewer-parameters",
        "Sec. IV.A, Sec. V",
        "Together, the two stages of pre tune considerably fewer numbers than the other methods.",
        "Numbers tuned where pre is pruned within one point, in per cent of those that direct "
        "tunes; at most half holds.",
        "considerably fewer",
        (fewer_tuned,),
        {},
    ),
    Claim(
        "marker",
        "Sec. I, Sec. V",
        "The absolute value of a node's eigenvalue marks how much the node matters, also once the "
        "eigenvectors are trained.",
        "Order: networks of post, ranked by |λ| minus at random.",
        "> 0 pt",
        (partial(order, "post", "post-random"),),
        {},
    ),
    Claim(
        "vast-majority-post",
        "Abstract, Sec. IV",
        "Ranked by eigenvalues after full training (post), the vast majority of nodes can be "
        "removed with virtually unchanged accuracy.",
        "Level: post, within one point; the vast majority is read as 75 %.",
        "75 %",
        (partial(unchanged, "post", 75),),
        _WITH_CIFAR,
    ),
    Claim(
        "vast-majority-pre",
        "Abstract, Sec. IV",
        "Ranked by eigenvalues before the eigenvectors are trained (pre), the vast majority of "
        "nodes can be removed with virtually unchanged accuracy.",
        "Level: pre, within one point; the vast majority is read as 75 %.",
        "75 %",
        (partial(unchanged, "pre", 75),),
        _WITH_CIFAR,
    ),
    Claim(
        "same-accuracy",
        "Sec. IV.A, of Fig. 3; here of all",
        "Before any pruning, spectral and direct training reach virtually the same accuracy.",
        "Equality: post and direct, unpruned, within one point.",
        "0 pt",
        (partial(equality, "post", "direct"),),
        {},
    ),
    Claim(
        "fig03-direct",
        "Sec. IV.A, Fig. 3",
        "direct drops significantly once more than 60 % of the nodes are removed.",
        "Level: the first that costs direct more than one point.",
        "60 %",
        (partial(falls, "direct", 60),),
        _FIG03,
    ),
    Claim(
        "fig03-post",
        "Sec. IV.A, Fig. 3",
        "post is practically unchanged until about 70 % of the nodes are removed.",
        "Level: post, within one point.",
        "70 %",
        (partial(unchanged, "post", 70),),
        _FIG03,
    ),
    Claim(
        "fig03-pre",
        "Sec. IV.A, Fig. 3",
        "pre is unaltered even in extremely compact networks.",
        "Level: pre, within one point; extremely compact is read as 95 % pruned.",
        "95 %",
        (partial(unchanged, "pre", 95),),
        _FIG03,
    ),
    Claim(
        "winning-ticket",
        "Sec. IV.A, Sec. VI",
        "The small network that pre uncovers performs as well as the full network, fully trained.",
        "Level: pre, within one point of post unpruned; small is read as 90 % pruned.",
        "90 %",
        (partial(unchanged, "pre", 90, "post"),),
        {},
    ),
    Claim(
        "suitable-start",
        "Sec. IV.A",
        "What pre uncovers is a sub-network with a start that suits training particularly well.",
        "Order: pre minus a new network of the same widths, trained as long or longer (fresh), and "
        "minus pre with nodes kept at random.",
        "> 0 pt",
        (partial(order, "pre", "fresh"), partial(order, "pre", "pre-random")),
        {},
    ),
    Claim(
        "post-over-direct",
        "Sec. IV.A, Fig. 3; by implication Figs. 6 and 7",
        "With one hidden layer and ELU or tanh, post withstands pruning better than direct.",
        "Order: post minus direct.",
        "> 0 pt",
        (partial(order, "post", "direct"),),
        {"depth": 1} | _SMOOTH,
    ),
    Claim(
        "fig04-direct",
        "Sec. IV.B, Fig. 4",
        "With three hidden layers, direct drops at 20 %.",
        "Level: the first that costs direct more than one point.",
        "20 %",
        (partial(falls, "direct", 20),),
        _FIG04,
    ),
    Claim(
        "fig04-post",
        "Sec. IV.B, Fig. 4",
        "With three hidden layers, post begins to fall at about 60 %.",
        "Level: the first that costs post more than one point.",
        "60 %",
        (partial(falls, "post", 60),),
        _FIG04,
    ),
    Claim(
        "fig04-pre",
        "Sec. IV.B, Fig. 4",
        "With three hidden layers, pre stays level up to about 90 %.",
        "Level: pre, within one point.",
        "90 %",
        (partial(unchanged, "pre", 90),),
        _FIG04,
    ),
    Claim(
        "fig04-lead",
        "Sec. IV.B",
        "The spectral methods' lead over the benchmark is larger with three hidden layers than "
        "with one.",
        "The leads of post and of pre over direct, at the median level, in Fig. 4 minus Fig. 3.",
        "> 0 pt",
        (lead_grows,),
        {"dataset": "fashion-mnist", "activation": "elu"},
    ),
    Claim(
        "pre-over-post",
        "Sec. I, Sec. V",
        "Compact networks made by pre outperform those cut out of a fully trained network by post.",
        "Order: pre minus post from 50 % pruned.",
        "> 0 pt",
        (partial(order, "pre", "post", (50.0, 95.0)),),
        {},
    ),
    Claim(
        "fig06-relu",
        "Appendix B, Fig. 6(b)",
        "With ReLU, direct is slightly better than post.",
        f"Order: direct minus post; slightly is read as less than {SLIGHT:g} points.",
        f"0 to {SLIGHT:g} pt",
        (partial(order, "direct", "post", most=SLIGHT),),
        _FIG06 | _RELU,
    ),
    Claim(
        "fig06-pre",
        "Appendix B, Fig. 6",
        "pre is always more effective than the other two.",
        "Order: pre minus direct, and minus post.",
        "> 0 pt",
        (partial(order, "pre", "direct"), partial(order, "pre", "post")),
        _FIG06,
    ),
    Claim(
        "fig07-relu",
        "Appendix B, Fig. 7",
        "As on MNIST: with ReLU, direct is slightly better than post.",
        f"Order: direct minus post; slightly is read as less than {SLIGHT:g} points.",
        f"0 to {SLIGHT:g} pt",
        (partial(order, "direct", "post", most=SLIGHT),),
        _FIG07 | _RELU,
    ),
    Claim(
        "fig07-pre",
        "Appendix B, Fig. 7",
        "As on MNIST: pre is always more effective than the other two.",
        "Order: pre minus direct, and minus post.",
        "> 0 pt",
        (partial(order, "pre", "direct"), partial(order, "pre", "post")),
        _FIG07,
    ),
    Claim(
        "fig08-spectral",
        "Appendix C, Fig. 8",
        "With three hidden layers and ELU or tanh, both spectral methods are definitely more "
        "effective than direct.",
        "Order: post minus direct, and pre minus direct.",
        "> 0 pt",
        (partial(order, "post", "direct"), partial(order, "pre", "direct")),
        _FIG08 | _SMOOTH,
    ),
    Claim(
        "fig08-relu",
        "Appendix C, Fig. 8",
        "With three hidden layers the same is true of ReLU.",
        "Order: post minus direct, and pre minus direct.",
        "> 0 pt",
        (partial(order, "post", "direct"), partial(order, "pre", "direct")),
        _FIG08 | _RELU,
    ),
    Claim(
        "fig09-spectral",
        "Appendix C, Fig. 9",
        "On Fashion-MNIST, too, both spectral methods are always superior to direct.",
        "Order: post minus direct, and pre minus direct.",
        "> 0 pt",
        (partial(order, "post", "direct"), partial(order, "pre", "direct")),
        _FIG09,
    ),
    Claim(
        "fig11-stable",
        "Appendix D, Fig. 11",
        "With the right weight γ of the penalty, accuracy is stable up to the highest percentiles.",
        "The worst level minus the unpruned network without penalty, with each method's best γ "
        "(chosen by the test images); at least −1 pt holds.",
        "≥ −1 pt",
        tuple(partial(stable_with_penalty, name) for name in ("direct", "post", "pre")),
        _FIG11,
    ),
    Claim(
        "fig11-better",
        "Sec. V, Fig. 11",
        "A suitable penalty on the eigenvalues improves the spectral methods in general.",
        "The gain by the best γ (chosen by the test images) on none, at the median level.",
        "> 0 pt",
        tuple(partial(better_with_penalty, name) for name in ("post", "pre")),
        _FIG11,
    ),
)
"""The 24 empirical claims, and ``fewer-parameters``, a count."""
