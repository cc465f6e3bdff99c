"""What to use: the settings that the published results recommend, and the rules behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from spectral_core.paper.results import publishing
from spectral_core.paper.results.intervals import POINT, points
from spectral_core.paper.results.standings import Standing, standings
from spectral_core.paper.study.methods import METHODS


@dataclass(frozen=True)
class Recommended:
    """Settings for a network of one's own. Each follows from a question of the book."""

    strategy: str
    """What to train, rank and train again, a name out of
    :data:`~spectral_core.paper.study.methods.METHODS`; decided by the questions ``budget`` and
    ``stronger``."""
    stage_two: str
    """What :func:`~spectral_core.train_only` lets train after the cut, if λ alone has trained
    before it; decided by the question ``settings``."""
    by: str
    """Criterion of :func:`~spectral_core.node_scores` once λ and φ have trained together; decided
    by the question ``score``."""
    per_layer: bool
    """Whether :func:`~spectral_core.select` gives each hidden layer a threshold of its own; decided
    by the question ``threshold``."""


RECOMMENDED = Recommended(strategy="pre", stage_two="eigenvectors", by="eigenvalue", per_layer=True)
"""What the published results recommend; where none decides, it is the paper's choice. A test holds
it against :func:`decisions`."""


class Decision(NamedTuple):
    """How one setting came about."""

    setting: str
    """Field of :class:`Recommended`."""
    value: str | bool
    figures: tuple[str, ...]
    """Questions whose results decide, out of :data:`~spectral_core.paper.study.figures.QUESTIONS`."""
    because: str
    """What they say, with numbers."""


class Rule(NamedTuple):
    """How a setting is decided: rivals of the paper's choice, compared at the cuts they share."""

    setting: str
    figures: tuple[str, ...]
    papers: str
    """Method with the paper's choice."""
    rivals: tuple[str, ...]
    """Methods with another one."""
    value: Callable[[str], str | bool]
    """From a method to the setting's value."""


def _stage_two(method: str) -> str:
    return "both" if method == f"pre{_BOTH}" else "eigenvectors"


_BOTH = "-both-in-stage-two"  # at the end of a panel's name in the figure `settings`

RULES = (
    Rule(
        "strategy",
        ("budget", "stronger"),
        "pre",
        ("direct-retrained", "post-retrained", "stronger"),
        str,
    ),
    Rule("stage_two", ("settings",), "pre", (f"pre{_BOTH}",), _stage_two),
    Rule(
        "by",
        ("score",),
        "post",
        ("post-invariant", "post-connectivity", "post-taylor"),
        lambda method: METHODS[method].score,
    ),
    Rule(
        "per_layer",
        ("threshold",),
        "pre",
        ("pre-per-layer",),
        lambda method: METHODS[method].per_layer,
    ),
)
"""One per setting. A rival takes the place of the paper's choice if, averaged over cuts, it is
ahead in some network, behind in none, and leads by a point or more on average over networks; of
several, the one that leads by most."""


def decisions(preset: str = "paper") -> list[Decision]:
    """What the published results decide, setting by setting.

    Args:
        preset: name out of :data:`~spectral_core.paper.study.figures.PRESETS`.
    """
    return [decide(rule, _published(rule, preset)) for rule in RULES]


def _published(rule: Rule, preset: str) -> pd.DataFrame:
    """Results of a rule's figures; a varied panel as its network, with methods of its own."""
    table = publishing.published_together(rule.figures, preset)
    varied = table["panel"].str.endswith(_BOTH)
    table.loc[varied, "method"] += _BOTH
    table["panel"] = table["panel"].str.removesuffix(_BOTH)
    return table


def decide(rule: Rule, table: pd.DataFrame) -> Decision:
    """Apply a rule to results.

    Args:
        rule: one out of :data:`RULES`.
        table: results of its figures.
    """
    found = standings(table, rule.rivals, rule.papers)
    if not found:
        because = "the paper's choice; no published result decides yet"
        return Decision(rule.setting, rule.value(rule.papers), rule.figures, because)
    better = {name: each for name, each in found.items() if _better(each)}
    best = max(better or found, key=lambda name: found[name].mean)
    lead = found[best]
    mean, median = (points(each, digits=2) for each in (lead.mean, lead.median))
    because = (
        f"{best} minus {rule.papers}, averaged over cuts: {mean} points on average over networks, "
        f"{median} in the median {lead.counts}"
    )
    if not better:
        because += "; that is not enough, so the paper's choice stands"
    winner = best if better else rule.papers
    return Decision(rule.setting, rule.value(winner), rule.figures, because)


def _better(rival: Standing) -> bool:
    return rival.ahead > 0 and not rival.behind and rival.mean >= POINT


def recommended(decided: Sequence[Decision]) -> Recommended:
    """The settings that some decisions, one for each, amount to."""
    return Recommended(**{each.setting: each.value for each in decided})
