"""What is published of single networks: scores, predictions and pictures that fit each other."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from spectral_core.paper import paths
from spectral_core.paper.results import inside
from spectral_core.paper.results.collect import NoResults
from spectral_core.paper.run.store import Store
from spectral_core.paper.study.planning import plan


def test_scores_and_answers_are_those_of_the_networks(finished, project):
    files = inside.publish_inside(finished.study, finished.store, views=True)
    (panel,) = finished.study.panels
    nodes = pd.read_csv(paths.results("inside", f"{panel.name}.csv"))
    assert list(nodes) == ["layer", "node", "direct", "post", "pre"] and len(nodes) == 32
    shown = pd.read_csv(paths.results("inside", f"{panel.name}--answers.csv"))
    for cell in finished.study.cells():
        if cell.seed == 0:  # the very network that was measured
            its = shown[(shown["method"] == cell.method) & (shown["percentile"] == cell.percentile)]
            measured = finished.store.record(cell.step)["result"]
            assert its["accuracy"].tolist() == pytest.approx(
                [measured["accuracy"]] * inside.SHOWN_IMAGES, rel=1e-5
            )
            threshold = np.percentile(nodes[cell.method], cell.percentile)
            assert (nodes[cell.method] >= threshold).sum() == measured["nodes"]
    with Image.open(paths.results("inside", f"{panel.name}--fields-post.webp")) as picture:
        assert picture.size == (inside.ROW * 9, 9)  # digits of 8 x 8; 7 of 32 nodes: one row
    assert len(files) == 2 * (2 + 1 + 2)  # tables, images, fields of the spectral networks
    fewer = plan("fig03", "smoke", methods=["direct", "pre"])
    with pytest.raises(ValueError, match=rf"{panel.name}.csv has; got none of post. Compute"):
        inside.publish_inside(fewer, finished.store)


def test_fields_stand_in_the_order_of_their_scores():
    weight = torch.zeros(51, 16)
    weight[15], weight[35] = 1, -1  # the fourth and the eighth of every fifth node
    ranking = torch.arange(51.0).flip(0)  # node 0 first
    sheet = np.asarray(inside.fields_picture(weight, ranking, torch.ones(16)))
    assert sheet.shape == (10, 50)  # eleven fields: two rows
    assert sheet[2, 3 * 5 + 2] == 255 and sheet[2, 7 * 5 + 2] == 0
    assert (sheet[:, 3 * 5 + 4] == 128).all() and (sheet[5:] == 128).all()


def test_networks_that_are_not_stored_are_named(finished, tmp_path):
    with pytest.raises(NoResults, match="compute it first"):
        inside.publish_inside(finished.study, Store(tmp_path))


@pytest.mark.parametrize("folder", ["ablation", "inside"])
def test_published_files_are_as_they_were_written(folder):
    files = list((paths.project() / "results" / folder).glob("*.[cw]*"))
    assert files
    for file in files:
        made = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        proof = made["table" if file.suffix == ".csv" else "picture"]
        assert hashlib.sha256(file.read_bytes()).hexdigest() == proof["sha256"], file
        assert made["commit"] and made["hardware"] and made["networks"]
