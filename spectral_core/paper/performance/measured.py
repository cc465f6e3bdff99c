"""What the benchmarks measured, held against the project's targets; tables of the rest."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

Rows = list[dict[str, Any]]
Measured = Mapping[str, Mapping[str, Any]]
"""A suite's ``rows``, ``made`` and ``machine``, by the suite's name."""
Spread = Mapping[str, float]
"""``median``, ``least`` and ``most`` over rounds."""

NETWORK = "784-500-10"


@dataclass(frozen=True)
class Target:
    """A number that the project set itself, and where the benchmarks have it."""

    what: str
    limit: float
    unit: str
    suite: str
    found: Callable[[Rows], dict[str, Spread]]
    """Candidates by name, such as precisions, of which the best counts."""
    at_least: bool = True
    """Whether more is better."""
    needs_amx: bool = False
    """Whether it counts on products in bfloat16 by a matrix unit."""
    goes_to: tuple[str, ...] = ()
    """Cases of the suite ``profile`` that say where the time goes."""

    @property
    def wanted(self) -> str:
        """``≥ 5 ×``."""
        return f"{'≥' if self.at_least else '≤'} {self.limit:g} {self.unit}"

    def best(self, rows: Rows) -> tuple[str, Spread]:
        """The best candidate by its median."""
        pick = max if self.at_least else min
        return pick(self.found(rows).items(), key=lambda item: item[1]["median"])

    def met_by(self, value: Spread) -> bool:
        """Whether the median reaches the limit."""
        median = value["median"]
        return median >= self.limit if self.at_least else median <= self.limit


def _only(rows: Rows, **having: Any) -> dict[str, Any]:
    """The one row with these values."""
    (row,) = (row for row in rows if all(row[name] == value for name, value in having.items()))
    return row


def _faster(*precisions: str, **having: Any) -> Callable[[Rows], dict[str, Spread]]:
    def found(rows: Rows) -> dict[str, Spread]:
        row = _only(rows, **having)
        return {how: row[f"{how}_faster_by"] for how in precisions}

    return found


def _curve(rows: Rows) -> dict[str, Spread]:
    row = _only(rows, layers="spectral", hidden=[500], cuts=20)
    return {"": row["curve_in_forward_passes"]}


def _minutes(precision: str) -> Callable[[Rows], dict[str, Spread]]:
    return lambda rows: {"": _only(rows, part="whole")[f"{precision}_minutes_of_five_seeds"]}


def _panels(rows: Rows) -> dict[str, Spread]:
    row = _only(rows, part="12 panels")
    minutes = {name: each / 60 for name, each in row["seconds"].items()}
    return {f"{row['gpu']}, {row['processes']} processes": minutes}


def _shares(rows: Rows) -> dict[str, Spread]:
    """The worst of the cuts, since each must reach the target."""
    thousand = [row for row in rows if row["batch"] == 1000]
    worst = min(thousand, key=lambda row: row["share_of_flops_ratio"]["median"])
    in_per_cent = {name: 100 * each for name, each in worst["share_of_flops_ratio"].items()}
    return {f"the worst cut, {worst['percentile']} %": in_per_cent}


_ONE = {"network": NETWORK, "layers": "spectral"}
_STEP, _DEEP = ("1 hidden layer, λ and φ",), ("3 hidden layers, λ and φ",)
_ALONE = ("1 hidden layer, λ alone",)

TARGETS: tuple[Target, ...] = (
    Target(
        f"trainings per second of a spectral {NETWORK}, on the whole machine, against "
        "SpectralTools on TensorFlow",
        10, "×", "tensorflow", _faster("fp32", "bf16", **_ONE),
        needs_amx=True, goes_to=_STEP,
    ),
    Target(
        "the same against the DataLoader loop",
        5, "×", "epoch", _faster("fp32", "bf16", **_ONE),
        needs_amx=True, goes_to=_STEP,
    ),
    Target(
        "the same in fp32 only",
        2.5, "×", "epoch", _faster("fp32", **_ONE), goes_to=_STEP,
    ),
    Target(
        "the last 20 of 100 epochs, 784-500-500-500-10, against the plain loop's last 20",
        6, "×", "late_epochs", _faster("fp32", "bf16"),
        needs_amx=True, goes_to=_DEEP,
    ),
    Target(
        "stage 1 of pre, one hidden layer, against the plain loop",
        4, "×", "stage_one", _faster("fp32"), goes_to=_ALONE,
    ),
    Target(
        "a pruning curve of 20 cuts, one hidden layer",
        1.5, "forward passes", "pruning_curve", _curve,
        at_least=False, goes_to=("curve of 20 cuts",),
    ),
    Target(
        "Fig. 3, five seeds, two cores, bf16",
        10, "min", "figure", _minutes("bf16"),
        at_least=False, needs_amx=True, goes_to=(*_STEP, *_ALONE),
    ),
    Target(
        "Fig. 3, five seeds, two cores, fp32",
        18, "min", "figure", _minutes("fp32"),
        at_least=False, goes_to=(*_STEP, *_ALONE),
    ),
    Target(
        "inference of a 784-500-500-500-10 pruned by 50, 80, 90, 95 %, batch of 1000: speed-up as "
        "a share of the ratio of FLOPs",
        60, "%", "inference", _shares, goes_to=("batch of 1000",),
    ),
    Target(
        "import spectral_core against import torch",
        1.2, "×", "imports", lambda rows: {"": rows[0]["ratio"]}, at_least=False,
    ),
    Target(
        "all twelve panels of Figs. 3, 4 and 6 to 9 on one GPU",
        5, "min", "gpu", _panels, at_least=False,
    ),
)  # fmt: skip
"""What the project wants to reach, at the paper's settings, on two cores with AMX and on a GPU."""


@dataclass(frozen=True)
class Outcome:
    """A target and what came of it."""

    target: Target
    value: Spread | None
    """What was measured; ``None`` if nothing was."""
    text: str
    """The same in words, fp32 besides where another precision is the best."""
    met: str
    """``"yes"``, ``"no"``, or why it can't be told."""


def load(file: Path) -> Measured:
    """Read ``benchmarks/results.json``; what no suite has measured yet is not in it."""
    return json.loads(file.read_text(encoding="utf-8"))


def outcomes(measured: Measured) -> list[Outcome]:
    """What came of each target."""
    return [_outcome(target, measured.get(target.suite)) for target in TARGETS]


def _outcome(target: Target, entry: Mapping[str, Any] | None) -> Outcome:
    if entry is None:
        return Outcome(target, None, "–", not_measured(target.suite))
    how, value = target.best(entry["rows"])
    text = f"{_spread(value)} {target.unit}" + (f" ({how})" if how else "")
    candidates = target.found(entry["rows"])
    if how != "fp32" and "fp32" in candidates:
        text += f"; {_spread(candidates['fp32'])} {target.unit} (fp32)"
    if target.met_by(value):
        return Outcome(target, value, text, "yes")
    if target.needs_amx and not entry["machine"]["amx_bf16"]:
        return Outcome(target, value, text, "not judged: it counts on AMX, which is not here")
    return Outcome(target, value, text, "no")


def target_table(measured: Measured) -> pd.DataFrame:
    """Every target, what was measured (median [least–most] over rounds), and whether it is met.

    Args:
        measured: as :func:`load` gives it; suites may be missing.

    Returns:
        One row per target, numbered: ``target``, ``wanted``, ``measured``, ``met``.
    """
    rows = [
        {"target": o.target.what, "wanted": o.target.wanted, "measured": o.text, "met": o.met}
        for o in outcomes(measured)
    ]
    return pd.DataFrame(rows, index=range(1, len(rows) + 1))


def target_html(measured: Measured) -> str:
    """The table of :func:`target_table`, no text cut short, as HTML whose cells wrap."""
    with pd.option_context("display.max_colwidth", None):
        return target_table(measured).to_html(classes="words")


def headline(measured: Measured) -> str:
    """How many targets are met, and which processors measured."""
    met = [outcome.met for outcome in outcomes(measured)]
    said = f"{met.count('yes')} of {len(met)} targets met, {met.count('no')} missed"
    other = len(met) - met.count("yes") - met.count("no")
    said += f", {other} not judged or not measured." if other else "."
    without = sorted(
        {
            entry["made"]["hardware"]
            for entry in measured.values()
            if entry["made"]["device"] == "cpu" and not entry["machine"]["amx_bf16"]
        }
    )
    if without:
        said += (
            f" {', '.join(without)}: no AMX, the matrix unit that the targets with bf16 count on, "
            "so these are not judged where they are missed."
        )
    return said


def not_measured(suite: str) -> str:
    """A sentence in the place of a suite's results."""
    if suite == "gpu":
        return "no GPU has measured it yet"
    return f"not measured yet: python -m benchmarks {suite}"


def shortfall_table(measured: Measured) -> pd.DataFrame:
    """Where the time goes, for each target that is missed, whether or not it is judged.

    Returns:
        One row per case and contestant: the numbers of the ``targets`` that it stands for, the
        ``whole`` in milliseconds per step or pass, and the per cent of it by what it goes to.
    """
    if "profile" not in measured:
        return _note(not_measured("profile"))
    rows = []
    for row in measured["profile"]["rows"]:
        missed = [
            str(number)
            for number, outcome in enumerate(outcomes(measured), start=1)
            if outcome.value is not None
            and outcome.met != "yes"
            and row["case"].startswith(outcome.target.goes_to)
        ]
        if missed:
            rows.append({"targets": ", ".join(missed), **_shares_of_time(row)})
    names = ["targets", "case", "how"]
    return pd.DataFrame(rows).set_index(names) if rows else _note("no target is missed")


def profile_table(measured: Measured) -> pd.DataFrame:
    """Where the time goes in every case of the suite ``profile``, see :func:`shortfall_table`."""
    if "profile" not in measured:
        return _note(not_measured("profile"))
    rows = [_shares_of_time(row) for row in measured["profile"]["rows"]]
    return pd.DataFrame(rows).set_index(["case", "how"])


def _shares_of_time(row: Mapping[str, Any]) -> dict[str, str]:
    total = sum(row["milliseconds"].values())
    shares = {kind: f"{100 * each / total:.0f} %" for kind, each in row["milliseconds"].items()}
    return {"case": row["case"], "how": row["how"], "whole": f"{row['whole']:.2f} ms", **shares}


def machine_table(measured: Measured) -> pd.DataFrame:
    """When and on what each suite was measured; one row per suite."""
    rows = [
        {
            "suite": suite,
            "machine": entry["made"]["hardware"],
            "AMX": _told(entry["machine"]["amx_bf16"]),
            "bf16 vectors": _told(entry["machine"]["avx512_bf16"]),
            "torch": entry["made"]["versions"]["torch"],
            "day": entry["made"]["at"][:10],
            "commit": entry["made"]["commit"],
            "minutes": f"{entry['made']['seconds'] / 60:.1f}",
        }
        for suite, entry in measured.items()
    ]
    return pd.DataFrame(rows).set_index("suite") if rows else _note("nothing is measured")


def _told(known: bool | None) -> str:
    return {True: "yes", False: "no", None: "unknown"}[known]


def benchmark_table(
    measured: Measured, suite: str, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """What one suite measured, ratios as median [least–most] over rounds.

    Args:
        measured: as :func:`load` gives it.
        suite: its name; if it is missing, the table says so.
        columns: names of fields to show, in this order; all if ``None``.

    Returns:
        One row per case; a field that holds seconds by contestant is a column for each.
    """
    if suite not in measured:
        return _note(not_measured(suite))
    rows = measured[suite]["rows"]
    if columns is not None:
        rows = [{name: row[name] for name in columns if name in row} for row in rows]
    return pd.DataFrame([_cells(row) for row in rows]).fillna("–")


def _note(text: str) -> pd.DataFrame:
    """A table in the place of one that has nothing to show."""
    return pd.DataFrame({"": [text]})


def _cells(row: Mapping[str, Any]) -> dict[str, str]:
    cells = {}
    for name, value in row.items():
        if isinstance(value, Mapping) and "median" not in value:
            cells |= {each: _cell(inner) + " s" for each, inner in value.items()}
        else:
            cells[name.replace("_", " ")] = _cell(value)
    return cells


def _cell(value: Any) -> str:
    if isinstance(value, Mapping):
        return _spread(value)
    if isinstance(value, list):
        return "-".join(map(str, value))
    if isinstance(value, bool):
        return _told(value)
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _spread(value: Spread) -> str:
    """``2.13 [1.98–2.20]``, or the median alone where there was one round."""
    digits = 2 if value["median"] < 100 else 0
    text = f"{value['median']:.{digits}f}"
    if value["least"] == value["most"]:
        return text
    return f"{text} [{value['least']:.{digits}f}–{value['most']:.{digits}f}]"
