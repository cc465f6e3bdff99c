r"""Which columns of a layer depend on which nodes: seen by sending NaN and running the model.

A model runs on an example while each fully connected layer sends random numbers in the place of its
outputs. So what a layer sends reaches the layers that read it, and no further. Then some nodes send
NaN, and a column of another layer whose input differs depends on one of them. In two runs per
binary digit (nodes whose number has the digit 0, nodes whose number has the digit 1) a column that
depends on one node spells out its number, and one that depends on several differs in both runs of
some digit. So no operation needs to be known: concatenation, pooling over tokens, a written-out
activation and a sum are alike. Entries of tensors on the way, such as those of a batch
normalisation, are NaN in the same way.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from spectral_core.layers.kinds import Dense, arrival_width, departure_width
from spectral_core.layers.running import alike, duplicate, tensors_of, undisturbed, unused


class Axis(NamedTuple):
    """One axis of a parameter or buffer, whose entries columns may depend on."""

    module: str
    tensor: str
    axis: int


Source = str | Axis
"""The nodes of a layer, by its name, or the entries along an axis of a tensor."""
Columns = dict[str, np.ndarray]
"""For each column of a layer's inputs, by the layer's name, the number of the node that it depends
on; −1 for none, −2 for several; (in,)."""


class Dependents(NamedTuple):
    """What depends on the nodes of a layer, or the entries of a tensor."""

    columns: Columns
    outputs: bool
    """Whether an output of the model does."""
    passed: list[str]
    """Modules without children whose inputs do, in order of execution."""


class Left(NamedTuple):
    """What is left where groups lose nodes: the indices to keep."""

    nodes: dict[str, np.ndarray]
    """Nodes of each layer that loses some."""
    columns: dict[str, np.ndarray]
    """Columns of each layer that reads them."""
    between: dict[Axis, np.ndarray]
    """Entries of tensors on the way."""


class Probe:
    """A copy of a model whose fully connected layers, those of the given names, send random
    numbers; ``run`` passes an example through a model."""

    def __init__(
        self, network: nn.Module, layers: list[str], run: Callable[[nn.Module], object]
    ) -> None:
        self.network = duplicate(network).eval()
        with unused(network), undisturbed(self.network):
            run(self.network)  # as it is: what it raises is its own
        for parameter in self.network.parameters():  # a factor of 0 would hide what it scales
            parameter.data.masked_fill_(parameter.data == 0, 1)
        _keep_signs(self.network)
        self._run = run
        self._sent: dict[tuple[str, int], Tensor] = {}
        for name, module in self.network.named_modules():
            if name in layers:
                module.forward = functools.partial(self._send, name, module)
            elif not any(module.children()):
                note = functools.partial(self._note, name)
                module.register_forward_pre_hook(note, with_kwargs=True)
        self._usual, self._usual_outputs = self._look()
        self.called = list(dict.fromkeys(name for name, _ in self._usual))  # in order of execution

    def _look(
        self,
        nan: Mapping[Source, np.ndarray] | None = None,
        kept: Mapping[str, np.ndarray] | None = None,
    ) -> tuple[dict[tuple[str, int], Tensor], list[Tensor]]:
        """Inputs of the layers, by name and number of the call, and outputs of the model, where
        some nodes and entries are NaN, or some layers send the ``kept`` nodes alone."""
        self._nan, self._kept = nan or {}, kept or {}
        self._seen: dict[tuple[str, int], Tensor] = {}
        self._passed: list[str] = []
        with undisturbed(self.network):
            outputs = [x.clone() for x in tensors_of(self._run(self.network))]
        return self._seen, outputs

    def _note(self, name: str, _: nn.Module, args: tuple, kwargs: dict) -> None:
        if self._nan and any(x.sum().isnan() for x in tensors_of((args, kwargs))):
            self._passed.append(name)

    def _send(self, name: str, layer: Dense, *args: Tensor, **kwargs: Tensor) -> Tensor:
        """What a layer sends in the place of its outputs."""
        (x,) = (*args, *kwargs.values())
        call = name, sum(caller == name for caller, _ in self._seen)
        self._seen[call] = x.detach().clone()
        if call not in self._sent:
            if x.shape[-1] != departure_width(layer):
                wanted = f"(…, {departure_width(layer)})"
                raise ValueError(f"{name!r} must get inputs {wanted}; got {tuple(x.shape)}")
            generator = torch.Generator("cpu").manual_seed(len(self._sent))
            sent = torch.empty((x.shape[:-1].numel(), arrival_width(layer)), device="cpu")
            sent.uniform_(1, 10, generator=generator)[1::2] *= -1  # NaN passes no test of a sign
            self._sent[call] = sent.reshape(*x.shape[:-1], arrival_width(layer)).to(x)
        sent = self._sent[call].clone()
        if name in self._nan:
            sent[..., on(x, self._nan[name])] = torch.nan
        return sent[..., on(x, self._kept[name])] if name in self._kept else sent

    def _differing(self, nan: Mapping[Source, np.ndarray]) -> Dependents:
        """What differs if some nodes or entries are NaN; columns in booleans."""
        tensors = {}
        for source, entries in nan.items():
            if isinstance(source, Axis):
                tensor = self._tensor(source)
                tensors[source] = tensor.index_fill(source.axis, on(tensor, entries), torch.nan)
        try:
            with self._holding(tensors):
                seen, outputs = self._look(nan=nan)
        except Exception:  # NaN has led where the model cannot go: all depends on it
            seen, outputs = {}, []
        columns: Columns = {}
        for call, before in self._usual.items():
            after = seen[call] if seen.keys() == self._usual.keys() else before[..., :0]
            differs = np.full(before.shape[-1], before.shape != after.shape)
            if before.shape == after.shape and not torch.equal(before, after):
                rows = _differ(before, after).reshape(before.shape[:-1].numel(), -1)
                differs = rows.any(dim=0).cpu().numpy()
            columns[call[0]] = columns.get(call[0], False) | differs
        same = len(outputs) == len(self._usual_outputs) and all(
            a.shape == b.shape and not _differ(a, b).any()
            for a, b in zip(self._usual_outputs, outputs)
        )
        return Dependents(columns, not same, list(dict.fromkeys(self._passed)))

    def _tensor(self, axis: Axis) -> Tensor:
        return getattr(self.network.get_submodule(axis.module), axis.tensor).detach()

    @contextlib.contextmanager
    def _holding(self, tensors: Mapping[Axis, Tensor]) -> Iterator[None]:
        """Other values, for a while, in the place of parameters and buffers."""
        owners = {a: getattr(self.network.get_submodule(a.module), a.tensor) for a in tensors}
        held = {axis: owner.data for axis, owner in owners.items()}
        try:
            for axis, owner in owners.items():
                owner.data = tensors[axis]
            yield
        finally:
            for axis, owner in owners.items():
                owner.data = held[axis]

    def dependents(self, sizes: Mapping[Source, int]) -> dict[Source, Dependents]:
        """What depends on which node of each source, given their numbers of nodes, at least 1."""
        dependents: dict[Source, Dependents] = {}
        digits: dict[Source, list[tuple[Columns, Columns]]] = {}
        for source, size in sizes.items():
            zero, one = (self._differing({source: _nodes(size, 0, v)}) for v in (0, 1))
            either = {reader: zero.columns[reader] | one.columns[reader] for reader in zero.columns}
            outputs, passed = zero.outputs or one.outputs, zero.passed or one.passed
            dependents[source] = Dependents(either, outputs, passed)
            digits[source] = [(zero.columns, one.columns)]
        clear = [s for s in sizes if not dependents[s].outputs and not _mixed(*digits[s][0])]
        for together in _apart({source: dependents[source].columns for source in clear}):
            for digit in range(1, max(sizes[s] - 1 for s in together).bit_length()):
                zero, one = (
                    self._differing({s: _nodes(sizes[s], digit, v) for s in together}).columns
                    for v in (0, 1)
                )
                for source in together:
                    digits[source].append((zero, one))
        return {
            source: seen._replace(
                columns={
                    reader: _number([(zero[reader], one[reader]) for zero, one in digits[source]])
                    if source in clear
                    else np.where(columns, -2, -1)
                    for reader, columns in seen.columns.items()
                }
            )
            for source, seen in dependents.items()
        }

    def runs_without(self, left: Left) -> bool:
        """Whether each layer gets what it got when some nodes are not there at all."""
        cut: dict[Axis, Tensor] = {}
        for axis, indices in left.between.items():
            whole = axis._replace(axis=0)
            tensor = cut.get(whole, self._tensor(axis))
            cut[whole] = tensor.index_select(axis.axis, on(tensor, indices))
        try:
            with self._holding(cut):
                seen, outputs = self._look(kept=left.nodes)
        except Exception:  # whatever a model does with shapes that do not fit
            return False
        if seen.keys() != self._usual.keys() or len(outputs) != len(self._usual_outputs):
            return False
        pairs = list(zip(self._usual_outputs, outputs))
        for call, before in self._usual.items():
            if call[0] in left.columns:
                before = before[..., on(before, left.columns[call[0]])]
            pairs.append((before, seen[call]))
        return all(alike(a, b) for a, b in pairs)


def _keep_signs(network: nn.Module) -> None:
    """Give norms numbers with which a node that sends both signs leaves with both signs, as the
    slope of a PReLU is used for negative values alone."""
    generator = torch.Generator("cpu").manual_seed(0)
    for norm in network.modules():
        if not isinstance(norm, _NormBase | nn.LayerNorm | nn.GroupNorm | nn.RMSNorm):
            continue
        for own in (norm.named_parameters(recurse=False), norm.named_buffers(recurse=False)):
            for name, tensor in own:
                if tensor.is_floating_point():
                    low, high = (0.5, 1.5) if name in ("weight", "running_var") else (-0.1, 0.1)
                    numbers = torch.empty(tensor.shape, device="cpu")
                    tensor.data.copy_(numbers.uniform_(low, high, generator=generator))


def on(tensor: Tensor, indices: np.ndarray) -> Tensor:
    """Indices on a tensor's device."""
    return torch.as_tensor(indices, dtype=torch.int64, device=tensor.device)


def _differ(a: Tensor, b: Tensor) -> Tensor:
    return (a != b) & ~((a != a) & (b != b))  # NaN is NaN


def _nodes(size: int, digit: int, value: int) -> np.ndarray:
    """Numbers below a size that have a value as a binary digit."""
    return np.flatnonzero((np.arange(size) >> digit & 1) == value)


def _mixed(zero: Columns, one: Columns) -> bool:
    """Whether some column depends on nodes that differ in a digit."""
    return any((zero[reader] & one[reader]).any() for reader in zero)


def _number(digits: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Numbers that the digits of columns spell."""
    zero, one = (np.stack(values) for values in zip(*digits))  # (digits, in) each
    number = (one << np.arange(len(digits))[:, None]).sum(axis=0)
    number[(zero == one).any(axis=0)] = -2
    number[~(zero[0] | one[0])] = -1
    return number


def _apart(found: Mapping[Source, Columns]) -> list[list[Source]]:
    """Sources in as few lots as will do, so that no column depends on two of one lot."""
    lots: list[list[Source]] = []
    for source, columns in found.items():
        for lot in lots:
            if not any((columns[r] & found[other][r]).any() for other in lot for r in columns):
                lot.append(source)
                break
        else:
            lots.append([source])
    return lots
