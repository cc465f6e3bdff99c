"""One interface to plain and spectral layers: spectrum, width, meaning of each axis.

Ranking, freezing, folding and pruning look at layers through this module alone. So plain layers,
:class:`~spectral_core.SpectralLinear` and layers that :func:`~spectral_core.spectral` has
reparametrised are all the same to them. A layer's ``weight`` and ``bias`` it answers by itself.
"""

from collections import Counter
from typing import Literal

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.utils import parametrize

from spectral_core import _checks
from spectral_core.layers.linear import SpectralLinear
from spectral_core.layers.parametrization import SpectralWeight, Transposed
from spectral_core.layers.spectrum import Spectrum

Dense = nn.Linear | SpectralLinear | Transposed
Convolution = nn.Conv1d | nn.Conv2d | nn.Conv3d
Layer = Dense | Convolution

Side = Literal["arrival", "departure"]

ELEMENTWISE: tuple[type[nn.Module], ...] = (
    *(nn.CELU, nn.ELU, nn.GELU, nn.Hardshrink, nn.Hardsigmoid, nn.Hardswish, nn.Hardtanh),
    *(nn.LeakyReLU, nn.LogSigmoid, nn.Mish, nn.ReLU, nn.ReLU6, nn.RReLU, nn.SELU, nn.SiLU),
    *(nn.Sigmoid, nn.Softplus, nn.Softshrink, nn.Softsign, nn.Tanh, nn.Tanhshrink, nn.Threshold),
    *(nn.AlphaDropout, nn.Dropout, nn.Dropout2d, nn.Dropout3d, nn.Identity),
)
"""Modules that do the same with each number, once they are in evaluation mode."""
NODEWISE = (
    *(*ELEMENTWISE, nn.PReLU, nn.SyncBatchNorm),
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d),
    *(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d),
)
"""Modules that act on each node, or channel, by itself."""


def is_stack(network: nn.Module) -> bool:
    """Whether a network passes its inputs through one module after the other, and no more."""
    return type(network).forward is nn.Sequential.forward and is_untouched(network)


def is_untouched(module: nn.Module) -> bool:
    """Whether a module does what its class does, without hooks or a patched ``forward``."""
    hooks = module._forward_hooks or module._forward_pre_hooks
    return not hooks and "forward" not in vars(module)


def own_forward(layer: Dense) -> str:
    """Why a layer may do something else than its weights say, or an empty string."""
    plain = (nn.Linear.forward, SpectralLinear.forward)
    if not isinstance(layer, Transposed) and type(layer).forward not in plain:
        return f"{type(layer).__name__} has a forward of its own"
    return "its forward is patched" if "forward" in vars(layer) else ""


def spectra(module: nn.Module) -> dict[str, Spectrum]:
    """Eigenvalues and eigenvectors behind each weight of one module, by the weight's name.

    Its submodules are not looked at; a module without spectral weights has none.
    """
    if isinstance(module, SpectralLinear):
        return {"weight": module.spectrum}
    if not parametrize.is_parametrized(module):
        return {}
    ours = {n: p for n, p in module.parametrizations.items() if isinstance(p[0], SpectralWeight)}
    for name, stored in ours.items():
        if len(stored) > 1:
            raise ValueError(
                f"a spectral {name} must have no second parametrization; got "
                f"{type(stored[1]).__name__} on top of it"
            )
    return {name: Spectrum(p.original0, p.original1) for name, p in ours.items()}


def spectrum(layer: nn.Module) -> Spectrum | None:
    """Eigenvalues and eigenvectors of a layer's ``weight``; ``None`` for a plain layer."""
    return spectra(layer).get("weight")


def arrival_width(layer: Layer) -> int:
    """Number of arrival nodes, or output channels."""
    if isinstance(layer, Transposed):
        return layer.nf
    return layer.out_features if isinstance(layer, Dense) else layer.out_channels


def departure_width(layer: Dense) -> int:
    """Number of departure nodes."""
    return layer.nx if isinstance(layer, Transposed) else layer.in_features


def matrix(layer: Layer) -> Tensor:
    """Weights of a layer, (out, in, …)."""
    return layer.weight.T if isinstance(layer, Transposed) else layer.weight


def rename_widths(module: nn.Module) -> None:
    """Let the numbers of a fully connected layer, a norm or a PReLU tell its tensors' widths."""
    if isinstance(module, Dense):
        names = ("nf", "nx") if isinstance(module, Transposed) else ("out_features", "in_features")
        for name, width in zip(names, matrix(module).shape):
            setattr(module, name, width)
    elif isinstance(module, _NormBase):
        for tensor in (module.weight, module.running_mean):
            if tensor is not None:
                module.num_features = len(tensor)
    elif isinstance(module, nn.LayerNorm | nn.RMSNorm) and module.weight is not None:
        module.normalized_shape = tuple(module.weight.shape)
    elif isinstance(module, nn.GroupNorm) and module.weight is not None:
        module.num_channels = len(module.weight)
    elif isinstance(module, nn.PReLU):
        module.num_parameters = len(module.weight)


def axes(layer: Dense) -> dict[str, tuple[Side, ...]]:
    """What each axis of each parameter of a fully connected layer counts, by the tensor's name.

    Raises:
        TypeError: if the layer holds a tensor of another kind, such as a mask of
            ``torch.nn.utils.prune`` or another parametrisation.
    """
    out, both = ("arrival",), ("arrival", "departure")
    if isinstance(layer, SpectralLinear):
        known = {"eigenvectors": both, "eigenvalues": out, "input_eigenvalues": ("departure",)}
    elif spectrum(layer) is not None:
        stored = "parametrizations.weight.original"
        known = {f"{stored}0": out, f"{stored}1": both}
    else:
        known = {"weight": both[::-1] if isinstance(layer, Transposed) else both}
    known["bias"] = out
    names = [name for name, _ in (*layer.named_parameters(), *layer.named_buffers())]
    for name in names:
        if name not in known:
            raise TypeError(
                f"a {type(layer).__name__} that loses nodes must hold only {', '.join(known)}; "
                f"got {name!r}. Make masks and other parametrisations permanent first, with "
                "torch.nn.utils.prune.remove or torch.nn.utils.parametrize.remove_parametrizations"
            )
    return {name: known[name] for name in names}


def named_layers(network: nn.Module) -> dict[str, Layer]:
    """Fully connected and convolutional layers by name, in the order of registration."""
    _checks.module("network", network)
    return {name: m for name, m in network.named_modules() if isinstance(m, Layer)}


def tensors_in(layer: nn.Module) -> list[Tensor]:
    """Parameters and buffers."""
    return [*layer.parameters(), *layer.buffers()]


def holders(network: nn.Module) -> Counter[int]:
    """How many modules hold each parameter and buffer as their own, by the tensor's ``id``."""
    return Counter(
        id(tensor)
        for module in network.modules()
        for tensor in (*module.parameters(recurse=False), *module.buffers(recurse=False))
    )
