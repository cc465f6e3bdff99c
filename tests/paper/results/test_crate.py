"""RO-Crate metadata: every published table is in it, and everything that it names is there."""

import json

from spectral_core.paper import paths
from spectral_core.paper.results.crate import crate, crate_file


def test_each_published_table_comes_from_one_action_and_every_name_leads_somewhere():
    graph = {each["@id"]: each for each in crate()["@graph"]}
    root = paths.project()
    actions = [each for each in graph.values() if each["@type"] == "CreateAction"]
    made = sorted(name["@id"] for each in actions for name in each["result"])
    files = [f for f in (root / "results/published").rglob("*.csv")]
    assert made == sorted(
        f.with_suffix(kind).relative_to(root).as_posix()
        for f in files
        for kind in (".csv", ".json")
    )
    parts = [part["@id"] for part in graph["./"]["hasPart"]]
    assert set(made) < set(parts) and all((root / part).exists() for part in parts)
    named = [
        value["@id"] for each in graph.values() for value in each.values() if type(value) is dict
    ]
    assert all(name in graph or name.startswith("https://w3id.org/") for name in named)


def test_the_committed_metadata_are_those_of_the_results():
    """If not: ``python -m spectral_core.paper.results.crate``."""
    assert json.loads(crate_file().read_text(encoding="utf-8")) == crate()
