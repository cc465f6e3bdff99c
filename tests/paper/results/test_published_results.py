"""The results that the project publishes: complete, in range, and of the stated settings."""

import dataclasses
import json
import math
import re

import numpy as np
import pytest
from packaging.version import Version

from spectral_core.paper import paths
from spectral_core.paper.results.collect import COLUMNS
from spectral_core.paper.results.published import Run, points, settings_by_method
from spectral_core.paper.study.figures import EXPERIMENTS
from spectral_core.paper.study.methods import METHODS
from spectral_core.paper.study.planning import plan
from spectral_core.paper.study.settings import Settings
from spectral_core.paper.study.steps import ALGORITHM, with_trainings

RUNS = sorted((paths.project() / "results" / "published").rglob("*.csv"))
DEFAULTS = {field.name: field.default for field in dataclasses.fields(Settings)}


@pytest.fixture(scope="module", params=RUNS, ids=lambda file: f"{file.parent.name}/{file.stem}")
def published_run(request):
    """Table and provenance of a published run, and its panel and points in the registry."""
    run = Run(request.param)
    made = run.made()
    assert request.param.parent.name == made["figure"] in EXPERIMENTS
    settings = settings_by_method(made)
    own = {
        "seeds": sorted({seed for _, seed, *_ in points(made)}),
        "methods": list(settings),
        "precision": next(iter(settings.values()))["precision"],
    }
    for name, part in (("percentiles", "-levels-"), ("penalties", "-penalties-")):
        if part in request.param.stem:  # else they are the preset's
            own[name] = next(iter(settings.values()))[name]
    selection = made["panel"] if made["preset"] == "paper" else "*"
    study = plan(made["figure"], made["preset"], selection, **own if selection != "*" else {})
    (panel,) = [panel for panel in study.panels if panel.name == made["panel"]]
    return run.read(), made, panel, list(study.cells(panel))


def test_published_points_and_settings_are_those_of_the_registry(published_run):
    table, made, panel, cells = published_run
    assert tuple(table.columns) == COLUMNS
    assert (table["panel"] == panel.name).all() and (table["dataset"] == panel.base.dataset).all()
    there = table[["method", "seed", "penalty", "percentile"]].itertuples(index=False, name=None)
    assert set(there) == {(c.method, c.seed, c.penalty, c.percentile) for c in cells}
    trainings = list(with_trainings(dict.fromkeys(cell.step for cell in cells)))
    assert made["steps"] >= len(trainings)  # a seed may have been run anew
    stored = settings_by_method(made)
    assert stored.keys() == panel.settings.keys()
    for method, own in panel.settings.items():
        # A setting that is newer than the results was at its default.
        found = json.loads(json.dumps({name: stored[method].get(name, default)
                                       for name, default in DEFAULTS.items()}))  # fmt: skip
        assert found == json.loads(json.dumps(dataclasses.asdict(own)))


def test_published_numbers_are_in_range_and_sizes_follow_from_the_percentile(published_run):
    table, _, panel, _ = published_run
    assert not table.isna().any(axis=None)
    assert table["accuracy"].between(0, 1).all()
    assert (table["loss"] > 0).all() and np.isfinite(table["loss"]).all()
    tied = 0
    for row in table.itertuples():
        own = panel.settings[row.method]
        assert row.hidden == "-".join(map(str, own.hidden))
        inputs = 64 if panel.base.dataset == "digits" else 784 if own.features == "none" else 1280
        method = METHODS[row.method]
        inputs_go = method.removes == "inputs"
        # The threshold lies at rank (n − 1) q / 100 of the scores; what ranks below it goes.
        pools = own.hidden if method.per_layer else [inputs if inputs_go else sum(own.hidden)]
        removed = sum(math.ceil((n - 1) * row.percentile / 100 - 1e-9) for n in pools)
        more = row.nodes - (sum(own.hidden) - (0 if inputs_go else removed))
        # Between scores that differ in their last bits, the threshold is rounded to the lower one:
        # mnist-relu-500-500-500-narrow-eigenvectors, pre at 90 %, is one of few such rows.
        assert more in (0, 1)
        tied += more
        if len(own.hidden) == 1:
            left = inputs - (removed if inputs_go else 0)
            assert row.parameters == row.nodes * (left + 10) + 10 * own.output_bias
    assert tied <= max(1, len(table) / 100)


def test_published_provenance_is_complete(published_run):
    _, made, panel, _ = published_run
    assert made["inputs"] == panel.base.inputs and "choice" in made
    assert made["algorithm"] == ALGORITHM
    assert made["command"].startswith(f"spectral-core compute {made['figure']}")
    assert all(made["hardware"]) and all(made["device"])
    assert all(re.fullmatch("[0-9a-f]{12}", commit or "") for commit in made["commit"])
    assert set(made["versions"]) == {"python", "torch", "numpy"}
    assert all(Version(each) for versions in made["versions"].values() for each in versions)
    assert all(made["versions"].values()) and made["from"] <= made["to"]
