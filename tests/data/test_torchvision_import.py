"""Importing torchvision beside a PyTorch build that does not suit it."""

import subprocess
import sys

import pytest
from made_images import write

# As torchvision does: import a submodule, then register a stand-in for the operator.
LACKING = b"""
from torchvision import early
early.runs.append(1)
import torch
@torch.library.register_fake('torchvision::nms')
def nms(dets, scores, iou_threshold): return dets
"""
FAILING = b"raise RuntimeError('operator torchvision::roi_align does not exist')"

CODE = """
import sys, torch
from spectral_core.data.torchvision_import import import_torchvision

for package in ('failing', 'lacking'):
    sys.path.insert(0, f'{sys.argv[1]}/{package}')
    try:
        print(import_torchvision().early.runs, hasattr(torch.ops.torchvision, 'nms'))
    except RuntimeError as error:
        print(error)
"""


@pytest.mark.slow
def test_missing_operators_alone_are_declared_and_the_import_starts_afresh(tmp_path):
    for name, source in {"failing": FAILING, "lacking": LACKING}.items():
        files = {"__init__.py": source, "early.py": b"runs = []"}
        write(tmp_path / name / "torchvision", files)
    command = [sys.executable, "-c", CODE, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    refused, declared = done.stdout.splitlines()
    assert refused == "operator torchvision::roi_align does not exist"
    assert declared == "[1] True"
