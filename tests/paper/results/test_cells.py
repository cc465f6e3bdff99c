"""Tables of text: what a cell says, and where it stands."""

import math

import pandas as pd
import pytest

from spectral_core.paper.results.cells import grid, with_spread


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((0.894, 0.003), "89.4 ± 0.3"),
        ((0.894, math.nan), "89.4"),
        ((-0.012, 0.003, "{:+.1f}"), "−1.2 ± 0.3"),
        ((0.012, math.nan, "{:+.1f}"), "+1.2"),
    ],
)
def test_a_cell_has_its_spread_if_there_is_one(arguments, text):
    assert with_spread(*arguments) == text


def test_rows_and_columns_stand_in_the_order_of_their_first_cell():
    cells = pd.DataFrame(
        [("b", 1, "90 %", "x"), ("b", 1, "5 %", "y"), ("a", 2, "90 %", "z")],
        columns=["panel", "seed", "cut", "text"],
    )
    shown = grid(cells, ["panel", "seed"], "cut", "text")
    assert list(shown.columns) == ["90 %", "5 %"]
    assert list(shown.index) == [("b", 1), ("a", 2)]
    assert shown.loc[("b", 1), "5 %"] == "y" and pd.isna(shown.loc[("a", 2), "5 %"])
