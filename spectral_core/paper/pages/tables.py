"""Tables of the book's questions: verdicts on claims, and estimates row by row."""

import html
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
from IPython.display import HTML

from spectral_core.paper.claims.claims import Claim, Row, details, judge
from spectral_core.paper.claims.verdict import Verdict
from spectral_core.paper.claims.yardsticks import SINGLE, WORDS
from spectral_core.paper.pages.output import Table, hidden_layers, minus, p_value, rows_of
from spectral_core.paper.pages.style import CRITERIA
from spectral_core.paper.questions import comparisons
from spectral_core.paper.results import estimates
from spectral_core.paper.results.statistics import Estimate
from spectral_core.paper.study.methods import METHODS
from spectral_core.paper.study.panels import CHANGES, SOURCES


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
        end = estimates.differences(first, other, (85, 95), **options)
        early, late = estimates.pooled(middle), estimates.pooled(end)
        fewer = f" ({late.n} networks)" if late.over == "networks" and late.n < early.n else ""
        rows[METHODS[other].title] = {
            "5–80 % pruned": f"{early}{_start(middle, 5)}",
            "85–95 % pruned": f"{late}{fewer}{_start(end, 85)}",
            "networks, 5–80 %": ", ".join(f"{n} {word}" for word, n in outcomes.most_common()),
        }
    return Table(rows_of(rows, "minus"), METHODS[first].title, words=True)


def _start(found: pd.DataFrame, low: float) -> str:
    """Where differences start, if a method was not measured at the lowest level of their range."""
    first = found["level"].min()
    return f" (from {first:g} %)" if first > low else ""


def ladder(at: Mapping[str, float]) -> Table:
    """Accuracies of methods, in per cent, from the highest down."""
    best = sorted(at, key=lambda method: -at[method])
    rows = {METHODS[m].title: {"accuracy (%)": f"{at[m]:.1f}"} for m in best}
    return Table(rows_of(rows, "method"))


def certain(rows: pd.DataFrame) -> Table:
    """Differences of methods, network by network, with p-values corrected for testing all of them:
    :func:`spectral_core.paper.questions.comparisons.certainty` as a table."""
    cells = {
        (minus(row.first, row.second), row.networks, row.source): {
            "difference": str(comparisons.estimate_of(row)),
            "corrected p": p_value(row.holm),
        }
        for row in rows.itertuples()
    }
    return Table(rows_of(cells, "difference", "network", "settings"), words=True)


def compared(first: str, second: str, levels: tuple[float, float], **options: Any) -> Table:
    """A method minus another one, network by network, averaged over a range of levels.

    Args:
        first, second: the methods.
        levels: smallest and largest pruning level, in per cent of the nodes.
        options: as for :func:`spectral_core.paper.results.estimates.differences`.
    """
    found = estimates.per_network(estimates.differences(first, second, levels, **options))
    rows = {
        network: {minus(first, second): str(each), "seeds": each.n}
        for network, each in found.items()
    }
    return Table(rows_of(rows, "network"))


def correlations(rho: pd.DataFrame) -> Table:
    """Spearman's ρ between scores and the damage of single nodes, from
    :func:`spectral_core.paper.results.ablation.ablation`: means over networks and seeds, by the
    number of hidden layers."""
    names = {**CRITERIA, "invariant": f"{CRITERIA['invariant']}, or ‖w‖₂"}
    layers = rho["depth"].replace({1: "1 layer", 3: "3 layers"})
    rho = rho.assign(
        score=rho["score"].map(names),
        method=[METHODS[method].title for method in rho["method"]],
        images=rho["images"] + " images, " + layers,
    )
    means = rho.groupby(["method", "score", "images"], sort=False)["rho"].mean().unstack("images")
    columns = sorted(sorted(means.columns), key=lambda name: name.split(",")[0], reverse=True)
    text = means[columns].map("{:.2f}".format).replace("-", "−", regex=True)
    return Table(text.rename_axis(columns=None))


SYMBOLS = dict(zip(WORDS, "✓◐✗≈?○–"))
"""A sign for each word of a verdict."""


def verdicts(rows: Iterable[Row], intervals: bool = True) -> Table:
    """Claims with their verdicts at the text's settings and at the released ones.

    Args:
        rows: as :func:`spectral_core.paper.claims.claims.judged` returns them; with several places
            of the paper, these are shown.
        intervals: whether what was observed has its interval; :func:`evidence` has all.
    """
    cells = {
        (claim.place, claim.says): {
            SOURCES[source]: _verdict(one, intervals)
            for source, one in zip(("text", "released"), found)
        }
        for claim, *found in rows
    }
    return Table(rows_of(cells, "place", "the paper's claim"), words=True)


def _verdict(found: Verdict, intervals: bool) -> str:
    """The sign and word of a verdict, and what was observed."""
    text = f"{SYMBOLS[found.word]} {found.word}"
    if found.observed is None:
        return text
    observed = str(found.observed).removesuffix(f" ({SINGLE})")
    return f"{text}: {observed if intervals else observed.partition(' [')[0]}"


def strip(rows: Sequence[Row], target: str) -> HTML:
    """The verdicts on claims as strips of small squares, at the text's settings and at the released
    ones, with their key.

    Args:
        rows: as :func:`spectral_core.paper.claims.claims.judged` returns them.
        target: address of the page with all claims, to which each square leads.
    """
    strips = ""
    for source in ("text", "released"):
        squares = "".join(_square(row.claim, getattr(row, source), target) for row in rows)
        strips += f"<p>{html.escape(SOURCES[source])}</p><ul>{squares}</ul>"
    there = {verdict.word for row in rows for verdict in row[1:]}
    key = ", ".join(f"{SYMBOLS[word]} {word}" for word in WORDS if word in there)
    return HTML(f'<div class="claims">{strips}<p>{html.escape(key)}</p></div>')


def _square(claim: Claim, verdict: Verdict, target: str) -> str:
    name = html.escape(f"{claim.place}: {claim.says} {verdict.word}")
    return (
        f'<li><a href="{target}" class="v{WORDS.index(verdict.word)}" title="{name}" '
        f'aria-label="{name}">{SYMBOLS[verdict.word]}</a></li>'
    )


def evidence(rows: Sequence[Row]) -> Table:
    """What verdicts rest on: methods, interval, seeds, tests, and p corrected for all claims."""
    found = details(rows)
    compared = found["compared"].str.replace(r"[a-z]+(?:-[a-z]+)*", _title, regex=True)
    return Table(found.assign(compared=compared, p=found["p"].map(p_value)), words=True)


def _title(key: re.Match[str]) -> str:
    """A method's display name in place of its key; other words stay."""
    return METHODS[key[0]].title if key[0] in METHODS else key[0]


def claims(words: Mapping[str, str]) -> Table:
    """:func:`verdicts` on some claims of the paper, by their keys, each as the page words it."""
    return verdicts(
        row._replace(claim=row.claim._replace(says=words[row.claim.key]))
        for row in map(judge, words)
    )


def changed_settings(found: pd.DataFrame | None = None) -> dict[str, dict[str, Estimate]]:
    """What each change of a setting makes of a method's accuracy, over networks of one hidden
    layer: by method and by what is changed.

    Args:
        found: rows as :func:`~spectral_core.paper.questions.comparisons.topic` returns them for
            ``"settings"``; the published ones if ``None``.
    """
    found = comparisons.topic("settings") if found is None else found
    rows = found[(found["over"] == "networks") & (found["depth"].astype(str) == "1")]
    return {
        method: {
            CHANGES[row.change].title: comparisons.estimate_of(row)
            for row in of_method.itertuples()
        }
        for method, of_method in rows.groupby("first", sort=False)
    }


def estimated(*topics: str) -> Table:
    """What is published on some of :data:`~spectral_core.paper.questions.comparisons.TOPICS`, over
    all networks and over those of each depth."""
    rows = {}
    for row in pd.concat(map(comparisons.topic, topics)).query("n > 1").itertuples():
        if row.over == "networks":
            ends = dict.fromkeys((f"{row.lowest_level:g}", f"{row.highest_level:g}"))
            levels = f"{'–'.join(ends)} %"
            depth = "all" if row.depth == "all" else hidden_layers(row.depth)
            rows[minus(row.first, row.second), levels, f"{row.n}, {depth}"] = {
                "difference": str(comparisons.estimate_of(row)),
                "outcome": row.outcome,
            }
    return Table(rows_of(rows, "difference of", "pruned", "networks"), words=True)


def settings(found: pd.DataFrame | None = None) -> Table:
    """:func:`changed_settings` as a table, a row per change, a column per method."""
    by_method = changed_settings(found)
    columns = {METHODS[method].title: {k: str(v) for k, v in rows.items()}
               for method, rows in by_method.items()}  # fmt: skip
    frame = pd.DataFrame(columns).fillna("–").rename_axis("changed")
    return Table(frame, "Accuracy with the change − without it")


def compression(medians: pd.DataFrame, methods: Sequence[str]) -> Table:
    """How small and how fast the networks of each method become, for the same accuracy:
    :func:`spectral_core.paper.questions.compression.medians` of some methods as a table."""
    rows = {
        METHODS[row.Index].title: {
            "networks": f"{row.networks} of {row.of}",
            "weights left": f"{row.share:.0f} %",
            "times as fast": f"{row.speed:.1f}",
        }
        for row in medians.set_index("method").loc[list(methods)].itertuples()
    }
    return Table(
        rows_of(rows, "method"), "Smallest network within 1 pt of unpruned Magnitude, medians"
    )


def recommendation(candidates: pd.DataFrame) -> Table:
    """:func:`spectral_core.paper.questions.compression.candidates` as a table."""
    rows = {}
    for row in candidates.itertuples():
        lead = Estimate(row.difference, row.low, row.high, int(row.networks), "networks")
        rows[METHODS[row.method].title] = {
            "networks": row.networks,
            "prunes up to (median)": f"{row.median_reach:g} %",
            "at least": f"{row.least_reach:g} %",
            "loses a layer in": row.collapses,
            f"− {METHODS['pre'].title}": "–" if row.method == "pre" else str(lead),
        }
    return Table(
        rows_of(rows, "method"),
        "How far each method prunes within 1 pt of unpruned Magnitude; last column: its accuracy "
        "minus two-stage's, 5 to 80 % pruned",
    )
