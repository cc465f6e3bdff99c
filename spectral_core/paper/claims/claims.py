"""The paper's claims about trainings, in its order, each with the tests that decide it.

The six identities of Secs. II and V and Appendix A are not here: ``tests/layers`` checks them, and
so does the page on theory.
"""

from __future__ import annotations

from functools import partial

import pandas as pd

from spectral_core.paper.claims.claim import COLUMNS, PIXELS, Claim, Row, as_table
from spectral_core.paper.claims.single import (
    better_with_penalty,
    fewer_tuned,
    lead_grows,
    stable_with_penalty,
)
from spectral_core.paper.claims.verdict import equality, falls, order, unchanged

__all__ = ["CLAIMS", "COLUMNS", "Claim", "Row", "judged", "matrix"]

_FIG03 = {"dataset": "fashion-mnist", "activation": "elu", "depth": 1}
_FIG04 = {"dataset": "fashion-mnist", "activation": "elu", "depth": 3}
_FIG06, _FIG08 = ({"dataset": "mnist", "depth": depth} for depth in (1, 3))
_FIG07, _FIG09 = (
    {"dataset": "fashion-mnist", "depth": depth, "activation": ("relu", "tanh")} for depth in (1, 3)
)
_FIG11 = {"dataset": ("cifar10", "cifar10-jpeg"), "activation": "elu"}
_WITH_CIFAR = {"dataset": (*PIXELS, "cifar10", "cifar10-jpeg")}
_RELU, _SMOOTH = {"activation": "relu"}, {"activation": ("elu", "tanh")}
SLIGHT = 2.0
"""A lead in points that "slightly" leaves room for: twice what a figure can show."""

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "fewer-parameters",
        "Sec. IV.A, Sec. V",
        "Together, the two stages tune considerably fewer numbers than the other methods.",
        "Numbers tuned where two-stage is pruned within one point, in per cent of those that "
        "Magnitude "
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
        "Order: post-training, ranked by |λ| minus at random.",
        "> 0 pt",
        (partial(order, "post", "post-random"),),
        {},
    ),
    Claim(
        "vast-majority-post",
        "Abstract, Sec. IV",
        "Ranked by eigenvalues after full training, the vast majority of nodes can be "
        "removed with virtually unchanged accuracy.",
        "Level: post-training, within one point; the vast majority is read as 75 %.",
        "75 %",
        (partial(unchanged, "post", 75),),
        _WITH_CIFAR,
    ),
    Claim(
        "vast-majority-pre",
        "Abstract, Sec. IV",
        "Ranked by eigenvalues before the eigenvectors are trained, the vast majority of "
        "nodes can be removed with virtually unchanged accuracy.",
        "Level: two-stage, within one point; the vast majority is read as 75 %.",
        "75 %",
        (partial(unchanged, "pre", 75),),
        _WITH_CIFAR,
    ),
    Claim(
        "same-accuracy",
        "Sec. IV.A, of Fig. 3; here of all",
        "Before any pruning, spectral and direct training reach virtually the same accuracy.",
        "Equality: post-training and Magnitude, unpruned, within one point.",
        "0 pt",
        (partial(equality, "post", "direct"),),
        {},
    ),
    Claim(
        "fig03-direct",
        "Sec. IV.A, Fig. 3",
        "Magnitude drops significantly once more than 60 % of the nodes are removed.",
        "Level: the first that costs Magnitude more than one point.",
        "60 %",
        (partial(falls, "direct", 60),),
        _FIG03,
    ),
    Claim(
        "fig03-post",
        "Sec. IV.A, Fig. 3",
        "Post-training is practically unchanged until about 70 % of the nodes are removed.",
        "Level: post-training, within one point.",
        "70 %",
        (partial(unchanged, "post", 70),),
        _FIG03,
    ),
    Claim(
        "fig03-pre",
        "Sec. IV.A, Fig. 3",
        "Two-stage is unaltered even in extremely compact networks.",
        "Level: two-stage, within one point; extremely compact is read as 95 % pruned.",
        "95 %",
        (partial(unchanged, "pre", 95),),
        _FIG03,
    ),
    Claim(
        "winning-ticket",
        "Sec. IV.A, Sec. VI",
        "The small network that two-stage uncovers performs as well as the full network, fully "
        "trained.",
        "Level: two-stage, within one point of post-training unpruned; small is read as 90 % "
        "pruned.",
        "90 %",
        (partial(unchanged, "pre", 90, "post"),),
        {},
    ),
    Claim(
        "suitable-start",
        "Sec. IV.A",
        "What two-stage uncovers is a sub-network with a start that suits training particularly "
        "well.",
        "Order: two-stage minus a new network of the same widths, trained as long or longer, and "
        "minus two-stage with random nodes.",
        "> 0 pt",
        (partial(order, "pre", "fresh"), partial(order, "pre", "pre-random")),
        {},
    ),
    Claim(
        "post-over-direct",
        "Sec. IV.A, Fig. 3; by implication Figs. 6 and 7",
        "With one hidden layer and ELU or tanh, post-training withstands pruning better than "
        "Magnitude.",
        "Order: post-training minus Magnitude.",
        "> 0 pt",
        (partial(order, "post", "direct"),),
        {"depth": 1} | _SMOOTH,
    ),
    Claim(
        "fig04-direct",
        "Sec. IV.B, Fig. 4",
        "With three hidden layers, Magnitude drops at 20 %.",
        "Level: the first that costs Magnitude more than one point.",
        "20 %",
        (partial(falls, "direct", 20),),
        _FIG04,
    ),
    Claim(
        "fig04-post",
        "Sec. IV.B, Fig. 4",
        "With three hidden layers, post-training begins to fall at about 60 %.",
        "Level: the first that costs post-training more than one point.",
        "60 %",
        (partial(falls, "post", 60),),
        _FIG04,
    ),
    Claim(
        "fig04-pre",
        "Sec. IV.B, Fig. 4",
        "With three hidden layers, two-stage stays level up to about 90 %.",
        "Level: two-stage, within one point.",
        "90 %",
        (partial(unchanged, "pre", 90),),
        _FIG04,
    ),
    Claim(
        "fig04-lead",
        "Sec. IV.B",
        "The spectral methods' lead over the benchmark is larger with three hidden layers than "
        "with one.",
        "The leads of both spectral methods over Magnitude, at the median level, in Fig. 4 minus "
        "Fig. 3.",
        "> 0 pt",
        (lead_grows,),
        {"dataset": "fashion-mnist", "activation": "elu"},
    ),
    Claim(
        "pre-over-post",
        "Sec. I, Sec. V",
        "Compact two-stage networks outperform those that post-training makes of a fully trained "
        "one.",
        "Order: two-stage minus post-training from 50 % pruned.",
        "> 0 pt",
        (partial(order, "pre", "post", (50.0, 95.0)),),
        {},
    ),
    Claim(
        "fig06-relu",
        "Appendix B, Fig. 6(b)",
        "With ReLU, Magnitude is slightly better than post-training.",
        f"Order: Magnitude minus post-training; slightly is read as less than {SLIGHT:g} points.",
        f"0 to {SLIGHT:g} pt",
        (partial(order, "direct", "post", most=SLIGHT),),
        _FIG06 | _RELU,
    ),
    Claim(
        "fig06-pre",
        "Appendix B, Fig. 6",
        "Two-stage is always more effective than the other two.",
        "Order: two-stage minus Magnitude, and minus post-training.",
        "> 0 pt",
        (partial(order, "pre", "direct"), partial(order, "pre", "post")),
        _FIG06,
    ),
    Claim(
        "fig07-relu",
        "Appendix B, Fig. 7",
        "As on MNIST: with ReLU, Magnitude is slightly better than post-training.",
        f"Order: Magnitude minus post-training; slightly is read as less than {SLIGHT:g} points.",
        f"0 to {SLIGHT:g} pt",
        (partial(order, "direct", "post", most=SLIGHT),),
        _FIG07 | _RELU,
    ),
    Claim(
        "fig07-pre",
        "Appendix B, Fig. 7",
        "As on MNIST: two-stage is always more effective than the other two.",
        "Order: two-stage minus Magnitude, and minus post-training.",
        "> 0 pt",
        (partial(order, "pre", "direct"), partial(order, "pre", "post")),
        _FIG07,
    ),
    Claim(
        "fig08-spectral",
        "Appendix C, Fig. 8",
        "With three hidden layers and ELU or tanh, both spectral methods are definitely more "
        "effective than Magnitude.",
        "Order: post-training minus Magnitude, and two-stage minus Magnitude.",
        "> 0 pt",
        (partial(order, "post", "direct"), partial(order, "pre", "direct")),
        _FIG08 | _SMOOTH,
    ),
    Claim(
        "fig08-relu",
        "Appendix C, Fig. 8",
        "With three hidden layers the same is true of ReLU.",
        "Order: post-training minus Magnitude, and two-stage minus Magnitude.",
        "> 0 pt",
        (partial(order, "post", "direct"), partial(order, "pre", "direct")),
        _FIG08 | _RELU,
    ),
    Claim(
        "fig09-spectral",
        "Appendix C, Fig. 9",
        "On Fashion-MNIST, too, both spectral methods are always superior to Magnitude.",
        "Order: post-training minus Magnitude, and two-stage minus Magnitude.",
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


def judged(table: pd.DataFrame | None = None) -> list[Row]:
    """Every claim with its verdicts at the text's and at the released settings.

    Args:
        table: as for :meth:`Claim.verdict`.
    """
    return [Row(c, *(c.verdict(column, table) for column in COLUMNS)) for c in CLAIMS]


def matrix(rows: list[Row] | None = None) -> pd.DataFrame:
    """:func:`~spectral_core.paper.claims.claim.as_table` of the published results, or of rows."""
    return as_table(judged() if rows is None else rows)
