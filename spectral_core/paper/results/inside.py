"""Inside single networks: scores of all nodes, what the nodes see, what the network answers.

The landing page shows it. Networks are stored ones, of one seed; only what a method retrains after
pruning is trained again, at each level.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from PIL import Image
from torch import nn

from spectral_core._files import write_whole
from spectral_core.data import Dataset, load
from spectral_core.paper import paths
from spectral_core.paper.results.published import Run, as_csv, as_json, stem_of
from spectral_core.paper.results.tables import NoResults, command
from spectral_core.paper.run import provenance
from spectral_core.paper.run.store import Store
from spectral_core.paper.run.work import initial_network, pruned_network, scores
from spectral_core.paper.study.planning import Study
from spectral_core.paper.study.steps import CutStep
from spectral_core.training.evaluation import evaluate
from spectral_core.training.loop import single_thread

IMAGES = 12
"""Test images whose predictions are kept, the first so many."""
EVERY, ROW = 5, 10
"""Of the sorted nodes, every fifth is shown; fields in a row of their picture."""


def folder() -> Path:
    """Where the tables and pictures are: ``results/inside``."""
    return paths.project() / "results" / "inside"


def node_table(networks: dict[CutStep, nn.Module], data: Dataset) -> pd.DataFrame:
    """Scores of the hidden nodes of networks of the same widths.

    Args:
        networks: by a step whose score ranks their nodes.
        data: what they were trained on.

    Returns:
        ``layer`` (from 1), ``node`` (from 0) and a column per network, in their order.
    """
    columns = [scores(step, network, data) for step, network in networks.items()]
    table = {
        "layer": [k for k, row in enumerate(columns[0], start=1) for _ in row],
        "node": [i for row in columns[0] for i in range(len(row))],
    }
    return pd.DataFrame(table | {i: torch.cat(rows).numpy() for i, rows in enumerate(columns)})


def answers(step: CutStep, network: nn.Module, data: Dataset) -> pd.DataFrame:
    """What a network predicts at a pruning level, retrained if the step says so.

    Returns:
        A row for each of the first test images: ``percentile``, ``accuracy`` (of the whole test
        set), ``image``, ``target`` and ``predicted`` (classes, from 0).
    """
    left = pruned_network(step, network, data)
    accuracy, _ = evaluate(left, data.test_inputs, data.test_targets)
    with torch.no_grad():
        predicted = left(data.test_inputs[:IMAGES]).argmax(1)
    return pd.DataFrame(
        {
            "percentile": step.percentile,
            "accuracy": accuracy,
            "image": range(len(predicted)),
            "target": data.test_targets[:IMAGES],
            "predicted": predicted,
        }
    )


def fields_picture(
    weight: torch.Tensor, ranking: torch.Tensor, spread: torch.Tensor
) -> Image.Image:
    """Receptive fields of every fifth node that sees the image, the highest score first.

    Args:
        weight: of the first layer, shape (nodes, side²).
        ranking: scores of its nodes, shape (nodes,).
        spread: standard deviation of each pixel over the images, shape (side²,): what is drawn is
            how far each pixel moves the node.

    Returns:
        :data:`ROW` fields in a row, one pixel apart. Mid-grey is 0; one scale for all, on which
        small numbers are raised.
    """
    side = round(len(spread) ** 0.5)
    shown = ranking.argsort(descending=True, stable=True)[::EVERY]
    cells = (weight * spread)[shown].reshape(-1, side, side)
    cells = (cells / cells.abs().flatten().kthvalue(int(0.999 * cells.numel()))[0]).clamp(-1, 1)
    rows, pitch = -(-len(cells) // ROW), side + 1
    cells = nn.functional.pad(cells.sign() * cells.abs() ** 0.7, (0, 1, 0, 1))
    cells = nn.functional.pad(cells, (0, 0, 0, 0, 0, rows * ROW - len(cells)))
    sheet = cells.reshape(rows, ROW, pitch, pitch).transpose(1, 2).reshape(rows * pitch, -1)
    return Image.fromarray((127.5 + 127.5 * sheet).round().byte().numpy())


def images_picture(data: Dataset) -> Image.Image:
    """The first test images side by side."""
    images = data.test_inputs[:IMAGES]
    side = round(images.shape[1] ** 0.5)
    sheet = images.reshape(-1, side, side).transpose(0, 1).reshape(side, -1)
    return Image.fromarray((255 * sheet / sheet.max()).round().byte().numpy())


@single_thread()
def publish_inside(study: Study, store: Store, views: bool = False) -> list[Path]:
    """Write what is inside the networks of a study: ``results/inside/<panel>.csv`` and provenance.

    Args:
        study: whose panels, at their first seed.
        store: where their trained networks are; a method whose network is missing is left out.
        views: whether to write predictions and pictures, too; for one hidden layer.

    Returns:
        The files written.

    Raises:
        NoResults: if the store has none of a panel's networks.
    """
    files = []
    for panel in study.panels:
        cells = [c for c in study.cells() if c.panel == panel and c.seed == panel.base.seeds[0]]
        data = load(panel.base.inputs)
        networks = {
            cell.method: store.load_network(
                cell.step.trained, initial_network(cell.step.trained, data, torch.Generator())
            )
            for cell in cells
            if cell.percentile == cells[0].percentile and cell.step.trained in store
        }
        if not networks:
            raise NoResults(f"no network of {panel.name} is in {store.root}; compute it first")
        firsts = {c.method: c.step for c in reversed(cells) if c.method in networks}
        nodes = node_table({firsts[name]: networks[name] for name in networks}, data)
        tables = {"": nodes.set_axis(["layer", "node", *networks], axis=1)}
        pictures = {}
        if views:
            tables["--answers"] = pd.concat(
                answers(c.step, networks[c.method], data).assign(method=c.method)
                for c in cells
                if c.method in networks
            )
            pictures["--images"] = images_picture(data)
            for method, network in networks.items():
                ranking = scores(firsts[method], network, data)[0]
                weight, spread = network[0].weight.detach(), data.train_inputs.std(0)
                pictures[f"--fields-{method}"] = fields_picture(weight, ranking, spread)
        files += _write(stem_of(study, panel), tables, pictures, study)
    return files


def _write(
    stem: str,
    tables: dict[str, pd.DataFrame],
    pictures: dict[str, Image.Image],
    study: Study,
) -> list[Path]:
    """Write tables and pictures of a panel, each with the provenance that proves it."""
    files: list[Path] = []
    how: dict[str, Any] = {"networks": command(study), **provenance.made(0.0, "cpu")}
    del how["seconds"]
    for name, table in tables.items():
        files += Run(folder() / f"{stem}{name}.csv").write(as_csv(table), how)
    for name, picture in pictures.items():
        buffer = io.BytesIO()
        picture.save(buffer, "WEBP", quality=20, method=6, lossless=name == "--images")
        content, file = buffer.getvalue(), folder() / f"{stem}{name}.webp"
        made = how | {"picture": {"sha256": hashlib.sha256(content).hexdigest()}}
        said = as_json(made).encode()
        for target, written in ((file.with_suffix(".json"), said), (file, content)):
            write_whole(target, lambda aside, w=written: aside.write_bytes(w))
            files.append(target)
    return files
