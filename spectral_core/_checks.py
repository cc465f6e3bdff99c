"""Checks of arguments at the public boundary: each error says what was expected and what came."""

import dataclasses
import difflib
import functools
import math
from collections.abc import Iterable
from numbers import Integral, Real

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def choice(name: str, value: object, valid: Iterable[str]) -> str:
    """Return ``value`` if it is one of ``valid``, else raise and name the nearest valid one."""
    valid = list(valid)
    if not isinstance(value, str):
        raise TypeError(f"{name} must be one of {', '.join(valid)}; got {value!r}")
    if value not in valid:
        nearest = difflib.get_close_matches(value, valid, n=1)
        hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
        raise ValueError(f"{name} must be one of {', '.join(valid)}; got {value!r}.{hint}")
    return value


def whole_number(name: str, value: object, least: int = 0) -> int:
    """Return ``value`` as an int if it is whole and from ``least`` to what 64 bits hold."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number of at least {least}; got {value!r}")
    if not least <= value < 2**63:
        bounds = f"of at least {least}" if value < least else "below 2^63"
        raise ValueError(f"{name} must be a whole number {bounds}; got {value}")
    return int(value)


def number(
    name: str, value: object, low: float = -math.inf, high: float = math.inf, *, open_low=False
) -> float:
    """Return ``value`` as a float if it is finite and lies in [low, high], or (low, high]."""
    if math.isinf(high):
        of_least = f" {'above' if open_low else 'of at least'} {low:g}"
        bounds = "finite number" + ("" if math.isinf(low) else of_least)
    else:
        bounds = f"number in {'(' if open_low else '['}{low:g}, {high:g}]"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a {bounds}; got {value!r}")
    too_low = value <= low if open_low else value < low
    if not math.isfinite(value) or too_low or value > high:
        raise ValueError(f"{name} must be a {bounds}; got {value!r}")
    return float(value) + 0.0  # −0.0 becomes 0.0: equal numbers must look equal in a key


def interval(name: str, value: object) -> tuple[float, float]:
    """Return ``value`` as (low, high) if it is a pair of finite numbers with low ≤ high."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(f"{name} must be a pair (low, high); got {value!r}")
    low, high = (number(f"{name}[{i}]", end) for i, end in enumerate(value))
    if low > high:
        raise ValueError(f"{name} must be a pair (low, high) with low ≤ high; got {value!r}")
    return low, high


def items(name: str, values: object) -> list:
    """Return ``values`` as a list if it is a list, tuple, range or array of at least one item."""
    if isinstance(values, str) or not hasattr(values, "__iter__") or not hasattr(values, "__len__"):
        raise TypeError(f"{name} must be a list or tuple; got {values!r}")
    if len(values) == 0:
        raise ValueError(f"{name} must hold at least one item; got {values!r}")
    return list(values)


def distinct(name: str, values: object) -> tuple:
    """Return ``values`` as a tuple if it is a list of items of which each is there once."""
    values = items(name, values)
    if any(values.count(value) > 1 for value in values):
        raise ValueError(f"{name} must hold each item once; got {values!r}")
    return tuple(values)


def whole_numbers(name: str, values: object, least: int = 0) -> tuple[int, ...]:
    """Return ``values`` as a tuple of integers of at least ``least``, at least one of them."""
    values = items(name, values)
    return tuple(whole_number(f"{name}[{i}]", value, least) for i, value in enumerate(values))


def numbers(name: str, values: object, low: float, high: float) -> tuple[float, ...]:
    """Return ``values`` as a tuple of distinct numbers in [low, high], at least one of them."""
    values = distinct(name, values)
    return tuple(number(f"{name}[{i}]", value, low, high) for i, value in enumerate(values))


def module(name: str, value: object) -> nn.Module:
    """Return ``value`` if it is a module."""
    if not isinstance(value, nn.Module):
        raise TypeError(f"{name} must be a torch.nn.Module; got {type(value).__name__}")
    return value


def network(name: str, value: object) -> nn.Module:
    """Return ``value`` if it is a module that can be pruned: no wrapper, script or lazy module."""
    module(name, value)
    kind = type(value).__name__
    if isinstance(value, nn.DataParallel | nn.parallel.DistributedDataParallel):
        raise ValueError(f"{name} must not be wrapped in {kind}; pass {name}.module")
    if hasattr(value, "_orig_mod"):
        raise ValueError(f"{name} must not be wrapped by torch.compile; pass {name}._orig_mod")
    if isinstance(value, torch.jit.ScriptModule):
        raise TypeError(f"{name} must be an ordinary module, not a TorchScript one; got {kind}")
    if any(isinstance(p, nn.parameter.UninitializedParameter) for p in value.parameters()):
        raise ValueError(f"{name} has lazy layers without a shape; pass one batch through it first")
    return value


def outputs(value: object) -> Tensor:
    """Return ``value`` if it is what a network must give: one tensor."""
    if not isinstance(value, Tensor):
        raise TypeError(f"network must give one tensor; got {type(value).__name__}")
    return value


_BROADCASTING = (
    *(F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss),
    *(F.poisson_nll_loss, F.kl_div, F.hinge_embedding_loss),
)
_BROADCASTING_MODULES = (
    *(nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss),
    *(nn.PoissonNLLLoss, nn.KLDivLoss, nn.HingeEmbeddingLoss),
)


def paired(loss: object, outputs: object, targets: Tensor) -> None:
    """Raise if a loss would pair each output with each target: (n, 1) and (n,)."""
    if loss in _BROADCASTING or isinstance(loss, _BROADCASTING_MODULES):
        own, given = tuple(outputs.shape), tuple(targets.shape)
        if own != given and outputs.numel() == targets.numel():
            raise ValueError(f"targets must have the shape of the outputs, {own}; got {given}")


def mean_loss(value: object) -> Tensor:
    """Return ``value`` if it is what a loss must give: one number."""
    if not isinstance(value, Tensor) or value.dim() > 0:
        got = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else repr(value)
        raise TypeError(f"loss must return a scalar tensor, the mean over the batch; got {got}")
    return value


def flag(name: str, value: object) -> bool:
    """Return ``value`` if it is True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False; got {value!r}")
    return value


def named_settings(cls: type) -> type:
    """Let a dataclass refuse a keyword that is none of its fields, and name the nearest one."""
    original = cls.__init__
    names = [field.name for field in dataclasses.fields(cls)]

    @functools.wraps(original)
    def __init__(self: object, *values: object, **settings: object) -> None:
        for name in settings:
            choice(f"setting of {cls.__name__}", name, names)
        original(self, *values, **settings)

    cls.__init__ = __init__
    return cls


def examples(inputs: Tensor, targets: Tensor, *, classes: bool = True) -> None:
    """Raise unless there is at least one input, and one target per input: a class index, if so."""
    if not isinstance(inputs, Tensor) or not isinstance(targets, Tensor):
        raise TypeError(
            "inputs and targets must be tensors; got "
            f"{type(inputs).__name__} and {type(targets).__name__}"
        )
    n = inputs.shape[:1]  # () of a scalar
    if n in ((), (0,)) or n != targets.shape[:1] or (classes and targets.dim() != 1):
        raise ValueError(
            f"inputs (n, …) and targets {'(n,)' if classes else '(n, …)'} must have the same "
            f"n ≥ 1; got {tuple(inputs.shape)} and {tuple(targets.shape)}"
        )
    if classes and targets.dtype != torch.int64:
        raise TypeError(f"targets must be int64 class indices; got {targets.dtype}")
    if classes and targets.min() < 0:
        raise ValueError(f"targets must be class indices of at least 0; got {targets.min()}")
