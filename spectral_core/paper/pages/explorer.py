"""The explorer of the landing page: the published curves of twelve networks, in the page itself.

``book/_static/explorer.js`` draws what is in the page; without JavaScript a picture and a table of
Fig. 3's network stand in its place.
"""

import base64
import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import HTML

from spectral_core.data.raw_data import RAW_DATA
from spectral_core.layers.networks import ACTIVATION_NAMES, hidden_widths
from spectral_core.paper import paths
from spectral_core.paper.pages import plots, run_tables
from spectral_core.paper.pages.style import CRITERIA, HUES, in_order, look, training
from spectral_core.paper.results import accuracies, inside
from spectral_core.paper.results.published import Run
from spectral_core.paper.study.methods import METHODS

SHOWN = (
    *("direct", "post", "pre", "direct-retrained", "post-retrained", "pre-random", "fresh"),
    *("direct-random", "post-random"),
)
"""Methods that can be shown."""
DATASETS, DEPTHS, SOURCES = ("fashion-mnist", "mnist"), (1, 3), ("text", "released")
INSIDE = ("fashion-mnist", 1, "elu", "text")
"""The network whose fields and answers are shown: Fig. 3's."""
SLIDER_LEVELS = [float(level) for level in range(0, 100, 5)]
_PIXELS, _CLASSES = 784, 10
_PARTS = 41  # points of a spectrum


def explorer(stories: Sequence[Mapping[str, str]], alt: str) -> HTML:
    """The explorer.

    Args:
        stories: views to begin with, as :func:`spectral_core.paper.pages.stories.stories` returns
            them; the first is shown at first.
        alt: the finding of the picture that stands in its place, in words.
    """
    content = {**explorer_data(), "stories": list(stories)}
    # "</script>" must not stand in a script.
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    table = _rows(*INSIDE)
    shown = table[table["method"].isin(HUES)].assign(panel="fig03")
    return HTML(
        '<div class="explorer" id="explorer">'
        f"{plots.curves(shown, alt)._repr_html_()}"
        f"{run_tables.accuracies(table.assign(panel='fig03'))._repr_html_()}"
        f'<script type="application/json">{text}</script></div>'
    )


def explorer_data() -> dict[str, Any]:
    """All that the explorer draws, as plain JSON data.

    Returns:
        ``levels``; ``methods`` by key with their look; ``networks`` by data set, hidden layers,
        activation and source, as in ``mnist/3/relu/text``, see :func:`network_data`; ``inside``,
        see :func:`inside_data`.
    """
    names = itertools.product(DATASETS, DEPTHS, ACTIVATION_NAMES, SOURCES)
    networks = {"/".join(map(str, name)): network_data(*name) for name in names}
    methods = {
        key: {
            "title": METHODS[key].title,
            "training": training(key),
            "ranks": None if METHODS[key].score == "random" else CRITERIA[METHODS[key].score],
            "colour": look(key).colour,
            "dash": "" if look(key).dash == "-" else " ".join(f"{2 * n:g}" for n in look(key).dash),
        }
        for key in SHOWN
    }
    return {
        "levels": SLIDER_LEVELS,
        "methods": methods,
        "networks": networks,
        "inside": inside_data(),
    }


def network_data(dataset: str, depth: int, activation: str, source: str) -> dict[str, Any]:
    """Curves and spectra of one network.

    Returns:
        ``name``; ``methods``: of each its ``hidden`` widths, ``weights`` and ``seeds`` and, by
        level, ``accuracy`` and ``sd`` in per cent, the nodes ``kept`` in each layer, the per cent
        of the weights ``left``, all means over seeds, and the first level at which a layer is
        ``empty``; ``scores``: see :func:`sorted_scores`.
    """
    table = _rows(dataset, depth, activation, source)
    curves = {}
    for method in in_order(table["method"], SHOWN):
        rows = table[table["method"] == method]
        hidden = hidden_widths(rows["hidden"].iloc[0])
        weights = sum(a * b for a, b in itertools.pairwise((_PIXELS, *hidden, _CLASSES)))
        by_level = rows.groupby("level")
        accuracy = 100 * by_level["accuracy"].agg(["mean", "std"]).reindex(SLIDER_LEVELS)
        kept = pd.DataFrame(map(hidden_widths, rows["kept"])).groupby(list(rows["level"])).mean()
        left = 100 * by_level["parameters"].mean().reindex(SLIDER_LEVELS) / weights
        empty = rows.loc[rows["collapsed"], "level"].min()
        curves[method] = {
            "hidden": hidden,
            "weights": weights,
            "seeds": rows["seed"].nunique(),
            "accuracy": _numbers(accuracy["mean"], 3),
            "sd": _numbers(accuracy["std"], 1),
            "kept": [_numbers(kept.reindex(SLIDER_LEVELS)[layer], 0) for layer in kept],
            "left": _numbers(left, 1),
            "empty": None if pd.isna(empty) else empty,
        }
    widths = dict.fromkeys(name.split(" · ")[1] for name in table["network"].unique())
    first, _, last = table["network"].iloc[0].split(" · ")
    panel = f"{dataset}-{activation}-{table['hidden'].iloc[0]}"
    return {
        "name": " · ".join((first, " or ".join(widths), last)),
        "methods": curves,
        "scores": sorted_scores(panel) if source == "text" else {},
    }


def _rows(dataset: str, depth: int, activation: str, source: str) -> pd.DataFrame:
    """Published points of a network; of each method in fp32, or else in the precision of most."""
    where = {"dataset": dataset, "depth": depth, "activation": activation, "source": source}
    table = accuracies.selected(SHOWN, **where)
    counts = table.groupby(["method", "precision"]).size().reset_index(name="points")
    counts["first"] = counts["precision"] == "fp32"
    best = counts.sort_values(["first", "points"]).drop_duplicates("method", keep="last")
    return table[table["precision"] == table["method"].map(best.set_index("method")["precision"])]


def sorted_scores(panel: str) -> dict[str, Any]:
    """Sorted scores of the nodes of one seed.

    Returns:
        By training: ``layers`` (of each, the scores at equal distances in the ascending order) and
        the ``threshold`` of each level; empty if none are published.
    """
    run = Run(paths.results("inside", f"{panel}-bf16.csv"))
    if not run.table.exists():
        return {}
    nodes = run.read()
    found = {}
    for method in in_order(nodes, HUES):
        layers = [np.sort(own.to_numpy()) for _, own in nodes.groupby("layer")[method]]
        ranks = [np.linspace(0, len(own) - 1, _PARTS).round().astype(int) for own in layers]
        found[method] = {
            "layers": [_short(own[at]) for own, at in zip(layers, ranks)],
            "threshold": _short(np.percentile(nodes[method], SLIDER_LEVELS)),
        }
    return found


def inside_data() -> dict[str, Any] | None:
    """Fields and answers of Fig. 3's network.

    Returns:
        ``network`` (its key), ``every`` (of the sorted nodes, which are shown), ``row`` (fields in
        a row), ``classes``, ``images`` (their picture),
        ``targets``; by method, ``fields`` (their picture) and ``answers`` (predicted classes, by
        level); ``None`` if nothing is published.
    """
    dataset, _, activation, _ = INSIDE
    stem = f"{dataset}-{activation}-500-bf16"
    run = Run(paths.results("inside", f"{stem}--answers.csv"))
    if not run.table.exists():
        return None
    answers, classes = run.read(), RAW_DATA[dataset].classes
    return {
        "network": "/".join(map(str, INSIDE)),
        "every": inside.EVERY,
        "row": inside.ROW,
        "classes": classes,
        "images": _picture(f"{stem}--images"),
        "targets": answers.drop_duplicates("image")["target"].tolist(),
        "fields": {name: _picture(f"{stem}--fields-{name}") for name in ("post", "pre")},
        "answers": {
            name: [
                rows["predicted"].tolist()
                for _, rows in answers[answers["method"] == name].groupby("percentile")
            ]
            for name in ("post", "pre")
        },
    }


def _picture(name: str) -> str:
    content = paths.results("inside", f"{name}.webp").read_bytes()
    return f"data:image/webp;base64,{base64.b64encode(content).decode()}"


def _numbers(values: pd.Series, digits: int) -> list[float | None]:
    rounded = [None if pd.isna(value) else round(float(value), digits) for value in values]
    return [int(n) if n is not None and n == int(n) else n for n in rounded]


def _short(values: np.ndarray) -> list[float]:
    return [float(f"{value:.3g}") for value in values]
