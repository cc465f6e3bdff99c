"""The verdicts on the paper's claims as a reader sees them: a table, and tallies in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from html import escape

from spectral_core import _checks
from spectral_core.paper.claims.findings import FAILS, HOLDS, PARTLY, REPORTED, UNDECIDED, UNTESTED
from spectral_core.paper.claims.judging import KINDS, Judgement

SYMBOLS = {
    HOLDS: "✓",
    PARTLY: "◐",
    FAILS: "✗",
    UNDECIDED: "?",
    UNTESTED: "○",
    REPORTED: "·",
}
"""A sign for each verdict; it stands beside the words, never in their place."""

_FOLD = 3  # from how many findings on a list is folded away
_FEW = 4  # up to how many findings are told in brief

_STYLE = """<style>
table.verdicts { width: 100%; border-collapse: collapse; }
table.verdicts th, table.verdicts td {
  text-align: left; vertical-align: top; white-space: normal; padding: 0.6em 0.7em;
  border-bottom: 1px solid rgba(128, 128, 128, 0.4);
}
table.verdicts .claim { width: 44%; }
table.verdicts .verdict { width: 18%; }
table.verdicts p { margin: 0 0 0.35em; }
table.verdicts ul { margin: 0.2em 0 0.35em; padding-left: 1.1em; }
table.verdicts .small { font-size: 85%; }
</style>"""


def tally(judgements: Iterable[Judgement], kind: str) -> str:
    """``8 claims: 3 hold, 1 holds in part, 4 are not tested.``

    Args:
        judgements: as :func:`~spectral_core.paper.claims.of_the_paper.judge` returns them.
        kind: those of one kind only, out of :data:`~spectral_core.paper.claims.judging.KINDS`.

    Raises:
        TypeError, ValueError: if the kind is unknown.
    """
    counts = Counter(judgement.verdict for judgement in _of(judgements, kind))
    total = counts.total()
    return f"{total} claim{'s' if total != 1 else ''}: {_counted(counts)}."


def brief(judgements: Iterable[Judgement], verdict: str) -> str:
    """Findings that have a verdict, as a list in Markdown, each with where the paper says so.

    Args:
        judgements: as :func:`~spectral_core.paper.claims.of_the_paper.judge` returns them.
        verdict: out of :data:`SYMBOLS`.
    """
    found = [each for each in _of(judgements, "finding") if each.verdict == verdict]
    return "\n".join(map(_brief, found)) or "- none"


def _brief(judgement: Judgement) -> str:
    """A claim, how many of its tests came out how where they differ, and the numbers of a few."""
    claim = judgement.claim
    counts = Counter(each.verdict for each in judgement.all_findings)
    tests = f": {_counted(counts)}" if len(counts) > 1 else ""
    lines = [f"- {claim.says} ({claim.where}{tests})"]
    if len(judgement.all_findings) <= _FEW:
        lines += [f"  - {part}" for part in judgement.evidence_by_variant]
    return "\n".join(lines)


def html(judgements: Iterable[Judgement], kind: str) -> str:
    """A table with a row per claim: what it says and its rule, the evidence, the verdict.

    Long evidence is folded away behind a tally of it. No colour carries a meaning. Arguments and
    errors are those of :func:`tally`.
    """
    rows = "\n".join(_row(judgement) for judgement in _of(judgements, kind))
    head = '<th class="claim">Claim</th><th>Evidence</th><th class="verdict">Verdict</th>'
    return (
        f'{_STYLE}\n<table class="verdicts">\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table>"
    )


def _of(judgements: Iterable[Judgement], kind: str) -> list[Judgement]:
    _checks.choice("kind", kind, KINDS)
    return [judgement for judgement in judgements if judgement.claim.kind == kind]


def _row(judgement: Judgement) -> str:
    claim = judgement.claim
    evidence = "".join(_evidence(judgement, variant) for variant in judgement.findings)
    evidence = evidence or "<p>No panel is planned yet.</p>"
    return (
        f'<tr id="claim-{escape(claim.name)}"><td class="claim"><p>{escape(claim.says)}</p>'
        f'<p class="small">{escape(claim.where)}</p>'
        f'<p class="small"><em>Rule.</em> {escape(claim.rule)}</p></td>'
        f"<td>{evidence}</td>"
        f'<td class="verdict"><p><strong>{_signed(judgement.verdict)}</strong></p></td></tr>'
    )


def _evidence(judgement: Judgement, variant: str) -> str:
    """Findings of one variant, with its own verdict and how many of its panels there are."""
    findings = judgement.findings[variant]
    if not variant:
        return f"<p>{escape(findings[0].text)}</p>"
    published, wanted = judgement.panels[variant]
    said = f"<p>{variant[:1].upper() + variant[1:]} ({published} of {wanted} published): "
    said += f"{_signed(judgement.verdict_of(variant))}.</p>"
    if not findings:
        return said
    items = "".join(f"<li>{_signed(each.verdict)}: {escape(each.text)}</li>" for each in findings)
    told = f'<ul class="small">{items}</ul>'
    if len(findings) < _FOLD:
        return said + told
    counts = Counter(each.verdict for each in findings)
    summary = f"{len(findings)} tests: {_counted(counts)}"
    return f"{said}<details><summary>{summary}</summary>{told}</details>"


def _counted(counts: Counter[str]) -> str:
    """Verdicts with their numbers, in the order of :data:`SYMBOLS`."""
    one = {verdict: verdict for verdict in SYMBOLS}
    one |= {UNDECIDED: "is undecided", UNTESTED: "is not tested", REPORTED: "is reported"}
    many = {
        HOLDS: "hold",
        PARTLY: "hold in part",
        FAILS: "do not hold",
        UNDECIDED: "are undecided",
        UNTESTED: "are not tested",
        REPORTED: "are reported",
    }
    return ", ".join(
        f"{counts[verdict]} {(one if counts[verdict] == 1 else many)[verdict]}"
        for verdict in SYMBOLS
        if counts[verdict]
    )


def _signed(verdict: str) -> str:
    return f'<span aria-hidden="true">{SYMBOLS[verdict]}</span> {verdict}'
