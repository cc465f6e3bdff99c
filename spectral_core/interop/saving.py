"""A pruned network in a file and back, into a model of the full size: safetensors, no pickle.

The file is an ordinary one of safetensors, which any of its tools reads. The shapes of its tensors
are all it takes to build the smaller network from the code of the full one.
"""

import json
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from spectral_core import _checks
from spectral_core._files import write_whole
from spectral_core.layers.kinds import Convolution, Dense, named_layers, rename_widths, spectra
from spectral_core.layers.parametrization import Transposed
from spectral_core.layers.running import duplicate

_ENTRY = "spectral_core"


def save(network: nn.Module, path: str | os.PathLike[str]) -> None:
    """Write a network's ``state_dict`` to a file that :func:`~spectral_core.load` can read.

    Args:
        network: any model, pruned or not, by this package or by Torch-Pruning, spectral or folded.
        path: where to write the file, usually ``….safetensors``. An interrupted call leaves no
            partial file.

    Raises:
        TypeError, ValueError: if ``network`` is not a module or is a wrapped one, or its
            ``state_dict`` holds anything but tensors.

    Example:
        >>> save(fold(small), "small.safetensors")
        >>> small = load("small.safetensors", into=nn.Sequential(...))  # of the full size
    """
    from safetensors.torch import save as packed

    tensors: dict[str, Tensor] = {}
    first: dict[tuple, str] = {}
    shared = {}
    for name, tensor in _checks.network("network", network).state_dict().items():
        if not isinstance(tensor, Tensor):
            raise TypeError(f"network must have a state of tensors only; got {name!r}, {tensor!r}")
        view = (tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), tensor.stride())
        same = first.setdefault(view, name) if tensor.numel() else name
        if same == name:
            tensors[name] = tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        else:
            shared[name] = same
    channels = {
        name: [layer.in_channels, layer.out_channels, layer.groups]
        for name, layer in named_layers(network).items()
        if isinstance(layer, Convolution)
    }
    identities = [name for name, m in network.named_modules() if isinstance(m, nn.Identity)]
    about = {"shared": shared, "channels": channels, "identities": identities}
    metadata = {"format": "pt", _ENTRY: json.dumps(about)}
    # Not save_file: it makes files that only their owner may read, and its errors name no path.
    write_whole(Path(path), lambda aside: aside.write_bytes(packed(tensors, metadata)))


@torch.no_grad()
def load(path: str | os.PathLike[str], into: nn.Module) -> nn.Module:
    """Read a network that :func:`~spectral_core.save` has written.

    Args:
        path: the file.
        into: a model like the saved one before it was pruned: of the same class and settings,
            spectral if the saved one is spectral, plain if it is plain. It may also have the pruned
            widths already. It is not changed.

    Returns:
        A new network of the model's class with the widths and numbers of the file, on the model's
        device and in its floating-point type and training mode.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if :func:`~spectral_core.save` has not written it, or it does not fit the model.
    """
    network = duplicate(_checks.network("into", into))
    about, state = _read(Path(path))
    for name in about["identities"]:  # norms of layers that have lost all their nodes
        module = dict(network.named_modules()).get(name)
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            network.set_submodule(name, nn.Identity())
    for name, layer in named_layers(network).items():  # biases that fill="constant" has made
        bias = state.get(f"{name}.bias" if name else "bias")
        if layer.bias is None and bias is not None:
            layer.bias = nn.Parameter(bias.to(layer.weight))
    for name, module in network.named_modules():  # buffers that have lost entries
        for key in list(module._non_persistent_buffers_set):
            if (f"{name}.{key}" if name else key) in state:
                module._non_persistent_buffers_set.remove(key)
    _check_names(state, network.state_dict())
    _check_sides(state, network)
    for name, module in network.named_modules():
        for held in (module._parameters, module._buffers):
            for key, tensor in held.items():
                full = f"{name}.{key}" if name else key
                if tensor is not None and full in state:
                    held[key] = _narrow(full, tensor, state[full].shape)
    network.load_state_dict(state)
    for name, module in network.named_modules():
        rename_widths(module)
        if name in about["channels"]:
            module.in_channels, module.out_channels, module.groups = about["channels"][name]
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
            "of layers"
        )
    about = json.loads(metadata[_ENTRY])
    return about, state | {name: state[same] for name, same in about["shared"].items()}


def _narrow(name: str, tensor: Tensor, shape: torch.Size) -> Tensor:
    """A tensor with room for fewer nodes or channels; itself if that is what it has."""
    if shape == tensor.shape and 0 not in tensor.stride():  # an expanded one takes no values
        return tensor
    if len(shape) != tensor.dim() or any(n > own for n, own in zip(shape, tensor.shape)):
        raise ValueError(
            f"into must have a {name!r} of at least the shape {tuple(shape)}; "
            f"got {tuple(tensor.shape)}"
        )
    room = tensor.new_empty(shape)
    return nn.Parameter(room, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else room


def _check_names(saved: dict[str, Tensor], own: dict[str, Tensor]) -> None:
    """Raise unless a model has the file's tensors."""
    if saved.keys() != own.keys():
        lacking, more = (
            ", ".join(map(repr, sorted(a.keys() - b.keys())[:3])) or "none"
            for a, b in ((own, saved), (saved, own))
        )
        raise ValueError(
            f"into must have the tensors that the file has; the file lacks {lacking}, the model "
            f"{more}. A folded network loads into a plain model, a spectral one into a spectral "
            "one, see fold and spectralize"
        )


def _check_sides(saved: dict[str, Tensor], network: nn.Module) -> None:
    """Raise if a layer has fewer inputs, or outputs, and no other layer says why."""
    fewer: dict[str, tuple[bool, bool]] = {}
    for name, layer in named_layers(network).items():
        weights = spectra(layer)["weight"].eigenvectors if spectra(layer) else layer.weight
        key = next((k for k, p in layer.named_parameters(prefix=name) if p is weights), None)
        if key is None:  # behind a mask or another parametrisation: it cannot lose nodes
            continue
        outputs, inputs = (saved[key].shape[axis] < weights.shape[axis] for axis in (0, 1))
        if isinstance(layer, Transposed):
            outputs, inputs = inputs, outputs
        fewer[name] = (outputs, inputs and getattr(layer, "groups", 1) == 1)
    dense = {n: s for n, s in fewer.items() if isinstance(network.get_submodule(n), Dense)}
    for name, sides in dense.items():
        for side, others in enumerate((dense, fewer)):  # what reads a layer's nodes is another one
            if sides[side] and not any(s[1 - side] for n, s in others.items() if n != name):
                raise ValueError(
                    f"into must have as many {('outputs', 'inputs')[side]} in {name!r} as the "
                    "saved network"
                )
