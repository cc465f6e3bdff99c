"""What a notebook calls: a figure's pictures and tables, a run of it on this machine, and numbers
for the prose."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
from IPython.display import HTML

from spectral_core import _checks
from spectral_core.paper import paths
from spectral_core.paper.claims.claims import claims, judge
from spectral_core.paper.pages import plots, run_tables, tables
from spectral_core.paper.pages.output import Folded, Table
from spectral_core.paper.pages.picture import Picture
from spectral_core.paper.results import authors, published
from spectral_core.paper.results.accuracies import described
from spectral_core.paper.results.collect import collect
from spectral_core.paper.run.compute import compute
from spectral_core.paper.run.store import Store
from spectral_core.paper.study.figures import EXPERIMENTS
from spectral_core.paper.study.panels import SOURCES, TRIAL
from spectral_core.paper.study.planning import plan

_GLUED = "application/papermill.record/"


def say(**values: Any) -> None:
    """Give numbers, texts or estimates names for the page's prose, where the role ``glue:text``
    stands for the text of one."""
    from IPython.display import display

    for name, value in values.items():
        record = {"name": name, "mime_prefix": _GLUED}
        display({f"{_GLUED}text/plain": str(value)}, metadata={"scrapbook": record}, raw=True)


class Page:
    """A figure or question: what is published of it at the paper's settings, and its run here."""

    def __init__(self, name: str) -> None:
        """Argument: a name out of :data:`~spectral_core.paper.study.figures.EXPERIMENTS`."""
        self.name = _checks.choice("page", name, EXPERIMENTS)

    def runs(self, source: str = "text") -> dict[str, list[published.Run]]:
        """Published runs of a source, out of :data:`~spectral_core.paper.study.panels.SOURCES`, by
        panel."""
        _checks.choice("source", source, SOURCES)
        panels = [each.name for each in EXPERIMENTS[self.name] if each.source == source]
        return published.published_runs(self.name, "paper", panels) if panels else {}

    def results(self, source: str = "text") -> pd.DataFrame:
        """Published results of a source, of which there must be some."""
        return published.published(self.name, "paper", list(self.runs(source)))

    def sources(self) -> list[str]:
        """Sources of which something is published, but for the trial."""
        return [source for source in SOURCES if source != TRIAL and self.runs(source)]

    def curves(self, *sources: str, alt: str = "") -> Picture | HTML:
        """Accuracy against the pruning level, network by network; with several weights γ, tables.

        Args:
            sources: where the settings are from; all that are published if none is named. At the
                released settings diamonds show the authors' means.
            alt: the finding in words.
        """
        of_source = {source: self.results(source) for source in sources or self.sources()}
        if any(rows["penalty"].nunique() > 1 for rows in of_source.values()):
            return run_tables.heat(pd.concat(of_source.values()))
        titles, by_panel = {}, []
        for source, results in of_source.items():
            panels = [rows for _, rows in described(results).groupby("panel", sort=False)]
            for rows in panels:
                (_, width, activation), *others = (n.split(" · ") for n in rows["network"].unique())
                widths = " and ".join([width, *(other[1] for other in others)])
                titles[rows["panel"].iloc[0]] = f"{widths} · {activation}, {SOURCES[source]}"
            by_panel.append(panels)
        beside = itertools.chain.from_iterable(itertools.zip_longest(*by_panel))
        return plots.curves(
            pd.concat([rows for rows in beside if rows is not None]),
            alt,
            titles=titles if len(of_source) > 1 else None,
            reference=authors.beside(of_source["released"]) if "released" in of_source else None,
        )

    def weights(self, source: str = "text", alt: str = "") -> Picture:
        """Share of the weights that is kept against the pruning level, network by network."""
        return plots.weights(self.results(source), alt)

    def table(self, source: str = "text") -> Table:
        """Accuracy unpruned, pruning level within a point of it, and accuracy at 90 % pruned."""
        return run_tables.at_a_glance(self.results(source))

    def claims(self) -> Table:
        """Claims of the paper about this figure, with their verdicts."""
        about = re.compile(rf"Figs?\b.*\b{int(self.name.removeprefix('fig'))}\b")
        return tables.verdicts(
            judge(key)
            for key, claim in claims().items()
            if key.startswith(f"{self.name}-") or about.search(claim.place)
        )

    def details(self, *sources: str) -> Folded:
        """All that is folded: accuracies, distance to the authors', provenance, downloads."""
        parts: dict[str, Table | str] = {}
        every: list[published.Run] = []
        for source in sources or self.sources():
            results = self.results(source)
            every += itertools.chain.from_iterable(self.runs(source).values())
            parts[f"Accuracies, {SOURCES[source]}"] = run_tables.accuracies(results)
            if source == "released":
                parts["Distance to the authors' means"] = run_tables.distances(results)
        parts |= {"Provenance": run_tables.provenance(every)}
        return Folded(parts | {"Downloads": run_tables.downloads(every)})

    def run(
        self,
        preset: str | None,
        panels: str | Sequence[str] | None = None,
        settings: Mapping[str, Any] | None = None,
        workers: int | None = None,
        device: str = "cpu",
        **more: Any,
    ) -> Rerun:
        """Compute the figure here; steps that this machine's store has are not computed again.

        Args:
            preset: name out of :data:`~spectral_core.paper.study.figures.PRESETS`; ``None`` runs
                nothing.
            panels: patterns of panel names, such as ``"*released"``; the text's if ``None``.
            settings: settings to replace, by name; ``None`` keeps the figure's own.
            more: the same; what is not ``None`` goes before ``settings``.
            workers: processes side by side; all cores if ``None``.
            device: ``"cpu"``, ``"cuda"``, ….
        """
        if preset is None:
            return Rerun(None, None)
        given = {name: value for name, value in more.items() if value is not None}
        study = plan(self.name, preset, panels, **{**(settings or {}), **given})
        store = Store(paths.local_results())
        compute(study.steps(), store, workers=workers, device=device)
        return Rerun(collect(study, store), published.counterpart(study))


class Rerun(NamedTuple):
    """A run on this machine, beside the published one at the same settings if there is one."""

    results: pd.DataFrame | None
    published: pd.DataFrame | None

    def curves(self, alt: str = "This machine's accuracies over the pruning level.") -> Any:
        """Circles: this machine. Lines: the published run, or this one where none is published."""
        if self.results is None:
            return None
        if self.results["penalty"].nunique() > 1:
            return run_tables.heat(self.results)
        if self.published is None:
            return plots.curves(self.results, alt)
        return plots.curves(self.published, alt, run=self.results)

    def table(self) -> Table | None:
        """How far it agrees with the published run; its own accuracies where none is published."""
        if self.results is None:
            return None
        if self.published is None and self.results["penalty"].nunique() > 1:
            return run_tables.accuracies(self.results)
        if self.published is None:
            return run_tables.at_a_glance(self.results)
        return run_tables.comparison(self.results, self.published)
