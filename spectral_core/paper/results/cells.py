"""Tables of text for a reader, out of long tables: cells, and where they stand."""

from __future__ import annotations

import pandas as pd


def with_spread(mean: float, spread: float, form: str = "{:.1f}") -> str:
    """``89.4 ± 0.3``: a mean and its spread, in per cent or points of it; a missing spread is left
    out.

    Args:
        mean: a share or an accuracy.
        spread: its standard deviation or error; NaN if there is none.
        form: format of the mean, times 100.
    """
    text = form.format(100 * mean).replace("-", "−")
    return text if pd.isna(spread) else f"{text} ± {100 * spread:.1f}"


def grid(cells: pd.DataFrame, rows: list[str], column: str, text: str) -> pd.DataFrame:
    """Spread cells over rows and columns, both in the order in which they first appear.

    Args:
        cells: one row per cell.
        rows: names of the columns that make up a row's name.
        column: name of the column that holds the columns' names.
        text: name of the column that holds what a cell says.
    """
    shown = cells.pivot(index=rows, columns=column, values=text)
    order = cells.drop_duplicates(rows).set_index(rows).index
    return shown.loc[order, cells[column].unique()]


def counted(seeds: int) -> str:
    """``1 seed``, ``5 seeds``."""
    return f"{seeds} seed{'s' if seeds != 1 else ''}"
