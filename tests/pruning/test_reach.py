"""Networks of many forms: pruned is masked, and what is pruned can be saved and exported."""

import pytest

from benchmarks.reach import HUGGING_FACE, SMALL, reach

GROUPS = {
    "autoencoder": 3, "residual MLP": 2, "SwiGLU": 1, "concatenation, norm": 2,
    "written-out activation": 1, "actor-critic, dictionary": 2, "siamese": 2, "two inputs": 1,
    "DeepSets": 3, "MLP-Mixer": 2, "GPT block": 1, "nn.TransformerEncoder": 2,
}  # fmt: skip
"""Counted by hand: nodes that share columns are one group."""


@pytest.mark.parametrize("name", SMALL)
def test_pruned_is_masked_saved_and_exported(name):
    row = reach(*SMALL[name])
    assert row["groups"] == GROUPS[name]
    assert row["difference"] < 1e-5 and row["loaded"]
    assert row["onnx"] is None or row["onnx"] < 1e-4


@pytest.mark.parametrize("name", HUGGING_FACE)
def test_hugging_face_models_lose_the_nodes_of_their_feed_forward_blocks(name):
    pytest.importorskip("transformers")
    row = reach(*HUGGING_FACE[name])
    assert row["groups"] in (2, 4) and row["difference"] < 1e-5 and row["loaded"]
