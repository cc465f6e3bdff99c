"""Feed-forward networks of the paper: fully connected layers with an activation in between."""

import functools
import itertools
from collections.abc import Callable, Sequence

import torch
from torch import nn

from spectral_core import _checks
from spectral_core.layers.kinds import spectra
from spectral_core.layers.linear import SpectralLinear, StartingRange
from spectral_core.layers.spectrum import Trainable

ACTIVATIONS: dict[str, type[nn.Module]] = {"elu": nn.ELU, "relu": nn.ReLU, "tanh": nn.Tanh}
"""Activation functions of the paper, by name."""
ACTIVATION_NAMES = {"elu": "ELU", "relu": "ReLU", "tanh": "tanh"}
"""The same as readers know them."""


def spectral_mlp(
    sizes: Sequence[int],
    activation: str,
    bias: bool = False,
    *,
    output_bias: bool | None = None,
    input_eigenvalues: bool = False,
    eigenvector_range: StartingRange = (-0.2, 0.2),
    eigenvalue_range: tuple[float, float] = (-0.5, 0.5),
    generator: torch.Generator | None = None,
) -> nn.Sequential:
    """Network of :class:`SpectralLinear` layers (Eq. 1).

    Args:
        sizes: nodes of each layer, input and output included: (N_1, …, N_ℓ), each at least 1.
        activation: ``"elu"``, ``"relu"`` or ``"tanh"``, after each layer but the last.
        bias: whether the layers have biases.
        output_bias: whether the output layer has one; as ``bias`` if ``None``.
        input_eigenvalues: whether each layer's departure nodes have eigenvalues, too. A hidden node
            then has two: one as an arrival node, by which it is ranked, and one as a departure node
            of the next layer.
        eigenvector_range, eigenvalue_range: starts of φ and λ, as for :class:`SpectralLinear`.
        generator: source of the starting values, on the CPU; torch's default one if ``None``.

    Returns:
        A network from (n, N_1) inputs to (n, N_ℓ) logits.

    Raises:
        TypeError, ValueError: if there are fewer than two sizes, a size is below 1 or the
            activation is unknown.
    """
    layer = functools.partial(
        SpectralLinear,
        input_eigenvalues=input_eigenvalues,
        eigenvector_range=eigenvector_range,
        eigenvalue_range=eigenvalue_range,
        generator=generator,
    )
    return _stack(sizes, activation, layer, bias, output_bias)


def direct_mlp(
    sizes: Sequence[int],
    activation: str,
    bias: bool = False,
    *,
    output_bias: bool | None = None,
    generator: torch.Generator | None = None,
) -> nn.Sequential:
    """Network of plain layers, for training in direct space: Glorot-uniform weights, biases 0.

    Args, returns and errors are those of :func:`spectral_mlp`.
    """
    _checks.flag("bias", bias)

    def layer(before: int, after: int, bias: bool) -> nn.Module:
        linear = nn.Linear(before, after, bias, device="meta")  # skip_init would import SymPy
        # Drawn on the CPU, whatever the device, so that one seed is one network.
        drawn = torch.empty(after, before, device="cpu")
        nn.init.xavier_uniform_(drawn, generator=generator)
        linear.weight = nn.Parameter(drawn.to(torch.get_default_device()))
        if bias:
            linear.bias = nn.Parameter(torch.zeros(after))
        return linear

    return _stack(sizes, activation, layer, bias, output_bias)


def train_only(network: nn.Module, which: Trainable) -> nn.Module:
    """Let only the eigenvalues, only the eigenvectors, or both of a network take gradients.

    Acts on every :class:`SpectralLinear` of the network and on every layer that
    :func:`~spectral_core.spectral` has reparametrised, the output layer included. Their biases are
    trained in any case. Other modules are not changed. Neither are spectral layers that are frozen
    altogether, such as those of a frozen backbone, unless all spectral layers are.

    Args:
        network: any module with at least one spectral layer.
        which: ``"eigenvalues"``, ``"eigenvectors"`` or ``"both"``.

    Returns:
        The network itself.

    Raises:
        TypeError, ValueError: if ``which`` is unknown or the network has no spectral layer.
    """
    _checks.module("network", network)
    layers = [module for module in network.modules() if spectra(module)]
    if not layers:
        raise ValueError(
            "network must have at least one SpectralLinear or another spectral layer; got none. "
            "Convert its layers with spectralize first"
        )
    trained = [layer for layer in layers if any(p.requires_grad for p in layer.parameters())]
    for layer in trained or layers:
        for spectrum in spectra(layer).values():
            spectrum.train_only(which)
        if isinstance(getattr(layer, "bias", None), nn.Parameter):
            layer.bias.requires_grad_(True)
    return network


def _stack(
    sizes: Sequence[int],
    activation: str,
    layer: Callable[[int, int, bool], nn.Module],
    bias: bool,
    output_bias: bool | None,
) -> nn.Sequential:
    _checks.choice("activation", activation, ACTIVATIONS)
    if isinstance(sizes, str) or not isinstance(sizes, Sequence):
        raise TypeError(f"sizes must be a list of layer widths; got {sizes!r}")
    sizes = [_checks.whole_number(f"sizes[{i}]", size, least=1) for i, size in enumerate(sizes)]
    if len(sizes) < 2:
        raise ValueError(f"sizes must name at least an input and an output layer; got {sizes}")
    modules: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes[:-1]):
        modules += [layer(before, after, bias), ACTIVATIONS[activation]()]
    of_last = bias if output_bias is None else _checks.flag("output_bias", output_bias)
    last = layer(*sizes[-2:], of_last)
    return nn.Sequential(*modules, last)  # the output layer has no activation


def hidden_label(hidden: Sequence[int]) -> str:
    """``500`` or ``500-500-500``: hidden widths as they stand in tables and names."""
    return "-".join(str(width) for width in hidden)


def hidden_widths(label: str) -> tuple[int, ...]:
    """Nodes of each hidden layer, of a label as :func:`hidden_label` makes it."""
    return tuple(map(int, label.split("-")))
