"""A pruned network against the full one with the removed nodes masked, on an example."""

import contextlib
import functools
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from spectral_core.layers.flow import Flow
from spectral_core.layers.kinds import arrival_width, departure_width, matrix, tensors_in
from spectral_core.layers.probing import Left, on
from spectral_core.layers.running import Example, alike, duplicate, tensors_of, undisturbed


def check_removal(flow: Flow, left: Left, smaller: nn.Module, fill: str = "zero") -> None:
    """Raise unless a pruned network gives what the full one gives with the removed nodes masked,
    and runs in training mode; the error names the first layer where they differ."""
    dtypes = {tensor.dtype for layer in flow.layers.values() for tensor in tensors_in(layer)}
    same = functools.partial(alike, computed=min(dtypes, key=lambda dtype: dtype.itemsize))
    with _masked(flow, left, fill) as full:
        small = duplicate(smaller).eval()
        for example in flow.examples:
            wanted, outputs = _inside(full, flow, example)
            try:
                given, small_outputs = _inside(small, flow, example)
            except Exception as error:  # whatever a model does with fewer nodes
                _refuse(flow, left, f"it fails: {error}", error)
            given += [("", torch.empty(0))] * (len(wanted) - len(given))
            last = ""
            for (name, before), (other, after) in zip(wanted, given):
                if name in left.columns:
                    before = before[..., on(before, left.columns[name])]
                if name != other or not same(before, after):
                    _refuse(flow, left, f"the two differ at the inputs of {name!r}")
                last = f", behind {name!r}"
            if len(outputs) != len(small_outputs) or not all(map(same, outputs, small_outputs)):
                _refuse(flow, left, f"the two differ at the outputs{last}")
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return  # other processes do not train now
    error = _training_fails(smaller, flow)
    if error is not None and _training_fails(flow.network, flow) is None:
        _refuse(flow, left, f"it fails in training mode: {error}", error)


def _training_fails(network: nn.Module, flow: Flow) -> Exception | None:
    try:
        with undisturbed(network):
            flow.run(duplicate(network).train(), flow.examples[0])
    except Exception as error:  # whatever a model raises
        return error
    return None


def _refuse(flow: Flow, left: Left, why: str, error: Exception | None = None) -> None:
    names = ", ".join(map(repr, left.nodes))
    raise ValueError(
        f"nodes of {names} cannot be removed: the smaller network must reproduce the outputs of "
        f"the full one with these nodes masked, but {why}{flow.hooks()}. Keep all nodes of these "
        "layers, such as by protect=…, or see find"
    ) from error


def constants_of(flow: Flow, left: Left) -> dict[str, Tensor]:
    """What kept nodes of each layer get from removed ones without incoming weights, (N_kept,)."""
    with _masked(flow, left, "constant") as full:
        inputs = dict(_inside(full, flow, flow.examples[0])[0])
    constants = {}
    for name, columns in left.columns.items():
        layer = flow.layers[name]
        sent = inputs[name].reshape(-1, departure_width(layer))[0].clone()
        sent[on(sent, columns)] = 0.0
        constant = matrix(layer).detach() @ sent.to(layer.weight)
        stays = left.nodes.get(name)
        constants[name] = constant if stays is None else constant[on(constant, stays)]
    return constants


@contextlib.contextmanager
def _masked(flow: Flow, left: Left, fill: str) -> Iterator[nn.Module]:
    """A copy of the full network in which removed nodes send nothing, or a constant."""
    with undisturbed(flow.network):
        full = duplicate(flow.network).eval()
        for name, indices in left.nodes.items() if fill == "constant" else ():
            layer = full.get_submodule(name)
            gone = np.setdiff1d(np.arange(arrival_width(layer)), indices)
            hook = functools.partial(_without_weights, on(layer.weight, gone))
            layer.register_forward_hook(hook, prepend=True)
        for name, columns in left.columns.items() if fill == "zero" else ():
            layer = full.get_submodule(name)
            mask = layer.weight.new_zeros(departure_width(layer))
            mask[on(mask, columns)] = 1
            layer.register_forward_pre_hook(functools.partial(_times, mask), with_kwargs=True)
        yield full


def _without_weights(gone: Tensor, layer: nn.Module, _: object, outputs: Tensor) -> Tensor:
    outputs = outputs.clone()
    outputs[..., gone] = 0.0 if layer.bias is None else layer.bias[gone].to(outputs)
    return outputs


def _times(mask: Tensor, _: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    return tree_map(lambda x: x * mask.to(x), (args, kwargs))


def _inside(
    network: nn.Module, flow: Flow, example: Example
) -> tuple[list[tuple[str, Tensor]], list[Tensor]]:
    """Inputs of the layers, in order of execution, and the outputs."""
    seen: list[tuple[str, Tensor]] = []

    def watch(name: str, _: nn.Module, args: tuple, kwargs: dict) -> None:
        (x,) = (*args, *kwargs.values())
        seen.append((name, x.clone()))

    with contextlib.ExitStack() as hooks:
        for name in flow.layers:
            hook = functools.partial(watch, name)
            layer = network.get_submodule(name)
            handle = layer.register_forward_pre_hook(hook, with_kwargs=True)
            hooks.callback(handle.remove)
        return seen, tensors_of(flow.run(network, example))
