"""A pruned network in a file and back, into a model of the full size: safetensors, no pickle.

The file is an ordinary one of safetensors, which any of its tools reads. Its metadata has the
number of nodes that each hidden layer has kept, and the channels of each convolution; that is all
it takes to build the smaller network from the code of the full one.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from spectral_core import _checks
from spectral_core._files import write_whole
from spectral_core.layers.flow import Flow
from spectral_core.layers.kinds import Convolution, named_layers
from spectral_core.pruning.removal import remove

_ENTRY = "spectral_core"
_WITH_CHANNELS = (
    *(nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.PReLU),
    *(nn.modules.batchnorm._BatchNorm, parametrize.ParametrizationList),
)


def save(network: nn.Module, path: str | os.PathLike[str]) -> None:
    """Write a network's ``state_dict`` and the widths of its hidden layers into a file.

    Args:
        network: model with fully connected layers, pruned or not, by this package or by
            Torch-Pruning, spectral or folded.
        path: of the file, by custom ``….safetensors``; it is there whole or not at all.

    Raises:
        TypeError, ValueError: if ``network`` is no module or has no fully connected layer.

    Example:
        >>> save(fold(small), "small.safetensors")
        >>> small = load("small.safetensors", into=nn.Sequential(...))  # of the full size
    """
    from safetensors.torch import save_model

    flow = Flow(network)
    about = {
        "hidden": dict(zip(flow.hidden, flow.widths)),
        "channels": {
            name: [layer.in_channels, layer.out_channels, layer.groups]
            for name, layer in named_layers(network).items()
            if isinstance(layer, Convolution)
        },
    }
    metadata = {"format": "pt", _ENTRY: json.dumps(about)}
    write_whole(Path(path), lambda aside: save_model(network, str(aside), metadata))


@torch.no_grad()
def load(path: str | os.PathLike[str], into: nn.Module) -> nn.Module:
    """Read a network that :func:`~spectral_core.save` has written.

    Args:
        path: of the file.
        into: a model as the saved one was before it was pruned, of the same class and settings and
            as spectral or plain as the saved one; it is left as it is. One of the saved size will
            do as well.

    Returns:
        A new network of the model's class with the widths and numbers of the file, on the model's
        device and in its floating-point type and training mode.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if :func:`~spectral_core.save` has not written it, or it does not fit the model.
    """
    flow = Flow(_checks.module("into", into))
    about, state = _read(Path(path))
    widths = about["hidden"]
    if list(widths) != flow.hidden:
        raise ValueError(
            f"into must have the hidden layers of the saved network, {_named(widths)}; "
            f"got {_named(flow.hidden)}"
        )
    for (name, width), own in zip(widths.items(), flow.widths):
        if width > own:
            raise ValueError(
                f"into must have at least the {width} nodes of the saved network in {name!r}; "
                f"got {own}"
            )
    network = remove(into, [torch.arange(width) for width in widths.values()])
    for name in flow.layers:  # biases that remove(…, fill="constant") has made
        layer = network.get_submodule(name)
        bias = state.get(f"{name}.bias" if name else "bias")
        if layer.bias is None and bias is not None:
            layer.bias = nn.Parameter(bias.to(layer.weight))
    _check_names(state, network.state_dict())
    if about["channels"]:
        _narrow(network, state, about["channels"])
    _check_shapes(state, network.state_dict())
    network.load_state_dict(state)
    return network


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What the metadata say of layers, and the tensors."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), "pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path} must be a file of safetensors; {error}") from error
    if _ENTRY not in metadata:
        raise ValueError(
            f"{path} must be a file that spectral_core.save has written; its metadata say nothing "
            "of hidden layers"
        )
    # Of tensors that are one, safetensors keeps one, and the others' names in the metadata.
    state |= {name: state[kept] for name, kept in metadata.items() if kept in state}
    return json.loads(metadata[_ENTRY]), state


def _narrow(network: nn.Module, state: dict[str, Tensor], channels: dict[str, list[int]]) -> None:
    """Make room for fewer channels, which Torch-Pruning leaves, in the modules that have some."""
    for name, module in network.named_modules():
        if not isinstance(module, _WITH_CHANNELS):
            continue
        own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
        for key, tensor in own:
            shape = state[f"{name}.{key}" if name else key].shape
            if not _fits(shape, tensor.shape, isinstance(module, nn.Linear)):
                continue  # what does not fit is named later
            room = tensor.new_empty(shape)
            if isinstance(tensor, nn.Parameter):
                room = nn.Parameter(room, tensor.requires_grad)
            setattr(module, key, room)
        if isinstance(module, Convolution) and name in channels:
            module.in_channels, module.out_channels, module.groups = channels[name]
        elif isinstance(module, nn.Linear):
            module.in_features = module.weight.shape[1]
        elif isinstance(module, nn.modules.batchnorm._BatchNorm) and own:
            module.num_features = len(getattr(module, own[0][0]))


def _fits(shape: torch.Size, most: torch.Size, linear: bool) -> bool:
    """Whether a tensor may shrink to a shape: fewer channels, of a linear layer's inputs alone."""
    if len(shape) != len(most) or shape[2:] != most[2:] or (linear and shape[:1] != most[:1]):
        return False
    return all(n <= limit for n, limit in zip(shape, most))


def _check_names(saved: dict[str, Tensor], own: dict[str, Tensor]) -> None:
    """Raise unless a model has the file's tensors."""
    if saved.keys() != own.keys():
        lacking, more = own.keys() - saved.keys(), saved.keys() - own.keys()
        raise ValueError(
            "into must have the tensors that the file has; the file lacks "
            f"{_named(sorted(lacking)[:3])}, the model {_named(sorted(more)[:3])}. A folded "
            "network loads into a plain model, a spectral one into a spectral one, see fold and "
            "spectralize"
        )


def _check_shapes(saved: dict[str, Tensor], own: dict[str, Tensor]) -> None:
    """Raise unless a model's tensors have the shapes of the file's."""
    for name, tensor in saved.items():
        if tensor.shape != own[name].shape:
            raise ValueError(
                f"into must have a {name!r} of shape {tuple(tensor.shape)} once it is pruned; "
                f"got {tuple(own[name].shape)}"
            )


def _named(names: object) -> str:
    return ", ".join(map(repr, names)) or "none"
