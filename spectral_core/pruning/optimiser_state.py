"""An optimiser's state through a cut, so that training goes on where it was."""

import functools
import warnings
from collections.abc import Callable

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils._pytree import tree_leaves, tree_map


def check_optimiser(optimiser: object, network: nn.Module) -> None:
    """Raise unless an optimiser trains parameters of a network, and its state can be cut.

    Each tensor of it must be of the parameter's shape, such as momentum, or one number, such as a
    count of steps.
    """
    if not isinstance(optimiser, Optimizer):
        raise TypeError(
            f"optimiser must be a torch.optim.Optimizer; got {type(optimiser).__name__}"
        )
    names = {id(p): name for name, p in network.named_parameters()}
    if not any(id(p) in names for group in optimiser.param_groups for p in group["params"]):
        raise ValueError("optimiser must train parameters of network; got one that trains others")
    for parameter, state in optimiser.state.items():
        for key, x in ((key, x) for key, entry in state.items() for x in tree_leaves(entry)):
            if isinstance(x, Tensor) and x.shape != parameter.shape and x.numel() > 1:
                raise ValueError(
                    "optimiser must hold only numbers and tensors of the shape of their parameter; "
                    f"{type(optimiser).__name__} has {key!r} of {tuple(x.shape)} for "
                    f"{names.get(id(parameter))!r} of {tuple(parameter.shape)}. Leave it out, and "
                    "create a new one after pruning"
                )


def carry(
    optimiser: Optimizer,
    network: nn.Module,
    smaller: nn.Module,
    cut: Callable[[nn.Parameter, Tensor], Tensor],
) -> None:
    """Turn an optimiser of a network's parameters into one of the pruned network's.

    It keeps its settings, groups and other parameters; a tensor of state loses what its parameter
    loses. So what stays is trained as in the full network with the removed nodes masked, if the
    optimiser treats each number by itself. ``cut`` makes a tensor of a parameter's shape smaller.
    A ``UserWarning`` tells of parameters that the full network has not.
    """
    names = {id(p): name for name, p in network.named_parameters()}
    after = dict(smaller.named_parameters())

    def heir(parameter: nn.Parameter) -> nn.Parameter | None:
        return after.get(names[id(parameter)]) if id(parameter) in names else parameter

    def less(parameter: nn.Parameter, value: object) -> object:
        same = isinstance(value, Tensor) and value.shape == parameter.shape
        return cut(parameter, value) if same else value

    states = {}
    for parameter, state in optimiser.state.items():
        if (own := heir(parameter)) is not None:
            states[own] = tree_map(functools.partial(less, parameter), state)
    optimiser.state.clear()
    optimiser.state.update(states)
    for group in optimiser.param_groups:
        heirs = [heir(p) for p in group["params"]]
        if "param_names" in group:
            named = zip(group["param_names"], heirs)
            group["param_names"] = [name for name, own in named if own is not None]
        group["params"][:] = [own for own in heirs if own is not None]
    if new := after.keys() - names.values():
        warnings.warn(
            f"new parameters {', '.join(map(repr, sorted(new)))} are not trained by optimiser: add "
            "them with optimiser.add_param_group",
            stacklevel=5,
        )
