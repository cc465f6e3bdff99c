"""Tables of results made up for a test, with the columns of the published ones."""

import pandas as pd

from spectral_core.layers.networks import hidden_label, hidden_widths
from spectral_core.paper.results.accuracies import described
from spectral_core.paper.results.tables import COLUMNS

CUTS = tuple(float(q) for q in range(0, 100, 5))


def made(panel, accuracy, seeds=5, cuts=CUTS, penalties=(0.0,), parameters=None, methods=None):
    """Results of a panel.

    ``accuracy`` maps (method, percentile, seed, penalty) to an accuracy, ``parameters`` maps
    (method, percentile) to a count; without it, the share of nodes that is left, of 1000.
    """
    parameters = parameters or (lambda method, q: round(1000 * (1 - q / 100)))
    names = methods or panel.methods
    widths = {name: panel.settings.get(name, panel.base).hidden for name in names}
    rows = [
        {
            "panel": panel.name,
            "dataset": panel.dataset,
            "activation": panel.activation,
            "hidden": hidden_label(hidden),
            "method": method,
            "seed": seed,
            "penalty": penalty,
            "percentile": q,
            "kept": hidden_label([round(n * (1 - q / 100)) for n in hidden]),
            "nodes": round(sum(hidden) * (1 - q / 100)),
            "parameters": parameters(method, q),
            "accuracy": accuracy(method, q, seed, penalty),
            "loss": 1.0,
        }
        for method, hidden in widths.items()
        for seed in range(seeds)
        for penalty in penalties
        for q in cuts
    ]
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
    widths = hidden_widths(hidden)
    rows = [
        {
            "panel": f"{dataset}-{activation}-{hidden}",
            "dataset": dataset,
            "activation": activation,
            "hidden": hidden,
            "method": method,
            "seed": seed,
            "penalty": 0.0,
            "percentile": float(q),
            "kept": (kept or {}).get((method, q, seed))
            or hidden_label([round(n * (1 - q / 100)) for n in widths]),
            "accuracy": accuracy,
            "parameters": round(1000 * (1 - q / 100)),
            "loss": 1.0,
        }
        for method, by_level in accuracies.items()
        for q, of_seeds in by_level.items()
        for seed, accuracy in enumerate(of_seeds)
    ]
    table = pd.DataFrame(rows)
    nodes = [sum(hidden_widths(label)) for label in table["kept"]]
    return described(table.assign(nodes=nodes, **columns))
