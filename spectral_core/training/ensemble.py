"""Many trainings as one: networks of one kind trained side by side, for accelerators.

Trainings that differ in their seed, or in what pruning has left of a layer, do the same sums on
different numbers. Their parameters are stacked, (E, …) each, and every operation of a step then
works on all E networks at once: long enough to keep an accelerator busy.

Narrower networks are padded with nodes whose λ, φ, weights and biases are 0. That is exact: as
f(0) = 0, such a node's activity is 0, nothing depends on it, and every gradient of what was added
is 0, so Adam leaves it at 0.
"""

import copy
import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from spectral_core.training.gradients import is_written_out
from spectral_core.training.loop import OnEpoch, Optimisation, fit


def train_ensemble(
    networks: Sequence[nn.Sequential],
    inputs: Tensor,
    targets: Tensor,
    *,
    generators: Sequence[torch.Generator | None] | None = None,
    on_epoch: OnEpoch | None = None,
    **settings: object,
) -> list[list[float]]:
    """Train networks side by side, each as :func:`~spectral_core.train` would, to float error.

    Args:
        networks: stacks of layers with ELU (α = 1), ReLU or tanh in between, at least one; alike
            but for their hidden widths and their numbers. Each is trained in place.
        inputs, targets: as for :func:`~spectral_core.train`, the same for all.
        generators: source of the order of the examples for each network, on the CPU; networks
            with the same one see the same order. Torch's default one for all if ``None``.
        on_epoch: called after each epoch with its number, from 1, and the first network's loss.
        **settings: those of :class:`~spectral_core.training.loop.Optimisation`, for all networks.

    Returns:
        For each network its cross-entropy of each epoch, in nats, without penalty and decay.

    Raises:
        TrainingDiverged: if a loss becomes NaN or infinite; ``member`` is the index of the
            diverged network.
        TypeError, ValueError: as :func:`~spectral_core.train`, or if the networks are not alike.
    """
    if not all(map(is_written_out, networks)) or len(set(map(_kind, networks))) != 1:
        raise ValueError(
            "networks must be stacks of Linear or SpectralLinear layers with ELU, ReLU or tanh in "
            "between, alike but for their hidden widths and their numbers; got "
            + "\n".join(map(str, networks))
        )
    generators = [None] * len(networks) if generators is None else generators
    if len(generators) != len(networks):
        raise ValueError(
            f"generators must be one per network, {len(networks)}; got {len(generators)}"
        )

    def draw_orders(n: int) -> Tensor:
        orders = {
            source: torch.randperm(n, generator=source, device="cpu")
            for source in dict.fromkeys(generators)
        }
        return torch.stack([orders[source] for source in generators])

    together = stacked(networks)
    history = fit(
        together, inputs, targets, Optimisation(**settings), draw_orders, on_epoch=on_epoch
    )
    with torch.no_grad():
        for e, network in enumerate(networks):
            for values, own in zip(together.parameters(), network.parameters()):
                own.copy_(_corner(values[e], own.shape))
    return [list(losses) for losses in zip(*history)] or [[] for _ in networks]


@torch.no_grad()
def stacked(networks: Sequence[nn.Sequential]) -> nn.Sequential:
    """Parameters of alike networks stacked, (E, …) each, zeros where one is narrower than another;
    in modules for :class:`~spectral_core.training.gradients.WrittenOut`, which cannot be called."""
    together = copy.deepcopy(networks[0])
    for modules in zip(together, *networks):
        for name, _ in modules[0].named_parameters():
            members = [getattr(module, name) for module in modules[1:]]
            widest = [max(sizes) for sizes in zip(*(member.shape for member in members))]
            values = members[0].new_zeros(len(members), *widest)
            for padded, member in zip(values, members):
                _corner(padded, member.shape).copy_(member)
            parameter = nn.Parameter(values, requires_grad=members[0].requires_grad)
            setattr(modules[0], name, parameter)
    return together


def most_members(sizes: Sequence[int], batch_size: int, inputs: Tensor, projects: bool) -> int:
    """How many networks the memory of the inputs' device trains side by side, about; at least 1.

    Args:
        sizes: nodes of each layer, input and output included, (N_1, …, N_ℓ).
        batch_size: examples per step.
        inputs: all examples, (n, N_1).
        projects: whether the first layer is frozen, so that x φᵀ is kept for all examples.
    """
    free = 2**30  # a guess, for devices that do not say
    if inputs.is_cuda:
        torch.cuda.empty_cache()
        free = torch.cuda.mem_get_info(inputs.device)[0]
    parameters = sum(after * (before + 2) for before, after in itertools.pairwise(sizes))
    batch = batch_size * (sizes[0] + 6 * sum(sizes[1:]))  # x; z, a, ∂L/∂u, and temporary arrays
    order = len(inputs) * 2  # indices are of 8 bytes
    # Of each parameter: the network's own, the stacked one, its gradient and Adam's two moments.
    member = 4 * (5 * parameters + batch + order + projects * len(inputs) * sizes[1])
    return max(1, math.floor(0.7 * free / member))


def _corner(values: Tensor, shape: torch.Size) -> Tensor:
    return values[tuple(map(slice, shape))]


def _kind(network: nn.Sequential) -> tuple[object, ...]:
    """What networks of an ensemble have in common."""
    layers = list(network)[::2]
    parameters = network.named_parameters()
    return (
        *(layers[0].in_features, layers[-1].out_features),
        *(type(module) for module in network),
        *((name, p.requires_grad, p.dtype) for name, p in parameters),
    )
