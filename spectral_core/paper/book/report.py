"""Tables that stand under a figure: accuracies at a few cuts, and where the numbers come from."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from spectral_core.data.prepared import split
from spectral_core.layers.networks import hidden_widths
from spectral_core.paper.results.agreement import FLOOR, agreement, between_precisions
from spectral_core.paper.results.authors import EXPECTED, deviation, gaps
from spectral_core.paper.results.cells import counted, grid, with_spread
from spectral_core.paper.results.intervals import POINT, lead, points, shared_cuts
from spectral_core.paper.results.publishing import published_provenance
from spectral_core.paper.results.tables import summary
from spectral_core.paper.study.figures import EXPERIMENTS
from spectral_core.paper.study.methods import METHODS
from spectral_core.paper.study.planning import plan
from spectral_core.paper.study.settings import in_words


def accuracy_table(table: pd.DataFrame, percentiles: Iterable[float]) -> pd.DataFrame:
    """Mean accuracy ± standard deviation over seeds, in per cent, at some of the cuts.

    Args:
        table: results of one panel or several.
        percentiles: cuts to show; those that the table lacks are left out.

    Returns:
        One row per method, of each panel if there are several; one column per cut.
    """
    table = _with_named_penalties(table)
    means = summary(table)
    means = means[means["percentile"].isin(list(percentiles))]
    cells = means.assign(
        text=list(map(with_spread, means["accuracy"], means["accuracy_sd"])),
        cut=[f"{q:g} %" for q in means["percentile"]],
    )
    shown = grid(cells, _row_names(table), "cut", "text")
    return shown.rename_axis(columns="accuracy (%), pruned")


_MOST_NAMED = 12  # panels; more of them are counted


def published_sentence(figure: str, preset: str, panels: str | None = None) -> str:
    """Say how many panels of a figure are published, with how many seeds, and which, or how many,
    are not.

    Arguments are those of :func:`~spectral_core.paper.results.publishing.published`.
    """
    wanted = [panel.name for panel in plan(figure, preset, panels).panels]
    there = published_provenance(figure, preset, panels)
    recipes = [made["configuration"]["recipe"] for made in there.values()]
    seeds = " or ".join(str(n) for n in sorted({len(recipe["seeds"]) for recipe in recipes}))
    precisions = _joined(sorted({recipe["precision"] for recipe in recipes}))
    said = f"{len(there)} of {len(wanted)} panels published"
    said += f" (seeds: {seeds}; matrix products in {precisions})" if there else ""
    missing = [name for name in wanted if name not in there]
    if len(missing) > _MOST_NAMED:
        return f"{said}; {len(missing)} not yet."
    return f"{said}; not yet: {', '.join(missing)}." if missing else f"{said}."


def deviation_table(table: pd.DataFrame) -> pd.DataFrame:
    """Mean accuracy minus the authors' at their cuts ± our standard error, in points of per cent.

    Args:
        table: results of one panel or several.

    Returns:
        One row per method, of each panel if there are several; one column per cut and one for the
        mean of the absolute deviations.

    Raises:
        NoResults: if the authors released nothing at these settings.
    """
    found = deviation(table)
    cells = found.assign(
        text=[
            with_spread(each, error, "{:+.1f}")
            for each, error in zip(found["deviation"], found["standard_error"])
        ],
        cut=[f"{q:g} %" for q in found["percentile"]],
    )
    rows = _row_names(table)
    shown = grid(cells, rows, "cut", "text")
    absolute = found.assign(size=100 * found["deviation"].abs()).groupby(rows)["size"].mean()
    shown["mean size"] = absolute.loc[shown.index].map("{:.1f}".format)
    return shown.rename_axis(columns="ours − theirs (points), pruned")


FEW_NODES = 10
"""Up to how many nodes of a layer each of them counts for a network's accuracy."""


def gap_sentences(released: pd.DataFrame, written: pd.DataFrame) -> str:
    """Say which methods lie further from the authors' means than expected, and what seeds make up.

    Args:
        released: results at the released settings.
        written: results of the same networks as written, whose seeds tell how much chance does.

    Returns:
        Markdown, an item per panel and method beyond
        :data:`~spectral_core.paper.results.authors.EXPECTED`: the cut where it is furthest off, the one
        where our curve has the accuracy that theirs has there, and, in standard deviations over the
        seeds as written, the one where chance is least likely to be the reason. Where a layer has
        at most :data:`FEW_NODES` left in some run at that first cut, the fewest nodes of a layer in
        each run, with its accuracy.
    """
    items = []
    for (panel, method), rows in gaps(released).groupby(["panel", "method"], sort=False):
        mine = released[released["panel"] == panel]
        seeds = mine["seed"].nunique()
        worst = rows.loc[rows["deviation"].abs().idxmax()]
        said = (
            f"- {panel}, {method}: {points(worst['mean_size'], sign=False)} points off on average, "
            f"where {points(EXPECTED[method], sign=False)} are allowed, and most at "
            f"{worst['percentile']:g} %: {points(worst['deviation'])}. Ours: {counted(seeds)}."
        )
        ours = mine[mine["method"] == method].groupby("percentile")["accuracy"].mean()
        if (cut := _crossing(ours, worst["theirs"], worst["percentile"])) is not None:
            said += f" What theirs has there, our curve has at {cut:.0f} %."
        same = written[
            (written["activation"] == mine["activation"].iloc[0]) & (written["method"] == method)
        ]
        spread = same.groupby("percentile")["accuracy"].std()
        deviations = rows.set_index("percentile")["deviation"]
        ratio = deviations.abs() / spread[spread > 0]
        if ratio.notna().any():
            at = ratio.idxmax()
            said += (
                f" Chance is least likely the reason at {at:g} %: {points(deviations[at])} is "
                f"{ratio[at]:.1f} standard deviations, as {counted(same['seed'].nunique())} as "
                f"written ({same['hidden'].iloc[0]} nodes) have them."
            )
        of_method = {"as released": mine[mine["method"] == method], "as written": same}
        items.append(said + _narrowest_layers(of_method, worst["percentile"]))
    return "\n".join(items) or "No method lies further off than expected."


def _crossing(curve: pd.Series, accuracy: float, near: float) -> float | None:
    """The cut nearest to one at which a curve, straight between its cuts, has an accuracy."""
    above = curve - accuracy
    crossings = [
        cut + (following - cut) * above[cut] / (above[cut] - above[following])
        for cut, following in itertools.pairwise(curve.index)
        if above[cut] * above[following] <= 0 and above[cut] != above[following]
    ]
    return min(crossings, key=lambda cut: abs(cut - near), default=None)


def _narrowest_layers(runs: Mapping[str, pd.DataFrame], percentile: float) -> str:
    """What a layer keeps at least in each run at a cut, and its accuracy; empty if not few."""
    fewest = {
        name: [
            (min(hidden_widths(row.kept)), row.accuracy)
            for row in table[table["percentile"] == percentile].itertuples()
        ]
        for name, table in runs.items()
    }
    if all(nodes > FEW_NODES for each in fewest.values() for nodes, _ in each):
        return ""
    told = [
        f"{name} {', '.join(f'{nodes} ({100 * accuracy:.1f} %)' for nodes, accuracy in each)}"
        for name, each in fewest.items()
        if each
    ]
    return (
        f" At {percentile:g} % a layer has hardly any nodes left; the fewest in each run, with its "
        "accuracy: "
        f"{'; '.join(told)}."
    )


def difference_table(
    table: pd.DataFrame, reference: str, percentiles: Iterable[float]
) -> pd.DataFrame:
    """Accuracy of each method minus a reference's, seed by seed: mean and 95 % interval, in points.

    Args:
        table: results of one panel or several.
        reference: the method that the others are compared with.
        percentiles: cuts to show; a cell is empty where there are fewer than two common seeds.

    Returns:
        One row per panel and other method; a column for the average over the cuts beyond 0 that
        both have, with their number, and one per cut.
    """
    cuts = {f"{q:g} %": q for q in percentiles}
    others = [name for name in table["method"].unique() if name != reference]
    average = "average (cuts)"
    rows = {}
    for (panel, results), method in itertools.product(table.groupby("panel", sort=False), others):
        found = {average: lead(results, method, reference)}
        found |= {cut: lead(results, method, reference, q) for cut, q in cuts.items()}
        texts = {cut: str(each or "").removesuffix(" points") for cut, each in found.items()}
        if any(texts.values()):
            texts[average] += f" ({shared_cuts(results, method, reference)})"
            rows[panel, method] = texts
    shown = pd.DataFrame.from_dict(rows, orient="index", columns=[average, *cuts])
    shown.index = pd.MultiIndex.from_tuples(rows, names=["panel", "method"]) if rows else []
    return shown.rename_axis(columns=f"accuracy − that of {reference} (points), pruned")


def _with_named_penalties(table: pd.DataFrame) -> pd.DataFrame:
    """Weights γ as a legend has them: ``0.0001``, not ``0.00010``."""
    return table.assign(penalty=[f"{penalty:g}" for penalty in table["penalty"]])


def _row_names(table: pd.DataFrame) -> list[str]:
    """Columns that name the rows of a table: of one panel or several, with one γ or several."""
    several = [name for name in ("panel", "penalty") if table[name].nunique() > 1]
    return [*several[:1], "method", *several[1:]] if "panel" in several else ["method", *several]


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
        f"within three standard errors of the difference plus {FLOOR:g}.\n"
        f"Largest difference: {row['difference']:+.3f} ({row['method']}, "
        f"{row['percentile']:g} % pruned; tolerance {row['tolerance']:.3f})."
    )


def plateau_table(table: pd.DataFrame) -> pd.DataFrame:
    """How far each method can be pruned before its mean accuracy falls noticeably.

    Args:
        table: results of one panel or several; a method without its uncut network (percentile 0) is
            left out.

    Returns:
        One row per method, of each panel if there are several: its accuracy uncut, in per cent,
        and the largest cut up to which no cut loses more than a point of it.
    """
    rows = []
    table = _with_named_penalties(table)
    names = _row_names(table)
    for _, curve in summary(table).groupby(names, sort=False):
        curve = curve.sort_values("percentile")
        if curve["percentile"].iloc[0] > 0:  # there is nothing to compare with
            continue
        uncut = curve["accuracy"].iloc[0]
        kept = ((uncut - curve["accuracy"]).round(9) <= POINT).cummin()
        last = curve["percentile"][kept].max()
        rows.append(
            {
                **{name: curve[name].iloc[0] for name in names},
                "uncut (%)": f"{100 * uncut:.1f}",
                "within 1 point up to": f"{last:g} % pruned",
            }
        )
    columns = [*names, "uncut (%)", "within 1 point up to"]
    return pd.DataFrame(rows, columns=columns).set_index(names)


IMAGES = {
    "cifar10": "the images of CIFAR-10",
    "cifar10-jpeg": "a JPEG copy of the images of CIFAR-10, which is lossy, so that no number here "
    "is one of CIFAR-10 itself",
}
"""Data sets that features are taken of, in words."""


def images_sentence(provenance: Mapping[str, Mapping[str, Any]]) -> str:
    """Say which images some panels were trained and tested on, and which features these had.

    Args:
        provenance: by panel, as :func:`spectral_core.paper.results.tables.panel_provenance` makes it.
    """
    said = []
    for inputs in dict.fromkeys(made["inputs"] for made in provenance.values()):
        images, backbone = split(inputs)
        text = f"Computed from {IMAGES.get(images, images)}"
        if backbone is not None:
            text += (
                f"; features: MobileNetV2 with the weights {backbone.weights}, "
                f"{backbone.pooling} pooling"
            )
        said.append(f"{text}.")
    return " ".join(said)


def choice_table(provenance: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame | None:
    """Held-out accuracies in per cent that learning rate and epochs were chosen by.

    Args:
        provenance: by panel; the first that records a choice is shown.

    Returns:
        One row per method and learning rate, one column per number of epochs, the chosen ones
        marked by an arrow; ``None`` if no choice is recorded.
    """
    records = [made["choice"] for made in provenance.values() if made.get("choice")]
    if not records:
        return None
    rows = {}
    for method, by_rate in records[0]["accuracies"].items():
        chosen = records[0]["chosen"][method]
        for rate, by_epochs in by_rate.items():
            rows[method, rate] = {
                f"{epochs} epochs": f"{100 * accuracy:.2f}"
                + (" ←" if _is_chosen(chosen, rate, epochs) else "")
                for epochs, accuracy in by_epochs.items()
            }
    table = pd.DataFrame(rows).T.rename_axis(["method", "learning rate"])
    return table.rename_axis(columns="held-out accuracy (%)")


def _is_chosen(chosen: Mapping[str, float], rate: str, epochs: str) -> bool:
    return (chosen["learning_rate"], chosen["epochs"]) == (float(rate), int(epochs))


def status_table(preset: str) -> pd.DataFrame:
    """What is published of every panel of every figure at a preset, and how it was made.

    Returns:
        One row per panel: ``figure``, ``panel``, ``seeds``, ``precision``, ``when`` (day of
        the last step, UTC), ``commit``, ``machine``, ``minutes`` (computing, added up over steps);
        a panel that is not published says so under ``seeds``.
    """
    rows = []
    for figure in EXPERIMENTS:
        found = published_provenance(figure, preset, "*")
        for panel in plan(figure, preset, "*").panels:
            row = {"figure": figure, "panel": panel.name}
            rows.append(row | _made(found.get(panel.name)))
    return pd.DataFrame(rows).fillna("").set_index(["figure", "panel"])


def _made(made: Mapping[str, Any] | None) -> dict[str, str]:
    if made is None:
        return {"seeds": "not published"}
    recipe = made["configuration"]["recipe"]
    return {
        "seeds": str(len(recipe["seeds"])),
        "precision": recipe["precision"],
        "when": made["to"][:10],
        "commit": _joined(made["commit"]),
        "machine": _joined(made["hardware"]),
        "minutes": f"{made['seconds'] / 60:.0f}",
    }


def precision_table(figures: Iterable[str], preset: str) -> pd.DataFrame:
    """How far fp32 and bf16 lie apart where a panel is published in both.

    Args:
        figures: names out of :data:`~spectral_core.paper.study.figures.EXPERIMENTS`.
        preset: name out of :data:`~spectral_core.paper.study.figures.PRESETS`.

    Returns:
        One row per panel: for each method the size of the difference between mean accuracies in
        points, averaged over cuts, and how many points of the figure ``agree``, see
        :func:`~spectral_core.paper.results.agreement.agreement`.
    """
    rows = {}
    for figure in figures:
        compared = between_precisions(figure, preset)
        for panel, points_ in compared.groupby("panel", sort=False) if len(compared) else ():
            sizes = 100 * points_["difference"].abs().groupby(points_["method"]).mean()
            rows[figure, panel] = {method: f"{size:.2f}" for method, size in sizes.items()}
            rows[figure, panel]["agree"] = f"{points_['agrees'].sum()} of {len(points_)}"
    if not rows:
        return pd.DataFrame({"": ["no panel is published in both"]})
    return pd.DataFrame(rows).T.rename_axis(["figure", "panel"])


def provenance_table(provenance: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Where the numbers of some panels come from, one column each.

    Args:
        provenance: by panel, as :func:`spectral_core.paper.results.tables.panel_provenance` makes it.
    """
    columns = {panel: _provenance(made) for panel, made in provenance.items()}
    return pd.DataFrame(columns).fillna("").rename_axis("provenance")


def _provenance(made: Mapping[str, Any]) -> dict[str, str]:
    recipe, methods = made["configuration"]["recipe"], made["configuration"]["panel"]["methods"]
    return {
        "made by": made["command"],
        "preset": made["preset"],
        "seeds": _joined(recipe["seeds"]),
        **_epochs(made),
        **({"inputs": made["inputs"]} if "inputs" in made else {}),
        **({"stage 2 of pre trains": recipe["stage_two"]} if "pre" in methods else {}),
        "precision": recipe["precision"],
        "when": f"{made['from'][:16]} to {made['to'][:16]} UTC",
        "computing time": f"{made['seconds'] / 60:.1f} minutes, {made['steps']} steps added up",
        "machine": _joined(made["hardware"]) + f" ({_joined(made['device'])})",
        "commit": _joined(made["commit"]),
        "versions": ", ".join(
            f"{name} {_joined(found)}" for name, found in made["versions"].items()
        ),
        **{f"MD5 of {file}": md5 for file, md5 in made["data"].items()},
    }


def _epochs(made: Mapping[str, Any]) -> dict[str, str]:
    """Epochs, and what else some methods set by themselves."""
    recipe, panel = made["configuration"]["recipe"], made["configuration"]["panel"]
    by_method = panel.get("recipe_by_method", {})
    said = {
        f"{method}, by itself": ", ".join(
            f"{name.replace('_', ' ')} {in_words(value)}" for name, value in own.items()
        )
        for method, own in by_method.items()
        if own
    }
    if not all("epochs" in by_method.get(method, {}) for method in panel["methods"]):
        first, then = recipe["epochs"], recipe["retraining_epochs"]
        strategies = {name: METHODS[name] for name in panel["methods"]}
        anew = [name for name, each in strategies.items() if each.restarts]
        again = [name for name, each in strategies.items() if each.retrains and name not in anew]
        epochs = f"{first}"
        epochs += f", then {then} after each cut ({_joined(again)})" if again else ""
        epochs += f", {first + then} of a new network ({_joined(anew)})" if anew else ""
        said = {"epochs": epochs} | said
    return said


def _joined(values: Iterable[Any]) -> str:
    return ", ".join(str(value) for value in values)
