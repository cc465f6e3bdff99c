"""Figures of the benchmarks: every mark is a number of the results."""

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex

from spectral_core.paper.plots import curves, performance
from spectral_core.paper.plots.performance import COLOURS, MARKERS, NAMES, figure_of


def spread(median):
    return {"median": median, "least": 0.5 * median, "most": 2 * median}


def epochs(*ratios):
    return {
        "rows": [
            {"network": f"784-{i}-10", "layers": "spectral"}
            | {"fp32_faster_by": spread(ratio), "bf16_faster_by": spread(2 * ratio)}
            for i, ratio in enumerate(ratios)
        ]
    }


@pytest.fixture(autouse=True)
def no_window():
    with matplotlib.rc_context():
        matplotlib.use("agg")
        yield
        curves.plt.close("all")


def marks(axes, how):
    """Points of a contestant, in the order in which they were drawn."""
    lines = (line for line in axes.get_lines() if line.get_marker() == MARKERS[how])
    points = [
        line.get_xydata() for line in lines if to_hex(line.get_color()).upper() == COLOURS[how]
    ]
    return np.concatenate([each for each in points if len(each)])


def test_contestants_have_colours_and_markers_of_their_own_that_no_method_of_the_paper_has():
    assert set(COLOURS) == set(MARKERS) == set(NAMES)
    assert len(set(COLOURS.values())) == len(set(MARKERS.values())) == len(COLOURS)
    assert not set(COLOURS.values()) & {curves.COLOURS[name] for name in ("direct", "post", "pre")}


def test_epochs_are_drawn_against_each_reference_that_is_measured():
    measured = {"epoch": epochs(2.0, 3.0), "tensorflow": epochs(7.0)}
    loader, tensorflow = figure_of("epochs", measured).axes
    assert marks(loader, "fp32")[:, 0].tolist() == [2.0, 3.0]
    assert marks(loader, "bf16")[:, 0].tolist() == [4.0, 6.0]
    assert marks(tensorflow, "fp32")[:, 0].tolist() == [7.0]
    assert "SpectralTools" in tensorflow.get_title()


def test_what_is_not_measured_is_said_and_the_rest_drawn(capsys):
    (axes,) = figure_of("epochs", {"epoch": epochs(2.0)}).axes
    assert "DataLoader" in axes.get_title()
    assert capsys.readouterr().out.startswith("tensorflow: not measured yet")
    for name, (_, suites) in performance.FIGURES.items():
        assert figure_of(name, {}) is None
        said = capsys.readouterr().out
        assert all(f"{suite}: not measured yet" in said for suite in suites)


def test_late_epochs_are_a_line_for_each_seed():
    seconds = {"DataLoader": [[5, 6], [7, 8]], "fp32": [[3, 3], [3, 4]], "bf16": [[2, 2], [2, 1]]}
    row = {"epochs": 2, "last": 1, "seconds_of_epochs": seconds}
    (axes,) = figure_of("late epochs", {"late_epochs": {"rows": [row]}}).axes
    drawn = [
        (to_hex(line.get_color()).upper(), list(line.get_ydata())) for line in axes.get_lines()
    ]
    assert drawn == [(COLOURS[how], seed) for how, seeds in seconds.items() for seed in seeds]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(NAMES.values())


def test_roofline_draws_shares_of_the_machine_below_its_roofs():
    rows = [
        {"kind": "bandwidth", "name": "main memory", "how": "fp32"},
        {"kind": "product", "name": "first layer", "how": "fp32", "gflops": spread(50.0)},
        {"kind": "step", "name": "training step", "how": "DataLoader", "gflops": spread(20.0)},
        {"kind": "limit", "name": "fastest product", "how": "fp32", "gflops": spread(60.0)},
    ]
    rows[0]["gigabytes_per_second"] = spread(10.0)
    rows[1]["operations_per_byte"] = rows[2]["operations_per_byte"] = 12.0
    (axes,) = figure_of("roofline", {"roofline": {"rows": rows}}).axes
    assert marks(axes, "fp32").tolist() == [[12.0, 50.0]]
    assert marks(axes, "DataLoader").tolist() == [[12.0, 20.0]]
    roof, slope = (line for line in axes.get_lines() if line.get_marker() == "None")
    assert set(roof.get_ydata()) == {60.0}
    x, y = slope.get_xydata()[-1]
    assert (x, y) == (6.0, 60.0)  # where 10 GB/s feed 60 GFLOP/s


def test_scaling_shows_milliseconds_and_a_line_for_each_number_of_workers():
    rows = [
        {"grows": grows, "value": value, "contestant": how, "seconds_per_step": spread(0.002)}
        for grows, values in (("width", (125, 500)), ("depth", (1, 2)))
        for value in values
        for how in COLOURS
    ]
    rows += [
        {"grows": "seeds", "value": seeds, "workers": workers, "seconds": spread(seeds / workers)}
        for seeds in (1, 2)
        for workers in (1, 2)
    ]
    width, depth, seeds = figure_of("scaling", {"scaling": {"rows": rows}}).axes
    assert marks(width, "bf16").tolist() == [[125, 2], [500, 2]]
    assert marks(depth, "DataLoader").tolist() == [[1, 2], [2, 2]]
    drawn = {line.get_label(): line.get_xydata().tolist() for line in seeds.get_lines()}
    assert drawn == {"1 worker": [[1, 1], [2, 2]], "2 workers": [[1, 0.5], [2, 1]]}


def test_inference_stands_between_its_lines():
    rows = [
        {"batch": batch, "percentile": 50, "flops_ratio": 4.0, "speed_up": spread(speed)}
        for batch, speed in ((1, 2.0), (1000, 3.0))
    ]
    (axes,) = figure_of("inference", {"inference": {"rows": rows}}).axes
    assert [text.get_text() for text in axes.texts] == ["50 %"]
    points = [line.get_xydata().tolist() for line in axes.get_lines() if line.get_marker() in "os"]
    assert [[4.0, 3.0]] in points and [[4.0, 2.0]] in points
    equal, share = axes.get_lines()[:2]
    np.testing.assert_allclose(share.get_ydata(), 0.6 * equal.get_ydata())
