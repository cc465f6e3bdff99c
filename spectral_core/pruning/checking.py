"""A pruned network against the full one with the removed nodes masked, on an example."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from spectral_core.layers.flow import Flow
from spectral_core.layers.kinds import Dense, arrival_width, departure_width, matrix
from spectral_core.layers.probing import on
from spectral_core.layers.running import Example, duplicate, run, tensors_of, undisturbed

TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-4}
"""Largest difference accepted, as a share of the largest output; 5 % in half precision."""

Kept = Mapping[str, np.ndarray]
"""Nodes to keep by the name of their group; groups that are not named keep all."""


def check_removal(
    flow: Flow, kept: Kept, smaller: nn.Module, example: Example, fill: str = "zero"
) -> None:
    """Raise unless a pruned network gives what the full one gives with the removed nodes masked.

    Raises:
        ValueError: if it does not; names the first layer where they part.
    """
    with _masked(flow, kept, fill) as full:
        wanted = _inside(full, flow, example)
    columns = flow.kept_columns(kept)
    with undisturbed(smaller):
        small = duplicate(smaller).eval()
        try:
            given = _inside(small, flow, example)
        except Exception as error:  # whatever a model does with fewer nodes
            _refuse(flow, kept, f"it fails: {error}", error)
    for k, (name, before) in enumerate(wanted[:-1]):
        after = given[k][1] if k < len(given) - 1 and given[k][0] == name else None
        if name in columns:
            before = before[..., on(before, columns[name])]
        if after is None or not _alike(before, after):
            _refuse(flow, kept, f"they part at the inputs of {name!r}")
    before, after = wanted[-1][1], given[-1][1]
    if len(before) != len(after) or not all(map(_alike, before, after)):
        last = f" behind {wanted[-2][0]!r}" if len(wanted) > 1 else ""
        _refuse(flow, kept, f"they part at the outputs,{last}")


def _refuse(flow: Flow, kept: Kept, why: str, error: Exception | None = None) -> None:
    names = [name for group in flow.groups if group.name in kept for name in group.layers]
    raise ValueError(
        f"nodes of {', '.join(map(repr, names))} cannot be removed: the smaller network must give "
        f"what the full one gives with those nodes masked, and {why}{flow.hooks()}. Protect the "
        "layers, or see find"
    ) from error


def constants_of(flow: Flow, kept: Kept) -> dict[str, Tensor]:
    """What each layer gets from removed nodes without incoming weights, (N_out,) of the layer."""
    if flow.stack is not None:
        inputs = _constants_in_stack(flow.stack)
    else:
        with _masked(flow, kept, "constant") as full:
            inputs = dict(_inside(full, flow, flow.examples[0])[:-1])
    constants = {}
    for name, columns in flow.kept_columns(kept).items():
        layer = flow.layers[name]
        sent = inputs[name].reshape(-1, departure_width(layer))[0].clone()
        sent[on(sent, columns)] = 0.0
        constants[name] = matrix(layer).detach() @ sent.to(layer.weight)
    return constants


def _constants_in_stack(stack: list[tuple[str, nn.Module]]) -> dict[str, Tensor]:
    """What each layer of a plain stack gets, (2, N), if none had incoming weights."""
    inputs, sent = {}, torch.empty(0)
    for name, module in stack:
        if isinstance(module, Dense):
            inputs[name] = sent
            zeros = module.weight.detach().new_zeros(2, arrival_width(module))
            sent = zeros if module.bias is None else zeros + module.bias.detach()
        else:
            sent = duplicate(module).eval()(sent)
    return inputs


@contextlib.contextmanager
def _masked(flow: Flow, kept: Kept, fill: str) -> Iterator[nn.Module]:
    """A copy of the full network in which removed nodes send nothing, or a constant."""
    full = flow.network
    with undisturbed(full):
        full = duplicate(full).eval()
        for name in flow.layers:
            layer, indices = full.get_submodule(name), flow.arrival(name, kept)
            if fill == "constant" and indices is not None:
                gone = np.setdiff1d(np.arange(arrival_width(layer)), indices)
                layer.register_forward_hook(_without_weights(on(layer.weight, gone)), prepend=True)
        for name, columns in flow.kept_columns(kept).items() if fill == "zero" else ():
            layer = full.get_submodule(name)
            mask = layer.weight.new_zeros(departure_width(layer))
            mask[on(mask, columns)] = 1
            layer.register_forward_pre_hook(_times(mask), with_kwargs=True)
        yield full


def _without_weights(gone: Tensor) -> Callable[..., Tensor]:
    def hook(layer: nn.Module, _: object, outputs: Tensor) -> Tensor:
        outputs = outputs.clone()
        outputs[..., gone] = 0.0 if layer.bias is None else layer.bias[gone].to(outputs)
        return outputs

    return hook


def _times(mask: Tensor) -> Callable[..., object]:
    def hook(_: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        args = tuple(x * mask.to(x) for x in args)
        return args, {key: x * mask.to(x) for key, x in kwargs.items()}

    return hook


def _inside(network: nn.Module, flow: Flow, example: Example) -> list[tuple[str, object]]:
    """Inputs of the layers, in order of execution, and last the outputs."""
    seen: list[tuple[str, object]] = []

    def watch(name: str) -> Callable[..., None]:
        def hook(_: nn.Module, args: tuple, kwargs: dict) -> None:
            (x,) = (*args, *kwargs.values())
            seen.append((name, x.clone()))

        return hook

    for name in flow.layers:
        layer = network.get_submodule(name)
        layer.register_forward_pre_hook(watch(name), with_kwargs=True)
    seen.append(("", tensors_of(run(network, example))))
    return seen


def _alike(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors agree to the tolerance of their type."""
    if a.shape != b.shape:
        return False
    if not a.is_floating_point() or a.numel() == 0:
        return bool(torch.equal(a, b)) if a.numel() else True
    tolerance = TOLERANCE.get(a.dtype, 5e-2)
    a, b = a.double(), b.double()
    scale = a[a.isfinite()].abs().max().clamp(min=1e-3) if a.isfinite().any() else 1.0
    close = ((a - b).abs() <= tolerance * scale) | (a == b) | (a.isnan() & b.isnan())
    return bool(close.all())
