"""Settings and fixtures that all tests share.

Fixtures import what they need themselves: the process that hands out the tests reads this file
before any other starts, and needs none of it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from spectral_core.paper.run.store import Store
    from spectral_core.paper.study.planning import Study

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("check", deadline=None, max_examples=15)  # make check
settings.load_profile("ci" if os.environ.get("CI") else "local")


class Finished(NamedTuple):
    """A study whose steps are all in a store."""

    study: Study
    store: Store


def pytest_collection_modifyitems(items):
    """Whatever reads the built book, the explorer's data or a run of the benchmarks, or opens a
    browser, is slow. The longest tests come first, so that none of them runs on alone.
    """
    items.sort(key=lambda item: item.path.name != "test_in_browser.py")
    for item in items:
        if {"html", "content", "rows", "browser"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """As in a run, so that tests side by side don't fight over the cores."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    from spectral_core.paper.run.store import Store

    return Store(tmp_path / "store")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty folder in the place of the project's root."""
    from spectral_core.paper import paths

    root = tmp_path / "project"
    root.mkdir()
    (root / "_toc.yml").touch()
    monkeypatch.setattr(paths, "project", lambda: root)
    return root


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The smoke preset of Fig. 3 on the 8×8 digits, computed by one process. Read-only."""
    from spectral_core.paper.run.compute import compute
    from spectral_core.paper.run.store import Store
    from spectral_core.paper.study.planning import plan

    study, store = plan("fig03", "smoke"), Store(tmp_path_factory.mktemp("finished"))
    compute(study.steps(), store, workers=1, progress=False)
    return Finished(study, store)


@pytest.fixture(scope="session")
def table(finished):
    """The results of that study. Read-only."""
    from spectral_core.paper.results.collect import collect

    return collect(*finished)
