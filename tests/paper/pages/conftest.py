"""The built book, which several files of tests read."""

import os
import shutil

import pytest
from filelock import FileLock

from spectral_core.paper import paths
from spectral_core.paper.pages import building
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
