"""What a claim is, and how published results judge one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from spectral_core.paper.claims.findings import FAILS, HOLDS, UNTESTED, Finding, combined
from spectral_core.paper.claims.identities import IDENTITIES, TOLERANCE
from spectral_core.paper.results.by_panel import Curves
from spectral_core.paper.study.figures import SOURCES, TRIAL, Panel

KINDS = ("identity", "count", "finding", "report")
"""Mathematics, which is verified; numbers of parameters; what training gave; no claim made."""


Judge = Callable[[Sequence[Curves]], list[Finding]]


@dataclass(frozen=True)
class Claim:
    """One claim of the paper."""

    name: str
    kind: str
    """Out of :data:`KINDS`."""
    where: str
    """Section, equation or figure of the paper."""
    says: str
    """What it says, in our own words."""
    rule: str
    """When it counts as true, in words; what ``judge`` computes."""
    judge: Judge
    """Findings out of the panels of one variant; an identity needs none."""
    figures: tuple[str, ...] = ()
    activations: tuple[str, ...] = ("elu", "relu", "tanh")

    def covers(self, figure: str, panel: Panel) -> bool:
        """Whether the claim is about a panel."""
        return figure in self.figures and panel.activation in self.activations


class Judgement(NamedTuple):
    """What the published results say of a claim."""

    claim: Claim
    verdict: str
    findings: Mapping[str, list[Finding]]
    """By variant, a value of :data:`~spectral_core.paper.study.figures.SOURCES`, if it has panels; an
    identity's under ``""``."""
    panels: Mapping[str, tuple[int, int]]
    """Panels published, and panels that the claim is about, by variant."""

    def verdict_of(self, variant: str) -> str:
        """Verdict of one variant; empty where there are none, as for an identity."""
        if variant not in self.findings:
            return ""
        return combined(each.verdict for each in self.findings[variant])

    @property
    def all_findings(self) -> list[Finding]:
        """Those of all variants."""
        return [each for found in self.findings.values() for each in found]

    @property
    def evidence_by_variant(self) -> list[str]:
        """Numbers of the findings, one line per variant that has some."""
        texts = {
            name: "; ".join(finding.text for finding in found)
            for name, found in self.findings.items()
            if found
        }
        return [f"{name}: {text}" if name else text for name, text in texts.items()]

    @property
    def evidence(self) -> str:
        """Numbers of all findings, in one line."""
        return " – ".join(self.evidence_by_variant)


def each(*tests: tuple[Any, ...]) -> Judge:
    """Put every panel by itself to some tests: each a measure, and its arguments after the table.

    The measures are those of :mod:`spectral_core.paper.claims.evidence`.
    """

    def judge(panels: Sequence[Curves]) -> list[Finding]:
        found = [
            (curves, measure(curves.table, *arguments))
            for curves in panels
            for measure, *arguments in tests
        ]
        return [Finding(verdict, f"{curves}: {text}") for curves, (verdict, text) in found]

    return judge


def identity(name: str) -> Judge:
    """Check an identity now, on a real layer."""

    def judge(_: Sequence[Curves]) -> list[Finding]:
        missed = IDENTITIES[name]()
        verdict = HOLDS if missed <= TOLERANCE else FAILS
        return [Finding(verdict, f"largest difference {missed:.0e}".replace("0e+00", "0"))]

    return judge


def judged(
    claim: Claim, there: Sequence[Curves], planned: Iterable[tuple[str, Panel]]
) -> Judgement:
    """Judge a claim by each variant of its panels that there is or will be.

    Args:
        claim: what is to be judged.
        there: published panels, as :func:`~spectral_core.paper.results.by_panel.curves` returns them.
        planned: every figure's panels, published or not.
    """
    if claim.kind == "identity":
        found = claim.judge(())
        return Judgement(claim, combined(each.verdict for each in found), {"": found}, {})
    findings, counts = {}, {}
    covered = [
        panel for figure, panel in planned if claim.covers(figure, panel) and panel.source != TRIAL
    ]
    mine = [each for each in there if claim.covers(each.figure, each.panel)]
    for variant, name in SOURCES.items():
        wanted = [panel for panel in covered if panel.source == variant]
        published = [each for each in mine if each.panel.source == variant]
        if wanted:
            findings[name] = claim.judge(published)
            counts[name] = (len(published), len(wanted))
    judgement = Judgement(claim, UNTESTED, findings, counts)
    verdict = combined(each.verdict for each in judgement.all_findings)
    return judgement._replace(verdict=verdict)
