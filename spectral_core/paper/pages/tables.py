"""Tables of a page: what is seen first, what is folded below it, and how both become HTML."""

from __future__ import annotations

import html
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from spectral_core.paper import paths
from spectral_core.paper.claims.claims import Row
from spectral_core.paper.claims.verdict import Verdict
from spectral_core.paper.claims.yardsticks import SINGLE, WORDS
from spectral_core.paper.pages.style import HUES, training
from spectral_core.paper.results import authors, estimates
from spectral_core.paper.results.accuracies import described
from spectral_core.paper.results.agreement import agreement
from spectral_core.paper.results.published import Run, settings_by_method
from spectral_core.paper.results.statistics import Estimate, signed
from spectral_core.paper.results.tables import NoResults, summary
from spectral_core.paper.study.figures import SOURCES
from spectral_core.paper.study.methods import METHODS
from spectral_core.paper.study.settings import in_words

LEVELS = (0.0, 30.0, 50.0, 70.0, 80.0, 90.0, 95.0)
"""Pruning levels of tables, in per cent of the nodes: the unpruned network, and the authors'."""


@dataclass(frozen=True)
class Table:
    """A table for a page: its index names the rows, each level of it a column of headings."""

    frame: pd.DataFrame
    caption: str = ""
    """What it shows; also its name for those who do not see it."""
    shade: str = ""
    """Colour that cells have the more of, the larger their number; none if empty."""
    words: bool = False
    """Whether cells are sentences, not numbers."""

    def _repr_html_(self) -> str:
        """HTML without line breaks, so that it may stand in Markdown."""
        frame = self.frame
        names = [*(str(name or "") for name in frame.index.names), *map(str, frame.columns)]
        head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in names)
        keys = [key if isinstance(key, tuple) else (key,) for key in frame.index]
        body = "".join(
            f"<tr>{_row_headings(keys, i)}{''.join(map(self._cell, values))}</tr>"
            for i, values in enumerate(frame.itertuples(index=False, name=None))
        )
        caption = f"<caption>{html.escape(self.caption)}</caption>" if self.caption else ""
        label = html.escape(self.caption or names[0])
        kind = "words" if self.words else "numbers"
        return (
            f'<div class="table" role="region" tabindex="0" aria-label="{label}">'
            f'<table class="dataframe results {kind}">{caption}<thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
        )

    def _cell(self, value: Any) -> str:
        style = ""
        if self.shade:
            part = max(0.0, min(1.0, (float(value) - 10) / 90))
            mix = f"color-mix(in srgb, {self.shade} {55 * part:.0f}%, transparent)"
            style = f' style="background: {mix}"'
        return f"<td{style}>{html.escape(str(value))}</td>"

    def __str__(self) -> str:
        return self.frame.to_string()


def _row_headings(keys: Sequence[tuple[Any, ...]], row: int) -> str:
    """Headings of a row; one that several rows share spans all of them."""
    cells = []
    for level, text in enumerate(keys[row]):
        shared = keys[row][: level + 1]
        if row and keys[row - 1][: level + 1] == shared:
            continue
        span = len(list(itertools.takewhile(lambda k, s=shared: k[: len(s)] == s, keys[row:])))
        rows = f' rowspan="{span}"' if span > 1 else ""
        cells.append(f'<th scope="row"{rows}>{html.escape(str(text))}</th>')
    return "".join(cells)


@dataclass(frozen=True)
class Folded:
    """Parts of a page, by name, that open when their names are clicked: HTML or Markdown."""

    parts: Mapping[str, str]

    def _repr_markdown_(self) -> str:
        return "\n\n".join(
            f"<details><summary>{html.escape(name)}</summary>\n\n{text}\n\n</details>"
            for name, text in self.parts.items()
            if text
        )


def at_a_glance(table: pd.DataFrame) -> Table:
    """Accuracy unpruned, how far pruning loses at most a point of it, and accuracy at 90 %.

    Args:
        table: results of one panel or several.
    """
    every = described(table)
    by_level = every.groupby(["network", "method", "level"])["accuracy"].mean()
    rows = {}
    for network, method in dict.fromkeys(zip(every["network"], every["method"])):
        curve = 100 * by_level[network, method]
        try:
            reach = estimates.reach(method, network, table=every)
            within = f"{reach.level:g} %" if reach.level > 0 else "not at all"
        except NoResults:  # it was not measured unpruned
            within = "–"
        rows[network, METHODS[method].title] = {
            "unpruned (%)": _number(curve.get(0.0)),
            "pruned within 1 pt up to": within,
            "at 90 % pruned (%)": _number(curve.get(90.0)),
        }
    return Table(_named(rows, "network", "method"))


def accuracies(table: pd.DataFrame, levels: Iterable[float] = LEVELS) -> Table:
    """Mean accuracy ± standard deviation over seeds (n − 1), in per cent.

    Args:
        table: results of one panel or several.
        levels: pruning levels to show; those that the table lacks are left out.
    """
    means = summary(table)
    means = means[means["percentile"].isin(list(levels))]
    several = means["penalty"].nunique() > 1
    networks = _networks(table)
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    for point in means.itertuples():
        key = (networks[point.panel, point.method], METHODS[point.method].title)
        spread = "" if pd.isna(point.accuracy_sd) else f" ± {100 * point.accuracy_sd:.1f}"
        rows.setdefault((*key, _weight(point.penalty)) if several else key, {})[
            _share(point.percentile)
        ] = f"{100 * point.accuracy:.1f}{spread}"
    frame = _named(rows, "network", "method", *(["γ"] if several else []))
    return Table(frame.fillna(""), "Test accuracy (%) by share of nodes pruned")


def distances(table: pd.DataFrame) -> Table:
    """Our mean accuracy minus the authors' at their levels ± our standard error, in points.

    Args:
        table: results of one panel or several.

    Raises:
        NoResults: if the authors released nothing at these settings.
    """
    found = authors.deviation(table)
    networks = _networks(table)
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for point in found.itertuples():
        error = "" if pd.isna(point.standard_error) else f" ± {100 * point.standard_error:.1f}"
        rows.setdefault((networks[point.panel, point.method], METHODS[point.method].title), {})[
            _share(point.percentile)
        ] = signed(100 * point.deviation) + error
    return Table(_named(rows, "network", "method"), "Ours − the authors' (pt) by share pruned")


def comparison(ours: pd.DataFrame, theirs: pd.DataFrame) -> Table:
    """How far two runs of the same study agree: within three standard errors and a point.

    Args:
        ours: results of this machine.
        theirs: published results at the same settings.
    """
    points = agreement(ours, theirs)
    networks = _networks(ours)
    rows = {}
    for (panel, method), mine in points.groupby(["panel", "method"], sort=False):
        worst = mine.loc[mine["difference"].abs().idxmax()]
        rows[networks[panel, method], METHODS[method].title] = {
            "levels that agree": f"{mine['agrees'].sum()} of {len(mine)}",
            "largest difference (pt)": signed(100 * worst["difference"]),
            "at": f"{worst['percentile']:g} % pruned",
        }
    return Table(_named(rows, "network", "method"), "This machine − published")


def heat(table: pd.DataFrame, levels: Iterable[float] = LEVELS) -> Beside:
    """Mean accuracy in per cent by weight γ of the penalty and pruning level, a table per method.

    Args:
        table: results of one panel with several weights γ.
        levels: pruning levels to show.
    """
    means = summary(table[table["percentile"].isin(list(levels))])
    shown = means.assign(
        percentile=list(map(_share, means["percentile"])),
        accuracy=[f"{100 * accuracy:.0f}" for accuracy in means["accuracy"]],
        penalty=list(map(_weight, means["penalty"])),
    )
    tables = []
    for method in [name for name in METHODS if name in set(table["method"])]:
        rows = shown[shown["method"] == method]
        frame = rows.pivot(index="penalty", columns="percentile", values="accuracy")
        frame = frame.loc[rows["penalty"].unique(), rows["percentile"].unique()]
        frame = frame.rename_axis(index="γ", columns=None)
        tables.append(Table(frame, METHODS[method].title, HUES[training(method)]))
    return Beside(tuple(tables))


def controls(first: str, others: Sequence[str], **options: Any) -> Table:
    """A method minus each of its controls: over two ranges of levels, and network by network.

    Args:
        first: the method.
        others: its controls.
        options: as for :func:`spectral_core.paper.results.estimates.differences`.
    """
    rows = {}
    for other in others:
        middle = estimates.differences(first, other, estimates.FEW_TO_MANY, **options)
        outcomes = Counter(one.outcome() for one in estimates.per_network(middle).values())
        rows[METHODS[other].title] = {
            "5–80 % pruned": str(estimates.pooled(middle)),
            "85–95 % pruned": str(estimates.difference(first, other, (85, 95), **options)),
            "networks, 5–80 %": ", ".join(f"{n} {word}" for word, n in outcomes.most_common()),
        }
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("minus")
    return Table(frame, METHODS[first].title, words=True)


def ladder(at: Mapping[str, float]) -> Table:
    """Accuracies of methods, in per cent, from the highest down."""
    best = sorted(at, key=lambda method: -at[method])
    frame = pd.DataFrame(
        {"accuracy (%)": [f"{at[method]:.1f}" for method in best]},
        index=pd.Index([METHODS[method].title for method in best], name="method"),
    )
    return Table(frame)


def certain(rows: pd.DataFrame) -> Table:
    """Differences of methods, network by network, with p-values corrected for testing all of them.

    Args:
        rows: as :func:`spectral_core.paper.questions.comparisons.certainty` returns them.
    """
    cells = {
        (f"{METHODS[row.first].title} − {METHODS[row.second].title}", row.networks, row.source): {
            "difference": str(Estimate(row.difference, row.low, row.high, int(row.n))),
            "corrected p": "< 0.001" if row.holm < 0.001 else f"{row.holm:.3f}",
        }
        for row in rows.itertuples()
    }
    return Table(_named(cells, "difference", "network", "settings"), words=True)


def compared(first: str, second: str, levels: tuple[float, float], **options: Any) -> Table:
    """A method minus another one, network by network, averaged over a range of levels.

    Args:
        first, second: the methods.
        levels: smallest and largest pruning level, in per cent of the nodes.
        options: as for :func:`spectral_core.paper.results.estimates.differences`.
    """
    found = estimates.per_network(estimates.differences(first, second, levels, **options))
    titles = f"{METHODS[first].title} − {METHODS[second].title}"
    frame = pd.DataFrame(
        {titles: [str(each) for each in found.values()], "seeds": [e.n for e in found.values()]},
        index=pd.Index(list(found), name="network"),
    )
    return Table(frame)


SCORE_NAMES = {
    "eigenvalue": "|λ|",
    "invariant": "|λ|·‖φ‖₂, or ‖w‖₂",
    "connectivity": "Σ|w|",
    "taylor": "Taylor",
}


def correlations(rho: pd.DataFrame) -> Table:
    """Spearman's ρ between scores and the damage of single nodes, means over networks and seeds.

    Args:
        rho: as :func:`spectral_core.paper.results.ablation.ablation` returns it.
    """
    rho = rho.assign(
        score=rho["score"].map(SCORE_NAMES),
        method=[METHODS[method].title for method in rho["method"]],
        images=rho["images"] + " images",
    )
    means = rho.groupby(["method", "score", "images"], sort=False)["rho"].mean().unstack("images")
    return Table(means.map("{:.2f}".format).rename_axis(columns=None))


SYMBOLS = dict(zip(WORDS, "✓◐✗≈?○–"))
"""A sign for each word of a verdict."""


def verdicts(rows: Iterable[Row]) -> Table:
    """Claims with their verdicts at the text's settings and at the released ones.

    Args:
        rows: as :func:`spectral_core.paper.claims.claims.judged` returns them; with several places
            of the paper, these are shown.
    """
    cells = {
        (claim.place, claim.says): {
            SOURCES[source]: _verdict(one) for source, one in zip(("text", "released"), found)
        }
        for claim, *found in rows
    }
    return Table(_named(cells, "place", "the paper's claim"), words=True)


def _verdict(found: Verdict) -> str:
    """The sign and word of a verdict, and what was observed."""
    text = f"{SYMBOLS[found.word]} {found.word}"
    if found.observed is None:
        return text
    return f"{text}: {str(found.observed).removesuffix(f' ({SINGLE})')}"


@dataclass(frozen=True)
class Beside:
    """Tables side by side, as many as fit."""

    tables: tuple[Table, ...]

    def _repr_html_(self) -> str:
        each = "".join(table._repr_html_() for table in self.tables)
        return f'<div class="heat">{each}</div>'


def provenance(runs: Iterable[Run]) -> Table:
    """Where the numbers of published runs come from, a column per run."""
    columns = {run.table.stem: _provenance(run.made()) for run in runs}
    return Table(pd.DataFrame(columns).fillna("").rename_axis("run"), "Provenance")


def downloads(runs: Iterable[Run]) -> str:
    """Links to the tables and provenance of published runs, as a list in Markdown."""
    items = []
    for run in runs:
        table, made = (
            f"/{file.relative_to(paths.project()).as_posix()}"
            for file in (run.table, run.provenance)
        )
        name = run.table.stem
        items.append(f"- [{name}: points]({table}), [{name}: provenance]({made})")
    return "\n".join(items)


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


def _alike(values: Mapping[str, Any]) -> str:
    """A setting of all methods, or of each where they differ."""
    texts = {method: in_words(value) for method, value in values.items()}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return ", ".join(f"{text} ({method})" for method, text in texts.items())


def _named(rows: Mapping[tuple[str, ...], Mapping[str, str]], *names: str) -> pd.DataFrame:
    """Rows with several headings; the first is left out where all rows share it."""
    frame = pd.DataFrame.from_dict({i: row for i, row in enumerate(rows.values())}, orient="index")
    index = pd.MultiIndex.from_tuples(list(rows), names=names)
    return frame.set_index(index if index.levels[0].size > 1 else index.droplevel(0))


def _share(percentile: float) -> str:
    return f"{percentile:g}\N{NO-BREAK SPACE}%"


def _weight(penalty: float) -> str:
    """A weight γ without powers of ten: ``0.00001``."""
    return np.format_float_positional(penalty, trim="-")


def _number(share: float | None) -> str:
    return "–" if share is None else f"{share:.1f}"


def _joined(values: Iterable[Any]) -> str:
    return ", ".join(map(str, values))
