"""What a notebook calls: a figure's pictures and tables, and a run of it on this machine."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from IPython.display import HTML, Markdown, display

from spectral_core import _checks
from spectral_core.paper import paths
from spectral_core.paper.pages import plots, tables
from spectral_core.paper.pages.picture import Picture
from spectral_core.paper.pages.tables import Table, folded
from spectral_core.paper.results import authors, published
from spectral_core.paper.results.estimates import described
from spectral_core.paper.results.tables import collect
from spectral_core.paper.run.compute import compute
from spectral_core.paper.run.store import Store
from spectral_core.paper.study.figures import EXPERIMENTS, SOURCES, TRIAL
from spectral_core.paper.study.planning import Study, plan


class Page:
    """A figure or question: what is published of it, and its run on this machine."""

    def __init__(self, name: str, preset: str = "paper") -> None:
        """Arguments: a name out of :data:`~spectral_core.paper.study.figures.EXPERIMENTS`, and the
        preset whose published results are shown."""
        self.name = _checks.choice("page", name, EXPERIMENTS)
        self.preset = preset

    def panels(self, source: str = "text") -> list[str]:
        """Names of the panels of a source, see
        :data:`~spectral_core.paper.study.figures.SOURCES`."""
        _checks.choice("source", source, SOURCES)
        return [each.name for each in EXPERIMENTS[self.name].panels if each.source == source]

    def results(self, source: str = "text") -> pd.DataFrame:
        """Published results of a source; empty if there are none."""
        names = self.panels(source)
        if not names:
            return pd.DataFrame(columns=["panel"])
        return published.published(self.name, self.preset, names, missing_ok=True)

    def curves(self, *sources: str, alt: str = "") -> Picture | HTML:
        """Accuracy against the pruning level, network by network; with several weights γ, tables.

        Args:
            sources: where the settings are from; text and released, if both are published. At the
                released settings diamonds show the authors' means.
            alt: the finding in words.
        """
        found = {source: self.results(source) for source in sources or SOURCES if source != TRIAL}
        found = {source: rows for source, rows in found.items() if len(rows)}
        if any(rows["penalty"].nunique() > 1 for rows in found.values()):
            return heat_tables(pd.concat(found.values()))
        titles = {
            panel: f"{rows['network'].iloc[-1].split(' · ', 1)[1]}, {SOURCES[source]}"
            for source, table in found.items()
            for panel, rows in described(table).groupby("panel", sort=False)
        }
        by_panel = [
            [rows for _, rows in table.groupby("panel", sort=False)] for table in found.values()
        ]
        beside = [
            rows for each in itertools.zip_longest(*by_panel) for rows in each if rows is not None
        ]
        return plots.curves(
            pd.concat(beside),
            alt,
            titles=titles if len(found) > 1 else None,
            reference=_authors(found.get("released")),
        )

    def weights(self, source: str = "text", alt: str = "") -> Picture:
        """Share of the weights that is kept against the pruning level, network by network."""
        return plots.weights(self.results(source), alt)

    def table(self, source: str = "text") -> Table:
        """Accuracy unpruned, pruning level within a point of it, and accuracy at 90 % pruned."""
        return tables.at_a_glance(self.results(source))

    def details(self, *sources: str) -> Markdown:
        """All that is folded: accuracies, distance to the authors', provenance, downloads."""
        sources = sources or tuple(source for source in SOURCES if len(self.results(source)))
        parts = {}
        for source in sources:
            rows, name = self.results(source), SOURCES[source]
            parts[f"Accuracies, {name}"] = tables.accuracies(rows)._repr_html_()
            if source == "released":
                parts["Distance to the authors' means"] = tables.distances(rows)._repr_html_()
        runs = {
            s: published.published_runs(self.name, self.preset, self.panels(s)) for s in sources
        }
        made = {n: [run.made() for run in rs] for each in runs.values() for n, rs in each.items()}
        parts["Provenance"] = tables.provenance(made)._repr_html_()
        parts["Downloads"] = _downloads(runs)
        return Markdown(folded(**parts))

    def run(
        self,
        preset: str | None,
        panels: str | Sequence[str] | None = None,
        settings: Mapping[str, Any] | None = None,
        workers: int | None = None,
        device: str = "cpu",
        **more: Any,
    ) -> Rerun | None:
        """Compute the figure here, or take it from this machine's store where it is there already.

        Args:
            preset: name out of :data:`~spectral_core.paper.study.figures.PRESETS`; ``None`` runs
                nothing.
            panels: patterns of panel names, such as ``"*released"``; the text's if ``None``.
            settings, more: settings to replace, by name; ``None`` keeps the figure's own.
            workers: processes side by side; all cores if ``None``.
            device: ``"cpu"``, ``"cuda"``, ….
        """
        if preset is None:
            return None
        study = plan(self.name, preset, panels, **{**(settings or {}), **more})
        store = Store(paths.local_results())
        compute(study.steps(), store, workers=workers, device=device)
        return Rerun(study, collect(study, store), published.counterpart(study))


@dataclass(frozen=True)
class Rerun:
    """A run on this machine, beside the published one at the same settings if there is one."""

    study: Study
    results: pd.DataFrame
    published: pd.DataFrame | None

    def curves(
        self, alt: str = "This machine's accuracies over the pruning level."
    ) -> Picture | HTML:
        """Circles: this machine. Lines: the published run, or this one where none is published."""
        if self.results["penalty"].nunique() > 1:
            return heat_tables(self.results)
        if self.published is None:
            return plots.curves(self.results, alt)
        return plots.curves(self.published, alt, run=self.results)

    def table(self) -> Table:
        """How far it agrees with the published run; its own accuracies where none is published."""
        if self.published is None:
            return tables.at_a_glance(self.results)
        return tables.comparison(self.results, self.published)


def heat_tables(table: pd.DataFrame) -> HTML:
    """Accuracies by weight γ and pruning level, a table per method side by side."""
    found = "".join(each._repr_html_() for each in tables.heat(table).values())
    return HTML(f'<div class="heat">{found}</div>')


def say(**values: Any) -> None:
    """Give names to numbers for the page's prose: ``{glue:text}`name``` stands for one there.

    Args:
        values: numbers, texts or estimates, by name; each as its text.
    """
    for name, value in values.items():
        text = {"application/papermill.record/text/plain": str(value)}
        named = {"scrapbook": {"name": name, "mime_prefix": "application/papermill.record/"}}
        display(text, metadata=named, raw=True)


def _authors(released: pd.DataFrame | None) -> pd.DataFrame | None:
    """The authors' means, under the names of the panels at their settings."""
    if released is None:
        return None
    by_panel = released.groupby("panel", sort=False)
    return pd.concat([authors.beside(rows).assign(panel=panel) for panel, rows in by_panel])


def _downloads(runs: Mapping[str, Mapping[str, Sequence[published.Run]]]) -> str:
    """Links to the tables and provenance of published runs, as a list in Markdown."""
    items = []
    for by_panel in runs.values():
        for run in itertools.chain.from_iterable(by_panel.values()):
            table, made = (
                f"/{file.relative_to(paths.project()).as_posix()}"
                for file in (run.table, run.provenance)
            )
            items.append(f"- [{run.table.stem}, all points]({table}), [its provenance]({made})")
    return "\n".join(items)
