"""Take nodes out of a network for real: smaller layers of the same kind, in the same model."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from spectral_core import _checks
from spectral_core.layers.flow import Flow, Way
from spectral_core.layers.kinds import Side, axes, holders

Fill = Literal["zero", "constant"]


@torch.no_grad()
def remove(network: nn.Module, kept: Sequence[Tensor], fill: Fill = "zero") -> nn.Module:
    """Build the smaller network that holds only the kept hidden nodes.

    Rows, columns, eigenvalues, biases and batch statistics of the other nodes are gone. A layer may
    lose all its nodes: the layers behind it then compute a constant.

    Args:
        network: feed-forward model of any class that :mod:`torch.fx` can trace. Between a hidden
            layer that loses nodes and the fully connected layers that read it only node-wise
            modules and functions may act: activations, dropout, ``BatchNorm1d`` on (n, N_k). What
            lies in front or behind is as it may be. The network is left as it is.
        kept: one index tensor per hidden layer, as :func:`~spectral_core.select` returns them.
        fill: what a removed node leaves behind. ``"zero"``, as in the paper: nothing; the outputs
            are those of the full network with what the removed nodes send on set to 0.
            ``"constant"``: what it sends on without incoming weights, f(b_i), or f(0) without a
            bias, with batch normalisation in evaluation mode. It goes into the bias of the layers
            that read the node, which get one if need be.

    Returns:
        A new network of the same class; no memory is shared with the old one. Parameters that
        trained train.

    Raises:
        TypeError: if something between the layers mixes nodes, or a layer holds a mask.
        ValueError: if ``kept`` does not fit the hidden layers, the network cannot be traced, uses a
            layer twice, or ties a weight that would lose a part to another one.
    """
    flow = Flow(network)
    _checks.choice("fill", fill, get_args(Fill))
    left = {
        name: indices
        for name, indices, width in zip(
            flow.hidden, checked_indices(kept, flow.widths), flow.widths
        )
        if indices.tolist() != list(range(width))
    }
    cut: dict[str, dict[Side, Tensor]] = defaultdict(dict)  # layers, and modules in between
    constants: dict[str, Tensor] = {}  # what each reader gets from the nodes that go, (N_out,)
    for name, indices in left.items():
        cut[name]["arrival"] = indices
        for way in flow.ways(name):
            cut[way.reader]["departure"] = indices
            cut.update({module: {"arrival": indices} for module in way.modules})
            if fill == "constant":
                constants[way.reader] = _constant(flow, name, way, indices)
    smaller = copy.deepcopy(network, _cut_tensors(network, cut))
    for name, sides in cut.items():
        module = smaller.get_submodule(name)
        _rename_widths(module, sides)
        if getattr(module, "num_features", None) == 0:  # torch's norms fail on no nodes at all
            smaller.set_submodule(name, nn.Identity())
    for name, constant in constants.items():
        _add_bias(smaller.get_submodule(name), constant, cut[name].get("arrival"))
    return smaller


def checked_indices(kept: Sequence[Tensor], widths: list[int]) -> list[Tensor]:
    """Return the kept nodes as int64 vectors if they fit hidden layers of these widths."""
    if not isinstance(kept, list | tuple):
        raise TypeError(f"kept must be a list of index tensors; got {type(kept).__name__}")
    if len(kept) != len(widths):
        raise ValueError(
            f"kept must have one index tensor per hidden layer, {len(widths)}; got {len(kept)}"
        )
    checked = []
    for k, (indices, width) in enumerate(zip(kept, widths)):
        if not isinstance(indices, Tensor | list | tuple | np.ndarray):
            raise TypeError(f"kept[{k}] must be a tensor of indices; got {indices!r}")
        indices = torch.as_tensor(indices)
        if indices.numel() == 0:
            indices = indices.to(torch.int64)
        if indices.dim() != 1 or indices.dtype != torch.int64:
            raise ValueError(
                f"kept[{k}] must be a vector of whole numbers; got shape "
                f"{tuple(indices.shape)} of {indices.dtype}"
            )
        if indices.numel() and (indices.min() < 0 or indices.max() >= width):
            raise ValueError(
                f"kept[{k}] must hold indices from 0 to {width - 1}; "
                f"got {int(indices.min())} to {int(indices.max())}"
            )
        if len(indices.unique()) != len(indices):
            raise ValueError(f"kept[{k}] must hold each index once; got repeated ones")
        checked.append(indices)
    return checked


def _cut_tensors(network: nn.Module, cut: dict[str, dict[Side, Tensor]]) -> dict[int, Tensor]:
    """Smaller parameters and buffers by the ``id`` of the old ones, for ``copy.deepcopy``."""
    shared = holders(network)
    smaller = {}
    for name, sides in cut.items():
        module = network.get_submodule(name)
        of_axes = axes(module)
        for key, tensor in (*module.named_parameters(), *module.named_buffers()):
            values = tensor
            for axis, side in enumerate(of_axes[key]):
                if side in sides:
                    values = values.index_select(axis, sides[side].to(values.device))
            if shared[id(tensor)] > 1:
                raise ValueError(
                    f"network must not tie tensors of layers that lose nodes; got {key!r} of "
                    f"{name!r}, which another module holds too. Protect the layer"
                )
            values = values.detach().clone()
            if isinstance(tensor, nn.Parameter):
                values = nn.Parameter(values, requires_grad=tensor.requires_grad)
            smaller[id(tensor)] = values
    return smaller


_WIDTHS: dict[Side, tuple[str, ...]] = {
    "arrival": ("out_features", "num_features", "num_parameters"),
    "departure": ("in_features",),
}


def _rename_widths(module: nn.Module, sides: dict[Side, Tensor]) -> None:
    """Let a module's own numbers tell its new widths."""
    for side, indices in sides.items():
        for attribute in _WIDTHS[side]:
            if hasattr(module, attribute):
                setattr(module, attribute, len(indices))


def _constant(flow: Flow, name: str, way: Way, kept: Tensor) -> Tensor:
    """What a reader gets from the nodes of a layer that go, (N_out,) of the reader."""
    layer, reader = flow.layers[name], flow.layers[way.reader]
    sums = layer.weight.new_zeros(layer.out_features) if layer.bias is None else layer.bias
    sent = way.constants(sums).index_fill(0, kept.to(sums.device), 0.0)
    return reader.weight @ sent


def _add_bias(reader: nn.Module, constant: Tensor, arrival: Tensor | None) -> None:
    """Add a constant, (N_out,) of the full reader, to a reader's bias."""
    if arrival is not None:
        constant = constant[arrival.to(constant.device)]
    if reader.bias is not None:
        reader.bias += constant
    elif constant.any():
        reader.bias = nn.Parameter(constant)
