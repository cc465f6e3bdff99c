"""A network in the format ONNX, checked against itself before the file is there."""

import os
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten_with_path, tree_map

from spectral_core import _checks
from spectral_core._extras import needed
from spectral_core._files import write_whole
from spectral_core.layers.conversion import fold
from spectral_core.layers.running import (
    Example,
    arguments,
    check_example,
    on_tensors,
    rows_of,
    run,
    tensors_of,
    undisturbed,
)

CHECKED_BATCHES = (1, 3, 7)
"""Batch sizes at which an exported network must give what it gives here."""


def export_onnx(
    network: nn.Module,
    path: str | os.PathLike[str],
    example: Example,
    *,
    tolerance: float = 1e-5,
) -> float:
    """Write a network in evaluation mode as an ONNX file that takes batches of any size.

    A copy is folded (:func:`~spectral_core.fold`) and exported, and the file is run in onnxruntime
    at the batch sizes :data:`~spectral_core.interop.onnx.CHECKED_BATCHES`. A file that is
    incomplete or fails the check is not kept.

    A single input is called ``inputs``, a single output ``outputs``. Several inputs are named after
    the arguments, several outputs after their place, such as ``outputs.0`` in a tuple and
    ``outputs.logits`` in a dictionary.

    Args:
        network: any model that ``torch.export`` can follow; spectral, plain, pruned or not. It is
            not changed.
        path: where to write the file, usually ``….onnx``.
        example: inputs for the export and the check: a tensor (n, …) with n ≥ 1, a tuple of
            arguments or a dictionary of keyword arguments. If the first dimensions of its tensors
            differ, the file takes these shapes only.
        tolerance: largest accepted difference from torch's outputs, relative to their largest
            absolute value if that is above 1.

    Returns:
        The largest difference found.

    Raises:
        ImportError: without the extra ``[onnx]``.
        TypeError, ValueError: if an argument is of the wrong kind or ``example`` is empty.
        ArithmeticError: if the outputs differ by more than the tolerance.
        torch.onnx.OnnxExporterError: if torch cannot export the network.
    """
    for module in ("onnx", "onnxscript", "onnxruntime"):
        needed(module, "onnx", "export_onnx")
    _checks.module("network", network)
    tolerance = _checks.number("tolerance", tolerance, 0)
    check_example(example)
    plain, example = fold(network).cpu().eval(), on_tensors(lambda x: x.detach().cpu(), example)
    with undisturbed(plain):
        outputs = run(plain, example)
    args, kwargs = arguments(_rows(example, 2))  # torch.export takes a batch of one for a constant
    any_size = {} if rows_of(example) is None else {0: torch.export.Dim.DYNAMIC}
    program = torch.onnx.export(
        plain,
        args,
        kwargs=kwargs,
        input_names=["inputs"] if isinstance(example, Tensor) else None,
        output_names=_names(outputs),
        dynamic_shapes=tree_map(
            lambda x: any_size if isinstance(x, Tensor) else None, kwargs or args
        ),
        dynamo=True,
        verbose=False,
    )
    differences = []

    def write(aside: Path) -> None:
        program.save(str(aside), external_data=False)
        differences.append(_difference(aside, plain, example))
        if not differences[0] <= tolerance:
            raise ArithmeticError(
                f"outputs in onnxruntime must equal torch's to {tolerance:g}; they differ by "
                f"{differences[0]:.2g}"
            )

    write_whole(Path(path), write)
    return differences[0]


def _names(outputs: object) -> list[str]:
    """Names of the tensors in what a network gives."""
    places = [place for place, x in tree_flatten_with_path(outputs)[0] if isinstance(x, Tensor)]
    keys = [[getattr(key, "key", getattr(key, "idx", key)) for key in place] for place in places]
    return [".".join(map(str, ("outputs", *key))) for key in keys]


@torch.no_grad()
def _difference(file: Path, plain: nn.Module, example: Example) -> float:
    """Largest difference between onnxruntime's outputs and torch's."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    names = [taken.name for taken in session.get_inputs()]
    errors = []
    for batch in CHECKED_BATCHES if rows_of(example) is not None else (1,):
        inputs = _rows(example, batch)
        given = [x.numpy() for x in tensors_of(arguments(inputs))]
        for ours, theirs in zip(
            tensors_of(run(plain, inputs)), session.run(None, dict(zip(names, given)))
        ):
            ours, theirs = ours.double(), torch.from_numpy(theirs).double()  # they may be booleans
            apart = (theirs - ours).abs().masked_fill(theirs == ours, 0)  # both may be infinite
            scale = ours.abs().masked_fill(ours.isinf(), 0).max().clamp(min=1)
            errors.append(apart.max() / scale)
    return float(torch.stack(errors).max())  # NaN if one is


def _rows(example: Example, count: int) -> Example:
    """So many inputs, an example's again and again; all of it if they cannot be counted."""
    rows = rows_of(example)
    if rows is None:
        return example
    return on_tensors(lambda x: x[torch.arange(count) % rows], example)
