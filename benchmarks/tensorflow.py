"""Epochs against SpectralTools on TensorFlow, which the authors published, on the whole machine.

SpectralTools runs in the better of its two ways: one process on all cores, or a process per core.
Its processes are apart from this one. They need the extra [bench-tf], either in this environment or
in that of another Python, named by ``SPECTRAL_CORE_TF_PYTHON``. Where this project has plain
layers, Keras has its own.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from benchmarks.epoch import every_network
from benchmarks.loops import problem, training
from benchmarks.measure import Skipped
from spectral_core.data import Dataset, load
from spectral_core.paper.study.steps import TrainStep

MINUTES = 4
PYTHON = "SPECTRAL_CORE_TF_PYTHON"
NEEDED = ("tensorflow", "tf_keras", "tensorflow_model_optimization", "spectraltools")
ROOT = Path(__file__).parent.parent


def run(rounds: int = 2, quick: bool = False) -> list[dict[str, Any]]:
    """Measure 1 and 3 hidden layers; one row per network and method."""
    python, cores = python_with_tensorflow(), joblib.cpu_count()
    data = load(problem(quick).dataset)
    images = training(problem(quick)).train_images
    with (
        trainers(python, data, images, 1, cores) as one,
        trainers(python, data, images, cores, 1) as several,
    ):

        def references(step: TrainStep) -> Mapping[str, Callable[[], Any]]:
            settings = settings_of(step, data.class_count)
            tell_all([*one, *several], settings)
            return {
                "SpectralTools, one process": lambda: [tell_all(one, {}) for _ in range(cores)],
                "SpectralTools, a process per core": partial(tell_all, several, {}),
            }

        rows = every_network(references, rounds, quick)
    return [row | {"versions": one[0].versions} for row in rows]


def python_with_tensorflow() -> str:
    """The Python that has what the trainers import, or ``Skipped`` says what it lacks."""
    python = os.environ.get(PYTHON) or sys.executable
    code = (
        "from importlib.util import find_spec; "
        f"print(*(name for name in {NEEDED} if find_spec(name) is None))"
    )
    try:
        done = subprocess.run(
            [python, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise Skipped(f"{PYTHON} must name a Python; got {python!r} ({error})") from error
    if missing := done.stdout.split():
        raise Skipped(
            f"{python} has no {', '.join(missing)}; install the extra, python -m pip install "
            "--constraint constraints.txt --constraint constraints-tensorflow.txt "
            "--editable '.[bench-tf]', then python -m pip install --no-deps spectraltools==1.2.0; "
            f"or name a Python that has them by {PYTHON}"
        )
    return python


def settings_of(step: TrainStep, classes: int) -> dict[str, Any]:
    """What a trainer must know of a training."""
    names = ("hidden", "activation", "layers", "trains", "batch_size", "learning_rate", "epochs")
    return {"classes": classes, **{name: getattr(step, name) for name in names}}


class Trainer:
    """A process of :mod:`benchmarks.tensorflow_trainer`."""

    def __init__(self, process: subprocess.Popen, errors: Path) -> None:
        self.process, self.errors = process, errors
        self.versions: dict[str, str] = self.answer()

    def tell(self, what: Mapping[str, Any]) -> None:
        """Give it a network's settings, or with nothing let it train."""
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, str]:
        """Wait until it has done what it was told."""
        line = self.process.stdout.readline()
        if not line:
            said = self.errors.read_text(encoding="utf-8", errors="replace")
            raise RuntimeError(f"TensorFlow's process ended:\n{said[-2000:]}")
        return json.loads(line)


def tell_all(trainers: Sequence[Trainer], what: Mapping[str, Any]) -> None:
    """Tell several trainers the same at once, and wait for all of them."""
    for trainer in trainers:
        trainer.tell(what)
    for trainer in trainers:
        trainer.answer()


@contextmanager
def trainers(
    python: str, data: Dataset, images: int | None, processes: int, threads: int
) -> Iterator[list[Trainer]]:
    """Start trainers of so many threads each on a data set's images; end them with the block."""
    environment = os.environ | {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    started: list[tuple[subprocess.Popen, Path]] = []
    with tempfile.TemporaryDirectory() as folder:
        examples = Path(folder) / "examples.npz"
        np.savez(
            examples,
            inputs=data.train_inputs[:images].numpy(),
            targets=data.train_targets[:images].numpy(),
        )
        command = [python, "-m", "benchmarks.tensorflow_trainer", str(examples), str(threads)]
        try:
            for i in range(processes):
                errors = Path(folder) / f"errors-{i}"
                with errors.open("wb") as stderr:
                    process = subprocess.Popen(
                        command,
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=stderr,
                        text=True,
                        cwd=ROOT,
                        env=environment,
                    )
                started.append((process, errors))
            yield [Trainer(*each) for each in started]
        finally:
            for process, _ in started:
                process.kill()
                process.communicate()
