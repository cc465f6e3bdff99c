"""Tables of results made up for a test, with the columns of the published ones."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from spectral_core.layers.networks import hidden_label, hidden_widths
from spectral_core.paper.results.accuracies import described

LEVELS = tuple(float(q) for q in range(0, 100, 5))


def curves(
    accuracies: Mapping[str, Mapping[float, Sequence[float]]],
    dataset="mnist",
    activation="elu",
    hidden="10",
    kept: Mapping[tuple[str, float, int], str] | None = None,
    **columns,
) -> pd.DataFrame:
    """Results by method, {level: accuracies, one per seed}, as estimates take them.

    ``kept`` maps (method, level, seed) to the nodes left, such as ``5-0-3``; without it, the share
    of every layer that is left, and of 1000 weights. ``columns`` replace others.
    """
    rows = []
    for method, by_level in accuracies.items():
        for q, of_seeds in by_level.items():
            left = hidden_label([round(n * (1 - q / 100)) for n in hidden_widths(hidden)])
            for seed, accuracy in enumerate(of_seeds):
                own = (kept or {}).get((method, q, seed), left)
                size = (own, sum(hidden_widths(own)), round(1000 - 10 * q))
                rows.append((method, seed, float(q), *size, accuracy))
    names = ["method", "seed", "percentile", "kept", "nodes", "parameters", "accuracy"]
    table = pd.DataFrame(rows, columns=names).assign(
        panel=f"{dataset}-{activation}-{hidden}", dataset=dataset, activation=activation,
        hidden=hidden, penalty=0.0, loss=1.0,
    )  # fmt: skip
    return described(table.assign(**columns))


def by_rule(
    accuracy: Callable[[str, float, int], float],
    methods: Sequence[str] = ("direct", "post", "pre"),
    levels: Sequence[float] = LEVELS,
    seeds: int = 2,
    **options,
) -> pd.DataFrame:
    """:func:`curves` of the accuracies that a rule gives to a method, a level and a seed."""
    rows = {m: {q: [accuracy(m, q, s) for s in range(seeds)] for q in levels} for m in methods}
    return curves(rows, **options)
