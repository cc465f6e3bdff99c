"""How methods and networks look and are called: hue for the training, dash and marker for what
else a method does differently."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from spectral_core.paper.study.methods import METHODS

# The paper's orange, blue and green in shades of Okabe and Ito. Each has a contrast of at least
# 3 : 1 to white and to the black of a dark page.
HUES = {"direct": "#B87500", "post": "#0072B2", "pre": "#009E73"}
"""Colour of each of the paper's three trainings, by the method that has nothing but it."""
INK, PAPER = "#222222", "#FEFEFE"
"""Text and axes, and what shows through: a page puts its own colours in their place."""

CRITERIA = {
    "eigenvalue": "|λ|",
    "connectivity": "Σ|w|",
    "invariant": "|λ|·‖φ‖₂",
    "taylor": "Taylor score",
    "random": "random nodes",
    "ln_structured": "‖w‖₂ (torch masks)",
    "magnitude": "Torch-Pruning",
}
"""What ranks nodes, as readers know it; of other tools, with the tool."""

_MARKERS = {"direct": "o", "post": "s", "pre": "^"}
_DASHES = (
    *((9, 2), (1, 1), (4, 1.5), (6, 1.5, 1, 1.5), (2.5, 1), (9, 1.5, 3, 1.5)),
    *((6, 1.5, 1, 1.5, 1, 1.5), (3, 3)),
)
_OTHER_MARKERS = ("D", "X", "P", "v", "*", "<", ">", "p", "h", "d", "8", "H")


class Look(NamedTuple):
    """How one method is drawn."""

    colour: str
    dash: tuple[float, ...] | str
    """Lengths of strokes and gaps; ``"-"`` for a line without gaps."""
    marker: str

    @property
    def line(self) -> dict[str, Any]:
        """Colour and dash as matplotlib's ``plot`` takes them."""
        dash = self.dash if self.dash == "-" else (0, self.dash)
        return {"color": self.colour, "linestyle": dash}


def training(method: str) -> str:
    """Which of the paper's trainings a method has: ``"direct"``, ``"post"`` or ``"pre"``."""
    kinds = {name: (METHODS[name].layers, METHODS[name].trains) for name in (*HUES, method)}
    return next(name for name in HUES if kinds[name] == kinds[method])


def look(method: str) -> Look:
    """Colour, dash and marker of a method.

    What makes a control (the same of several trainings, such as random nodes) has one dash and one
    marker.
    """
    name = training(method)
    control = _control(method)
    if not control:
        return Look(HUES[name], "-", _MARKERS[name])
    at = list(dict.fromkeys(map(_control, METHODS))).index(control) - 1
    return Look(HUES[name], _DASHES[at % len(_DASHES)], _OTHER_MARKERS[at % len(_OTHER_MARKERS)])


def _control(method: str) -> str:
    """What tells a method from the one that has its training and nothing else: most keys say it
    after the training, as in ``pre-random``."""
    base = training(method)
    return "" if method == base else method.removeprefix(f"{base}-")


def in_order(found: Iterable[str], order: Iterable[str] = tuple(METHODS)) -> list[str]:
    """Each of the methods found once, in the registry's order or another."""
    return [name for name in order if name in set(found)]
