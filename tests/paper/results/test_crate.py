"""RO-Crate metadata: every published table is in it, and everything that it names is there."""

import json

from spectral_core.paper import paths
from spectral_core.paper.results.crate import crate


def test_each_published_table_comes_from_one_action_and_every_name_leads_somewhere():
    """If the committed metadata are others: ``python -m spectral_core.paper.results.crate``."""
    whole, root = crate(), paths.project()
    written = (root / "ro-crate-metadata.json").read_text(encoding="utf-8")
    assert json.loads(written) == whole
    graph = {each["@id"]: each for each in whole["@graph"]}
    actions = [each for each in graph.values() if each["@type"] == "CreateAction"]
    made = sorted(name["@id"] for each in actions for name in each["result"])
    tables = sorted((root / "results/published").rglob("*.csv"))
    pairs = {table.with_suffix(kind) for table in tables for kind in (".csv", ".json")}
    assert made == sorted(file.relative_to(root).as_posix() for file in pairs)
    there = {file for file in (root / "results/published").rglob("[!.]*") if file.is_file()}
    assert pairs <= there and {file.suffix for file in there - pairs} <= {".png"}
    parts = [part["@id"] for part in graph["./"]["hasPart"]]
    assert set(made) < set(parts) and all((root / part).exists() for part in parts)
    named = [
        value["@id"] for each in graph.values() for value in each.values() if type(value) is dict
    ]
    assert all(name in graph or name.startswith("https://w3id.org/") for name in named)
