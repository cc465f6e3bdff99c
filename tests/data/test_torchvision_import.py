"""Importing torchvision, beside a PyTorch build that suits it and beside one that does not."""

from __future__ import annotations

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
@torch.library.register_fake('torchvision::qnms')
def qnms(dets, scores, iou_threshold): return dets
"""
FAILING = b"raise RuntimeError('operator torchvision::roi_align does not exist')"
WHOLE = b"from torchvision import early"

CODE = """
import sys, torch
from spectral_core.data.torchvision_import import import_torchvision

def attempt(package):
    for name in [name for name in sys.modules if name.split('.')[0] == 'torchvision']:
        del sys.modules[name]
    sys.path.insert(0, f'{sys.argv[1]}/{package}')
    try:
        module = import_torchvision()
        assert import_torchvision() is module is sys.modules['torchvision']
        outcome = f'imported, runs {module.early.runs}'
    except RuntimeError as error:
        outcome = error
    print(package, outcome, hasattr(torch.ops.torchvision, 'nms'), sep=': ')

for package in ('failing', 'whole', 'lacking'):
    attempt(package)
"""


@pytest.mark.slow
def test_missing_operators_alone_are_declared_and_the_import_starts_afresh(tmp_path):
    for name, source in {"failing": FAILING, "whole": WHOLE, "lacking": LACKING}.items():
        files = {"__init__.py": source, "early.py": b"runs = []"}
        write(tmp_path / name / "torchvision", files)
    command = [sys.executable, "-c", CODE, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "failing: operator torchvision::roi_align does not exist: False",
        "whole: imported, runs []: False",
        "lacking: imported, runs [1]: True",
    ]
