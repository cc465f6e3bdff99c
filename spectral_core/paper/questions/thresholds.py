"""Is one threshold fair to all layers? The same networks cut in three ways, and what it tells."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from spectral_core.paper.results.cells import grid
from spectral_core.paper.results.intervals import POINT, at_common_cuts, lead, shared_cuts
from spectral_core.paper.results.standings import NOTHING, at_once, standing

ONE, SCALED, EACH = "one threshold", "scaled scores", "one per layer"
ENDINGS = {ONE: "", SCALED: "-scaled", EACH: "-per-layer"}
"""How the scores of several layers are compared, and how the names of methods that do so end."""


def answer(table: pd.DataFrame) -> str:
    """Is one threshold fair to all layers? Markdown, by this rule:

    No, if ``direct`` gains by a threshold per layer in more than half of the networks; not always,
    if it does in some; yes, if its gain lies within ± one point in each; else it is not shown.

    Args:
        table: results of the figure ``threshold``.
    """
    gains = {
        name: standing(table, name + ENDINGS[EACH], name) for name in ("direct", "post", "pre")
    }
    direct = gains["direct"].leads
    if not direct:
        return NOTHING
    word = "Not shown"
    if gains["direct"].ahead:
        word = "No" if gains["direct"].mostly_ahead else "Not always"
    elif all(each.low >= -POINT and each.high <= POINT for each in direct.values()):
        word = "Yes"
    pairs = [(name + ENDINGS[EACH], name) for name, each in gains.items() if each.leads]
    told = ", ".join(
        f"{name} {gains[name]} at {shared_cuts(table, each, name)} cuts" for each, name in pairs
    )
    return (
        f"**{word}**: with a threshold for each layer in place of one for all, the gain, "
        f"averaged over cuts and networks, is: {told}.{at_once(table, pairs)}"
        f"{_lead_of_post(table)}{_lead_of_pre(table)}"
    )


def _lead_of_post(table: pd.DataFrame) -> str:
    leads = {way: standing(table, f"post{end}", f"direct{end}") for way, end in ENDINGS.items()}
    told = ", ".join(f"{each} with {way}" for way, each in leads.items() if each.leads)
    return f" The lead of post over direct is {told}." if told else ""


def _lead_of_pre(table: pd.DataFrame) -> str:
    """At the cuts that both ways have: ``pre`` trains again at each, so one has fewer."""
    methods = [f"{name}{ENDINGS[way]}" for way in (ONE, EACH) for name in ("direct", "pre")]
    same = at_common_cuts(table[table["method"].isin(methods)])
    leads = {
        way: standing(same, f"pre{ENDINGS[way]}", f"direct{ENDINGS[way]}") for way in (ONE, EACH)
    }
    if not all(each.leads for each in leads.values()):
        return ""
    told = " and ".join(f"{each} with {way}" for way, each in leads.items())
    return (
        f" The lead of pre, which alone trains again after the cut, is {told}, at "
        f"{same['percentile'].nunique()} cuts."
    )


def by_network(table: pd.DataFrame) -> pd.DataFrame:
    """Differences in each network, averaged over the cuts that two methods share, in points.

    Args:
        table: results of the figure ``threshold``.

    Returns:
        One row per panel; columns for the lead of ``post`` over ``direct`` in each way to compare
        scores, and for what ``direct``, ``post`` and ``pre`` gain by a threshold per layer. Cells
        are means with t-intervals of 95 %, empty for fewer than two common seeds.
    """
    pairs = {
        ("post − direct", way): (f"post{end}", f"direct{end}") for way, end in ENDINGS.items()
    } | {
        (f"{EACH} − {ONE}", name): (name + ENDINGS[EACH], name)
        for name in ("direct", "post", "pre")
    }
    rows = {
        panel: {
            name: str(lead(results, *pair) or "").removesuffix(" points")
            for name, pair in pairs.items()
        }
        for panel, results in table.groupby("panel", sort=False)
    }
    shown = pd.DataFrame.from_dict(rows, orient="index", columns=pd.MultiIndex.from_tuples(pairs))
    return shown.rename_axis("panel")


def widths(table: pd.DataFrame, percentiles: Iterable[float]) -> pd.DataFrame:
    """Nodes left in each layer, with the first seed of each panel.

    Args:
        table: results of networks of several hidden layers.
        percentiles: cuts to show.

    Returns:
        One row per panel and method, one column per cut, such as ``500-154-96``.
    """
    first = table.groupby("panel")["seed"].transform("min")
    rows = table[(table["seed"] == first) & table["percentile"].isin(list(percentiles))]
    cuts = [f"{q:g} %" for q in sorted(rows["percentile"].unique())]
    rows = rows.assign(cut=[f"{q:g} %" for q in rows["percentile"]])
    shown = grid(rows, ["panel", "method"], "cut", "kept")
    return shown[cuts].rename_axis(columns="nodes left, pruned")
