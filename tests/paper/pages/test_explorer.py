"""The explorer: its data are the published tables', and in a browser it shows them."""

import gzip
import re
import shutil

import pandas as pd
import pytest

from spectral_core.paper import paths
from spectral_core.paper.pages import explorer as module
from spectral_core.paper.pages.explorer import SLIDER_LEVELS, explorer, explorer_data
from spectral_core.paper.pages.stories import stories

ROOT = paths.project()
STATIC = ROOT / "book" / "_static"
FIG03 = "fashion-mnist/1/elu/text"


@pytest.fixture(scope="session")
def content():
    return explorer_data()


@pytest.fixture(scope="session")
def page_html(content):
    with pytest.MonkeyPatch.context() as patch:  # not made twice
        patch.setattr(module, "explorer_data", lambda: content)
        return explorer(stories(), alt="what the picture shows")._repr_html_()


def published(figure, panel, method):
    """Accuracy in per cent by level, straight from the published table."""
    table = pd.read_csv(ROOT / "results" / "published" / figure / f"{panel}.csv")
    rows = table[table["method"] == method]
    return 100 * rows.groupby("percentile")["accuracy"].mean()


def test_curves_are_those_of_the_tables(content):
    assert len(content["networks"]) == 24 and content["levels"] == SLIDER_LEVELS
    for name, network in content["networks"].items():
        assert {"direct", "post", "pre"} <= set(network["methods"]), name
    curves = content["networks"][FIG03]["methods"]
    for method, figure in (("pre", "fig03"), ("direct", "fig03"), ("pre-random", "budget")):
        wanted = published(figure, "fashion-mnist-elu-500", method)
        assert curves[method]["accuracy"] == pytest.approx(wanted.tolist(), abs=1e-3)
        assert curves[method]["kept"] == [[500 - 5 * int(level) for level in SLIDER_LEVELS]]
    fresh = curves["fresh"]["accuracy"]
    measured = [q for q, value in zip(SLIDER_LEVELS, fresh) if value is not None]
    assert measured == [30, 50, 70, 80, 90, 95]
    deep = content["networks"]["mnist/3/relu/text"]["methods"]["post"]
    assert deep["weights"] == 784 * 500 + 2 * 500 * 500 + 500 * 10
    assert deep["left"][0] == 100 and deep["left"][-1] < 10


def test_thresholds_remove_as_many_nodes_as_the_level_says(content):
    spectra = content["networks"][FIG03]["scores"]
    nodes = pd.read_csv(paths.results("inside", "fashion-mnist-elu-500-bf16.csv"))
    for method in ("direct", "post", "pre"):
        (layer,) = spectra[method]["layers"]
        assert layer == sorted(layer)
        for level, threshold in zip(SLIDER_LEVELS, spectra[method]["threshold"]):
            assert (nodes[method] < threshold).mean() == pytest.approx(level / 100, abs=0.02)


def test_all_of_it_is_light(page_html):
    script = STATIC.joinpath("explorer.js").read_text(encoding="utf-8")
    style = STATIC.joinpath("landing.css").read_text(encoding="utf-8")
    data = page_html[page_html.index("<script") :]
    assert sum(len(gzip.compress(text.encode())) for text in (data, script, style)) < 60_000


# In a browser


@pytest.fixture(scope="session")
def address(page_html, tmp_path_factory):
    """A page with nothing but the explorer."""
    folder = tmp_path_factory.mktemp("page")
    for name in ("explorer.js", "landing.css"):
        shutil.copy(STATIC / name, folder)
    file = folder / "page.html"
    file.write_text(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>explorer</title>'
        '<meta name="viewport" content="width=device-width">'
        '<link rel="stylesheet" href="landing.css"></head>'
        f'<body>{page_html}<script src="explorer.js" defer></script></body></html>',
        encoding="utf-8",
    )
    return file.as_uri()


@pytest.fixture
def page(browser, address):
    errors, requests = [], []
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.on("pageerror", lambda error: errors.append(error))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(address)
    yield page
    page.close()
    assert not errors
    assert all(re.match("(file|data):", url) for url in requests)


def accuracy(page, method):
    """What the table shows, in per cent; ``None`` for a dash."""
    shown = page.locator(f'tr[data-method="{method}"] td').first.inner_text()
    return None if shown == "–" else float(shown.split(" %")[0])


def test_the_slider_moves_by_keyboard_and_the_numbers_follow(page):
    slider = page.get_by_role("slider", name="Nodes pruned")
    slider.focus()
    page.keyboard.press("Home")
    for level in SLIDER_LEVELS:
        for method, figure in (("direct", "fig03"), ("pre", "fig03"), ("post-retrained", "budget")):
            wanted = published(figure, "fashion-mnist-elu-500", method)[level]
            assert accuracy(page, method) == pytest.approx(wanted, abs=0.0501), (level, method)
        kept = f"{500 - 5 * int(level)} of 500 nodes kept"
        assert slider.get_attribute("aria-valuetext") == f"{level:g} % pruned, {kept}"
        page.keyboard.press("ArrowRight")
    # Once it rests, it is spoken.
    page.wait_for_selector('output[aria-live]:has-text("95 % pruned. Magnitude: ")')


def test_another_network_by_keyboard_and_its_address(page, address):
    page.get_by_label("MNIST", exact=True).focus()
    page.keyboard.press("Space")
    page.get_by_label("3", exact=True).focus()
    page.keyboard.press("Space")
    wanted = published("fig08", "mnist-elu-500-500-500", "post")[90.0]
    assert accuracy(page, "post") == pytest.approx(wanted, abs=0.0501)
    page.wait_for_function("location.hash === '#data=mnist&layers=3'")
    page.goto("about:blank")
    page.goto(f"{address}#data=mnist&layers=3&activation=tanh&pruned=50&methods=post,nonsense")
    wanted = published("fig08", "mnist-tanh-500-500-500", "post")[50.0]
    assert accuracy(page, "post") == pytest.approx(wanted, abs=0.0501)
    assert page.locator("tbody input:checked").count() == 1


def test_five_clicks_tell_the_paper(page):
    told = stories()
    assert len(told) == 5
    for story in told:
        page.get_by_role("link", name=story["label"]).click()
        page.wait_for_selector(f'a[aria-current]:has-text("{story["label"]}")')
        assert page.locator(".says").inner_text() == story["says"]
    assert page.locator("tbody tr").count() == 3  # controls were not run at released settings


def test_without_scripts_a_picture_and_the_table_are_there(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert page.locator(".picture svg").count() == 1
    assert page.locator("table tbody tr").count() == 9
    context.close()
