"""Settings chosen by images held out of the training set (Appendix D); the test set is not used."""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from spectral_core._files import write_whole
from spectral_core.data import load
from spectral_core.paper import paths
from spectral_core.paper.run.compute import compute
from spectral_core.paper.run.provenance import made
from spectral_core.paper.run.store import Store
from spectral_core.paper.study.figures import PENALTIES
from spectral_core.paper.study.methods import METHODS
from spectral_core.paper.study.panels import AUTHORS_LEVELS, Panel
from spectral_core.paper.study.planning import Study
from spectral_core.paper.study.settings import Settings
from spectral_core.paper.study.steps import CutStep, cut_step, with_trainings

SEED = 0
"""Of the networks."""


class Tuning(NamedTuple):
    """What is chosen: a grid of settings, and where the network is measured."""

    grid: Mapping[str, Sequence[float]]
    """Values of each setting that is chosen. With epochs, stage 2 has as many as stage 1."""
    percentiles: tuple[float, ...] = (0.0,)
    """Pruning levels whose mean accuracy counts, stage 2 included where a method retrains."""
    method: str = ""
    """The method that it is for; ``""`` for all of a panel that remove nodes."""

    @property
    def sets(self) -> tuple[str, ...]:
        """Settings that are not the panel's."""
        stage_two = ("retraining_epochs",) if "epochs" in self.grid else ()
        return tuple(dict.fromkeys([*self.grid, *stage_two, "seeds", "percentiles", "penalties"]))


TUNINGS: dict[str, Tuning] = {
    "training": Tuning({"learning_rate": (1e-4, 1e-3), "epochs": (20, 40, 60)}),
    "decay": Tuning({"decay": (1e-5, 1e-4, 1e-3, 1e-2)}, (90.0,), method="stronger"),
    "penalty": Tuning({"penalties": PENALTIES[1:]}, (0.0, *AUTHORS_LEVELS)),
}
"""Tunings by name: of Figs. 10 and 11, of the stronger variant's L2 term, and of Fig. 11's ℓ1."""


def trials(panel: Panel, tuning: Tuning) -> Iterator[tuple[str, dict[str, float], list[CutStep]]]:
    """Each method of a panel at each point of the grid, and the steps of this network, one per
    level: trained on nine tenths of the training images, and measured on the others.

    Raises:
        ValueError: if no method removes nodes, or none is the tuning's.
    """
    # Methods that differ only in what they remove have the same unpruned network.
    methods = [name for name in panel.methods if METHODS[name].removes == "nodes"]
    methods = [name for name in methods if tuning.method in ("", name)]
    if not methods:
        raise ValueError(
            f"methods must have {tuning.method or 'one that removes nodes, such as direct'}; "
            f"got {', '.join(panel.methods)}"
        )
    for method, *values in itertools.product(methods, *tuning.grid.values()):
        point = dict(zip(tuning.grid, values))
        stage_two = {"retraining_epochs": point["epochs"]} if "epochs" in point else {}
        settings = replace(panel.settings[method], **point, **stage_two)
        penalty = point.get("penalties", 0.0)
        cuts = [cut_step(settings, method, SEED, q, penalty) for q in tuning.percentiles]
        held_out = replace(cuts[0].trained, held_out=True)
        yield method, point, [replace(cut, trained=held_out) for cut in cuts]


def choose(panel: Panel, tuning: Tuning, store: Store, **options: Any) -> dict[str, Any]:
    """Choose settings for methods of a panel; networks that are stored are not trained again.

    Options, and errors beside those of :func:`trials`, are those of
    :func:`~spectral_core.paper.run.compute.compute`.

    Returns:
        Plain JSON data: the settings of the panel; ``held_out`` (number of images), ``accuracies``
        (by method, then by the value of each setting in the order of the grid), ``chosen``
        (settings of each method) and ``made``.
    """
    every = list(trials(panel, tuning))
    steps = [step for _, _, cuts in every for step in cuts]
    compute(steps, store, **options)
    accuracies: dict[str, Any] = {}
    ranked: dict[str, dict[tuple[float, ...], dict[str, float]]] = {}
    for method, point, cuts in every:
        rows = accuracies.setdefault(method, {})
        *outer, last = (f"{value:g}" for value in point.values())
        for value in outer:
            rows = rows.setdefault(value, {})
        accuracy = fmean(store.record(step)["result"]["accuracy"] for step in cuts)
        rows[last] = accuracy
        # Of equally accurate ones the smallest, the last setting first: the fewest epochs.
        rank = (accuracy, *(-value for value in reversed(point.values())))
        ranked.setdefault(method, {})[rank] = point
    records = map(store.record, with_trainings(steps))
    seconds = sum(record["made"]["seconds"] for record in records)
    return {
        "inputs": panel.base.inputs,
        **{name: value for name, value in _shared(panel).items() if name not in tuning.sets},
        "hidden": list(panel.base.hidden),
        "seed": SEED,
        "percentiles": list(tuning.percentiles),
        "held_out": max(1, len(load(panel.base.inputs).train_targets) // 10),
        "accuracies": accuracies,
        "chosen": {method: points[max(points)] for method, points in ranked.items()},
        "made": made(seconds, options.get("device", "cpu")),
    }


def _shared(panel: Panel) -> dict[str, Any]:
    """Settings of a record that all methods of a panel have."""
    names = ("activation", "precision", "epochs", "retraining_epochs", "train_images")
    values = {name: {getattr(own, name) for own in panel.settings.values()} for name in names}
    return {name: own.pop() for name, own in values.items() if len(own) == 1}


def record(
    study: Study, name: str, store: Store, folder: Path | None = None, **options: Any
) -> list[tuple[Path, dict[str, Any]]]:
    """Choose settings for each panel of a study by one of :data:`TUNINGS`, and write down what was
    measured, in ``results/choices`` or another folder: a JSON file per panel. Returns each with
    what was chosen."""
    tuning = TUNINGS[name]
    files = []
    for panel in study.panels:
        found = choose(panel, tuning, store, **options)
        file = (folder or paths.results("choices")) / _file_name(panel.name, name)
        text = json.dumps(found, indent=2) + "\n"
        write_whole(file, lambda aside, text=text: aside.write_text(text, encoding="utf-8"))
        files.append((file, found["chosen"]))
    return files


def _file_name(panel: str, name: str) -> str:
    ending = "" if name == "training" else f"-{name}"
    return f"{panel}{ending}.json"


def choice(panel: str, name: str) -> dict[str, Any]:
    """The record in ``results/choices`` of one of :data:`TUNINGS` for a panel, as :func:`choose`
    returned it; with nothing ``chosen`` if there is none."""
    file = paths.results("choices", _file_name(panel, name))
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"chosen": {}}


def recorded(panel: Panel) -> dict[str, Any] | None:
    """The record in ``results/choices`` that settings of a panel come from; ``None`` if there is
    none. A panel of another data set may have them, too."""
    for file in sorted(paths.results("choices").glob("[!.]*.json")):
        record = json.loads(file.read_text(encoding="utf-8"))
        if record["chosen"] and all(
            method in panel.settings and _has(panel.settings[method], chosen, record)
            for method, chosen in record["chosen"].items()
        ):
            return record
    return None


def _has(settings: Settings, chosen: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Whether settings are as a record has chosen them; a weight α is one for all widths."""
    if "decay" not in chosen and list(settings.hidden) != record["hidden"]:
        return False
    return all(getattr(settings, name) == value for name, value in chosen.items())
