"""The methods as flowcharts (Fig. 5): numbered lists, which the book's style draws as boxes."""

import html
from collections.abc import Sequence

from IPython.display import HTML

from spectral_core import _checks
from spectral_core.paper.pages.style import CRITERIA, look
from spectral_core.paper.study.methods import METHODS, Method

REPEATS = {
    "once for each seed": ("draw", "train", "rank"),
    "for each percentile q": ("prune", "retrain", "measure"),
}
"""How often steps are taken, and their kinds; steps of one kind are on one level."""


def flow(method: Method) -> dict[str, str]:
    """Steps of a method, from the initial network to the measured accuracy (Sec. VI): what is done,
    by kind, out of :data:`REPEATS`."""
    spectral = method.layers == "spectral"
    if not spectral:
        trains = "Train the weights w"
    elif method.trains == "both":
        trains = "Train eigenvalues λ and eigenvectors φ"
    else:
        trains = "Train the eigenvalues λ; φ stays as drawn"
    side = "below the q-th" if method.keeps == "largest" else "above the (100 − q)-th"
    one, many = ("hidden node", "nodes") if method.removes == "nodes" else ("input", "inputs")
    score = "at random" if method.score == "random" else f"by {CRITERIA[method.score]}"
    scale = ", divided by its layer's mean" if method.scaled else ""
    pool = "their layer's scores" if method.per_layer else "all scores"
    steps = {
        "draw": f"Draw a network: random {'λ and φ' if spectral else 'w'}",
        "train": trains,
        "rank": f"Score each {one} {score}{scale}",
        "prune": f"Remove the {many} that score {side} percentile of {pool}",
    }
    if method.from_scratch:
        again = "Draw a new network of the widths that are left; train λ and φ"
    elif method.trains == "both":
        again = f"Retrain the {'λ and φ' if spectral else 'w'} that are left"
    else:
        again = "Train the eigenvectors φ that are left; λ stays as trained"
    if method.from_scratch or method.retrained:
        steps["retrain"] = again
    return steps | {"measure": "Measure the accuracy on the test images"}


def flowchart(methods: Sequence[str] = ("pre", "post")) -> HTML:
    """A column per method.

    Args:
        methods: keys of :data:`~spectral_core.paper.study.methods.METHODS`.

    Raises:
        TypeError, ValueError: if a method is unknown or named twice.
    """
    named = _checks.distinct("methods", methods)
    columns = [_column(_checks.choice("methods", name, METHODS)) for name in named]
    return HTML(f'<div class="flow">{"".join(columns)}</div>')


def _column(name: str) -> str:
    """A method's numbered steps, in a list for each of :data:`REPEATS`."""
    text, number = f"<strong>{html.escape(METHODS[name].title)}</strong>", 1
    for repeat, kinds in REPEATS.items():
        steps = {kind: what for kind, what in flow(METHODS[name]).items() if kind in kinds}
        text += f'<p>{repeat}</p><ol start="{number}">'
        for kind, what in steps.items():
            trains = ' class="trains"' * (kind in ("train", "retrain"))
            row = kinds.index(kind) + 1
            text += f'<li{trains} style="grid-row: {row}">{html.escape(what)}</li>'
        text += "</ol>"
        number += len(steps)
    return f'<div style="--hue: {look(name).colour}">{text}</div>'
