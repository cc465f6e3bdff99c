"""The two plots of the L2 term: every node in its place, and the law."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from spectral_core.paper.plots.group_lasso import SHADES, balance_figure


@pytest.fixture(autouse=True)
def no_window():
    with matplotlib.rc_context():
        matplotlib.use("agg")
        yield
        plt.close("all")


def test_nodes_and_law_are_drawn_as_shares_and_lengths_against_the_diagonal():
    relaxed = pd.DataFrame(
        {
            "node": [0, 1, 0, 1],
            "time": [0.0, 0.0, 5.0, 5.0],
            "imbalance": [-2.0, 4.0, -1.0, 2.4],
            "law": [-2.0, 4.0, -1.2, 2.4],
        }
    )
    nodes = pd.DataFrame(
        {
            "start": ["paper", "paper", "stronger"],
            "decay": [0.0, 1e-3, 0.0],
            "eigenvalue": [1.0, 2.0, 9.0],
            "eigenvector": [3.0, 2.0, 9.0],
        }
    )
    left, right = balance_figure(relaxed, nodes).axes
    assert [list(line.get_ydata()) for line in left.get_lines()] == [[1, 0.5], [1, 0.6], [1, 0.6]]
    assert [text.get_text() for text in left.get_legend().get_texts()] == [
        "each of the nodes", "$e^{-2\\alpha t}$",
    ]  # fmt: skip
    plain, decayed, equal = right.get_lines()
    assert (plain.get_xydata().tolist(), plain.get_color()) == ([[3, 1]], SHADES[0])
    assert (decayed.get_xydata().tolist(), decayed.get_label()) == ([[2, 2]], "α = 0.001")
    assert np.array_equal(equal.get_xydata(), [[0, 0], [3, 3]])
