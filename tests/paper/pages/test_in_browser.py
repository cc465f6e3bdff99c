"""Every page in Chromium: it can be read by everyone, fits a phone, is light, and asks no other
server for anything."""

import functools
import http.server
import shutil
import threading
from importlib.resources import files

import pytest

from spectral_core.paper import paths
from spectral_core.paper.pages import printing

MODES = {
    "light": {"viewport": {"width": 1400, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1400, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
}
LANDING, OTHERS = 700_000, 500_000
"""Bytes of a page with all that it loads, not compressed."""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Files of a folder, without a word for each."""

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    program = next(filter(None, map(shutil.which, printing.BROWSERS)), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(printing.BROWSERS)} is installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(html):
    """Address of the built book."""
    handler = functools.partial(Quiet, directory=html)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="module")
def names():
    return [*printing.pages(paths.project() / "_toc.yml"), "genindex", "py-modindex", "search"]


def test_a_page_loads_little_and_nothing_from_elsewhere(browser, site, names):
    heavy, elsewhere = {}, set()
    for name in names:
        page, loaded = browser.new_page(), []
        page.on("response", lambda answer, loaded=loaded: loaded.append(answer))
        page.goto(f"{site}{name}.html", wait_until="networkidle")
        elsewhere |= {each.url for each in loaded if not each.url.startswith((site, "data:"))}
        size = sum(len(each.body()) for each in loaded)
        if size > (LANDING if name == names[0] else OTHERS):
            heavy[name] = size
        page.close()
    assert not heavy and not elsewhere


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_no_page_has_a_serious_violation_or_is_wider_than_the_screen(browser, site, names, mode):
    package = pytest.importorskip("axe_playwright_python")
    axe = (files(package) / "axe.min.js").read_text(encoding="utf-8")
    page, wrong = browser.new_context(**MODES[mode]).new_page(), {}
    for name in names:
        page.goto(f"{site}{name}.html")
        page.evaluate(axe)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        problems = [
            (each["id"], each["nodes"][0]["html"][:200], len(each["nodes"]))
            for each in found
            if each["impact"] in ("serious", "critical")
        ]
        if wider := page.evaluate("document.documentElement.scrollWidth - innerWidth") > 0:
            problems.append(("wider than the screen", wider))
        if problems:
            wrong[name] = problems
    assert not wrong
