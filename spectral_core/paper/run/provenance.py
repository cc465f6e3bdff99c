"""Where a number comes from: versions, commit, machine and time."""

import datetime
import functools
import hashlib
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import joblib
import numpy
import torch

PACKAGE = Path(__file__).parents[2]


def made(seconds: float, device: str) -> dict[str, Any]:
    """Circumstances of a computation that ends now: ``at`` (UTC, ISO 8601), ``seconds`` that it
    took, ``device``, ``hardware``, ``versions`` and ``commit``."""
    return {
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "device": device,
        "hardware": hardware(device),
        "versions": versions(),
        "commit": commit(),
    }


@functools.cache
def versions() -> dict[str, str]:
    """Versions of what the numbers depend on."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
    }


@functools.cache
def code() -> dict[str, str]:
    """What decides what a number is: releases of torch and numpy, and the source of this package
    (of its layers, training, pruning and data, and of what runs a step) as a checksum."""
    files = [file for folder in _SOURCES for file in sorted((PACKAGE / folder).rglob("*.py"))]
    source = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    releases = {name: versions()[name].split("+")[0] for name in ("torch", "numpy")}
    return {**releases, "spectral_core": source[:12]}


_SOURCES = ("layers", "training", "pruning", "data", "paper/study", "paper/run")


@functools.cache
def hardware(device: str = "cpu") -> str:
    """Processor, number of cores, widest instructions and preloaded libraries, which may replace
    torch's own functions; and the accelerator where one computes.

    The same seed gives the same network, to the last bit, on like machines only.
    """
    text = f"{_processor()}, {joblib.cpu_count()} cores, {instructions()}"
    preloaded = os.environ.get("LD_PRELOAD", "").replace(":", " ").split()
    if preloaded:
        text += f", LD_PRELOAD {' '.join(Path(library).name for library in preloaded)}"
    if device.startswith("cuda"):
        text += f", {torch.cuda.get_device_name(device)}"
    return text


@functools.cache
def instructions() -> str:
    """Widest instructions of the processor that torch uses, such as ``AVX2``."""
    tell = getattr(torch.cpu, "get_capabilities", dict)  # torch 2.10 and later
    return "AMX" if tell().get("amx_bf16") else torch.backends.cpu.get_cpu_capability()


@functools.cache
def commit() -> str | None:
    """Commit of the source, with ``+changes`` if the package differs; ``None`` outside git."""
    if _git("ls-files", "--error-unmatch", "__init__.py") is None:
        return None  # an installed copy, even if it lies inside somebody's repository
    head = _git("rev-parse", "--short=12", "HEAD")
    return f"{head}+changes" if _git("status", "--porcelain", "--", ".") else head


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(PACKAGE), *arguments], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
