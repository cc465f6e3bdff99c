"""Tables that stand under a figure: accuracies at a few cuts, and where the numbers come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from spectral_core.results import agreement, summary


def accuracy_table(table: pd.DataFrame, percentiles: Iterable[float]) -> pd.DataFrame:
    """Mean accuracy ± standard deviation over seeds, in per cent, at some of the cuts.

    Args:
        table: results of one panel.
        percentiles: cuts to show; those that the table lacks are left out.

    Returns:
        One row per method, one column per cut.
    """
    means = summary(table)
    means = means[means["percentile"].isin(list(percentiles))]
    cells = means.assign(
        text=[
            f"{100 * mean:.1f}" + (f" ± {100 * sd:.1f}" if sd == sd else "")
            for mean, sd in zip(means["accuracy"], means["accuracy_sd"])
        ],
        cut=[f"{q:g} %" for q in means["percentile"]],
    )
    shown = cells.pivot(index="method", columns="cut", values="text")
    shown = shown.loc[cells["method"].unique(), cells["cut"].unique()]
    return shown.rename_axis(index="accuracy (%)", columns="pruned")


def agreement_sentence(ours: pd.DataFrame, reference: pd.DataFrame | None) -> str:
    """Say how many points of a run agree with the published ones, and which differs most.

    Args:
        ours: results of this machine.
        reference: published results at the same settings, or ``None``.
    """
    if reference is None:
        return "No results are published at these settings, so there is nothing to compare with."
    comparison = agreement(ours, reference)
    row = comparison.loc[comparison["difference"].abs().idxmax()]
    return (
        f"{comparison['agrees'].sum()} of {len(comparison)} mean accuracies agree, "
        "within three standard errors of the difference plus 0.01.\n"
        f"Largest difference: {row['difference']:+.3f} ({row['method']}, "
        f"{row['percentile']:g} % pruned; tolerance {row['tolerance']:.3f})."
    )


def plateau_table(table: pd.DataFrame, drop: float = 0.01) -> pd.DataFrame:
    """How far each method can be pruned before its mean accuracy falls noticeably.

    Args:
        table: results of one panel, uncut networks (percentile 0) among them.
        drop: fall in accuracy, from that of the uncut network, that counts as noticeable.

    Returns:
        One row per method: its accuracy uncut, in per cent, and the largest cut up to which no
        cut loses more than ``drop``.
    """
    rows = {}
    for method, curve in summary(table).groupby("method", sort=False):
        curve = curve.sort_values("percentile")
        uncut = curve["accuracy"].iloc[0]
        kept = (curve["accuracy"] >= uncut - drop).cummin()
        rows[method] = {
            "uncut (%)": f"{100 * uncut:.1f}",
            f"within {100 * drop:g} point up to": f"{curve['percentile'][kept].max():g} % pruned",
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("method")


def provenance_table(provenance: Mapping[str, Any]) -> pd.DataFrame:
    """Where the numbers of one panel come from, as a two-column table.

    Args:
        provenance: as :func:`spectral_core.results.panel_provenance` makes it.
    """
    recipe = provenance["configuration"]["recipe"]
    rows = {
        "made by": provenance["command"],
        "preset": provenance["preset"],
        "seeds": _joined(recipe["seeds"]),
        "epochs": f"{recipe['epochs']}, then {recipe['retraining_epochs']} after each cut (pre)",
        "computed": f"{provenance['from'][:16]} to {provenance['to'][:16]} UTC",
        "computing time": f"{provenance['seconds'] / 60:.1f} minutes on one thread, "
        f"{provenance['steps']} steps",
        "machine": _joined(provenance["hardware"]) + f" ({_joined(provenance['device'])})",
        "commit": _joined(provenance["commit"]),
        "versions": ", ".join(
            f"{name} {_joined(found)}" for name, found in provenance["versions"].items()
        ),
        **{f"MD5 of {file}": md5 for file, md5 in provenance["data"].items()},
    }
    return pd.DataFrame({"": rows.values()}, index=pd.Index(rows.keys(), name="provenance"))


def benchmark_table(measured: Mapping[str, Any]) -> pd.DataFrame:
    """What one suite of benchmarks measured, ratios as median [least–most] over rounds.

    Args:
        measured: a suite's entry in ``benchmarks/results.json``.

    Returns:
        One row per case.
    """
    return pd.DataFrame([_cells(row) for row in measured["rows"]]).fillna("–")


def _cells(row: Mapping[str, Any]) -> dict[str, str]:
    cells = {}
    for name, value in row.items():
        if isinstance(value, Mapping) and "median" in value:
            text = f"{value['median']:.2f} [{value['least']:.2f}–{value['most']:.2f}]"
            cells[name.replace("_", " ")] = text
        elif isinstance(value, Mapping):
            cells |= {each: f"{seconds:.2f} s" for each, seconds in value.items()}
        elif isinstance(value, list):
            cells[name] = "-".join(map(str, value))
        else:
            text = f"{value:.3g}" if isinstance(value, float) else str(value)
            cells[name.replace("_", " ")] = text
    return cells


def _joined(values: Iterable[Any]) -> str:
    return ", ".join(str(value) for value in values)
