"""What was computed how, for archives: RO-Crate metadata of all published runs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spectral_core._files import write_whole
from spectral_core.paper import paths
from spectral_core.paper.results.published import Run

PAPER = "https://doi.org/10.1038/s41598-022-14805-7"
SOFTWARE = "spectral_core/"
"""The program that made every result, as the crate names it."""


def write_crate() -> Path:
    """Write the metadata of all runs in ``results/published``, where an archive of the project has
    them: in its root."""
    file, whole = paths.project() / "ro-crate-metadata.json", crate()
    graph = ",\n".join(json.dumps(each, ensure_ascii=False) for each in whole["@graph"])
    text = f'{{"@context": "{whole["@context"]}", "@graph": [\n{graph}\n]}}\n'
    write_whole(file, lambda aside: aside.write_text(text, encoding="utf-8"))
    return file


def crate() -> dict[str, Any]:
    """RO-Crate 1.1: each published table as a file, and the run that made it as an action."""
    root = paths.project()
    tables = sorted((root / "results" / "published").rglob("*.csv"))
    runs = {file.relative_to(root).with_suffix("").as_posix(): Run(file).made() for file in tables}
    files = [f"{name}.{kind}" for name in runs for kind in ("csv", "json")]
    return {
        "@context": "https://w3id.org/ro/crate/1.1/context",
        "@graph": [
            {
                "@id": "ro-crate-metadata.json",
                "@type": "CreativeWork",
                "about": {"@id": "./"},
                "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
            },
            {
                "@id": "./",
                "@type": "Dataset",
                "name": "Spectral pruning of fully connected layers, reproduced",
                "description": "Tables of every published run, with the command that made each.",
                "license": {"@id": "LICENSE"},
                "datePublished": max(made["to"] for made in runs.values())[:10],
                "isBasedOn": {"@id": PAPER},
                "hasPart": [{"@id": name} for name in [*files, "LICENSE", SOFTWARE]],
            },
            {"@id": PAPER, "@type": "ScholarlyArticle",
             "name": "Spectral pruning of fully connected layers"},
            {"@id": "LICENSE", "@type": "File", "name": "MIT licence"},
            {"@id": SOFTWARE, "@type": ["Dataset", "SoftwareSourceCode"],
             "name": "Spectral Core", "programmingLanguage": "Python"},
            *(entity for name, made in runs.items() for entity in _run(name, made)),
        ],
    }  # fmt: skip


def _run(name: str, made: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A run's table, its provenance, and the action that made both."""
    what = f"{made['figure']}, {made['panel']}"
    files = {
        f"{name}.csv": {"name": f"{what}: accuracies", "encodingFormat": "text/csv"},
        f"{name}.json": {"name": f"{what}: provenance", "encodingFormat": "application/json"},
    }
    yield from ({"@id": file, "@type": "File", **about} for file, about in files.items())
    yield {
        "@id": f"#{name}",
        "@type": "CreateAction",
        "name": made["command"],
        "description": f"{made['inputs']}, on {', '.join(made['hardware'])}",
        "instrument": {"@id": SOFTWARE},
        "startTime": made["from"],
        "endTime": made["to"],
        "result": [{"@id": file} for file in files],
    }


if __name__ == "__main__":
    print(write_crate())
