"""What a cell shows: tables, HTML, and folded parts.

Tables have headings with a scope, shared ones over several rows, and a name each.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from spectral_core.paper.study.methods import METHODS


@dataclass(frozen=True)
class Table:
    """A table for a page: its index names the rows, each level of it a column of headings."""

    frame: pd.DataFrame
    caption: str = ""
    """What it shows; also its name for those who do not see it."""
    shade: str = ""
    """Colour that cells have the more of, the larger their number; none if empty."""
    words: bool = False
    """Whether cells are sentences, not numbers."""

    def _repr_html_(self) -> str:
        """HTML without line breaks, so that it may stand in Markdown."""
        kind = "words" if self.words else "numbers"
        with pd.option_context("display.max_colwidth", None):
            text = self.frame.to_html(classes=f"results {kind}", border=0, index_names=False)
        head, body = "".join(map(str.strip, text.splitlines())).split("</thead>")
        for name in self.frame.index.names:
            head = head.replace("<th></th>", f"<th>{html.escape(str(name or ''))}</th>", 1)
        head, body = (
            head.replace("<th>", '<th scope="col">'),
            body.replace("<th", '<th scope="row"'),
        )
        if self.shade:
            body = re.sub(r"<td>([\d.]+)", self._shaded, body)
        caption = f"<caption>{html.escape(self.caption)}</caption>" if self.caption else ""
        name = html.escape(self.caption or ", ".join(map(str, self.frame.columns)))
        return (
            f'<div class="table" role="region" tabindex="0" aria-label="{name}">'
            f"{head.replace('<thead>', f'{caption}<thead>')}</thead>{body}</div>"
        )

    def _shaded(self, cell: re.Match[str]) -> str:
        share = max(0.0, min(1.0, (float(cell[1]) - 10) / 90))
        mix = f"color-mix(in srgb, {self.shade} {55 * share:.0f}%, transparent)"
        return f'<td style="background: {mix}">{cell[1]}'

    def __str__(self) -> str:
        return self.frame.to_string()


@dataclass(frozen=True)
class Folded:
    """Parts of a page, by name, that open when these are clicked: tables, HTML or Markdown."""

    parts: Mapping[str, Table | str]

    def _repr_markdown_(self) -> str:
        shown = {
            name: part._repr_html_() if isinstance(part, Table) else part
            for name, part in self.parts.items()
        }
        return "\n\n".join(
            f"<details><summary>{html.escape(name)}</summary>\n\n{text}\n\n</details>"
            for name, text in shown.items()
            if text
        )


def rows_of(rows: Mapping[Any, Mapping[str, object]], *names: str) -> pd.DataFrame:
    """A frame row by row; of several headings, the first is left out where all rows share it.

    Args:
        rows: cells by column, by the heading of a row, or by a tuple of them.
        names: of the headings.
    """
    if len(names) == 1:
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis(*names)
    frame = pd.DataFrame.from_dict(dict(enumerate(rows.values())), orient="index")
    index = pd.MultiIndex.from_tuples(list(rows), names=names)
    return frame.set_index(index if index.levels[0].size > 1 else index.droplevel(0))


def minus(first: str, second: str) -> str:
    """The difference of two methods, by their titles."""
    return f"{METHODS[first].title} − {METHODS[second].title}"


def hidden_layers(depth: int | str) -> str:
    """``one hidden layer``, ``three hidden layers``."""
    number = {"1": "one", "3": "three"}.get(str(depth), depth)
    return f"{number} hidden layer{'' if number == 'one' else 's'}"


def p_value(p: float) -> str:
    """A p-value to three decimals; empty where there is none."""
    return "" if pd.isna(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"
