"""Tables of results made up for a test, with the columns of the published ones."""

import itertools

import pandas as pd

from spectral_core.layers.networks import hidden_label, hidden_widths
from spectral_core.paper.results.accuracies import described
from spectral_core.paper.results.tables import COLUMNS

CUTS = tuple(float(q) for q in range(0, 100, 5))


def row(dataset, activation, hidden, method, seed, percentile, accuracy, **more):
    """A row of results; ``more`` replaces what is made up for it."""
    own = {
        "panel": f"{dataset}-{activation}-{hidden_label(hidden)}",
        "dataset": dataset,
        "activation": activation,
        "hidden": hidden_label(hidden),
        "method": method,
        "seed": seed,
        "penalty": 0.0,
        "percentile": float(percentile),
        "kept": hidden_label([round(n * (1 - percentile / 100)) for n in hidden]),
        "parameters": round(1000 * (1 - percentile / 100)),
        "accuracy": accuracy,
        "loss": 1.0,
        **more,
    }
    return {**own, "nodes": sum(hidden_widths(own["kept"]))}


def made(panel, accuracy, seeds=5, cuts=CUTS, penalties=(0.0,), parameters=None, methods=None):
    """Results of a panel.

    ``accuracy`` maps (method, percentile, seed, penalty) to an accuracy, ``parameters`` maps
    (method, percentile) to a count; without it, the share of nodes that is left, of 1000.
    """
    rows = []
    for method in methods or panel.methods:
        hidden = panel.settings.get(method, panel.base).hidden
        for seed, penalty, q in itertools.product(range(seeds), penalties, cuts):
            more = {"parameters": parameters(method, q)} if parameters else {}
            more |= {"panel": panel.name, "penalty": penalty}
            found = accuracy(method, q, seed, penalty)
            rows.append(
                row(panel.dataset, panel.activation, hidden, method, seed, q, found, **more)
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def of_seeds(accuracies, percentiles=(0.0, 90.0), method="pre"):
    """Results of one method, one seed per row of accuracies."""
    rows = [
        {**dict.fromkeys(COLUMNS, 1), "panel": "p", "method": method, "seed": seed,
         "percentile": percentile, "accuracy": accuracy}
        for seed, row in enumerate(accuracies)
        for percentile, accuracy in zip(percentiles, row)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def curves(accuracies, dataset="mnist", activation="elu", hidden="10", kept=None, **columns):
    """Results by method, {level: accuracies, one per seed}, as estimates take them.

    ``kept`` maps (method, level, seed) to the nodes left, such as ``5-0-3``; without it, the share
    of every layer that is left.
    """
    rows = [
        row(dataset, activation, hidden_widths(hidden), method, seed, q, accuracy)
        for method, by_level in accuracies.items()
        for q, of_seeds in by_level.items()
        for seed, accuracy in enumerate(of_seeds)
    ]
    for each in rows:
        left = (kept or {}).get((each["method"], each["percentile"], each["seed"]), each["kept"])
        each |= {"kept": left, "nodes": sum(hidden_widths(left))}
    return described(pd.DataFrame(rows).assign(**columns))
