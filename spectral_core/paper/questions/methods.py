"""Which method is ahead, and why: answers on ranking, retraining and the stronger variant."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable

import pandas as pd

from spectral_core.layers.networks import hidden_widths
from spectral_core.paper.results.intervals import POINT, at_common_cuts, lead, points
from spectral_core.paper.results.standings import NOTHING, at_once, scope, standing, standings
from spectral_core.paper.study.methods import INGREDIENTS, METHODS
from spectral_core.paper.study.settings import Settings, in_words
from spectral_core.pruning.ranking import SYMBOLS


def criteria_table(methods: Iterable[str]) -> pd.DataFrame:
    """What ranks the nodes, one row per method, names out of
    :data:`~spectral_core.paper.study.methods.METHODS`: the score, and the training images it looks
    at."""
    rows = {
        name: {
            "score of node i": SYMBOLS[METHODS[name].score],
            "training images": METHODS[name].score_images or "none",
        }
        for name in methods
    }
    return pd.DataFrame(rows).T.rename_axis("method")


def score_answer(table: pd.DataFrame) -> str:
    """Is |λ| the right score once φ trains?

    No, if another criterion than chance is ahead of it in more than half of the networks; not
    always, if one is in some; yes, if none is in any, and each is behind in some.

    Args:
        table: results of the figure ``score``.
    """
    others = [name for name in METHODS if name in set(table["method"]) - {"post"}]
    found = standings(table, others, "post")
    rivals = {name: each for name, each in found.items() if name != "post-random"}
    if not rivals:
        return NOTHING
    most = max(each.ahead / len(each.leads) for each in rivals.values())
    if most > 0:
        word = "No" if most > 0.5 else "Not always"
    else:
        all_behind = all(each.behind for each in rivals.values())
        word = "Yes" if all_behind else "No difference is certain"
    told = ", ".join(
        f"{SYMBOLS[METHODS[name].score]} {each}"
        for name, each in sorted(found.items(), key=lambda item: -item[1].mean)
    )
    sure = at_once(table, [(name, "post") for name in found])
    return f"**{word}**: against ranking by |λ|, averaged over all cuts and networks, {told}.{sure}"


def chance_answer(table: pd.DataFrame) -> str:
    """Does ranking by |λ| beat chance on networks that trained λ and φ together?

    Args:
        table: results of the figure ``score``.

    Returns:
        A sentence in Markdown that names the networks where the two can't be told apart, with their
        seeds; empty if no network has two seeds of both.
    """
    found = standing(table, "post", "post-random")
    if not found.leads:
        return ""
    seeds = table.groupby("panel")["seed"].nunique()
    level = [panel for panel, each in found.leads.items() if each.low <= 0 <= each.high]
    told = ", ".join(f"{panel} ({seeds[panel]} seeds)" for panel in level)
    rest = f"; undecided in {told}" if level else ""
    return (
        f"By the same measure |λ| is ahead of chance in {found.ahead} of {len(found.leads)} "
        f"networks, and behind it in {found.behind}{rest}."
    )


CONTROLS = ("pre-random", "direct-retrained", "post-retrained")
"""Methods that rank otherwise than ``pre``, and train for as many epochs."""


def budget_answer(table: pd.DataFrame) -> str:
    """Is it the ranking or the retraining?

    Both, if ``pre`` is ahead of each of :data:`CONTROLS` in more than half of the networks; partly
    each, if it is so with one or two of them; the retraining, if it is so with none, and in more
    than half of the networks ``pre`` leads each by less than a point for sure, that is with the
    upper end of the interval; else it is not shown.

    Args:
        table: results of the figure ``budget``.
    """
    others = [name for name in METHODS if name in set(table["method"]) - {"pre"}]
    found = {name: standing(table, "pre", name) for name in others}
    found = {name: each for name, each in found.items() if each.leads}
    if not set(CONTROLS) <= set(found):
        return NOTHING
    wins = [found[name].mostly_ahead for name in CONTROLS]
    small = [[each.high < POINT for each in found[name].leads.values()] for name in CONTROLS]
    level = [2 * sum(each) > len(each) for each in small]
    word = "The retraining" if all(level) else "Not shown"
    if any(wins):
        word = "Both" if all(wins) else "Partly each"
    told = ", ".join(
        f"{points(each.mean)} points from {name} {each.counts}" for name, each in found.items()
    )
    sure = at_once(table, [("pre", name) for name in found])
    return (
        f"**{word}**: at the same number of epochs, averaged over networks and over the cuts that "
        f"both have, the accuracy of pre differs by {told}.{_at_deepest(table, 'pre', found)}{sure}"
        f"{scope(table)}"
    )


def _at_deepest(table: pd.DataFrame, method: str, others: Iterable[str]) -> str:
    """What a method's leads are at the deepest cut that all have; with a blank before it."""
    there = table[table["method"].isin([method, *others])]
    deepest = at_common_cuts(there)["percentile"].max()
    found = {name: standing(there, method, name, at=deepest) for name in others}
    told = ", ".join(f"{name} {each}" for name, each in found.items() if each.leads)
    return f" At the deepest cut that all have, {deepest:g} %, its lead over each is: {told}."


PAPERS = ("direct-retrained", "post-retrained", "pre")
"""The paper's methods, each with the same number of epochs in all."""


def stronger_answer(table: pd.DataFrame) -> str:
    """Is there a stronger variant?

    A network counts for ``stronger`` if it is ahead of each of :data:`PAPERS` there, and against it
    if one of them is ahead of it. Yes, if more than half of the networks count for it; in part, if
    some do; no, if none does and some count against it; else it is not shown.

    Args:
        table: results of the figure ``stronger``.
    """
    over = [standing(table, "stronger", name) for name in PAPERS]
    networks = over[0].leads.keys()
    if not networks or any(each.leads.keys() != networks for each in over):
        return NOTHING
    together = [[each.leads[network] for each in over] for network in networks]
    best = sum(min(each.low for each in leads) > 0 for leads in together)
    beaten = sum(min(each.high for each in leads) < 0 for leads in together)
    word = "No" if beaten else "Not shown"
    if best:
        word = "Yes" if best > len(networks) / 2 else "In part"
    told = ", ".join(f"{name} {points(each.mean)}" for name, each in zip(PAPERS, over))
    answer = (
        f"**{word}**: at the same number of epochs, stronger is ahead of each of the paper's "
        f"methods in {best} of {len(networks)} networks, and behind one of them in {beaten}. "
        f"Averaged over all cuts and networks its lead is, in points: {told}."
    )
    answer += _at_deepest(table, "stronger", PAPERS)
    worth = {
        each.title: standing(table, "stronger", f"stronger-without-{name}")
        for name, each in INGREDIENTS.items()
    }
    worth = {title: each for title, each in worth.items() if each.leads}
    best_first = sorted(worth.items(), key=lambda item: -item[1].mean)
    gains = ", ".join(f"{title} {each}" for title, each in best_first)
    answer += (
        f" What each ingredient adds to the others, where it was taken away: {gains}."
        if worth
        else ""
    )
    return answer + scope(table)


def by_depth(table: pd.DataFrame, answer: Callable[[pd.DataFrame], str]) -> str:
    """An answer for the networks of each depth by themselves: a list in Markdown.

    Args:
        table: results of a figure that asks a question.
        answer: the answer to it, given such a table, which tells what depth its networks have.

    Returns:
        An item per number of hidden layers that has an answer; empty if all networks have the same.
    """
    depths = [len(hidden_widths(label)) for label in table["hidden"]]
    told = [answer(rows) for _, rows in table.groupby(depths)]
    return "\n".join(f"- {each}" for each in told if each != NOTHING) if len(told) > 1 else ""


def vanished_answer(table: pd.DataFrame) -> str:
    """How many nodes of ``stronger`` can go without a trace?

    Args:
        table: results of the figure ``stronger``.

    Returns:
        A sentence in Markdown on the cuts up to which accuracy is that of the uncut network, but
        for :data:`TRACE`; empty if there are no results.
    """
    runs = table[table["method"] == "stronger"].groupby(["panel", "seed"])
    level = [_level_up_to(run.set_index("percentile")["accuracy"]) for _, run in runs]
    if not level:
        return ""
    return (
        f"In {len(level)} runs of stronger accuracy stays within {points(TRACE, False, 2)} points "
        f"of the uncut network's up to a cut of {statistics.median(level):g} % in the median, "
        f"{min(level):g} % at least and {max(level):g} % at most."
    )


TRACE = 0.0025
"""Difference in accuracy that counts as none: a narrower product is rounded otherwise."""


def _level_up_to(accuracies: pd.Series) -> float:
    """The last cut, in per cent, before the first one whose accuracy is another."""
    by_cut = accuracies.sort_index()
    same = (by_cut - by_cut.iloc[0]).abs().round(9).le(TRACE).cummin()
    return float(by_cut.index[same].max())


def ingredients_table() -> pd.DataFrame:
    """What the method ``stronger`` changes: one row per ingredient, with the paper's setting."""
    rows = {
        each.title: {
            "setting": name.replace("_", " "),
            "in the paper": in_words(getattr(Settings(), name)),
            "in stronger": in_words(value),
            "taken away in": f"stronger-without-{key}",
        }
        for key, each in INGREDIENTS.items()
        for name, value in each.settings.items()
    }
    return pd.DataFrame(rows).T.rename_axis("ingredient")


def exception_answer(table: pd.DataFrame, figures: pd.DataFrame) -> str:
    """Does the score explain a lead of ``direct`` over ``post`` with ReLU?

    Mostly, if more than half of the lead, on average over the networks that have one, is gone once
    ``post`` ranks by Σ|w|, as ``direct`` does; else no.

    Args:
        table: results of the figure ``score``.
        figures: results of Figs. 6 to 9, with the same seeds.

    Returns:
        Markdown: a sentence, then an item per network: the lead of ``direct`` over ``post``, and
        over the same networks ranked by Σ|w|, too; or that there is no such lead.
    """
    direct = figures[figures["method"] == "direct"]
    both = pd.concat([table, direct[direct["activation"] == "relu"]], ignore_index=True)
    items, before, after = [], [], []
    for panel, rows in both.groupby("panel", sort=False):
        over = {name: lead(rows, "direct", name) for name in ("post", "post-connectivity")}
        if None in over.values():
            continue
        told = ", ".join(f"over {name} {found}" for name, found in over.items())
        if over["post"].mean > 0:
            before.append(over["post"].mean)
            after.append(over["post-connectivity"].mean)
        else:
            told = f"over post {over['post']}: there is none to explain"
        items.append(f"- {panel}: lead of direct, averaged over all cuts, {told}")
    if not items:
        return NOTHING
    if not before:
        return "\n".join(["Nowhere is there a lead to explain.", "", *items])
    first, second = statistics.mean(before), statistics.mean(after)
    word = "Mostly" if second < first / 2 else "No"
    said = (
        f"**{word}**: on average over the networks where direct leads, {points(first)} points "
        f"become {points(second)} once post ranks by Σ|w|, too."
    )
    return "\n".join([said, "", *items])
