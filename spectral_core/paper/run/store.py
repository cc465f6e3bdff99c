"""Results on disk, one step each, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from spectral_core._files import write_whole
from spectral_core.paper.study.steps import Step, TrainStep, describe


class Store:
    """Folder of finished steps: ``train/<key>.json`` and ``.safetensors``, ``cut/<key>.json``.

    A step is there when its JSON file is: the file is renamed into place last, so a run that is
    killed leaves no half of one. Locks belong to the operating system, which frees them when
    their holder dies.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    def record(self, step: Step) -> dict[str, Any] | None:
        """What is stored of a step: ``step``, ``result`` and ``made``; ``None`` if it is not."""
        try:
            return _read(self._path(step, "json"))
        except FileNotFoundError:
            return None

    def records(self) -> Iterator[dict[str, Any]]:
        """Everything that is stored, as :meth:`record` gives it, whatever it was computed for."""
        # What a write that was cut off has left behind begins with a dot.
        yield from map(_read, sorted(self.root.glob("*/[!.]*.json")))

    def __contains__(self, step: Step) -> bool:
        suffixes = ("json", "safetensors") if isinstance(step, TrainStep) else ("json",)
        return all(self._path(step, suffix).exists() for suffix in suffixes)

    def save(
        self,
        step: Step,
        result: dict[str, Any],
        made: dict[str, Any],
        network: nn.Module | None = None,
    ) -> None:
        """Store a finished step.

        Args:
            step: its configuration.
            result: what came out, as plain JSON data.
            made: how it was made: versions, machine, seconds.
            network: trained network whose parameters are kept beside the result.
        """
        if network is not None:
            tensors = {
                name: t.detach().cpu().contiguous() for name, t in network.state_dict().items()
            }
            write_whole(self._path(step, "safetensors"), lambda path: save_file(tensors, path))
        text = json.dumps({"step": describe(step), "result": result, "made": made}, indent=1)
        write_whole(self._path(step, "json"), lambda path: path.write_text(text, encoding="utf-8"))

    def load_network(self, step: TrainStep, network: nn.Module) -> nn.Module:
        """Fill a network of the right shape with the stored parameters of a trained one."""
        path = self._path(step, "safetensors")
        try:
            network.load_state_dict(load_file(path))
        except SafetensorError as error:
            raise RuntimeError(
                f"stored network {path} must be whole; got {error}. Delete it to train it again"
            ) from error
        return network

    def lock(self, step: Step, wait: bool = True) -> FileLock:
        """Lock to hold while a step is computed.

        Args:
            step: the step that is about to be computed.
            wait: whether to wait while another process holds the lock; if not, taking it raises
                ``filelock.Timeout``.
        """
        path = self._path(step, "lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(path, blocking=wait)

    def _path(self, step: Step, suffix: str) -> Path:
        return self.root / step.kind / f"{step.key}.{suffix}"


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RuntimeError(
            f"stored result {path} must be JSON; got {error}. Delete it to compute it again"
        ) from error
