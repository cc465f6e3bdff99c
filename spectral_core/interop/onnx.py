"""A network in the format ONNX, checked against itself before the file is there."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import Tensor, nn

from spectral_core import _checks
from spectral_core._extras import needed
from spectral_core._files import write_whole
from spectral_core.layers.conversion import fold
from spectral_core.layers.running import run, undisturbed

CHECKED_BATCHES = (1, 3, 7)
"""Batch sizes at which an exported network must give what it gives here."""


def export_onnx(
    network: nn.Module,
    path: str | os.PathLike[str],
    example: Tensor,
    *,
    tolerance: float = 1e-5,
) -> float:
    """Write a network in evaluation mode as an ONNX file that takes batches of any size.

    A copy is folded (:func:`~spectral_core.fold`) and exported, and the file is run in onnxruntime
    at batches of :data:`~spectral_core.interop.onnx.CHECKED_BATCHES`. It is written complete and
    checked, or not at all. Its input is called ``inputs``, its output ``outputs``.

    Args:
        network: model from one tensor to one, (n, …) to (n, …); spectral, plain, pruned or not. It
            is left as it is.
        path: of the file, by custom ``….onnx``.
        example: inputs of shape (n, …), n ≥ 1, that the check runs on, too.
        tolerance: largest difference from torch's outputs that is accepted, as a share of their
            largest absolute value where that is above 1.

    Returns:
        The largest difference found.

    Raises:
        ImportError: without the extra ``[onnx]``.
        TypeError, ValueError: if an argument is of the wrong kind or ``example`` is empty.
        ArithmeticError: if the outputs differ by more than the tolerance.
    """
    for module in ("onnx", "onnxscript", "onnxruntime"):
        needed(module, "onnx", "export_onnx")
    _checks.module("network", network)
    tolerance = _checks.number("tolerance", tolerance, 0)
    _checks.batch(example)
    plain, example = fold(network).cpu().eval(), example.detach().cpu()
    with undisturbed(plain):
        _checks.outputs(run(plain, example))
    program = torch.onnx.export(
        plain,
        (_rows(example, 2),),  # torch.export takes a batch of one for a constant
        input_names=["inputs"],
        output_names=["outputs"],
        dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
        dynamo=True,
        verbose=False,
    )
    differences = []

    def write(aside: Path) -> None:
        program.save(str(aside), external_data=False)
        differences.append(_difference(aside, plain, example))
        if not differences[0] <= tolerance:
            raise ArithmeticError(
                f"outputs in onnxruntime must be torch's to {tolerance:g}; they differ by "
                f"{differences[0]:.2g}"
            )

    write_whole(Path(path), write)
    return differences[0]


@torch.no_grad()
def _difference(file: Path, plain: nn.Module, example: Tensor) -> float:
    """Largest difference between onnxruntime's outputs and torch's."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    errors = []
    for batch in CHECKED_BATCHES:
        inputs = _rows(example, batch)
        ours = plain(inputs)
        (theirs,) = session.run(["outputs"], {"inputs": inputs.numpy()})
        largest = (torch.from_numpy(theirs) - ours).abs().max()
        errors.append(largest / ours.abs().max().clamp(min=1))
    return float(torch.stack(errors).max())  # NaN if one is


def _rows(example: Tensor, count: int) -> Tensor:
    """So many inputs, an example's again and again."""
    return example[torch.arange(count) % len(example)]
