"""Inside single networks: scores of all nodes, what the nodes see, what the network answers.

The landing page shows it. Networks are stored ones, of one seed; only what a method retrains after
pruning is trained again, at each level.
"""

import io
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import torch
from PIL import Image
from torch import Tensor, nn

from spectral_core.data import Dataset, load
from spectral_core.paper import paths
from spectral_core.paper.results.collect import NoResults, command
from spectral_core.paper.results.published import as_csv, stem_of, write
from spectral_core.paper.run import provenance
from spectral_core.paper.run.store import Store
from spectral_core.paper.run.work import initial_network, pruned_network, scores
from spectral_core.paper.study.planning import Study
from spectral_core.paper.study.steps import CutStep, TrainStep
from spectral_core.training.evaluation import evaluate
from spectral_core.training.loop import single_thread

SHOWN_IMAGES = 12
"""Test images whose predictions are kept, the first so many."""
EVERY, ROW = 5, 10
"""Of the sorted nodes, every fifth is shown; fields in a row of their picture."""


def stored_network(trained: TrainStep, store: Store, data: Dataset) -> nn.Module:
    """A network that a training has left in the store; :class:`NoResults` if it has not."""
    if trained not in store:
        raise NoResults(f"network of {trained} must be in {store.root}; compute its figure first")
    return store.load_network(trained, initial_network(trained, data, torch.Generator()))


def by_node(columns: Mapping[str, list[Tensor]]) -> pd.DataFrame:
    """Numbers of hidden nodes, given layer by layer, in a row per node: ``layer`` (from 1),
    ``node`` (from 0) and the columns, in their order."""
    layers = [pd.DataFrame(dict(zip(columns, values))) for values in zip(*columns.values())]
    numbered = pd.concat(layers, keys=range(1, len(layers) + 1), names=["layer", "node"])
    return numbered.reset_index()


def answers(step: CutStep, network: nn.Module, data: Dataset) -> pd.DataFrame:
    """What a network predicts at a pruning level, retrained if the step says so.

    Returns:
        A row for each of the first test images: ``percentile``, ``accuracy`` (of the whole test
        set), ``image``, ``target`` and ``predicted`` (classes, from 0).
    """
    left = pruned_network(step, network, data)
    accuracy, _ = evaluate(left, data.test_inputs, data.test_targets)
    with torch.no_grad():
        predicted = left(data.test_inputs[:SHOWN_IMAGES]).argmax(1)
    return pd.DataFrame(
        {
            "percentile": step.percentile,
            "accuracy": accuracy,
            "image": range(len(predicted)),
            "target": data.test_targets[:SHOWN_IMAGES],
            "predicted": predicted,
        }
    )


def fields_picture(weight: Tensor, ranking: Tensor, spread: Tensor) -> Image.Image:
    """Receptive fields of every fifth node of the first layer, the highest score first: how far
    each pixel moves it, by weights (nodes, side²) and the pixels' standard deviations (side²,).

    There are :data:`ROW` fields in a row, one pixel apart. Mid-grey is 0; one scale for all, on
    which small numbers are raised.
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
    images = data.test_inputs[:SHOWN_IMAGES]
    side = round(images.shape[1] ** 0.5)
    sheet = images.reshape(-1, side, side).transpose(0, 1).reshape(side, -1)
    return Image.fromarray((255 * sheet / sheet.max()).round().byte().numpy())


@single_thread()
def publish_inside(study: Study, store: Store, views: bool = False) -> list[Path]:
    """Write what is inside the stored networks of a study, at the first seed of each panel:
    ``results/inside/<panel>.csv`` and provenance; with ``views``, for one hidden layer, predictions
    and pictures, too. Returns the files written.

    Raises:
        NoResults: if the store has none of a panel's networks.
        ValueError: if what is published already has methods that these networks lack, or views are
            asked for of networks that take no images.
    """
    files: list[Path] = []
    how = {"networks": command(study), **provenance.made(0.0, "cpu")}
    del how["seconds"]
    for panel in study.panels:
        if views and panel.base.inputs != panel.base.dataset:
            raise ValueError(
                f"views are of networks that take pixels; {panel.name} takes features: leave out "
                "--views"
            )
        cells = [
            cell
            for cell in study.cells(panel)
            if cell.seed == panel.base.seeds[0] and cell.penalty == 0 and cell.step.trained in store
        ]
        if not cells:
            raise NoResults(f"no network of {panel.name} is in {store.root}; compute it first")
        data, stem = load(panel.base.inputs), stem_of(panel.name, panel.base.precision)
        firsts = {cell.method: cell.step for cell in reversed(cells)}
        firsts = {name: firsts[name] for name in panel.methods if name in firsts}
        networks = {m: stored_network(step.trained, store, data) for m, step in firsts.items()}
        ranked = {m: scores(step, networks[m], data) for m, step in firsts.items()}
        tables, pictures = {"": by_node(ranked)}, {}
        _check_nothing_is_lost(paths.results("inside", f"{stem}.csv"), tables[""])
        if views:
            tables["--answers"] = pd.concat(
                answers(c.step, networks[c.method], data).assign(method=c.method) for c in cells
            )
            pictures["--images"] = images_picture(data)
            for method, network in networks.items():
                if method == "direct":  # it ranks by other weights than those that see the image
                    continue
                weight, spread = network[0].weight.detach(), data.train_inputs.std(0)
                picture = fields_picture(weight, ranked[method][0], spread)
                pictures[f"--fields-{method}"] = picture
        for name, table in tables.items():
            files += write(paths.results("inside", f"{stem}{name}.csv"), as_csv(table), how)
        for name, picture in pictures.items():
            content = io.BytesIO()
            picture.save(content, "WEBP", quality=20, method=6, lossless=name == "--images")
            files += write(paths.results("inside", f"{stem}{name}.webp"), content.getvalue(), how)
    return files


def _check_nothing_is_lost(file: Path, table: pd.DataFrame) -> None:
    """Refuse to write a table of fewer methods over one of more."""
    if file.exists() and (lost := sorted(set(pd.read_csv(file, nrows=0)) - set(table))):
        raise ValueError(
            f"networks must include all methods that {file} has; got none of {', '.join(lost)}. "
            "Compute these, too, or remove the file"
        )
