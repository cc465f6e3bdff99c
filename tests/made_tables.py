"""Tables of results made up for a test, with the columns of the published ones."""

import pandas as pd

from spectral_core.layers.networks import hidden_label
from spectral_core.paper.results.tables import COLUMNS

CUTS = tuple(float(q) for q in range(0, 100, 5))


def made(panel, accuracy, seeds=5, cuts=CUTS, penalties=(0.0,), parameters=None, methods=None):
    """Results of a panel.

    ``accuracy`` maps (method, percentile, seed, penalty) to an accuracy, ``parameters`` maps
    (method, percentile) to a count; without it, the share of nodes that is left, of 1000.
    """
    parameters = parameters or (lambda method, q: round(1000 * (1 - q / 100)))
    rows = [
        {
            "panel": panel.name,
            "dataset": panel.dataset,
            "activation": panel.activation,
            "hidden": hidden_label(panel.settings[method].hidden),
            "method": method,
            "seed": seed,
            "penalty": penalty,
            "percentile": q,
            "kept": hidden_label([round(n * (1 - q / 100)) for n in panel.settings[method].hidden]),
            "nodes": round(sum(panel.settings[method].hidden) * (1 - q / 100)),
            "parameters": parameters(method, q),
            "accuracy": accuracy(method, q, seed, penalty),
            "loss": 1.0,
        }
        for method in methods or panel.methods
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
