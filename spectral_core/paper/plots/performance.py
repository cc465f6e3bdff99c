"""Figures of what the benchmarks measured. Ranges are the smallest and largest of the rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from spectral_core.paper.performance.measured import Measured, Rows, Spread, not_measured

# Shades of Okabe and Ito that no method has; markers say the same again.
COLOURS = {"DataLoader": "#D55E00", "fp32": "#56B4E9", "bf16": "#CC79A7"}
MARKERS = {"DataLoader": "D", "fp32": "o", "bf16": "v"}
NAMES = {
    "DataLoader": "DataLoader loop, fp32",
    "fp32": "this project, fp32",
    "bf16": "this project, bf16",
}
REFERENCES = {"epoch": "the DataLoader loop", "tensorflow": "SpectralTools on TensorFlow"}


def figure_of(name: str, measured: Measured) -> Figure | None:
    """Draw one of :data:`FIGURES`, or say that what it shows is not measured.

    Args:
        name: of the figure.
        measured: as :func:`~spectral_core.paper.performance.measured.load` gives it.
    """
    draw, suites = FIGURES[name]
    missing = [suite for suite in suites if suite not in measured]
    for suite in missing:
        print(f"{suite}: {not_measured(suite)}")
    return None if len(missing) == len(suites) else draw(measured)


def epoch_figure(measured: Measured) -> Figure:
    """How many times as many epochs per second, against each reference that was measured."""
    suites = [suite for suite in REFERENCES if suite in measured]
    figure, axes = _panels(len(suites), height=3.6, sharey=True)
    for suite, each in zip(suites, axes):
        rows = measured[suite]["rows"]
        for at, row in enumerate(rows):
            for how, up in (("fp32", -0.12), ("bf16", 0.12)):
                value = row[f"{how}_faster_by"]
                each.errorbar(value["median"], at + up, xerr=_bars(value), **_look(how))
        each.set_yticks(range(len(rows)), [f"{row['network']}\n{row['layers']}" for row in rows])
        each.axvline(1, color="0.4", linewidth=1)
        each.set(xlabel="epochs per second (×)", title=f"against {REFERENCES[suite]}")
        each.set(xlim=(0, None), ylim=(-0.5, len(rows) - 0.5))
    axes[0].invert_yaxis()
    _legend(axes[0], ("fp32", "bf16"))
    return figure


def roofline_figure(measured: Measured) -> Figure:
    """Operations per second against operations per byte, under the machine's limits."""
    rows = measured["roofline"]["rows"]
    figure, (axes,) = _panels(1, height=4.8)
    points = [row for row in rows if row["kind"] in ("product", "step")]
    reach = [row["operations_per_byte"] for row in points]
    bounds = (min(reach) / 2, max(reach) * 2)
    for row in points:
        y = row["gflops"]
        axes.errorbar(
            row["operations_per_byte"], y["median"], _bars(y), **_look(row["how"]), alpha=0.9,
            markersize=9 if row["kind"] == "step" else 5,
            markerfacecolor=COLOURS[row["how"]] if row["kind"] == "step" else "white",
        )  # fmt: skip
    for limit in (row for row in rows if row["kind"] == "limit"):
        most = limit["gflops"]["median"]
        axes.plot(bounds, (most, most), color=COLOURS[limit["how"]])
        axes.annotate(
            f"fastest product, {limit['how']}: {most:.0f} GFLOP/s",
            (bounds[0], most), xytext=(2, 3), textcoords="offset points", fontsize="small",
        )  # fmt: skip
        for memory, dashes in zip((r for r in rows if r["kind"] == "bandwidth"), ("--", ":")):
            rate = memory["gigabytes_per_second"]["median"]
            ends = (bounds[0], min(most / rate, bounds[1]))
            label = f"{memory['name']}: {rate:.0f} GB/s"
            axes.plot(ends, [rate * x for x in ends], dashes, color="0.5", label=label)
    axes.set(
        xscale="log", yscale="log", xlim=bounds,
        xlabel="operations per byte (FLOP/B)", ylabel="operations per second (GFLOP/s)",
    )  # fmt: skip
    _legend(axes, COLOURS, loc="lower right")
    return figure


def scaling_figure(measured: Measured) -> Figure:
    """Time of a training step over width and depth; of a study over seeds, by workers."""
    rows = measured["scaling"]["rows"]
    figure, (width, depth, seeds) = _panels(3, height=4)
    for axes, grows, label in (
        (width, "width", "nodes of the hidden layer"),
        (depth, "depth", "hidden layers"),
    ):
        for how in COLOURS:
            curve = [r for r in rows if r["grows"] == grows and r["contestant"] == how]
            _line(axes, [row["value"] for row in curve], curve, "seconds_per_step", how, 1000)
        axes.set(xlabel=label, ylabel="one step, batch of 200 (ms)")
    width.set(xscale="log", yscale="log")
    width.set_xticks(sorted({row["value"] for row in rows if row["grows"] == "width"}))
    width.tick_params(axis="x", labelrotation=45)
    for axis in (width.xaxis, width.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.set_minor_formatter(NullFormatter())
    depth.set_ylim(bottom=0)
    _legend(width, COLOURS)
    studies = [row for row in rows if row["grows"] == "seeds"]
    for workers, marker in zip(sorted({row["workers"] for row in studies}), "so^Dv<>*"):
        curve = [row for row in studies if row["workers"] == workers]
        seeds.plot(
            [row["value"] for row in curve], [row["seconds"]["median"] for row in curve],
            marker=marker, color="0.25", linestyle="-" if workers == 1 else "--",
            label=f"{workers} worker{'s' * (workers > 1)}",
        )  # fmt: skip
    seeds.set(xlabel="seeds", ylabel="the whole study (s)")
    seeds.set_ylim(bottom=0)
    seeds.legend(fontsize="small")
    return figure


def late_figure(measured: Measured) -> Figure:
    """Seconds of each of 100 epochs, a line for each seed of each contestant."""
    (row,) = measured["late_epochs"]["rows"]
    figure, (axes,) = _panels(1, height=4)
    for how, seeds in row["seconds_of_epochs"].items():
        for seconds in seeds:
            axes.plot(range(1, len(seconds) + 1), seconds, color=COLOURS[how], linewidth=1.2)
    axes.axvspan(row["epochs"] - row["last"] + 0.5, row["epochs"] + 0.5, color="0.93", zorder=0)
    axes.set(xlabel="epoch", ylabel="one epoch on one thread (s)")
    axes.set_ylim(bottom=0)
    _legend(axes, COLOURS, marker="")
    return figure


def inference_figure(measured: Measured) -> Figure:
    """How much faster a pruned network answers, against how many fewer operations it needs."""
    rows = measured["inference"]["rows"]
    figure, (axes,) = _panels(1, height=4.4)
    most = max(row["flops_ratio"] for row in rows) * 1.15
    axes.plot((1, most), (1, most), color="0.4", linewidth=1, label="as fast as it is small")
    axes.plot((1, most), (0.6, 0.6 * most), "--", color="0.4", linewidth=1, label="60 % of that")
    for batch, marker, face in ((1000, "o", COLOURS["fp32"]), (1, "s", "white")):
        for first, row in enumerate(row for row in rows if row["batch"] == batch):
            y = row["speed_up"]
            axes.errorbar(
                row["flops_ratio"], y["median"], _bars(y), marker=marker, color="#0072B2",
                markerfacecolor=face, linestyle="none", capsize=2,
                label=f"batch of {batch}" if first == 0 else None,
            )  # fmt: skip
            if batch == 1000:
                axes.annotate(
                    f"{row['percentile']} %", (row["flops_ratio"], y["median"]), (-6, 6),
                    textcoords="offset points", fontsize="small", ha="right",
                )  # fmt: skip
    axes.set(
        xscale="log", yscale="log", xlabel="FLOPs of the full network / of the pruned one",
        ylabel="latency of the full network / of the pruned one",
    )  # fmt: skip
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.legend(fontsize="small")
    return figure


FIGURES: Mapping[str, tuple[Callable[[Measured], Figure], tuple[str, ...]]] = {
    "epochs": (epoch_figure, tuple(REFERENCES)),
    "roofline": (roofline_figure, ("roofline",)),
    "scaling": (scaling_figure, ("scaling",)),
    "late epochs": (late_figure, ("late_epochs",)),
    "inference": (inference_figure, ("inference",)),
}
"""What draws each figure, and the suites of which it needs one."""


def _panels(count: int, height: float, sharey: bool = False) -> tuple[Figure, Any]:
    size = (7 if count == 1 else 1 + 3.8 * count, height)
    figure, axes = plt.subplots(
        1, count, figsize=size, sharey=sharey, layout="constrained", squeeze=False
    )
    return figure, axes[0]


def _look(how: str) -> dict[str, Any]:
    return {"color": COLOURS[how], "marker": MARKERS[how], "capsize": 2}


def _bars(value: Spread, scale: float = 1) -> list[list[float]]:
    """Lengths of the bars below and above a median."""
    below, above = value["median"] - value["least"], value["most"] - value["median"]
    return [[scale * below], [scale * above]]


def _line(axes: Axes, x: Iterable[float], rows: Rows, field: str, how: str, scale: float) -> None:
    values = [row[field] for row in rows]
    below, above = zip(*(_bars(each, scale) for each in values))
    bars = [[each for (each,) in side] for side in (below, above)]
    axes.errorbar(list(x), [scale * each["median"] for each in values], bars, **_look(how))


def _legend(
    axes: Axes, contestants: Iterable[str], marker: str | None = None, **where: Any
) -> None:
    """Name the contestants in full, after what the axes have named."""
    handles, names = axes.get_legend_handles_labels()
    kept = dict(zip(names, handles))  # each name once
    for how in contestants:
        shown = MARKERS[how] if marker is None else marker
        kept[NAMES[how]] = plt.Line2D([], [], color=COLOURS[how], marker=shown)
    axes.legend(kept.values(), kept, fontsize="small", **where)
