"""Drawings: every square holds a number of the layer, every box a step of the strategy."""

import dataclasses
import re

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.patches import Rectangle

from spectral_core import SpectralLinear
from spectral_core.paper.plots import diagrams
from spectral_core.paper.plots.diagrams import (
    KINDS,
    ROWS,
    eigenvector_figure,
    flow,
    flow_text,
    flowchart_figure,
    transfer_operator_figure,
)
from spectral_core.paper.study.methods import METHODS


@pytest.fixture(autouse=True)
def no_window():
    with matplotlib.rc_context():
        matplotlib.use("agg")
        yield
        diagrams.plt.close("all")


def layer(departure=4, arrival=3, input_eigenvalues=True):
    return SpectralLinear(
        departure,
        arrival,
        input_eigenvalues=input_eigenvalues,
        eigenvector_range=(-1, 1),
        eigenvalue_range=(-1, 1),
        generator=torch.Generator().manual_seed(0),
    )


def numbers(figure, left, columns, rows):
    """The numbers written into the squares of a matrix; NaN where nothing is written."""
    (axes,) = figure.axes
    found = np.full((rows, columns), np.nan)
    for text in axes.texts:
        x, y = text.get_position()
        i, j = y - 0.5, x - left - 0.5
        inside = 0 <= i < rows and 0 <= j < columns and i % 1 == 0 and abs(j - round(j)) < 1e-9
        if inside and re.fullmatch(r"−?[\d.]+", text.get_text()):
            found[round(i), round(j)] = float(text.get_text().replace("−", "-"))
    return found


def shown(matrix):
    """What the squares of a matrix should say: two decimals, nothing for an exact zero."""
    matrix = matrix.detach().double().numpy()
    return np.where(matrix == 0, np.nan, np.round(matrix, 2))


def words(figure):
    return " ".join(text.get_text() for text in figure.axes[0].texts)


@pytest.mark.parametrize("input_eigenvalues", [True, False])
@pytest.mark.parametrize(("before", "after"), [(2, 2), (0, 1), (0, 0)])
def test_operator_and_its_action_are_the_layers(input_eigenvalues, before, after):
    drawn = layer(input_eigenvalues=input_eigenvalues)
    x = torch.rand(4, generator=torch.Generator().manual_seed(1))
    figure = transfer_operator_figure(drawn, x, before, after)
    size = before + 7 + after
    whole = torch.block_diag(torch.eye(before), drawn.transfer_operator(), torch.eye(after))
    np.testing.assert_allclose(numbers(figure, 0, size, size), shown(whole), atol=1e-6)

    long = torch.zeros(size)
    long[before : before + 4] = x
    for left, vector in ((size + 1.6, long), (size + 4.2, whole @ long)):
        written = numbers(figure, left, 1, size)[:, 0]
        np.testing.assert_allclose(written, shown(vector), atol=0.0051)
    # Eq. 3: the entries of layer k+1 are what the layer itself computes.
    arrival = numbers(figure, size + 4.2, 1, size)[before + 4 : before + 7, 0]
    np.testing.assert_allclose(arrival, drawn(x).detach(), atol=0.0051)


def test_entries_have_the_colour_of_their_kind():
    drawn = layer()
    (axes,) = transfer_operator_figure(drawn, torch.rand(4), before=1, after=1).axes
    squares = {
        (round(p.get_y()), round(p.get_x())): matplotlib.colors.to_hex(p.get_facecolor()).upper()
        for p in axes.patches
        if isinstance(p, Rectangle) and p.get_width() == 1 and p.get_x() < 9 and p.get_fill()
    }
    assert squares[0, 0] == squares[8, 8] == KINDS["other"]
    assert {squares[i, i] for i in range(1, 5)} == {KINDS["departure"]}
    assert {squares[i, i] for i in range(5, 8)} == {KINDS["arrival"]}
    assert {squares[i, j] for i in range(5, 8) for j in range(1, 5)} == {KINDS["block"]}


def test_labels_are_the_papers():
    text = words(transfer_operator_figure(layer(), torch.rand(4)))
    for label in (r"\mathbf{A}^{(k)}", r"\vec{x}^{\,(k)}", r"\vec{x}^{\,(k+1)}", "$N_k = 4$",
                  r"\lambda_{m(j)}^{(k)}", r"\lambda_{l(i)}^{(k)}", r"w_{ij}^{(k)}",
                  "$N_{k+1} = 3$", r"\Phi_{l(i),\,m(j)}^{(k)}"):  # fmt: skip
        assert label in text
    text = words(eigenvector_figure(layer()))
    for label in (r"\mathbf{\Phi}^{(k)}", r"^{-1}", r"$\phi^{(k)}$", r"$-\phi^{(k)}$"):
        assert label in text


@pytest.mark.parametrize(("before", "after"), [(1, 1), (2, 0)])
def test_eigenvectors_and_their_inverse_are_the_layers(before, after):
    drawn = layer()
    figure = eigenvector_figure(drawn, before, after)
    size = before + 7 + after
    Phi = torch.block_diag(torch.eye(before), drawn.eigenvector_matrix(), torch.eye(after))
    np.testing.assert_allclose(numbers(figure, 0, size, size), shown(Phi), atol=1e-6)
    inverse = numbers(figure, size + 2.1, size, size)
    np.testing.assert_allclose(inverse, shown(2 * torch.eye(size) - Phi), atol=1e-6)


@pytest.mark.parametrize(("departure", "arrival"), [(1, 1), (2, 5), (6, 1)])
def test_layers_of_other_shapes_are_drawn_entry_by_entry(departure, arrival):
    drawn, size = layer(departure, arrival), departure + arrival
    for figure, matrix in (
        (transfer_operator_figure(drawn, torch.rand(departure), 0, 0), drawn.transfer_operator()),
        (eigenvector_figure(drawn, 0, 0), drawn.eigenvector_matrix()),
    ):
        np.testing.assert_allclose(numbers(figure, 0, size, size), shown(matrix), atol=1e-6)


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda: transfer_operator_figure(layer(), torch.rand(3)),
         "inputs must be a tensor of shape (4,); got (3,)"),
        (lambda: transfer_operator_figure(layer(), [1, 2, 3, 4]), "got list"),
        (lambda: transfer_operator_figure(layer(), torch.rand(4), before=-1),
         "before must be a whole number of at least 0; got -1"),
        (lambda: eigenvector_figure(layer(), after=-2), "after must be a whole number"),
        (lambda: flowchart_figure(["pre", "past"]), "Did you mean 'post'?"),
        (lambda: flow_text(["pre", "pre"]), "methods must hold each item once"),
    ],
)  # fmt: skip
def test_bad_argument_is_refused_and_named(draw, said):
    with pytest.raises(ValueError) as caught:
        draw()
    assert said in str(caught.value)


# The flowchart


def test_steps_follow_from_the_strategy():
    steps = {name: {s.kind: s.text for s in flow(METHODS[name])} for name in METHODS}
    assert steps["pre"].keys() == ROWS.keys()
    assert steps["post"].keys() == steps["direct"].keys() == ROWS.keys() - {"retrain"}
    assert steps["pre"]["train"] == "Train the eigenvalues λ; φ stays as drawn"
    assert steps["post"]["train"] == "Train eigenvalues λ and eigenvectors φ"
    assert steps["direct"]["train"] == "Train the weights w"
    assert "|λᵢ|" in steps["pre"]["rank"] and "Σⱼ |wᵢⱼ|" in steps["direct"]["rank"]


def test_another_strategy_gives_another_chart(monkeypatch):
    retrained = dataclasses.replace(METHODS["post"], retrains=True)
    monkeypatch.setitem(diagrams.METHODS, "post", retrained)
    assert flow_text(["post"]).count("Train the λ and φ that are left") == 1
    assert flow_text(["direct-retrained"]).count("Train the w that are left") == 1
    assert flow_text(["pre-smallest"]).count("score above the (100 − q)-th percentile") == 1
    assert "score below the q-th percentile of all scores" in flow_text(["post"])
    assert "score below the q-th percentile of their layer's scores" in flow_text(
        ["post-per-layer"]
    )
    assert "Score each hidden node by |λᵢ|, divided by its layer's mean" in flow_text(
        ["post-scaled"]
    )
    assert "Draw a new network as wide as what is left" in flow_text(["fresh"])


@pytest.mark.parametrize("methods", [["pre", "post"], ["direct", "post", "pre"], ["direct"]])
def test_chart_shows_the_steps_of_each_method_in_a_column(methods):
    figure = flowchart_figure(methods)
    (axes,) = figure.axes
    texts = {text.get_text().replace("\n", " "): text for text in axes.texts}
    for method in methods:
        assert method in texts
        assert all(step.text in texts for step in flow(METHODS[method]))
    figure.canvas.draw()
    boxes = [
        patch.get_window_extent() for patch in axes.patches if not isinstance(patch, Rectangle)
    ]
    assert len(boxes) == sum(len(flow(METHODS[method])) for method in methods)
    steps = {step.text for method in methods for step in flow(METHODS[method])}
    for text in axes.texts:  # no step is wider or higher than its box
        if text.get_text().replace("\n", " ") in steps:
            inner = text.get_window_extent()
            assert any(
                box.x0 < inner.x0 and inner.x1 < box.x1 and box.y0 < inner.y0 and inner.y1 < box.y1
                for box in boxes
            ), text


def test_words_list_the_steps_in_order():
    text = flow_text(["direct"])
    assert text.splitlines()[0] == "**direct**"
    numbered = [line for line in text.splitlines() if re.match(r"\d\. ", line)]
    assert [line.split(". ", 1)[1] for line in numbered] == [
        f"{step.text} ({ROWS[step.kind]})." for step in flow(METHODS["direct"])
    ]
