"""Tables of runs: what is seen below a figure, what is folded there, and where it comes from."""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import HTML

from spectral_core.paper import paths
from spectral_core.paper.pages.output import Folded, Table, rows_of
from spectral_core.paper.pages.style import HUES, in_order, training
from spectral_core.paper.results import authors, estimates
from spectral_core.paper.results.accuracies import PIXELS, described
from spectral_core.paper.results.agreement import agreement
from spectral_core.paper.results.collect import NoResults, summary
from spectral_core.paper.results.published import Run, published_runs, settings_by_method
from spectral_core.paper.results.statistics import signed
from spectral_core.paper.run import tuning
from spectral_core.paper.study.figures import FIGURES
from spectral_core.paper.study.methods import METHODS
from spectral_core.paper.study.settings import in_words

TABLE_LEVELS = (0.0, 30.0, 50.0, 70.0, 80.0, 90.0, 95.0)
"""Pruning levels of tables, in per cent of the nodes: the unpruned network, and the authors'."""
BY_LEVEL = "by share of nodes pruned"


def at_a_glance(table: pd.DataFrame) -> Table:
    """Accuracy unpruned, how far pruning loses at most a point of it, and accuracy at 90 %."""
    every, rows = described(table), {}
    for (network, method), mine in every.groupby(["network", "method"], sort=False):
        try:
            reach = estimates.reach(method, network, table=mine)
            within = f"{reach.level:g} %" if reach.level > 0 else "not at all"
        except NoResults:  # it was not measured unpruned
            within = "–"
        accuracy = (100 * mine.groupby("level")["accuracy"].mean()).map("{:.1f}".format)
        rows[network, METHODS[method].title] = {
            "unpruned (%)": accuracy.get(0.0, "–"),
            "pruned within 1 pt up to": within,
            "at 90 % pruned (%)": accuracy.get(90.0, "–"),
        }
    return Table(rows_of(rows, "network", "method"))


def accuracies(table: pd.DataFrame) -> Table:
    """Mean accuracy ± standard deviation over seeds (n − 1), in %, at :data:`TABLE_LEVELS`."""
    means = summary(table[table["percentile"].isin(TABLE_LEVELS)])
    cells = _mean_and_error(100 * means["accuracy"], 100 * means["accuracy_sd"], "{:.1f}".format)
    return Table(_by_level(means, cells, table), f"Test accuracy (%) {BY_LEVEL}")


def distances(table: pd.DataFrame) -> Table:
    """Our mean accuracy minus the authors' at their levels ± our standard error, in points.

    Raises:
        NoResults: if the authors released nothing at these settings.
    """
    found = authors.deviation(table)
    cells = _mean_and_error(100 * found["deviation"], 100 * found["standard_error"], signed)
    return Table(_by_level(found, cells, table), f"Ours − the authors' (pt) {BY_LEVEL}")


def comparison(ours: pd.DataFrame, theirs: pd.DataFrame) -> Table:
    """How far this machine's results and the published ones at the same settings agree: within
    three standard errors and a point."""
    networks = _networks(ours)
    rows = {}
    for (panel, method), mine in agreement(ours, theirs).groupby(["panel", "method"], sort=False):
        worst = mine.loc[mine["difference"].abs().idxmax()]
        rows[networks[panel, method], METHODS[method].title] = {
            "levels that agree": f"{mine['agrees'].sum()} of {len(mine)}",
            "largest difference (pt)": signed(100 * worst["difference"]),
            "at": f"{worst['percentile']:g} % pruned",
        }
    return Table(rows_of(rows, "network", "method"), "This machine − published")


def heat(table: pd.DataFrame) -> HTML:
    """Mean accuracy in per cent by weight γ of the penalty and pruning level, a table per method,
    as many side by side as fit; ``✓`` marks the γ that held-out images chose."""
    means = summary(table[table["percentile"].isin(TABLE_LEVELS)])
    cells = (100 * means["accuracy"]).map("{:.0f}".format)
    whole = _by_level(means, cells, table).rename_axis(columns=None)
    chosen = tuning.choice(table["panel"].iloc[0], "penalty")["chosen"]
    tables = ""
    for method in in_order(table["method"]):
        title = METHODS[method].title
        weights = map(_weight, chosen.get(method, {}).values())
        marks = {weight: f"✓\N{NO-BREAK SPACE}{weight}" for weight in weights}
        rows = whole.xs(title, level="method").rename(index=marks)
        tables += Table(rows, title, HUES[training(method)])._repr_html_()
    return HTML(f'<div class="heat">{tables}</div>')


def provenance(runs: Iterable[Run]) -> Table:
    """Where the numbers of published runs come from, a column per run."""
    columns = {run.table.stem: _provenance(run.made()) for run in runs}
    return Table(pd.DataFrame(columns).fillna("").rename_axis("run"), "Provenance")


def downloads(runs: Iterable[Run]) -> str:
    """Links to the tables and provenance of published runs, as a list in Markdown."""
    root, items = paths.project(), []
    for run in runs:
        name = f"{run.table.parent.name}/{run.table.stem}"
        points, made = (path.relative_to(root).as_posix() for path in (run.table, run.provenance))
        items.append(f"- [{name}: points](/{points}), [{name}: provenance](/{made})")
    return "\n".join(items)


def behind(*questions: str, more: Iterable[Run] = ()) -> Folded:
    """All published runs of some questions, and of the figures of networks that take pixels, with
    which they are compared, to download, folded.

    Args:
        questions: names out of :data:`~spectral_core.paper.study.figures.QUESTIONS`.
        more: other tables.
    """
    runs = [published_runs(name, "paper", "*") for name in questions]
    runs += [
        published_runs(name, "paper")
        for name, panels in FIGURES.items()
        if panels[0].base.dataset in PIXELS
    ]
    every = itertools.chain.from_iterable(of_panel for own in runs for of_panel in own.values())
    return Folded({"Runs behind this page": downloads([*more, *every])})


def _provenance(run: Mapping[str, Any]) -> dict[str, str]:
    settings = settings_by_method(run)
    shared = {
        name: {method: own[name] for method, own in settings.items()}
        for name in ("epochs", "retraining_epochs", "learning_rate", "precision")
    }
    return {
        "made by": run["command"],
        "seeds": _joined(sorted({seed for own in settings.values() for seed in own["seeds"]})),
        **{name.replace("_", " "): _alike(values) for name, values in shared.items()},
        "inputs": run["inputs"],
        "when": f"{run['from'][:16]} to {run['to'][:16]} UTC",
        "computing time": f"{run['seconds'] / 60:.1f} minutes, {run['steps']} steps added up",
        "machine": f"{_joined(run['hardware'])} ({_joined(run['device'])})",
        "commit": _joined(run["commit"]),
        "versions": ", ".join(f"{name} {_joined(v)}" for name, v in run["versions"].items()),
        **{f"MD5 of {file}": md5 for file, md5 in run["data"].items()},
    }


def _networks(table: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Names of networks by panel and method: their widths may differ."""
    found = described(table)
    return dict(zip(zip(found["panel"], found["method"]), found["network"]))


def _by_level(points: pd.DataFrame, cells: pd.Series, table: pd.DataFrame) -> pd.DataFrame:
    """Cells in a row per network, method and weight γ if there are several, a column per level."""
    networks = _networks(table)
    several = "penalty" in points and points["penalty"].nunique() > 1
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    for point, cell in zip(points.itertuples(), cells):
        weight = (_weight(point.penalty),) if several else ()
        key = (networks[point.panel, point.method], METHODS[point.method].title, *weight)
        rows.setdefault(key, {})[f"{point.percentile:g}\N{NO-BREAK SPACE}%"] = cell
    return rows_of(rows, "network", "method", *["γ"] * several).fillna("")


def _weight(penalty: float) -> str:
    """A weight γ without powers of ten: ``0.00001``."""
    return np.format_float_positional(penalty, trim="-")


def _mean_and_error(means: pd.Series, errors: pd.Series, form: Any) -> pd.Series:
    """Texts such as ``87.8 ± 0.1``; without the error where there is none."""
    spread = [f" ± {form(e).lstrip('+')}" if pd.notna(e) else "" for e in errors]
    return means.map(form) + spread


def _alike(values: Mapping[str, Any]) -> str:
    """A setting of all methods, or of each where they differ."""
    texts = {method: in_words(value) for method, value in values.items()}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return ", ".join(f"{text} ({method})" for method, text in texts.items())


def _joined(values: Iterable[Any]) -> str:
    return ", ".join(map(str, values))
