"""Run a model so that nothing of it changes: in a copy, in evaluation mode, without a trace."""

import contextlib
import copy
import dataclasses
import functools
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map_only

Example = Tensor | tuple | list | Mapping[str, Any]
"""What a model takes: one tensor, a tuple of arguments, or a dictionary of keyword arguments."""


def duplicate(network: nn.Module, memo: Mapping[int, object] | None = None) -> nn.Module:
    """Deep copy of a model, also of one that holds tensors with a gradient history.

    ``memo`` has what takes the place of an object in the copy, by the object's ``id``.

    Raises:
        TypeError: if a module has a ``forward`` of its own that would go on using the original,
            or holds something that cannot be copied.
    """
    memo = dict(memo or {})
    for name, module in network.named_modules():
        kind = type(module).__name__
        what = f"{name!r} ({kind})" if name else f"the {kind}"
        if hasattr(module, "_orig_mod"):
            raise TypeError(f"{what} is wrapped by torch.compile: put its _orig_mod in its place")
        forward = vars(module).get("forward")
        if forward is not None and not _belongs_to(forward, module):
            raise TypeError(
                f"{what} has a patched forward, which a copy would share with the original. "
                "Remove it first (del module.forward), or make it a bound method"
            )
        for value in tree_leaves(vars(module)):
            if isinstance(value, Tensor) and value.grad_fn is not None:
                memo[id(value)] = value.detach().clone()
    try:
        return copy.deepcopy(network, memo)
    except Exception as error:  # whatever a model's attributes raise
        raise TypeError(f"network cannot be copied: {error}") from error


def _belongs_to(forward: object, module: nn.Module) -> bool:
    """Whether a function is bound to a module, so that a copy of it is bound to the copy."""
    if isinstance(forward, functools.partial):
        return any(argument is module for argument in forward.args)
    return getattr(forward, "__self__", None) is module


_DROPOUT = {
    *(torch.dropout, torch.alpha_dropout, torch.feature_dropout, torch.feature_alpha_dropout),
    *(F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout, F.feature_alpha_dropout),
}


class _WithoutDropout(TorchFunctionMode):
    """Evaluation mode for the functions that know of none."""

    def __torch_function__(
        self, func: Callable, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        if func in _DROPOUT:
            return args[0] if args else kwargs["input"]
        return func(*args, **(kwargs or {}))


@contextlib.contextmanager
def undisturbed(network: nn.Module) -> Iterator[None]:
    """No gradients, no dropout, eager mode; random states, also Python's and NumPy's, stay."""
    states = random.getstate(), np.random.get_state()
    devices = {p.device.index or 0 for p in network.parameters() if p.device.type == "cuda"}
    compiled = "torch._dynamo" in sys.modules  # which takes seconds to import
    eager = torch.compiler.set_stance("force_eager") if compiled else contextlib.nullcontext()
    try:
        with torch.no_grad(), torch.random.fork_rng(sorted(devices)), eager, _WithoutDropout():
            torch.default_generator.manual_seed(0)  # torch.manual_seed would seed idle devices, too
            for device in devices:
                torch.cuda.default_generators[device].manual_seed(0)
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])


@contextlib.contextmanager
def unused(network: nn.Module) -> Iterator[None]:
    """Raise a ``TypeError`` if a module of the model runs, as where a copy has a closure of it."""

    def refuse(name: str, module: nn.Module, _: object) -> None:
        raise TypeError(
            f"a copy would share {name!r} ({type(module).__name__}) with the network: a function "
            "stored as an attribute refers to it, or it is not copied. Call it as self.… in forward"
        )

    hooks = [
        module.register_forward_pre_hook(functools.partial(refuse, name))
        for name, module in network.named_modules()
        if not isinstance(module, torch.jit.ScriptModule)
        and (*module.parameters(), *module.buffers())
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def run(network: nn.Module, example: Example) -> Any:
    """Outputs of a model; in-place operations do not reach the example."""
    args, kwargs = arguments(copied(example))
    return network(*args, **kwargs)


def copied(example: Example) -> Example:
    """An example with copies of its tensors."""
    return on_tensors(Tensor.clone, example)


def arguments(example: Example) -> tuple[tuple, dict[str, Any]]:
    """An example as positional and keyword arguments."""
    if isinstance(example, Mapping):
        return (), dict(example)
    return tuple(example) if isinstance(example, tuple | list) else (example,), {}


def on_tensors(function: Callable[[Tensor], Any], example: Example) -> Any:
    """An example with a function's values in the place of its tensors."""
    plain = dict(example) if isinstance(example, Mapping) else example
    return tree_map_only(Tensor, function, plain)


def rows_of(example: Example) -> int | None:
    """Number of inputs, ``None`` if the tensors' first dimensions differ."""
    sizes = {len(x) if x.dim() else None for x in _leaves(example)}
    return sizes.pop() if len(sizes) == 1 else None


def _leaves(example: Example) -> list[Tensor]:
    """The tensors that :func:`on_tensors` acts on."""
    return [x for x in tree_leaves(arguments(example)) if isinstance(x, Tensor)]


def check_example(example: Example) -> None:
    """Raise unless an example holds tensors, none of them empty."""
    tensors = _leaves(example)
    if not tensors or not all(x.numel() for x in tensors):
        empty = [tuple(x.shape) for x in tensors if not x.numel()]
        got = f"shape {empty[0]}" if empty else type(example).__name__
        raise TypeError(f"example must be tensors of inputs, (n, …) with n ≥ 1; got {got}")


def few(example: Example, rows: int = 2) -> Example:
    """The first inputs of an example, if all of its tensors have the same first dimension."""
    return example if rows_of(example) is None else on_tensors(lambda x: x[:rows], example)


def on_few(function: Callable[[Example], Any], example: Example, rows: int = 2) -> Any:
    """A function of the first inputs of an example, or of all where a model takes no fewer."""
    with contextlib.suppress(Exception):  # whatever a model raises
        return function(few(example, rows))
    return function(example)


def tensors_of(output: object) -> list[Tensor]:
    """The tensors in what a model takes or returns, in order: of tuples, dictionaries, dataclasses
    and other objects."""
    tensors: list[Tensor] = []
    left, seen = tree_leaves(output)[::-1], {}  # what is seen must live on, as its id may not
    while left:
        value = left.pop()
        if isinstance(value, Tensor):
            tensors.append(value)
        elif not isinstance(value, _ENDS) and id(value) not in seen:
            seen[id(value)] = value
            inside = tree_leaves([_items_of(value), getattr(value, "__dict__", {})])
            left += [x for x in inside[::-1] if not isinstance(x, Tensor) or _is_plain(x)]
    return tensors


_ENDS = str | bytes | int | float | complex | type | nn.Module | ModuleType | FunctionType


def _items_of(value: object) -> list[object]:
    """What a dictionary or a dataclass of some class holds."""
    if isinstance(value, Mapping):
        return list(value.values())
    fields = dataclasses.fields(value) if dataclasses.is_dataclass(value) else ()
    slots = [f.name for f in fields if f.name not in getattr(value, "__dict__", {})]
    return [getattr(value, name, None) for name in slots]


def _is_plain(tensor: Tensor) -> bool:
    """Whether it may be what a model computes, and can be compared."""
    computed = not isinstance(tensor, nn.Parameter)
    return computed and tensor.layout == torch.strided and not tensor.is_meta


_TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-4}


def alike(a: Tensor, b: Tensor, computed: torch.dtype | None = None) -> bool:
    """Whether two tensors agree to a share of the largest number of the first.

    1e-9 in double and 1e-4 in single precision, 5 % in half precision: the first tensor's, or that
    in which both were ``computed``, if that is coarser.
    """
    if a.is_complex() and b.is_complex():
        a, b = torch.view_as_real(a.resolve_conj()), torch.view_as_real(b.resolve_conj())
    if a.shape != b.shape or not a.is_floating_point():
        return torch.equal(a, b)
    tolerance = max(_TOLERANCE.get(dtype, 5e-2) for dtype in (a.dtype, computed or a.dtype))
    a, b = a.double(), b.double()
    scale = a[a.isfinite()].abs().max().clamp(min=1e-3) if a.isfinite().any() else 1.0
    return torch.allclose(a, b, rtol=0, atol=float(tolerance * scale), equal_nan=True)
