"""Every page in Chromium: it can be read by everyone, fits a phone, is light, and asks no other
server for anything."""

import contextlib
import functools
import http.server
import threading
from importlib.resources import files

import pytest

from spectral_core.paper import paths
from spectral_core.paper.pages import printing

NAMES = [*printing.pages(paths.project() / "_toc.yml"), "genindex", "py-modindex", "search"]
AT_REST = "* { transition: none !important; }"
WIDE, PHONE = {"width": 1400, "height": 900}, {"width": 390, "height": 844}
CONTRAST = {"runOnly": ["color-contrast"]}
OF_A_PHONE = {"runOnly": ["scrollable-region-focusable"]}
"""What else depends on the width is the theme's, and alike on all pages."""
LOOKS = """
axe.configure({ rules: [{ id: "color-contrast", selector: "[data-look]" }] });
function looks(element, behind, seen) {
  const of = getComputedStyle(element);
  if (of.display === "none") return seen;
  const back = [of.backgroundColor, of.backgroundImage, of.opacity, of.position].join();
  if (!behind.endsWith(back)) behind += back;
  const look = [of.color, of.fill, of.fontSize, of.fontWeight, of.textShadow, behind].join();
  const hasText = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
  if (hasText && element.checkVisibility({ visibilityProperty: true }) && !seen.has(look))
    seen.set(look, element);
  for (const child of element.children) looks(child, behind, seen);
  return seen;
}
function markNewLooks(known) {
  document.querySelectorAll("[data-look]").forEach(element => delete element.dataset.look);
  known = new Set(known);
  const found = [...looks(document.body, "", new Map())].filter(([look]) => !known.has(look));
  found.forEach(([look, element]) => element.dataset.look = "");
  return found.map(([look]) => look);
}"""
"""Marks one visible element of text for each look that no page before had: colour, font, and all
that lies behind. Contrast depends on little else, and to check it takes seconds on a page of
thousands of elements."""
LIGHT = 500_000
"""Bytes of a page with all that it loads, not compressed."""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Files of a folder, without a word for each."""

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site(html):
    """Address of the built book."""
    handler = functools.partial(Quiet, directory=html)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="module")
def wide(browser):
    """A visitor on a wide screen: what one page has brought along, the next need not fetch."""
    with contextlib.closing(browser.new_context(viewport=WIDE, color_scheme="light")) as context:
        yield context


@pytest.fixture(scope="module")
def seen():
    """Looks of which the contrast has been checked."""
    return set()


@pytest.fixture(scope="module")
def axe():
    package = pytest.importorskip("axe_playwright_python")
    return (files(package) / "axe.min.js").read_text(encoding="utf-8")


def violations(page, options):
    """Rules that a page breaks badly, with the first element that does."""
    options = {"resultTypes": ["violations"], **options}
    run = "async options => (await axe.run(options)).violations"
    return [
        (rule["id"], rule["nodes"][0]["html"][:200], len(rule["nodes"]))
        for rule in page.evaluate(run, options)
        if rule["impact"] in ("serious", "critical")
    ]


def mark_new_looks(page, seen):
    """Looks of a page that are not among those seen; their contrast is what will be checked."""
    return page.evaluate("seen => markNewLooks(seen)", list(seen))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_light_accessible_and_fits_a_phone(wide, site, axe, seen, name):
    page, asked, loaded = wide.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("response", lambda answer: loaded.append(answer))
    page.set_viewport_size(PHONE)  # what can be scrolled gets its tab stop while loading
    page.goto(f"{site}{name}.html", wait_until="load")
    page.wait_for_selector("html[data-theme=light]", state="attached")
    page.add_style_tag(content=AT_REST)
    page.evaluate(axe + LOOKS)
    assert not violations(page, OF_A_PHONE)
    assert not page.evaluate("document.documentElement.scrollWidth - innerWidth")
    page.set_viewport_size(WIDE)
    light = mark_new_looks(page, seen)
    assert not violations(page, {})
    assert not page.evaluate("document.documentElement.scrollWidth - innerWidth")
    page.emulate_media(color_scheme="dark")
    page.wait_for_selector("html[data-theme=dark]", state="attached")
    dark = mark_new_looks(page, seen)
    assert not dark or not violations(page, CONTRAST)
    seen.update(light + dark)
    assert all(address.startswith((site, "data:")) for address in asked)
    assert sum(len(answer.body()) for answer in loaded) <= LIGHT
    if name == NAMES[0]:  # every rule, and the contrast of all text, on a phone, too
        page.set_viewport_size(PHONE)
        page.reload()
        page.wait_for_selector("html[data-theme=dark]", state="attached")
        page.add_style_tag(content=AT_REST)  # a colour half-way to the theme's has no contrast
        page.evaluate(axe)
        assert not violations(page, {})
    page.close()


@pytest.mark.slow
def test_a_link_to_an_equation_shows_it(wide, site):
    page = wide.new_page()
    page.goto(f"{site}book/figures/theory.html")
    link = page.locator('article a.internal[href="#equation-eq-weights"]').first
    equation = page.locator("#equation-eq-weights math").text_content()
    for show, hide in (
        (link.hover, lambda: page.mouse.move(0, 0)),
        (link.focus, lambda: page.keyboard.press("Escape")),
    ):
        show()
        assert page.locator(".preview math").text_content() == equation
        hide()
        assert not page.locator(".preview").count()
    page.close()
