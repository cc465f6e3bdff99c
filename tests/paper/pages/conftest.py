"""The built book and a browser, for several files of tests."""

import os
import shutil

import pytest
from filelock import FileLock

from spectral_core.paper import paths
from spectral_core.paper.pages import building, printing
from spectral_core.paper.study.figures import EXPERIMENTS


@pytest.fixture(scope="session")
def html(tmp_path_factory):
    """Folder of the built pages, made once for all workers; every warning of the build is an
    error. Notebooks that nbmake has run, see ``make test``, are not run again."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    root, pages = shared / "book", shared / "book" / "_build" / "html"
    with FileLock(shared / "book.lock"):
        if not (pages / "index.html").exists():
            shutil.rmtree(root, ignore_errors=True)
            root.mkdir()
            for name in ("_config.yml", "_toc.yml"):
                shutil.copy(paths.project() / name, root)
            for name in ("benchmarks", "book", "results"):
                made = shutil.ignore_patterns("figures", "generated", "local")
                shutil.copytree(paths.project() / name, root / name, ignore=made)
            if (paths.project() / "_prepared").exists():
                shutil.copytree(paths.project() / "_prepared", root / "book" / "figures")
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("SPECTRAL_CORE_STORE", str(root / "store"))
                building.build(root, dict.fromkeys(EXPERIMENTS, "smoke"))
    return pages


@pytest.fixture(scope="module")
def browser():
    """Chromium. It brings an event loop along, so it is closed at the end of a module: other tests
    of the same process start loops of their own."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = printing.browser_here()
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(printing.BROWSERS)} is installed")
    with playwright.sync_playwright() as driver:
        # No sandbox, since tests may run as root; nothing but our own pages is opened. No GPU:
        # to draw as if there were one takes longer.
        arguments = ["--no-sandbox", "--disable-gpu"]
        browser = driver.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()
