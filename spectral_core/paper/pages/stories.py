"""Five views of the explorer that tell the paper, each with what makes its sentence true."""

from __future__ import annotations

from spectral_core.paper.pages.explorer import Story
from spectral_core.paper.results.estimates import collapse_level, mean_accuracy

FIG03, WIDE = "Fashion-MNIST · 1 × 500 · ELU", "MNIST · 3 × 800 · ReLU"


def stories() -> list[Story]:
    """The five views, in order; the first is where the explorer begins.

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
    for level in range(30, 100, 5):
        of_post, of_direct = (
            mean_accuracy(name, level, WIDE, source="released") for name in ("post", "direct")
        )
        assert of_post < of_direct
    return [
        Story(
            "The paper’s Fig. 3",
            "pruned=90",
            "With 90 % of the nodes removed, only the two-stage network is still accurate. But of "
            "the three, only it was retrained after pruning.",
        ),
        Story(
            "… all retrained",
            "methods=direct-retrained,post-retrained,pre&scale=top",
            "Train all three equally long, after pruning, too, and they end within a point of one "
            "another.",
        ),
        Story(
            "… nodes drawn at random",
            "methods=pre,pre-random,fresh&scale=top",
            "Keep random nodes in place of those with the largest |λ|, or train a new network of "
            "that size: less than a point is lost.",
        ),
        Story(
            "Three layers: two vanish",
            "layers=3&pruned=70&methods=direct,direct-retrained,post-retrained,pre",
            "At 70 %, one threshold for all layers empties two of Magnitude’s three. No retraining "
            "can bring them back.",
        ),
        Story(
            "ReLU, as released",
            "data=mnist&layers=3&activation=relu&settings=released&pruned=80",
            "With ReLU and the authors’ own widths, pruning by |λ| after training is behind "
            "Magnitude from 30 % on. Single runs.",
        ),
    ]
