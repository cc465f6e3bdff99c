"""The claims of the paper as a strip of small squares, each a link to the page with all of them."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from spectral_core.paper.claims.claims import Row
from spectral_core.paper.claims.verdict import WORDS, Verdict
from spectral_core.paper.pages.tables import SYMBOLS
from spectral_core.paper.study.figures import SOURCES


@dataclass(frozen=True)
class ClaimStrip:
    """Two strips, at the text's settings and at the released ones, and their key."""

    rows: Sequence[Row]
    target: str
    """Address of the page with all claims."""

    def _repr_html_(self) -> str:
        strips = "".join(
            f"<p>{html.escape(SOURCES[source])}</p><ul>"
            f"{''.join(self._square(row, getattr(row, source)) for row in self.rows)}</ul>"
            for source in ("text", "released")
        )
        there = {verdict.word for row in self.rows for verdict in row[1:]}
        key = ", ".join(f"{SYMBOLS[word]} {word}" for word in WORDS if word in there)
        return f'<div class="claims">{strips}<p>{html.escape(key)}</p></div>'

    def _square(self, row: Row, verdict: Verdict) -> str:
        name = html.escape(f"{row.claim.place}: {row.claim.says} {verdict.word}")
        return (
            f'<li><a href="{self.target}" class="v{WORDS.index(verdict.word)}" title="{name}" '
            f'aria-label="{name}">{SYMBOLS[verdict.word]}</a></li>'
        )
