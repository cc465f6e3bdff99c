"""Importing torchvision, beside a PyTorch build that suits it and beside one that does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPORT = """
import sys, torch
from spectral_core.data.torchvision_import import import_torchvision
module = import_torchvision()
assert import_torchvision() is module is sys.modules["torchvision"]
print(module.__file__)
print("declared" if hasattr(torch.ops.torchvision, "nms") else "not declared")
"""


def run(code: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in a process of its own, with ``path`` before the installed packages."""
    paths = os.pathsep.join([str(path), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )


def stand_in(directory: Path, source: str) -> Path:
    """Write a package ``torchvision`` with a submodule ``early`` and the given ``__init__``."""
    package = directory / "torchvision"
    package.mkdir()
    (package / "early.py").write_text("runs = []\n")
    (package / "__init__.py").write_text(source)
    return package / "__init__.py"


def test_missing_operators_are_declared_and_the_import_starts_afresh(tmp_path):
    # As torchvision does: import a submodule, then register a stand-in for the operator.
    stand_in(
        tmp_path,
        "from torchvision import early\n"
        "early.runs.append(1)\n"
        "import torch\n"
        "@torch.library.register_fake('torchvision::nms')\n"
        "def nms(dets, scores, iou_threshold): return dets\n"
        "@torch.library.register_fake('torchvision::qnms')\n"
        "def qnms(dets, scores, iou_threshold): return dets\n",
    )
    done = run(REPORT + "print(module.early.runs)", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1:] == ["declared", "[1]"]


def test_another_failure_is_passed_on_and_nothing_is_declared_after_a_success(tmp_path):
    error = "operator torchvision::roi_align does not exist"
    path = stand_in(tmp_path, f"raise RuntimeError('{error}')\n")
    done = run(REPORT, tmp_path)
    assert done.returncode != 0 and done.stderr.strip().endswith(f"RuntimeError: {error}")
    path.write_text("from torchvision import early\n")
    done = run(REPORT, tmp_path)
    assert done.stdout.splitlines() == [str(path), "not declared"], done.stderr
