"""Take nodes out of a network for real: smaller layers of the same kind, in the same model."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from spectral_core import _checks
from spectral_core.layers.flow import Flow
from spectral_core.layers.groups import left_of
from spectral_core.layers.kinds import axes, rename_widths
from spectral_core.layers.probing import Left, on
from spectral_core.layers.running import Example, duplicate
from spectral_core.pruning.checking import check_removal, constants_of
from spectral_core.pruning.optimiser_state import carry, check_optimiser

Fill = Literal["zero", "constant"]


def remove(
    network: nn.Module,
    kept: Sequence[Tensor],
    fill: Fill = "zero",
    *,
    example: Example | None = None,
    check: bool = True,
    optimiser: Optimizer | None = None,
) -> nn.Module:
    """Build the smaller network that holds only the kept hidden nodes.

    Rows, columns, eigenvalues, biases and batch statistics of the other nodes are gone. A layer may
    lose all its nodes: the layers behind it then compute a constant.

    Args:
        network: any model; it is not changed. :func:`~spectral_core.find` says which of its
            layers' nodes can be removed.
        kept: one index tensor per group of hidden nodes, as :func:`~spectral_core.select` returns
            them; nodes stay in the order that they have.
        fill: what a removed node leaves behind. ``"zero"``, as in the paper: nothing, as if the
            activation of the node were 0. ``"constant"``: the activation that it would have without
            incoming weights, f(b_i), or f(0) without a bias, with batch normalisation in evaluation
            mode. This is added to the bias of each layer that reads the node; a layer without a
            bias gets one, which a budget does not count.
        example: inputs of the model, see :class:`~spectral_core.layers.flow.Flow`; an
            ``nn.Sequential`` of layers needs none.
        check: whether to verify the smaller network: on up to eight inputs of the example it must
            reproduce the outputs of the full one with the removed nodes masked, and it must run in
            training mode.
        optimiser: the one that trains the network. It is changed in place to train the smaller
            network, and keeps its state, such as momentum, for the parameters that are left.

    Returns:
        A new network of the same class; no memory is shared with the old one. Frozen parameters
        stay frozen; a buffer that loses entries becomes persistent, so that it is saved.

    Raises:
        TypeError: if an argument is of the wrong type, or the network cannot be copied.
        ValueError: if ``kept`` does not fit the groups of hidden nodes, an example is needed, the
            smaller network fails the check, or the state of the optimiser cannot be pruned, as with
            LBFGS and Adafactor.
    """
    return removed(Flow(network, example), kept, fill, check, optimiser)


@torch.no_grad()
def removed(
    flow: Flow,
    kept: Sequence[Tensor],
    fill: Fill = "zero",
    check: bool = True,
    optimiser: Optimizer | None = None,
) -> nn.Module:
    """As :func:`remove`, of a network whose groups of nodes are known."""
    _checks.choice("fill", fill, get_args(Fill))
    if optimiser is not None:
        check_optimiser(optimiser, flow.network)
    if not flow.groups and len(kept):
        flow.hidden_groups()
    fewer = {
        group.name: indices.sort().values.cpu().numpy()
        for group, indices in zip(flow.groups, checked_indices(kept, flow.widths))
        if len(indices) < group.width
    }
    left = left_of(flow.groups, fewer)
    cuts = _cuts(flow, left)
    smaller = duplicate(flow.network, _smaller_tensors(flow.network, cuts))
    for module, key, _ in left.between:  # the model's code would make the buffer of the full width
        smaller.get_submodule(module)._non_persistent_buffers_set.discard(key)
    _rename_widths(left, smaller)
    constants = constants_of(flow, left) if fill == "constant" and fewer else {}
    for name, constant in constants.items():
        reader = smaller.get_submodule(name)
        if reader.bias is not None:
            reader.bias += constant
        elif constant.any():
            reader.bias = nn.Parameter(constant)
    if check and fewer:
        check_removal(flow, left, smaller, fill)
    if optimiser is not None:
        carry(optimiser, flow.network, smaller, lambda p, state: _cut(state, cuts[id(p)]))
    return smaller


def checked_indices(kept: Sequence[Tensor], widths: list[int]) -> list[Tensor]:
    """Return the kept nodes as int64 vectors if they fit groups of these widths."""
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
        if not isinstance(indices, Tensor):
            indices = torch.as_tensor(indices, device="cpu")
        if indices.numel() == 0:
            indices = indices.to(torch.int64)
        whole = not (indices.is_floating_point() or indices.is_complex())
        if indices.dim() != 1 or indices.dtype == torch.bool or not whole:
            raise ValueError(
                f"kept[{k}] must be a vector of whole numbers; got shape "
                f"{tuple(indices.shape)} of {indices.dtype}"
            )
        indices = indices.to(torch.int64)
        if indices.numel() and (indices.min() < 0 or indices.max() >= width):
            raise ValueError(
                f"kept[{k}] must hold indices from 0 to {width - 1}; "
                f"got {int(indices.min())} to {int(indices.max())}"
            )
        if len(indices.unique()) != len(indices):
            raise ValueError(f"kept[{k}] must hold each index once; got repeated ones")
        checked.append(indices)
    return checked


Cut = list[tuple[int, np.ndarray]]
"""Axes of a tensor that get smaller, each with the indices to keep."""


def _cuts(flow: Flow, left: Left) -> dict[int, Cut]:
    """What each parameter and buffer loses, by its ``id``."""
    cuts: dict[int, Cut] = defaultdict(list)
    for name in (*left.nodes, *left.columns):
        sides = {"arrival": left.nodes.get(name), "departure": left.columns.get(name)}
        of_axes = axes(flow.layers[name])
        for key, tensor in flow.layers[name].named_parameters():
            cuts[id(tensor)] = [
                (axis, sides[side])
                for axis, side in enumerate(of_axes[key])
                if sides[side] is not None
            ]
    for (module, key, axis), indices in left.between.items():
        cuts[id(getattr(flow.network.get_submodule(module), key))].append((axis, indices))
    return cuts


def _cut(tensor: Tensor, cut: Cut) -> Tensor:
    for axis, indices in cut:
        tensor = tensor.index_select(axis, on(tensor, indices))
    return tensor


def _smaller_tensors(network: nn.Module, cuts: Mapping[int, Cut]) -> dict[int, Tensor]:
    """Smaller parameters and buffers by the ``id`` of the old ones, for ``copy.deepcopy``."""
    smaller = {}
    for tensor in (*network.parameters(), *network.buffers()):
        if cuts.get(id(tensor)):
            values = _cut(tensor.detach(), cuts[id(tensor)])
            if isinstance(tensor, nn.Parameter):
                values = nn.Parameter(values, requires_grad=tensor.requires_grad)
            smaller[id(tensor)] = values
    return smaller


def _rename_widths(left: Left, smaller: nn.Module) -> None:
    """Let the modules' own numbers tell their new widths."""
    for name in {*left.nodes, *left.columns, *(axis.module for axis in left.between)}:
        module = smaller.get_submodule(name)
        rename_widths(module)
        if getattr(module, "num_features", None) == 0:  # torch's norms fail on no nodes at all
            smaller.set_submodule(name, nn.Identity())
