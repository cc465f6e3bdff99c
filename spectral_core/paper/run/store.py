"""Results on disk, one step each, written whole or not at all, and checked when they are read."""

import hashlib
import json
import math
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from safetensors.torch import load, save
from torch import nn

from spectral_core._files import write_whole
from spectral_core.paper.study.steps import Step, TrainStep, describe


class DamagedStep(RuntimeError):
    """A stored file is not what its step says."""


class Store:
    """Folder of finished steps: ``train/<key>.json`` and ``.safetensors``, ``cut/<key>.json``.

    A step is there when its JSON file is: the file is renamed into place last, so a run that is
    killed leaves no half of one. Locks belong to the operating system, which frees them when
    their holder dies. A file that is not what its step says counts as missing; one that the system
    does not let us read is an ``OSError``.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    def record(self, step: Step) -> dict[str, Any] | None:
        """What is stored of a step: ``step``, ``result``, ``made``, of a network its ``sha256``,
        and a ``checksum`` of them; ``None`` if it is not stored, or damaged."""
        with suppress(FileNotFoundError, DamagedStep):
            return self._read(step)
        return None

    def __contains__(self, step: Step) -> bool:
        with suppress(FileNotFoundError, DamagedStep):
            self._check(step)
            return True
        return False

    def set_aside(self, step: Step) -> str | None:
        """Rename what is damaged of a step; returns what is wrong with it, ``None`` if nothing is.

        The files get the ending ``.damaged``.
        """
        try:
            self._check(step)
        except FileNotFoundError:
            return None
        except DamagedStep as error:
            for suffix in ("json", "safetensors"):
                path = self._path(step, suffix)
                with suppress(FileNotFoundError):
                    os.replace(path, path.with_name(f"{path.name}.damaged"))
            return str(error)
        return None

    def save(
        self,
        step: Step,
        result: dict[str, Any],
        made: dict[str, Any],
        network: nn.Module | None = None,
    ) -> None:
        """Store a finished step: what came out and how it was made, as plain JSON data, and beside
        it the parameters of a trained network."""
        record = {"step": describe(step), "result": result, "made": made}
        if network is not None:
            content = save(
                {name: t.detach().cpu().contiguous() for name, t in network.state_dict().items()}
            )
            record["sha256"] = hashlib.sha256(content).hexdigest()
            write_whole(self._path(step, "safetensors"), lambda path: path.write_bytes(content))
        record["checksum"] = _checksum(record)
        text = json.dumps(record, indent=1)
        write_whole(self._path(step, "json"), lambda path: path.write_text(text, encoding="utf-8"))

    def load_network(self, step: TrainStep, network: nn.Module) -> nn.Module:
        """Fill a network of the right shape with the stored parameters of a trained one.

        Raises:
            DamagedStep: if the file is not the one that was stored; names it.
        """
        network.load_state_dict(load(self._network(step, self._read(step))))
        return network

    def lock(self, step: Step, wait: bool = True) -> FileLock:
        """Lock to hold while a step is computed. While another process holds it, who takes it waits
        or, with ``wait=False``, gets a ``filelock.Timeout``."""
        path = self._path(step, "lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(path, blocking=wait)

    def sweep(self) -> None:
        """Remove what killed runs have left: halves of files, and marks of runs that are over.

        What is still being written, or marks a run that goes on, is under a lock, and stays.
        """
        for aside in self.root.glob("*/.*.*.*"):
            _, _, key, *_ = aside.name.split(".")
            self._remove_unlocked(aside, aside.with_name(f"{key}.lock"))
        for reports in self.root.glob(f".*{_REPORTS}"):
            self._remove_unlocked(reports, reports.with_suffix(".run"))
        for marker in self.root.glob(".*.run"):
            self._remove_unlocked(marker, marker)

    @staticmethod
    def _remove_unlocked(leftover: Path, lock: Path) -> None:
        with suppress(Timeout, OSError), FileLock(lock, blocking=False):
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink(missing_ok=True)

    def _path(self, step: Step, suffix: str) -> Path:
        return self.root / step.kind / f"{step.key}.{suffix}"

    def _check(self, step: Step) -> None:
        """Raise unless all of a step is stored as it was written."""
        record = self._read(step)
        if isinstance(step, TrainStep):
            self._network(step, record)

    def _read(self, step: Step) -> dict[str, Any]:
        path = self._path(step, "json")
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            problem = _problem(step, record)
        except IsADirectoryError as error:
            problem = f"it cannot be read ({error})"
        except OSError:  # nothing is known of its content
            raise
        except Exception as error:  # whatever its content is
            problem = f"it cannot be read ({error})"
        if problem:
            raise DamagedStep(f"stored result {path} must be of {step}, but {problem}")
        return record

    def _network(self, step: TrainStep, record: dict[str, Any]) -> bytes:
        """Content of the file of a trained network, checked if its record has a checksum."""
        path = self._path(step, "safetensors")
        try:
            content = path.read_bytes()
            expected = record.get("sha256")
            if expected is None:  # older records have none
                load(content)
            elif expected != hashlib.sha256(content).hexdigest():
                raise ValueError("its SHA-256 is another one")
        except OSError:
            raise
        except Exception as error:
            raise DamagedStep(
                f"stored network {path} must be as it was written, but {error}"
            ) from error
        return content


_REPORTS = ".reports"


def reports_of(marker: Path) -> Path:
    """Folder beside the file that marks a run, where its processes report their progress."""
    return marker.with_suffix(_REPORTS)


def _problem(step: Step, record: dict[str, Any]) -> str | None:
    """What is wrong with the record of a step; ``None`` if nothing is."""
    if record["step"] != describe(step):
        return "it is of another step"
    if record.get("checksum", _checksum(record)) != _checksum(record):  # older ones have none
        return "its checksum is another one"
    result, seconds = record["result"], record["made"]["seconds"]
    if isinstance(step, TrainStep):
        losses = result["training_loss"]
        right = len(losses) == step.epochs and all(map(math.isfinite, [*losses, seconds]))
        return None if right else f"its losses are {losses}"
    kept, accuracy, loss = result["kept"], result["accuracy"], result["loss"]
    right = (
        sum(kept) == result["nodes"]
        and min(*kept, result["parameters"]) >= 0
        and 0 <= accuracy <= 1
        and 0 <= loss < math.inf
    )
    return None if right and math.isfinite(seconds) else f"its numbers are {result}"


def _checksum(record: dict[str, Any]) -> str:
    """SHA-256 of all else in a record."""
    content = {name: part for name, part in record.items() if name != "checksum"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
