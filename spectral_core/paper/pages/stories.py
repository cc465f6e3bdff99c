"""The paper in five views of the explorer, each with what makes its sentence true."""

import csv

from spectral_core.paper import paths
from spectral_core.paper.results.accuracies import selected
from spectral_core.paper.results.estimates import (
    ALL_LEVELS,
    by_level,
    collapse_level,
    differences,
    mean_accuracy,
)

FIG03, WIDE = "Fashion-MNIST · 1 × 500 · ELU", "MNIST · 3 × 800 · ReLU"


def stories() -> list[dict[str, str]]:
    """Rows of ``book/stories.csv``, in order; the first is where the explorer begins.

    Returns:
        ``label``, of the link that leads there; ``view``, what differs from the first view as the
        address has it, such as ``layers=3&pruned=70``; and ``says``, what one sees there.

    Raises:
        AssertionError: if the published results no longer say what a sentence says.
    """
    retrained = ("direct-retrained", "post-retrained")
    names = ("direct", "post", "pre", *retrained, "pre-random", "fresh")
    at_90 = {name: mean_accuracy(name, level=90, network=FIG03) for name in names}
    ahead = {name: at_90["pre"] - at_90[name] for name in names}
    assert ahead["direct"] > 30 and ahead["post"] > 30
    assert all(abs(ahead[name]) < 1 for name in retrained)
    assert 0 < ahead["pre-random"] < 1 and 0 < ahead["fresh"] < 1
    three = {"dataset": "fashion-mnist", "depth": 3, "activation": "elu"}
    for name in ("direct", "direct-retrained"):
        assert set(collapse_level(name, **three).values()) == {70.0}
    at_70 = selected("direct", **three).query("level == 70")
    assert at_70["kept"].str.endswith("-0-0").all()
    wide = by_level(differences("post", "direct", ALL_LEVELS, network=WIDE, source="released"))
    assert list(wide["level"][wide["high"] < 0]) == list(range(40, 90, 5))
    assert set(wide["n"]) == {5} and not (wide["low"] > 0).any()
    with (paths.project() / "book" / "stories.csv").open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))
