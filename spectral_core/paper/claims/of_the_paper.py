"""The paper's claims, each with a rule in words, and what the published results say of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from spectral_core import _checks
from spectral_core.data.raw_data import RAW_DATA
from spectral_core.paper.claims.evidence import (
    NEAR,
    NOT_FAR,
    ahead,
    alike,
    always_ahead,
    better_with_penalty,
    falls_from,
    fewer_tuned,
    lead_grows,
    reported,
    stable_with_penalty,
    stays,
)
from spectral_core.paper.claims.findings import Finding
from spectral_core.paper.claims.identities import TOLERANCE
from spectral_core.paper.claims.judging import (
    Claim,
    Judgement,
    each,
    identity,
    judged,
)
from spectral_core.paper.results.by_panel import Curves, curves
from spectral_core.paper.study.figures import EXPERIMENTS, QUESTIONS
from spectral_core.paper.study.planning import plan


def _lead_grows(panels: Sequence[Curves]) -> list[Finding]:
    """Fig. 4's leads over the benchmark against Fig. 3's."""
    tables = {panel.figure: panel.table for panel in panels}
    if not {"fig03", "fig04"} <= set(tables):
        return []
    return [
        lead_grows(tables["fig03"], tables["fig04"], name, "direct") for name in ("post", "pre")
    ]


def _counted(panels: Sequence[Curves]) -> list[Finding]:
    """Tuned parameters of each panel, cut at 90 %."""
    found = []
    for published in panels:
        classes = len(RAW_DATA[published.panel.dataset].classes)
        verdict, text = fewer_tuned(published.table, classes, at=90)
        found.append(Finding(verdict, f"{published}: {text}"))
    return found


# The claims, in the order of the paper

_ONE_LAYER, _THREE_LAYERS = ("fig03", "fig06", "fig07"), ("fig04", "fig08", "fig09")
_MLPS = tuple(sorted(_ONE_LAYER + _THREE_LAYERS))
_IDENTITY_RULE = (
    "On a layer of 12 and 7 nodes with random λ and φ, in double precision, both sides differ by "
    f"no more than {TOLERANCE:.0e}."
)
_ABOVE = (
    "its 95 % t-interval lies above 0. It does not hold if the interval lies below, and is "
    "undecided in between."
)
_AHEAD_RULE = f"The difference, averaged over all cuts and paired by seed: {_ABOVE}"
_SLIGHTLY = " How slightly is told, not tested."
_ALWAYS_RULE = (
    "Cut by cut and paired by seed, by the 95 % t-interval of the difference: above 0 at some cut, "
    "below 0 at none, and above −1 point at every cut. In part: above 0 at some, below 0 at "
    "others. It does not hold if it is below 0 at some and above 0 at none, and is undecided in "
    "all other cases. Each cut stands by itself: of twenty without a difference, one will seem to "
    "have one."
)


_LEVELS = (
    "In part: none costs more than five. By 95 % t-intervals, paired by seed, it costs for sure "
    "what the lower end at the last of these cuts says, and perhaps what the largest upper end "
    "does; undecided where the two give different verdicts."
)


def _stays_rule(until: float) -> str:
    return f"Up to {until:g} % no cut costs more than one point of the uncut accuracy. {_LEVELS}"


def _falls_rule(at: float) -> str:
    return (
        "The first cut that costs more than one point of the uncut accuracy lies within "
        f"{NEAR} % of the nodes from {at:g} %. In part: within {NOT_FAR} %. The costs are paired "
        "by seed: by its 95 % t-interval a cut costs more for sure, or may do so; it is undecided "
        "if the cuts where the fall may begin differ in verdict. Each cut stands by itself."
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "inverse",
        "identity",
        "Sec. II",
        "The matrix of eigenvectors is inverted by (Φ)⁻¹ = 2I − Φ.",
        _IDENTITY_RULE,
        identity("inverse"),
    ),
    Claim(
        "spectrum",
        "identity",
        "Sec. II",
        "The diagonal of Λ holds the eigenvalues of the transfer operator A.",
        _IDENTITY_RULE,
        identity("spectrum"),
    ),
    Claim(
        "weights",
        "identity",
        "Eq. 2",
        "The weights between two layers are differences of eigenvalues times entries of Φ.",
        _IDENTITY_RULE,
        identity("weights"),
    ),
    Claim(
        "activities",
        "identity",
        "Eq. 3",
        "What a node receives is a sum scaled by the senders' eigenvalues, minus a sum scaled by "
        "its own.",
        _IDENTITY_RULE,
        identity("activities"),
    ),
    Claim(
        "appendix",
        "identity",
        "Appendix A",
        "Eq. 2 follows from A = Φ Λ (2I − Φ) by its two terms α and β.",
        _IDENTITY_RULE,
        identity("appendix"),
    ),
    Claim(
        "direct-eigenvalues",
        "identity",
        "Sec. V",
        "Training in direct space leaves a transfer operator whose eigenvalues are all 0, so they "
        "cannot rank nodes.",
        "The largest eigenvalue of such an operator of 12 and 7 nodes is no larger than "
        f"{TOLERANCE:.0e}.",
        identity("direct"),
    ),
    Claim(
        "fewer-parameters",
        "count",
        "Sec. IV.A, Sec. V",
        "Together, the two stages of pre tune considerably fewer numbers than the other methods.",
        "Cut at 90 %, pre tunes at most half as many as direct does (post tunes still more). In "
        "part: fewer, but more than half.",
        _counted,
        _MLPS,
    ),
    Claim(
        "marker",
        "finding",
        "Sec. I, Sec. V",
        "The absolute value of a node's eigenvalue marks how much the node matters, also once the "
        "eigenvectors train.",
        "The networks of post, cut by |λ| minus the same cut at random, averaged over all cuts and "
        f"paired by seed: {_ABOVE}",
        each((ahead, "post", "post-random")),
        ("score",),
    ),
    *(
        Claim(
            f"vast-majority-{method}",
            "finding",
            "Abstract, Sec. IV",
            f"Ranked by eigenvalues {when}, the vast majority of nodes can go with virtually "
            "unchanged accuracy.",
            "Vast majority is taken as 75 %. " + _stays_rule(75),
            each((stays, method, 75)),
            (*_MLPS, "fig10"),
        )
        for method, when in (
            ("post", "after full training (post)"),
            ("pre", "before the eigenvectors train (pre)"),
        )
    ),
    Claim(
        "same-accuracy",
        "finding",
        "Sec. IV.A, of Fig. 3; here of all",
        "Before any pruning, spectral and direct training reach virtually the same accuracy.",
        "The difference between post and direct, uncut and paired by seed: its 95 % t-interval "
        "lies within ± one point. It does not hold if the interval lies beyond, and is undecided "
        "in between.",
        each((alike, "post", "direct")),
        _MLPS,
    ),
    Claim(
        "fig03-direct",
        "finding",
        "Sec. IV.A, Fig. 3",
        "direct drops significantly once more than 60 % of the nodes are removed.",
        _falls_rule(60),
        each((falls_from, "direct", 60)),
        ("fig03",),
    ),
    Claim(
        "fig03-post",
        "finding",
        "Sec. IV.A, Fig. 3",
        "post is practically unchanged until about 70 % of the nodes are removed.",
        _stays_rule(70),
        each((stays, "post", 70)),
        ("fig03",),
    ),
    Claim(
        "fig03-pre",
        "finding",
        "Sec. IV.A, Fig. 3",
        "pre is unaltered even in extremely compact networks.",
        "Extremely compact is taken as 95 % pruned. " + _stays_rule(95),
        each((stays, "pre", 95)),
        ("fig03",),
    ),
    Claim(
        "winning-ticket",
        "finding",
        "Sec. IV.A, Sec. VI",
        "The small network that pre uncovers performs as well as the full network, fully trained.",
        "Small is taken as 90 % pruned. No cut of pre up to there costs more than one point of "
        f"the accuracy of post uncut. {_LEVELS}",
        each((stays, "pre", 90, "post")),
        _MLPS,
    ),
    Claim(
        "suitable-start",
        "finding",
        "Sec. IV.A",
        "What pre uncovers is a sub-network with a start that suits training particularly well.",
        "With as many epochs, pre minus a new network of the same widths (fresh), and minus pre "
        "with nodes kept at random, averaged over the cuts that both have and paired by seed: "
        f"{_ABOVE}",
        each((ahead, "pre", "fresh"), (ahead, "pre", "pre-random")),
        ("budget",),
    ),
    Claim(
        "post-over-direct",
        "finding",
        "Sec. IV.A, Fig. 3; by implication Figs. 6 and 7",
        "With one hidden layer and ELU or tanh, post withstands pruning better than direct.",
        _AHEAD_RULE,
        each((ahead, "post", "direct")),
        _ONE_LAYER,
        ("elu", "tanh"),
    ),
    Claim(
        "fig04-direct",
        "finding",
        "Sec. IV.B, Fig. 4",
        "With three hidden layers, direct drops at 20 %.",
        _falls_rule(20),
        each((falls_from, "direct", 20)),
        ("fig04",),
    ),
    Claim(
        "fig04-post",
        "finding",
        "Sec. IV.B, Fig. 4",
        "With three hidden layers, post begins to fall at about 60 %.",
        _falls_rule(60),
        each((falls_from, "post", 60)),
        ("fig04",),
    ),
    Claim(
        "fig04-pre",
        "finding",
        "Sec. IV.B, Fig. 4",
        "With three hidden layers, pre stays level up to about 90 %.",
        _stays_rule(90),
        each((stays, "pre", 90)),
        ("fig04",),
    ),
    Claim(
        "fig04-lead",
        "finding",
        "Sec. IV.B",
        "The spectral methods' lead over the benchmark is larger with three hidden layers than "
        "with one.",
        "The lead of post, and that of pre, averaged over all cuts, in Fig. 4 minus that in "
        f"Fig. 3 (Welch): {_ABOVE}",
        _lead_grows,
        ("fig03", "fig04"),
    ),
    Claim(
        "pre-over-post",
        "finding",
        "Sec. I, Sec. V",
        "Compact networks made by pre outperform those cut out of a fully trained network by post.",
        "Compact is taken as cuts from 50 % on. " + _ALWAYS_RULE,
        each((always_ahead, "pre", "post", 50)),
        _MLPS,
    ),
    Claim(
        "fig06-relu",
        "finding",
        "Appendix B, Fig. 6(b)",
        "With ReLU, direct is slightly better than post.",
        _AHEAD_RULE + _SLIGHTLY,
        each((ahead, "direct", "post")),
        ("fig06",),
        ("relu",),
    ),
    Claim(
        "fig06-pre",
        "finding",
        "Appendix B, Fig. 6",
        "pre is always more effective than the other two.",
        _ALWAYS_RULE,
        each(
            (always_ahead, "pre", "direct"),
            (always_ahead, "pre", "post"),
        ),
        ("fig06",),
    ),
    Claim(
        "fig07-relu",
        "finding",
        "Appendix B, Fig. 7",
        "As on MNIST: with ReLU, direct is slightly better than post.",
        _AHEAD_RULE + _SLIGHTLY,
        each((ahead, "direct", "post")),
        ("fig07",),
        ("relu",),
    ),
    Claim(
        "fig07-pre",
        "finding",
        "Appendix B, Fig. 7",
        "As on MNIST: pre is always more effective than the other two.",
        _ALWAYS_RULE,
        each(
            (always_ahead, "pre", "direct"),
            (always_ahead, "pre", "post"),
        ),
        ("fig07",),
    ),
    Claim(
        "fig08-spectral",
        "finding",
        "Appendix C, Fig. 8",
        "With three hidden layers and ELU or tanh, both spectral methods are definitely more "
        "effective than direct.",
        _AHEAD_RULE,
        each(
            (ahead, "post", "direct"),
            (ahead, "pre", "direct"),
        ),
        ("fig08",),
        ("elu", "tanh"),
    ),
    Claim(
        "fig08-relu",
        "finding",
        "Appendix C, Fig. 8",
        "With three hidden layers the same is true of ReLU.",
        _AHEAD_RULE,
        each(
            (ahead, "post", "direct"),
            (ahead, "pre", "direct"),
        ),
        ("fig08",),
        ("relu",),
    ),
    Claim(
        "fig09-spectral",
        "finding",
        "Appendix C, Fig. 9",
        "On Fashion-MNIST, too, both spectral methods are always superior to direct.",
        _ALWAYS_RULE,
        each(
            (always_ahead, "post", "direct"),
            (always_ahead, "pre", "direct"),
        ),
        ("fig09",),
    ),
    Claim(
        "fig10",
        "report",
        "Appendix D, Fig. 10",
        "The text orders no methods here.",
        "None: the accuracies are reported.",
        each((reported, (0, 50, 90))),
        ("fig10",),
    ),
    Claim(
        "fig11-stable",
        "finding",
        "Appendix D, Fig. 11",
        "With the right weight γ of the penalty, accuracy is stable up to the highest percentiles.",
        "For each method there is a γ > 0, chosen on these same results, with which no cut costs "
        f"more than one point of the accuracy of the uncut network without penalty. {_LEVELS}",
        each(*((stable_with_penalty, name) for name in ("direct", "post", "pre"))),
        ("fig11",),
    ),
    Claim(
        "fig11-better",
        "finding",
        "Sec. V, Fig. 11",
        "A suitable penalty on the eigenvalues improves the spectral methods in general.",
        "With the γ > 0 of the highest average over all cuts, chosen on these same results, the "
        f"gain over γ = 0, paired by seed: {_ABOVE}",
        each((better_with_penalty, "post"), (better_with_penalty, "pre")),
        ("fig11",),
    ),
)
"""Every claim that is put to the test."""


def judge(
    published: Mapping[str, pd.DataFrame] | None = None,
    preset: str = "paper",
    names: Iterable[str] | None = None,
) -> list[Judgement]:
    """Judge claims by published results.

    Args:
        published: table of results by figure; those of the preset if ``None``.
        preset: name out of :data:`~spectral_core.paper.study.figures.PRESETS`, whose panels these are.
        names: which claims; all if ``None``.

    Raises:
        TypeError, ValueError: if a figure, a panel or a claim is unknown.
    """
    known = {claim.name: claim for claim in CLAIMS}
    wanted = known if names is None else [_checks.choice("names", name, known) for name in names]
    asked = {figure for claim in CLAIMS for figure in claim.figures} & set(QUESTIONS)
    there = curves(published, preset, asked)
    planned = [(figure, panel) for figure in EXPERIMENTS for panel in plan(figure, preset, "*").panels]
    return [judged(known[name], there, planned) for name in wanted]
