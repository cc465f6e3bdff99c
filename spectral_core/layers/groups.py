"""Nodes that go together: seen from the modules of a plain stack, or by running any network.

The nodes of a layer can go where each of them has columns of its own in the layers that read it. In
a plain stack the types of the modules say so. Of any other network
:class:`~spectral_core.layers.probing.Prober` says which columns depend on which nodes; layers whose
nodes share columns are one group, and a group must pass a trial: the network runs without some of
its nodes, and every layer gets what it got before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import nn

from spectral_core.layers.kinds import Dense, arrival_width, axes, departure_width
from spectral_core.layers.linear import SpectralLinear
from spectral_core.layers.parametrization import Transposed
from spectral_core.layers.probing import Axis, Columns, Prober, Source
from spectral_core.layers.running import Example

ELEMENTWISE: tuple[type[nn.Module], ...] = (
    *(nn.CELU, nn.ELU, nn.GELU, nn.Hardshrink, nn.Hardsigmoid, nn.Hardswish, nn.Hardtanh),
    *(nn.LeakyReLU, nn.LogSigmoid, nn.Mish, nn.ReLU, nn.ReLU6, nn.RReLU, nn.SELU, nn.SiLU),
    *(nn.Sigmoid, nn.Softplus, nn.Softshrink, nn.Softsign, nn.Tanh, nn.Tanhshrink, nn.Threshold),
    *(nn.AlphaDropout, nn.Dropout, nn.Dropout2d, nn.Dropout3d, nn.Identity),
)
"""Modules that do the same with each number, once they are in evaluation mode."""
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
NODEWISE = (
    *ELEMENTWISE,
    nn.PReLU,
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.BatchNorm3d,
    nn.SyncBatchNorm,
)
"""Modules that act on each node, or channel, by itself."""
_SIZED = {nn.BatchNorm1d: "num_features", nn.SyncBatchNorm: "num_features"} | {
    nn.PReLU: "num_parameters"
}
"""Modules that hold numbers for each node, and what they call the number of nodes."""


Place = TypeVar("Place", str, Axis)


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


def is_stack(network: nn.Module) -> bool:
    """Whether a network passes its inputs through one module after the other, and no more."""
    return type(network).forward is nn.Sequential.forward and not _is_patched(network)


def _is_patched(module: nn.Module) -> bool:
    """Whether something besides its class says what a module does."""
    return bool("forward" in vars(module) or module._forward_hooks or module._forward_pre_hooks)


_OUTPUT = "its nodes reach the network's outputs other than through a layer"
_UNREAD = "no layer reads its nodes"
OUTER = (_OUTPUT, _UNREAD)
_Parts = tuple[dict[str, Dense], list[Group], dict[str, str]]  # layers, groups, refused


def _steps(module: nn.Module, name: str = "") -> Iterator[tuple[str, nn.Module]]:
    """What a stack, and the stacks in it, pass their inputs through."""
    if not is_stack(module):
        yield name, module
        return
    for key, child in module._modules.items():
        yield from _steps(child, f"{name}.{key}" if name else key)


def plain_stack(network: nn.Module, example: Example | None) -> list[tuple[str, nn.Module]] | None:
    """Steps of a network from the first fully connected layer to the last, all known by type.

    Norms and flattening are known for vectors alone: then an example must be of vectors, if there
    is one.
    """
    steps = list(_steps(network))
    at = [i for i, (_, module) in enumerate(steps) if isinstance(module, Dense)]
    if not at:
        return None
    inside = steps[at[0] : at[-1] + 1]
    outside = [module for _, module in (*steps[: at[0]], *steps[at[-1] + 1 :])]
    if any(isinstance(inner, Dense) for module in outside for inner in module.modules()):
        return None
    vectors = example is None or (isinstance(example, torch.Tensor) and example.dim() == 2)
    width, held = 0, []
    for _, module in inside:
        if _is_patched(module) or not (vectors or isinstance(module, (*ELEMENTWISE, Dense))):
            return None
        if isinstance(module, Dense):
            if why_opaque(module) or (width and departure_width(module) != width):
                return None
            width = arrival_width(module)
        elif type(module) in _SIZED:
            size = getattr(module, _SIZED[type(module)])
            if size != width and not (size == 1 and isinstance(module, nn.PReLU)):
                return None
        elif not (type(module) in ELEMENTWISE or type(module) is nn.Flatten):
            return None
        if any(True for _ in module.parameters()) or any(True for _ in module.buffers()):
            held.append(module)
    return inside if len({*map(id, held)}) == len(held) else None


def of_stack(steps: list[tuple[str, nn.Module]]) -> _Parts:
    layers = {name: module for name, module in steps if isinstance(module, Dense)}
    groups: list[Group] = []
    for name, module in steps:
        if isinstance(module, Dense):
            if groups:
                groups[-1].read[name] = np.arange(departure_width(module))
            groups.append(Group((name,), arrival_width(module), {}, {}))
        else:
            for key, sides in axes(module).items():
                if sides:
                    groups[-1].between[Axis(name, key, 0)] = np.arange(groups[-1].width)
    last = groups.pop()
    return layers, groups, {last.name: _OUTPUT}


def why_opaque(layer: nn.Module) -> str:
    """Why a layer's nodes cannot be told from its inside, or an empty string."""
    if not isinstance(layer, Transposed) and type(layer).forward not in (
        nn.Linear.forward,
        SpectralLinear.forward,
    ):
        return f"{type(layer).__name__} has a forward of its own"
    if "forward" in vars(layer):
        return "its forward is patched"
    try:
        axes(layer)
    except TypeError as error:
        return str(error)
    return ""


def of_example(network: nn.Module, every: dict[str, Dense], example: Example) -> _Parts:
    """Layers, groups and refused layers, as a network shows them on an example."""
    opaque = {name: why for name, layer in every.items() if (why := why_opaque(layer))}
    try:
        probe = Prober(network, [name for name in every if name not in opaque], example)
    except TypeError:
        raise
    except Exception as error:  # whatever a model's forward raises
        raise ValueError(f"network does not run on the example: {error}") from error
    called = probe.called
    layers = {name: every[name] for name in called} | {name: every[name] for name in opaque}
    refused, reached, passed = dict(opaque), {}, {}
    for name in called:
        reached[name], passed[name], outputs = probe.reach(name, arrival_width(every[name]))
        if outputs:
            refused[name] = _OUTPUT
        elif not any(columns.any() for columns in reached[name].values()):
            refused[name] = _UNREAD
    sizes = {n: arrival_width(every[n]) for n in called if n not in refused}
    read = probe.read(sizes, reached)
    single: dict[str, Columns] = {}
    for name, columns in read.items():
        columns = {reader: nodes for reader, nodes in columns.items() if (nodes != -1).any()}
        if _each_once(columns, sizes[name]):
            single[name] = columns
        else:
            between = [f"{n!r} ({_kind(network, n)})" for n in passed[name]][:3]
            where = f", on the way through {', '.join(between)}" if between else ""
            refused[name] = f"{next(iter(columns))!r} gets its nodes mixed{where}"
    groups = _joined(single, sizes)
    tensors = _between(network, probe, groups, passed)
    groups = [_with_tensors(group, tensors) for group in groups]
    groups = _that_run(probe, groups, refused)
    return layers, groups, refused


def _kind(network: nn.Module, name: str) -> str:
    return type(network.get_submodule(name)).__name__


def _each_once(columns: Columns, size: int) -> bool:
    """Whether each reader has as many columns for each node, and none for several."""
    for nodes in columns.values():
        times = np.bincount(nodes[nodes >= 0], minlength=size)
        if (nodes == -2).any() or (times != times[0]).any():
            return False
    return bool(columns)


def _joined(single: Mapping[str, Columns], sizes: Mapping[str, int]) -> list[Group]:
    """Groups of layers whose nodes share columns, node by node."""
    groups: list[Group] = []
    for name, columns in single.items():
        group = Group((name,), sizes[name], dict(columns), {})
        for other in [g for g in groups if _share(g, group)]:
            groups.remove(other)
            read = {
                reader: np.maximum(
                    group.read.get(reader, np.full_like(nodes, -1)),
                    other.read.get(reader, np.full_like(nodes, -1)),
                )
                for reader, nodes in (other.read | group.read).items()
            }
            group = Group((*other.layers, *group.layers), group.width, read, {})
        groups.append(group)
    order = list(single)
    return sorted(groups, key=lambda group: order.index(group.name))


def _share(a: Group, b: Group) -> bool:
    """Whether two groups share columns, and agree on the nodes of all that they share."""
    shared = False
    for reader in a.read.keys() & b.read.keys():
        both = (a.read[reader] >= 0) & (b.read[reader] >= 0)
        if (a.read[reader][both] != b.read[reader][both]).any():
            return False
        shared = shared or bool(both.any())
    return shared and a.width == b.width


def _between(
    network: nn.Module, probe: Prober, groups: list[Group], passed: Mapping[str, list[str]]
) -> dict[Axis, tuple[int, Columns]]:
    """Axes of tensors whose entries belong to single columns: their sizes, and the columns."""
    on_the_way = {name for group in groups for member in group.layers for name in passed[member]}
    widths = {group.width for group in groups}
    widths |= {len(nodes) for group in groups for nodes in group.read.values()}
    sizes: dict[Source, int] = {}
    for name, module in network.named_modules():
        leaf = not any(module.children())
        if isinstance(module, Dense) or (leaf and name not in on_the_way):
            continue
        tensors = (*module._parameters.items(), *module._buffers.items())
        for key, tensor in tensors:
            if tensor is not None and tensor.is_floating_point():
                for axis, size in enumerate(tensor.shape):
                    if size in widths and size > 0 and (size > 1 or tensor.dim() == 1):
                        sizes[Axis(name, key, axis)] = size
    reached: dict[Source, Columns] = {}
    for number in (1, 0) if sizes else ():  # shifts of either sign: a ReLU hides one
        probe.renew(number)
        for axis, size in sizes.items():
            columns, before = probe.reach(axis, size)[0], reached.get(axis, {})
            reached[axis] = {reader: c | before.get(reader, 0) for reader, c in columns.items()}
    ours = {reader for group in groups for reader in group.read}
    sizes = {
        axis: size for axis, size in sizes.items() if any(reached[axis][r].any() for r in ours)
    }
    read = probe.read(sizes, reached)
    return {axis: (sizes[axis], columns) for axis, columns in read.items()}


def _with_tensors(group: Group, tensors: Mapping[Axis, tuple[int, Columns]]) -> Group:
    """A group with the tensors on the way of which each entry belongs to one node."""
    for axis, (size, columns) in tensors.items():
        nodes = np.full(size, -1)
        for reader, mine in group.read.items():
            entries = columns.get(reader, np.full(len(mine), -1))
            if (entries[mine >= 0] == -2).any():
                break
            both = (entries >= 0) & (mine >= 0)
            nodes[entries[both]] = mine[both]
            if (nodes[entries[both]] != mine[both]).any():  # one entry for several nodes
                break
        else:
            times = np.bincount(nodes[nodes >= 0], minlength=group.width)
            if (times == times[0]).all() and times[0] > 0 and (group.width > 1 or size == 1):
                group.between[axis] = nodes
    return group


def _that_run(probe: Prober, groups: list[Group], refused: dict[str, str]) -> list[Group]:
    """Those groups without whose nodes a model still runs, and runs the same."""
    generator = np.random.default_rng(0)

    def runs(some: list[Group]) -> bool:
        kept = {
            g.name: np.sort(generator.permutation(g.width)[: g.width - max(1, g.width // 3)])
            for g in some
        }
        nodes = {name: kept[g.name] for g in some for name in g.layers}
        columns = combined(some, kept, lambda group: group.read)
        return probe.narrowed(nodes, columns, combined(some, kept, lambda group: group.between))

    if not groups or runs(groups):
        return groups
    left = []
    for group in groups:
        if runs([group]):
            left.append(group)
        else:
            refused |= dict.fromkeys(
                group.layers,
                f"without some of its nodes {', '.join(map(repr, group.read))} does not get the "
                "rest: something on the way needs all of them, such as a fixed shape",
            )
    return left if not left or runs(left) else []


def combined(
    groups: list[Group],
    kept: Mapping[str, np.ndarray],
    places: Callable[[Group], Mapping[Place, np.ndarray]],
) -> dict[Place, np.ndarray]:
    """Indices to keep along each place, of some groups' kept nodes."""
    owners: dict[Place, list[tuple[np.ndarray, np.ndarray]]] = {}
    for group in groups:
        if group.name in kept:
            for place, nodes in places(group).items():
                owners.setdefault(place, []).append((nodes, kept[group.name]))
    return {place: _indices(parts) for place, parts in owners.items()}


def _indices(parts: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Indices to keep along one axis.

    Args:
        parts: for each group, which of its nodes each entry is, or −1, and the nodes to keep, in
            the order that they will have.
    """
    whose = np.stack([nodes for nodes, _ in parts]).max(axis=0)
    (free,) = np.nonzero(whose < 0)
    positions, values = [free], [free]
    for nodes, kept in parts:
        (own,) = np.nonzero(nodes >= 0)
        by_node = own[nodes[own].argsort(kind="stable")]
        width = max(int(nodes.max(initial=-1)) + 1, 1)
        table = by_node.reshape(width, -1)  # entries of each node, in order
        positions.append(table[: len(kept)].ravel())
        values.append(table[kept].ravel())
    order = np.concatenate(positions).argsort(kind="stable")
    return np.concatenate(values)[order]
