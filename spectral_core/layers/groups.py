"""Nodes that go together, as running the network shows it.

The nodes of a layer can go where each of them has columns of its own in the layers that read it.
Layers whose nodes share columns are one group, with the tensors on the way of which each entry
belongs to one node. A group must pass a trial: the network runs without some of its nodes, and
every layer gets what it got before.
"""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

import numpy as np
from torch import nn

from spectral_core.layers.kinds import Dense, arrival_width, axes, own_forward
from spectral_core.layers.probing import Axis, Columns, Dependents, Left, Probe

OUTPUT = "its nodes reach the network's outputs other than through a layer"
UNREAD = "no layer reads its nodes"
UNCALLED = "it is not called on the example, though its weights may be used"


class Group(NamedTuple):
    """Nodes that go together: node i of each of some layers, with all that belongs to it."""

    layers: tuple[str, ...]
    """The layers, in order of execution; mostly one, two for a gate and what it gates."""
    width: int
    """Number of nodes of each of them."""
    read: Columns
    """For each layer that reads the nodes, which node each of its columns is, or −1; (in,)."""
    between: dict[Axis, np.ndarray]
    """The same for tensors on the way."""

    @property
    def name(self) -> str:
        """That of the first layer."""
        return self.layers[0]


def groups_of(
    network: nn.Module, every: Mapping[str, Dense], run: Callable[[nn.Module], object]
) -> tuple[dict[str, Dense], list[Group], dict[str, str]]:
    """Which nodes of a network can go, given its fully connected layers by name, and a function
    that passes an example through a copy of it.

    Returns the layers, in order of execution, then those that are not called; groups, likewise; and
    for layers that can lose no nodes, why.
    """
    refused = {name: why for name, layer in every.items() if (why := _opaque(layer))}
    try:
        clear = [name for name in every if name not in refused]
        probe = Probe(network, clear, run)
    except TypeError:
        raise
    except Exception as error:  # whatever a model's forward raises
        raise ValueError(f"network does not run on the example: {error}") from error
    refused |= {name: UNCALLED for name in clear if name not in probe.called}
    layers = {name: every[name] for name in (*probe.called, *refused)}
    sizes = {name: arrival_width(layers[name]) for name in probe.called}
    dependents = probe.dependents({name: size for name, size in sizes.items() if size})
    groups: list[Group] = []
    for name, size in sizes.items():
        seen = dependents.get(name, Dependents({}, False, []))
        read = {reader: nodes for reader, nodes in seen.columns.items() if (nodes != -1).any()}
        if seen.outputs:
            refused[name] = OUTPUT
        elif size and not read:
            refused[name] = UNREAD
        elif not all(_each_once(nodes, size) for nodes in read.values()):
            kinds = {n: type(network.get_submodule(n)).__name__ for n in seen.passed[:3]}
            way = ", ".join(f"{n!r} ({kind})" for n, kind in kinds.items())
            where = f", on the way through {way}" if way else ""
            refused[name] = f"its nodes are mixed before {next(iter(read))!r} reads them{where}"
        else:
            groups = _joined(groups, Group((name,), size, read, {}))
    groups.sort(key=lambda group: probe.called.index(group.name))
    _add_tensors(groups, probe, {name for seen in dependents.values() for name in seen.passed})
    return layers, _that_run(groups, probe, refused), refused


def _opaque(layer: Dense) -> str:
    """Why a layer's nodes cannot be told from its inside, or an empty string."""
    if why := own_forward(layer):
        return why
    try:
        axes(layer)
    except TypeError as error:
        return str(error)
    return ""


def _each_once(nodes: np.ndarray, size: int) -> bool:
    """Whether there are as many columns for each node, and none for several."""
    times = np.bincount(nodes[nodes >= 0], minlength=size)
    return not (nodes == -2).any() and len(times) == size and bool((times == times[0]).all())


def _joined(groups: list[Group], new: Group) -> list[Group]:
    """Groups with one more, which is joined to those whose nodes share columns with its."""
    apart = []
    for other in groups:
        shared = [
            (other.read[r], new.read[r])
            for r in other.read.keys() & new.read.keys()
            if ((other.read[r] >= 0) & (new.read[r] >= 0)).any()
        ]
        same = all((a == b)[(a >= 0) & (b >= 0)].all() for a, b in shared)
        if not shared or not same or other.width != new.width:
            apart.append(other)
            continue
        read = {
            r: np.maximum(other.read.get(r, -1), new.read.get(r, -1))
            for r in (*other.read, *new.read)
        }
        new = Group((*other.layers, *new.layers), new.width, read, {})
    return [*apart, new]


def _add_tensors(groups: list[Group], probe: Probe, on_the_way: Collection[str]) -> None:
    """Add to groups the tensors of which each entry belongs to one node: those of modules with
    children, and of the ones without that are named as on the way."""
    wanted = {group.width for group in groups}
    wanted |= {len(nodes) for group in groups for nodes in group.read.values()}
    modules = dict(probe.network.named_modules())
    inside = {m for layer in modules.values() if isinstance(layer, Dense) for m in layer.modules()}
    sizes = {
        Axis(name, key, axis): size
        for name, module in modules.items()
        if module not in inside and (name in on_the_way or any(module.children()))
        for own in (module.named_parameters(recurse=False), module.named_buffers(recurse=False))
        for key, tensor in own
        if tensor.is_floating_point()
        for axis, size in enumerate(tensor.shape)
        if size in wanted and size > (tensor.dim() > 1)
    }
    for axis, seen in probe.dependents(sizes).items():
        for group in groups:
            nodes = _entries(sizes[axis], seen.columns, group)
            if nodes is not None:
                group.between[axis] = nodes


def _entries(size: int, reached: Columns, group: Group) -> np.ndarray | None:
    """Which node of a group each entry of a tensor belongs to, or −1; ``None`` if several do."""
    entries = np.concatenate(list(reached.values()))
    none = {reader: np.full(len(columns), -1) for reader, columns in reached.items()}
    mine = np.concatenate([group.read.get(reader, none[reader]) for reader in reached])
    nodes = np.full(size, -1)
    nodes[entries[entries >= 0]] = mine[entries >= 0]
    clash = (nodes[entries] != mine)[entries >= 0].any() or (entries[mine >= 0] == -2).any()
    return nodes if not clash and (nodes >= 0).any() and _each_once(nodes, group.width) else None


def _that_run(groups: list[Group], probe: Probe, refused: dict[str, str]) -> list[Group]:
    """Those groups without some of whose nodes a model still runs, and runs the same."""
    order = np.random.default_rng(0)
    kept = {  # at least one, as norms of nothing do not run
        group.name: np.sort(order.permutation(group.width)[: max(1, group.width * 2 // 3)])
        for group in groups
    }
    if not groups or probe.runs_without(left_of(groups, kept)):
        return groups
    if len(groups) > 1:
        half = len(groups) // 2
        return _that_run(groups[:half], probe, refused) + _that_run(groups[half:], probe, refused)
    refused |= dict.fromkeys(
        groups[0].layers,
        "something between it and the layers that read it, "
        f"{', '.join(map(repr, groups[0].read))}, needs all of its nodes, such as a reshape to a "
        "fixed size",
    )
    return []


def left_of(groups: list[Group], kept: Mapping[str, np.ndarray]) -> Left:
    """What is left of groups' nodes to keep, by the groups' names; those not named keep all."""
    nodes: dict[str, np.ndarray] = {}
    masks: dict[str | Axis, np.ndarray] = {}
    for group in groups:
        if group.name in kept:
            nodes |= dict.fromkeys(group.layers, kept[group.name])
            stays = np.isin(np.arange(group.width), kept[group.name])
            for place, own in (*group.read.items(), *group.between.items()):
                mask = masks.setdefault(place, np.ones(len(own), dtype=bool))
                mask[own >= 0] &= stays[own[own >= 0]]
    indices = {place: np.flatnonzero(mask) for place, mask in masks.items()}
    between = {place: indices.pop(place) for place in masks if isinstance(place, Axis)}
    return Left(nodes, indices, between)
