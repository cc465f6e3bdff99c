"""A model as a graph of steps, and which of them act on each node by itself."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from spectral_core.layers.kinds import Layer

Operation = Callable[[Tensor], Tensor]

ELEMENTWISE: tuple[type[nn.Module], ...] = (
    *(nn.CELU, nn.ELU, nn.GELU, nn.Hardshrink, nn.Hardsigmoid, nn.Hardswish, nn.Hardtanh),
    *(nn.LeakyReLU, nn.LogSigmoid, nn.Mish, nn.ReLU, nn.RReLU, nn.SELU, nn.SiLU, nn.Sigmoid),
    *(nn.Softplus, nn.Softshrink, nn.Softsign, nn.Tanh, nn.Tanhshrink, nn.Threshold),
    *(nn.AlphaDropout, nn.Dropout, nn.Dropout2d, nn.Dropout3d, nn.Identity),
)
"""Modules that do the same with each number, once they are in evaluation mode."""
NODEWISE = (*ELEMENTWISE, nn.PReLU, nn.modules.batchnorm._BatchNorm)
"""Modules that act on each node, or channel, by itself."""

_NAMES = (
    *("celu", "elu", "gelu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu"),
    *("logsigmoid", "mish", "relu", "relu6", "rrelu", "selu", "sigmoid", "silu", "softplus"),
    *("softshrink", "softsign", "tanh", "tanhshrink", "threshold", "abs", "clamp", "cos", "erf"),
    *("exp", "expm1", "log1p", "sin", "square", "alpha_dropout", "dropout", "clone", "contiguous"),
)
_METHODS = {*_NAMES, *(f"{name}_" for name in _NAMES)}
_FUNCTIONS = {
    getattr(holder, name) for holder in (torch, F) for name in _METHODS if hasattr(holder, name)
} | {operator.add, operator.sub, operator.mul, operator.truediv, operator.neg, operator.pow}
_DROPOUT = {torch.dropout, torch.alpha_dropout, F.dropout, F.alpha_dropout}


def is_nodewise(node: fx.Node, network: nn.Module) -> bool:
    """Whether a step in a network's graph acts on each node, or channel, by itself."""
    if len(node.all_input_nodes) != 1:
        return False
    if node.op == "call_module":
        return isinstance(network.get_submodule(node.target), NODEWISE)
    if node.op == "call_method":
        return node.target in _METHODS
    return node.op == "call_function" and node.target in _FUNCTIONS


def is_flatten(node: fx.Node, network: nn.Module) -> bool:
    """Whether a step flattens what comes in."""
    if node.op == "call_module":
        return isinstance(network.get_submodule(node.target), nn.Flatten)
    return node.target in ("flatten", torch.flatten)


def is_stack(network: nn.Module) -> bool:
    """Whether a network passes its inputs through one module after the other, and no more."""
    return type(network).forward is nn.Sequential.forward


def trace(network: nn.Module) -> fx.Graph:
    """The steps of a network, in order: layers, norms and the like, and functions.

    Raises:
        Exception: whatever a model's forward pass does to the stand-ins of :mod:`torch.fx`.
    """
    tracer = _Tracer()
    steps = list(network._modules.items()) if is_stack(network) else []
    if isinstance(network, Layer):
        steps = [("", network)]
    if not steps or not all(tracer.is_leaf_module(module, name) for name, module in steps):
        return tracer.trace(network)
    # A plain stack is its own graph; fx would take thirty times as long to find that out.
    name_of = {module: name for name, module in reversed(steps)}
    graph = fx.Graph()
    value = graph.placeholder("inputs")
    for _, module in steps:
        value = graph.call_module(name_of[module], (value,))
    graph.output(value)
    return graph


class _Tracer(fx.Tracer):
    """Looks into a model's blocks, down to layers, norms and the like, and to functions."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a module is one step of the graph."""
        if isinstance(m, Layer) or super().is_leaf_module(m, module_qualified_name):
            return True
        # A block without layers is looked into for functions, if it has nothing of its own.
        has_layers = any(isinstance(inner, Layer) for inner in m.modules())
        return not has_layers and bool(m.state_dict())


def operation(node: fx.Node, network: nn.Module) -> Operation:
    """A step as a function of its input, in evaluation mode."""
    if node.op == "call_module":
        module = network.get_submodule(node.target)
        return lambda inputs: copy.deepcopy(module).eval()(inputs)
    if node.target in _DROPOUT:
        return lambda inputs: inputs

    def call(inputs: Tensor) -> Tensor:
        args = fx.node.map_arg(node.args, lambda _: inputs)
        kwargs = fx.node.map_arg(node.kwargs, lambda _: inputs)
        if node.op == "call_method":
            return getattr(args[0], node.target)(*args[1:], **kwargs)
        return node.target(*args, **kwargs)

    return call


def described(node: fx.Node, network: nn.Module) -> str:
    """A step as an error names it."""
    if node.op == "call_module":
        return f"{type(network.get_submodule(node.target)).__name__} ({node.target!r})"
    return (
        "the output" if node.op == "output" else str(getattr(node.target, "__name__", node.target))
    )
