r"""Which columns of a layer depend on which nodes: seen by changing nodes and comparing runs.

A model runs on an example while each fully connected layer, in the place of its outputs, sends
random numbers :math:`z`. Some nodes send :math:`-0.7\,z` instead; a column of another layer whose
input differs depends on one of them. In two runs per binary digit (nodes whose number has the
digit 1, nodes whose number has the digit 0) a column that depends on one node spells out its
number, and one that depends on several differs in both runs of some digit. So no operation needs
to be known: concatenation, pooling over tokens, a written-out activation and a sum are alike.
Tensors between the layers, such as those of a batch normalisation, are probed in the same way.
"""

from __future__ import annotations

import contextlib
import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from spectral_core.layers.kinds import Dense, arrival_width, departure_width
from spectral_core.layers.running import Example, duplicate, run, tensors_of, undisturbed

ROUNDS = 5
"""Random numbers are drawn anew, ten times as large, until each column is clear; so often."""


class Axis(NamedTuple):
    """One axis of a parameter or buffer, as a source of what columns depend on."""

    module: str
    tensor: str
    axis: int


Source = str | Axis
"""The nodes of a layer, by its name, or an axis of a tensor between layers."""
Columns = dict[str, np.ndarray]
"""For each column of a layer's inputs, by its name, the number of the node it depends on; −1 for
none, −2 for several."""
Digits = dict[tuple[int, int], Columns]
"""For each binary digit and its value, the columns that differ if the nodes with it change."""


class _Call(NamedTuple):
    """One call of a module in the usual run."""

    inputs: list[Tensor]
    outputs: object
    counts: dict[str, int]
    """How often each module had been called when this call was over."""


class Prober:
    """A copy of a model, ready to be run with some of its nodes changed.

    What a change does not reach is not computed again: a module that gets what it got in the usual
    run, and holds nothing changed, gives what it gave.

    Args:
        network: the model; it is left as it is.
        layers: names of the layers that are probed, and that read.
        example: inputs of the model.
    """

    def __init__(self, network: nn.Module, layers: Sequence[str], example: Example) -> None:
        self.network = duplicate(network).eval()
        self.example = example
        self.widths: dict[str, tuple[int, int]] = {}
        self._leaves = {n for n, m in self.network.named_modules() if not any(m.children())}
        for name, module in self.network.named_modules():
            if name in layers:
                self.widths[name] = departure_width(module), arrival_width(module)
                module.forward = functools.partial(self._answer, name)
            elif name and not isinstance(module, Dense) and _has_plain_call(module):
                module.forward = functools.partial(self._call, name, module.forward)
        with torch.no_grad():  # a factor of 0, as residual branches may start, would hide them
            for module in self.network.modules():
                for parameter in () if isinstance(module, Dense) else module._parameters.values():
                    if parameter is not None:
                        parameter[parameter == 0] = 1.0
        self.renew(0)

    def renew(self, number: int) -> None:
        """Draw new numbers, and see what the model does with them."""
        self.round, self._sent, self._calls = number, {}, {}
        self.changed: Mapping[str, np.ndarray] = {}
        self.kept: Mapping[str, np.ndarray] = {}
        self._usual, self._usual_outputs = {}, []
        self._touched: set[str] | None = None  # names of modules that hold something changed
        self._usual_outputs = self._run()
        self._usual, self._usual_counts = self._seen, self._counts

    @property
    def called(self) -> list[str]:
        """Names of the layers in the order in which they are first called."""
        return list(dict.fromkeys(name for name, _ in self._usual))

    def _run(self) -> list[Tensor]:
        """Outputs of the model; the layers' inputs go to ``_seen``, by name and number of call."""
        self._seen: dict[tuple[str, int], Tensor] = {}
        self._passed: list[str] = []
        self._counts: dict[str, int] = {}
        with undisturbed(self.network):
            return [x.clone() for x in tensors_of(run(self.network, self.example))]

    def _touch(self, names: Iterable[str]) -> None:
        parts = [name.split(".") for name in names]
        self._touched = {".".join(p[:n]) for p in parts for n in range(len(p) + 1)}

    def _count(self, name: str) -> int:
        self._counts[name] = self._counts.get(name, 0) + 1
        return self._counts[name]

    def _call(self, name: str, forward: Callable, *args: object, **kwargs: object) -> object:
        """What a module gives, as far as possible from the usual run."""
        key = (name, self._count(name))
        tensors = tensors_of((args, kwargs))
        if self._touched is None:
            inputs, versions = [x.clone() for x in tensors], [x._version for x in tensors]
            outputs = forward(*args, **kwargs)
            if versions == [x._version for x in tensors] and _is_plain((args, kwargs, outputs)):
                self._calls[key] = _Call(inputs, _cloned(outputs), dict(self._counts))
            return outputs
        usual = self._calls.get(key)
        same = usual is not None and all(map(_same, usual.inputs, tensors))
        if same and name not in self._touched:
            self._counts = dict(usual.counts)
            return _cloned(usual.outputs)
        if not same and name in self._leaves:
            self._passed.append(name)
        return forward(*args, **kwargs)

    def _answer(self, name: str, *args: Tensor, **kwargs: Tensor) -> Tensor:
        """What a layer sends in the place of its outputs."""
        (x,) = (*args, *kwargs.values())
        departure, arrival = self.widths[name]
        if not self.kept and x.shape[-1] != departure:
            raise ValueError(f"{name!r} reads {departure} numbers; got {tuple(x.shape)}")
        key = (name, self._count(name))
        self._seen[key] = x.detach().clone()
        shape = (*x.shape[:-1], arrival)
        if (key, shape) not in self._sent:
            seed = 1000 * self.round + len(self._sent)
            generator = torch.Generator("cpu").manual_seed(seed)
            z = torch.empty(shape, device="cpu").uniform_(0.5, 1.5, generator=generator)
            sign = torch.empty(shape, device="cpu").uniform_(-1, 1, generator=generator).sign()
            self._sent[key, shape] = (10.0**self.round * z * sign).to(x)
        sent = self._sent[key, shape].clone()
        if name in self.changed:
            sent[..., on(x, np.flatnonzero(self.changed[name]))] *= -0.7
        return sent[..., on(x, self.kept[name])] if name in self.kept else sent

    def differing(self, changed: Mapping[Source, np.ndarray]) -> tuple[Columns, list[str], bool]:
        """Run with some nodes changed, and see what differs from the usual run.

        Args:
            changed: for each source, which of its nodes are changed, (N,).

        Returns:
            For each layer, which of its columns differ, 1 or 0; the names of the other modules
            without children whose input does, in order; and whether an output does.
        """
        self.changed = {s: nodes for s, nodes in changed.items() if isinstance(s, str)}
        tensors = {}
        for source, nodes in changed.items():
            if isinstance(source, Axis):
                tensor = getattr(self.network.get_submodule(source.module), source.tensor)
                shape = [-1 if a == source.axis else 1 for a in range(tensor.dim())]
                shift = torch.as_tensor(nodes, device=tensor.device).reshape(shape).to(tensor)
                tensors[source] = tensor.detach() + (-10 if self.round % 2 else 10) * shift
        try:
            with self._holding(tensors):
                self._touch([*self.changed, *(source.module for source in tensors)])
                outputs = self._run()
        except Exception:  # the numbers have led where the model cannot go: all depends on them
            self._counts = {}
        finally:
            self.changed = {}
        same_calls = self._counts == self._usual_counts
        columns: Columns = {}
        for key, before in self._usual.items():
            after = self._seen.get(key, before)
            differs = np.ones(before.shape[-1], dtype=np.int64)
            if same_calls and after.shape == before.shape:
                unlike = _differ(before, after)
                unlike = unlike if unlike.dim() == 1 else unlike.flatten(0, -2).any(dim=0)
                differs = unlike.cpu().numpy().astype(np.int64)
            columns[key[0]] = columns.get(key[0], 0) | differs
        same = same_calls and all(map(_same, self._usual_outputs, outputs))
        return columns, self._passed, not same

    @contextlib.contextmanager
    def _holding(self, tensors: Mapping[Axis, Tensor]) -> Iterator[None]:
        """Other values, for a while, in the place of parameters and buffers."""
        before = []
        for (module, name, _), values in tensors.items():
            holder = self.network.get_submodule(module)
            held = holder._parameters if name in holder._parameters else holder._buffers
            before.append((held, name, held[name]))
            held[name] = nn.Parameter(values) if isinstance(held[name], nn.Parameter) else values
        try:
            yield
        finally:
            for held, name, tensor in reversed(before):
                held[name] = tensor

    def reach(self, source: Source, size: int) -> tuple[Columns, list[str], bool]:
        """What differs when all nodes of a source are changed, see :meth:`differing`."""
        return self.differing({source: np.ones(size, dtype=bool)})

    def read(
        self, sizes: Mapping[Source, int], reached: Mapping[Source, Columns]
    ) -> dict[Source, Columns]:
        """Which node of each source each column depends on, as far as they depend on one each.

        Args:
            sizes: number of nodes of each source.
            reached: which columns depend on it at all, as :meth:`reach` tells.
        """
        reached = {source: dict(reached[source]) for source in sizes}
        seen: dict[Source, Digits] = {source: defaultdict(dict) for source in sizes}
        owners: dict[Source, Columns] = {}
        unclear, mixed = list(sizes), set()
        for number in range(ROUNDS):
            if number:
                self.renew(number)
                for source in unclear:
                    for reader, columns in self.reach(source, sizes[source])[0].items():
                        reached[source][reader] = reached[source].get(reader, 0) | columns
            for together in _apart(reached, unclear):
                for digit in range(_digits(max(sizes[source] for source in together))):
                    together = [source for source in together if source not in mixed]
                    if not together:
                        break
                    for value in (0, 1):
                        columns, _, _ = self.differing(
                            {s: (np.arange(sizes[s]) >> digit & 1) == value for s in together}
                        )
                        for source in together:
                            before = seen[source][digit, value]
                            seen[source][digit, value] = {
                                reader: before.get(reader, 0) | differs
                                for reader, differs in columns.items()
                            }
                    mixed |= {s for s in together if _is_mixed(seen[s], digit, reached[s])}
            for source in unclear:
                if source in mixed:
                    owners[source] = {
                        r: np.where(c > 0, -2, -1) for r, c in reached[source].items()
                    }
                else:
                    owners[source] = _decoded(sizes[source], reached[source], seen[source])
            unclear = [s for s in unclear if not _is_clear(owners[s], sizes[s])]
            if not unclear:
                break
        if self.round:
            self.renew(0)
        return {
            source: {reader: np.where(c == -3, -2, c) for reader, c in columns.items()}
            for source, columns in owners.items()
        }

    def narrowed(
        self,
        kept: Mapping[str, np.ndarray],
        read: Mapping[str, np.ndarray],
        tensors: Mapping[Axis, np.ndarray],
    ) -> bool:
        """Whether the model still runs, and the same, when some nodes are not there at all.

        Args:
            kept: indices of the nodes that each narrowed layer sends.
            read: indices of the columns that each layer then gets.
            tensors: indices kept of tensors between layers.
        """
        cut: dict[Axis, Tensor] = {}
        for axis, indices in tensors.items():
            module, name, number = axis
            tensor = cut.get(
                Axis(module, name, 0), getattr(self.network.get_submodule(module), name)
            )
            tensor = tensor.detach().index_select(number, on(tensor, indices))
            cut[Axis(module, name, 0)] = tensor
        self.kept = kept
        try:
            with self._holding(cut):
                self._touch([*kept, *read, *(axis.module for axis in tensors)])
                outputs = self._run()
        except Exception:  # whatever a model does with shapes that do not fit
            return False
        finally:
            self.kept = {}
        if self._counts != self._usual_counts or len(outputs) != len(self._usual_outputs):
            return False
        pairs = list(zip(self._usual_outputs, outputs))
        for key, before in self._usual.items():
            if key in self._seen:
                columns = read.get(key[0])
                before = before if columns is None else before[..., on(before, columns)]
                pairs.append((before, self._seen[key]))
        return all(a.shape == b.shape and _close(a, b) for a, b in pairs)


def _has_plain_call(module: nn.Module) -> bool:
    """Whether a module's calls go through its ``forward``."""
    return not isinstance(module, torch.jit.ScriptModule | nn.ModuleList | nn.ModuleDict)


def _is_plain(values: object) -> bool:
    """Whether all is tensors, numbers and the like: nothing that a call could change."""
    known = (Tensor, int, float, str, torch.dtype, torch.device, torch.Size, type(None))
    return all(isinstance(leaf, known) for leaf in tree_leaves(values))


def _cloned(values: object) -> object:
    return tree_map(lambda x: x.clone() if isinstance(x, Tensor) else x, values)


def _same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and (torch.equal(a, b) or not bool(_differ(a, b).any()))


def on(tensor: Tensor, indices: np.ndarray) -> Tensor:
    """Indices on a tensor's device."""
    return torch.as_tensor(indices, dtype=torch.int64, device=tensor.device)


def _differ(a: Tensor, b: Tensor) -> Tensor:
    return (a != b) & ~((a != a) & (b != b))  # NaN is NaN


def _close(a: Tensor, b: Tensor) -> bool:
    if not a.is_floating_point():
        return torch.equal(a, b)
    return torch.allclose(a.double(), b.double(), rtol=1e-3, atol=1e-5, equal_nan=True)


def _apart(reached: Mapping[Source, Columns], sources: list[Source]) -> list[list[Source]]:
    """Sources in as few lots as will do, so that no column depends on two of one lot."""
    lots: list[list[Source]] = []
    for source in sources:
        for lot in lots:
            if not any((reached[source][r] & reached[o][r]).any() for o in lot for r in reached[o]):
                lot.append(source)
                break
        else:
            lots.append([source])
    return lots


def _digits(size: int) -> int:
    """Binary digits of the numbers below a size."""
    return max(size - 1, 0).bit_length()


def _is_mixed(seen: Digits, digit: int, reached: Columns) -> bool:
    """Whether some column depends on nodes that differ in a digit."""
    return any((c & seen[digit, 0][r] & seen[digit, 1][r]).any() for r, c in reached.items())


def _decoded(size: int, reached: Columns, seen: Digits) -> Columns:
    """Numbers that the digits spell; −3 where a digit is not clear yet."""
    numbers = {}
    for reader, columns in reached.items():
        number = np.zeros(len(columns), dtype=np.int64)
        unclear = np.zeros(len(columns), dtype=bool)
        for digit in range(_digits(size)):
            zero, one = (seen[digit, value][reader] > 0 for value in (0, 1))
            unclear |= ~one & ~zero
            number += one.astype(np.int64) << digit
        number[unclear | (number >= size)] = -3
        number[columns == 0] = -1
        numbers[reader] = number
    return numbers


def _is_clear(numbers: Columns, size: int) -> bool:
    """Whether each digit is clear, and each node is read as often as any other."""
    for columns in numbers.values():
        if (columns == -3).any():
            return False
        if (columns >= 0).any() and not (columns == -2).any():
            times = np.bincount(columns[columns >= 0], minlength=size)
            if (times != times[0]).any():
                return False
    return True
