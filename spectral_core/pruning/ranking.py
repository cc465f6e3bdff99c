"""Scores that rank the nodes of a network: the larger, the more important."""

import functools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spectral_core import _checks
from spectral_core.layers.flow import Flow
from spectral_core.layers.kinds import Layer, arrival_width, matrix, named_layers, spectrum
from spectral_core.layers.running import Example
from spectral_core.pruning.taylor import taylor
from spectral_core.training.autograd import Loss

Criterion = Callable[[Layer], Tensor]
"""From a layer to one score per arrival node, or output channel; shape (out,)."""


def eigenvalue(layer: Layer) -> Tensor:
    """|λ_i| of each arrival node (Sec. VI); shape (out,).

    Raises:
        ValueError: if the layer is a plain one, whose transfer operator has only the
            eigenvalue 0 (Sec. V).
    """
    pair = spectrum(layer)
    if pair is None:
        raise ValueError(
            "by='eigenvalue' needs SpectralLinear layers or others made spectral; got "
            f"{type(layer).__name__}, whose transfer operator has only zero eigenvalues. Rank it "
            "by 'connectivity', or convert it with spectral or spectralize"
        )
    return pair.eigenvalues.abs()


def connectivity(layer: Layer) -> Tensor:
    """Σ_j |w_ij|, the incoming absolute connectivity of each node (Sec. VI); shape (out,)."""
    return _wide(matrix(layer)).flatten(1).abs().sum(dim=1)


def invariant(layer: Layer) -> Tensor:
    """|λ_i| ‖φ_i‖₂, which no rescaling λ → c λ, φ → φ / c changes; shape (out,).

    Where λ_in = 0 it is the length ‖w_i‖₂ of the node's weights, and so it is for a plain layer.
    """
    pair = spectrum(layer)
    vectors = matrix(layer) if pair is None else pair.eigenvectors
    lengths = torch.linalg.vector_norm(_wide(vectors).flatten(1), dim=1)
    return lengths if pair is None else pair.eigenvalues.abs() * lengths


def _wide(weight: Tensor) -> Tensor:
    """Weights in at least float32: in half precision sums would tie, or overflow."""
    return weight.to(torch.promote_types(weight.dtype, torch.float32))


CRITERIA: dict[str, Criterion] = {f.__name__: f for f in (eigenvalue, connectivity, invariant)}
"""Criteria that look at one layer's parameters, by name."""
NAMES = (*CRITERIA, "taylor", "random")
"""Every criterion that :func:`~spectral_core.node_scores` knows by name."""


@torch.no_grad()
def node_scores(
    network: nn.Module,
    by: str | Criterion = "eigenvalue",
    inputs: Tensor | None = None,
    targets: Tensor | None = None,
    *,
    generator: torch.Generator | None = None,
    loss: Loss = F.cross_entropy,
    example: Example | None = None,
) -> list[Tensor]:
    """Score each hidden node that can be removed; an output layer is never ranked.

    Args:
        network: any model with fully connected layers, spectral or plain; see
            :func:`~spectral_core.find` for those whose nodes can be removed.
        by: ``"eigenvalue"`` (|λ_i|), ``"connectivity"`` (Σ_j |w_ij|), ``"invariant"``
            (|λ_i| ‖φ_i‖₂), ``"taylor"`` (|activation × gradient|, see
            :func:`spectral_core.pruning.taylor.taylor`) or ``"random"``. Or a criterion of your
            own: a function from a layer to its nodes' scores, shape (N_k,).
        inputs: data that the network takes, (n, ...), for ``"taylor"``.
        targets: class indices of shape (n,), or what else ``loss`` takes, for ``"taylor"``.
        generator: source of ``"random"``, on the CPU; torch's default one if ``None``.
        loss: from (outputs, targets) to the mean loss of a batch, for ``"taylor"``.
        example: inputs of the model, see :class:`~spectral_core.layers.flow.Flow`; ``inputs`` if
            ``None``. An ``nn.Sequential`` of layers needs none.

    Returns:
        One tensor of shape (N_k,) per hidden layer in order of execution, the larger the more
        important; layers that share their nodes have the mean of their scores. The criteria
        above give scores ≥ 0.

    Raises:
        TypeError, ValueError: if the criterion is unknown, does not fit the layers or lacks its
            data, or no nodes of the network can be removed.
    """
    if by == "taylor" and inputs is not None and targets is not None:
        _checks.examples(inputs, targets, classes=False)
    flow = Flow(network, inputs if example is None else example)
    names = [name for group in flow.hidden_groups() for name in group.layers]
    scores = layer_scores(
        *(network, by, inputs, targets), layers=names, generator=generator, loss=loss, flow=flow
    )
    return [_mean([scores[name] for name in group.layers]) for group in flow.groups]


def _mean(scores: Sequence[Tensor]) -> Tensor:
    """Mean of several layers' scores, which may be whole numbers."""
    stacked = torch.stack(list(scores))
    return stacked.mean(dim=0, dtype=None if stacked.is_floating_point() else torch.float64)


@torch.no_grad()
def layer_scores(
    network: nn.Module,
    by: str | Criterion = "eigenvalue",
    inputs: Tensor | None = None,
    targets: Tensor | None = None,
    *,
    layers: Sequence[str] | None = None,
    generator: torch.Generator | None = None,
    loss: Loss = F.cross_entropy,
    flow: Flow | None = None,
) -> dict[str, Tensor]:
    """Score the nodes, or output channels, of any layers of a network, by the layers' names.

    Args:
        network: any model.
        by, inputs, targets, generator, loss: as :func:`~spectral_core.node_scores`.
        layers: names of fully connected and convolutional layers. If ``None``, all of them; with
            ``by="eigenvalue"``, all that are spectral.
        flow: a :class:`~spectral_core.layers.flow.Flow` of the network, if there is one already.

    Returns:
        One tensor of shape (out,) per layer.

    Raises:
        TypeError, ValueError: as :func:`~spectral_core.node_scores`, or if a name is unknown.
    """
    every = named_layers(_checks.network("network", network))
    if layers is None:
        layers = [n for n, m in every.items() if by != "eigenvalue" or spectrum(m) is not None]
    if not layers:
        raise ValueError(
            "by='eigenvalue' needs spectral layers, but the network has none. Score before "
            "folding, or use another criterion"
            if every and by == "eigenvalue"
            else "network must have fully connected or convolutional layers; got none"
        )
    chosen = {_checks.choice("layers", n, every): every[n] for n in _checks.items("layers", layers)}
    if by == "taylor":
        if inputs is None or targets is None:
            raise ValueError("by='taylor' needs inputs and targets; got none")
        return taylor(network, list(chosen), inputs, targets, loss, flow=flow)
    if by == "random":
        draw = functools.partial(torch.rand, generator=generator, device="cpu")
        return {n: draw(arrival_width(m)).to(m.weight.device) for n, m in chosen.items()}
    score = by if callable(by) else CRITERIA[_checks.choice("by", by, NAMES)]
    scores = {}
    for name, layer in chosen.items():
        try:
            scores[name] = torch.as_tensor(score(layer)).detach().clone()
        except ValueError as error:
            raise ValueError(f"{name!r}: {error}") from error
        if scores[name].shape != (arrival_width(layer),):
            raise ValueError(
                f"by must give one score per node, ({arrival_width(layer)},) for {name!r}; "
                f"got {tuple(scores[name].shape)}"
            )
    return scores
