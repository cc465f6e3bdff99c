"""A picture for a page: drawings in a row that wraps, as SVG in the colours of the page."""

import hashlib
import html
import io
import re
from dataclasses import dataclass

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spectral_core.paper.pages.style import INK, PAPER

UNIT = 72
"""Units of a drawing per inch: a font size of 12 is 12 of them, and as many pixels at full size."""
WIDTH, HEIGHT = 420, 300
"""Of most drawings, in units."""
EDGES = {"left": 46, "right": 104, "top": 30, "bottom": 44}
"""Units around the axes of most drawings."""
_LEAST, _MOST = 330, 560  # pixels across which a drawing is shown
# On a page without a style of its own, such as a notebook's, what shows through is white.
_COLOURS = {
    INK.lower(): "currentColor",
    PAPER.lower(): "var(--pst-color-background, var(--jp-layout-color0, white))",
}


THEME = {
    "font.family": "sans-serif",
    "font.size": 12,
    "axes.titlesize": 12.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 12,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.alpha": 0.15,
    "grid.linewidth": 0.8,
    "lines.linewidth": 2,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "svg.fonttype": "none",
    "svg.hashsalt": "spectral-core",
    **dict.fromkeys(
        ("text.color", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor", "xtick.color",
         "ytick.color", "grid.color"),
        INK,
    ),
}  # fmt: skip
"""The look of every picture: text and axes in ink, no frame, a faint grid."""
themed = rc_context(THEME)
"""Decorator of functions that draw: in this look, which is nobody else's."""


@dataclass(frozen=True)
class Picture:
    """Drawings side by side, as many as fit; below one another on a phone.

    Text and axes have the colour of the text around them, in light and dark alike.
    """

    drawings: tuple[Figure, ...]
    alt: str
    """The finding in words, for those who do not see it."""

    def _repr_html_(self) -> str:
        cells = "".join(
            f'<div style="width: 100%; max-width: {_MOST}px">{inline_svg(each)}</div>'
            for each in self.drawings
        )
        return (
            f'<div class="picture" role="img" aria-label="{html.escape(self.alt)}" '
            'style="display: grid; gap: 0.5rem 1rem; justify-items: center; '
            f'grid-template-columns: repeat(auto-fit, minmax(min(100%, {_LEAST}px), 1fr))">'
            f"{cells}</div>"
        )


def drawing(width: float, height: float) -> Figure:
    """An empty figure of so many units."""
    return Figure(figsize=(width / UNIT, height / UNIT))


def canvas(
    title: str, y: str, x: str, height: float = HEIGHT, **edges: float
) -> tuple[Figure, Axes]:
    """A drawing with one pair of axes, which leave so many units free at the ``edges`` named."""
    figure = drawing(WIDTH, height)
    axes = axes_within(figure, **EDGES | edges)
    axes.set_title(title)
    axes.set(xlabel=x, ylabel=y)
    return figure, axes


def axes_within(
    figure: Figure, left: float, right: float, top: float, bottom: float = EDGES["bottom"]
) -> Axes:
    """Axes that leave so many units free on each side: alike in all drawings."""
    width, height = figure.get_size_inches() * UNIT
    size = (1 - (left + right) / width, 1 - (top + bottom) / height)
    return figure.add_axes((left / width, bottom / height, *size))


@themed
def inline_svg(figure: Figure) -> str:
    """A figure as SVG to stand within a page, in its colours and font, as wide as there is room.

    Names within it are made from its content, so that several drawings do not meet on a page.
    """
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    text = file.getvalue()
    shape = re.search(r'viewBox="[^"]+"', text)[0]
    body = text[text.index(">", text.index("<svg")) + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", body, flags=re.S)
    for ours, theirs in _COLOURS.items():
        body = body.replace(ours, theirs)
    body = re.sub(r"font-family: [^;\"]*", "font-family: inherit", body)
    # Coloured text is nearer to the text around it than a coloured line, to be read more easily.
    body = re.sub(
        r"(<text style=\"[^\"]*)fill: (#\w{6})",
        r"\1fill: \2; fill: color-mix(in srgb, \2 70%, currentColor)",
        body,
    )
    used = set(re.findall(r"(?:url\(|href=\")#([\w-]+)", body))
    mark = hashlib.sha256(body.encode()).hexdigest()[:8]
    body = re.sub(
        r' id="([\w.-]+)"', lambda m: f' id="{mark}-{m[1]}"' if m[1] in used else "", body
    )
    body = re.sub(r"(url\(|href=\")#(?=[\w-]+)", rf"\1#{mark}-", body)
    head = (
        f'<svg {shape} xmlns:xlink="http://www.w3.org/1999/xlink" aria-hidden="true" '
        'focusable="false" style="display: block; width: 100%; height: auto; '
        'stroke-linejoin: round; stroke-linecap: butt">'
    )
    return head + re.sub(r"\s*\n\s*", "\n", body)
