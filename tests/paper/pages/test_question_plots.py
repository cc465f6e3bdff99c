"""Pictures of the questions show the numbers that they are given, and no others."""

import math

import pandas as pd

from spectral_core.paper.pages import question_plots
from spectral_core.paper.pages.style import look
from spectral_core.paper.results import authors


def distance(network, method, source, far, seeds):
    row = {"network": network, "method": method, "source": source}
    return row | {"distance": far, "seeds": seeds}


def test_a_distance_is_that_of_the_run_with_most_seeds():
    found = pd.DataFrame(
        [
            distance("MNIST · 1 × 500 · ELU", "post", "text", 9.0, 3),
            distance("MNIST · 1 × 500 · ELU", "post", "text", 10.0, 5),
            distance("MNIST · 1 × 2000 · ELU", "post", "released", 2.0, 1),
            distance("MNIST · 3 × 500 · ELU", "post", "text", 4.0, 5),
        ]
    )
    by_source = authors.by_source(found)
    assert by_source.loc[1, "MNIST · ELU", "post"].to_dict() == {"text": 10.0, "released": 2.0}
    assert math.isnan(by_source.loc[3, "MNIST · ELU", "post"]["released"])
    one, three = question_plots.slopes(by_source, "alt").drawings
    assert list(one.axes[0].get_lines()[0].get_ydata()) == [10.0, 2.0]
    assert list(three.axes[0].get_lines()[0].get_ydata()) == [4.0]


def test_a_front_shows_accuracy_over_the_share_of_the_weights():
    rows = [("a", "pre", 100, 0.9), ("a", "pre", 10, 0.88), ("b", "pre", 7, 0.5)]
    points = pd.DataFrame(rows, columns=["network", "method", "parameters", "accuracy"])
    (drawing,) = question_plots.fronts(points, ["a"], ["pre"], "alt").drawings
    line = drawing.axes[0].get_lines()[0]
    assert line.get_color() == look("pre").colour
    assert list(line.get_xdata()) == [10.0, 100.0] and list(line.get_ydata()) == [88.0, 90.0]
