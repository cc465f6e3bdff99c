"""Which nodes to keep: by a threshold on their scores (Sec. VI), or as a budget allows."""

import warnings
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import torch
from torch import Tensor, nn

from spectral_core import _checks
from spectral_core.layers.flow import Flow
from spectral_core.layers.running import Example

Budget = int | float
"""A count of at least 0, or a fraction of the full network's, in [0, 1]."""


@dataclass(frozen=True)
class Selection:
    """Which nodes stay, given their scores: settings and errors of :func:`select`."""

    percentile: float | Sequence[float] | None = None
    nodes: Budget | None = None
    parameters: Budget | None = None
    flops: Budget | None = None
    per_layer: bool = False
    protect: Collection[int | str] = ()
    least: int = 0

    def __post_init__(self) -> None:
        aims = ("percentile", "nodes", "parameters", "flops")
        given = [name for name in aims if getattr(self, name) is not None]
        if len(given) != 1:
            raise TypeError(
                f"exactly one of {', '.join(aims)} must be given; got {given or 'none'}"
            )
        if self.percentile is not None:
            each = _several(self.percentile)
            for k, q in enumerate(self.percentile if each else [self.percentile]):
                _checks.number(f"percentile[{k}]" if each else "percentile", q, 0, 100)
        _checks.flag("per_layer", self.per_layer)
        _checks.whole_number("least", self.least)
        if isinstance(self.protect, str) or not isinstance(self.protect, Collection):
            raise TypeError(f"protect must be a list of hidden layers; got {self.protect!r}")

    @property
    def budget(self) -> tuple[str, Budget] | None:
        """Name and size of the budget; ``None`` with a percentile."""
        sizes = {"nodes": self.nodes, "parameters": self.parameters, "flops": self.flops}
        return next(((name, size) for name, size in sizes.items() if size is not None), None)


def select(
    scores: Sequence[Tensor],
    percentile: float | Sequence[float] | None = None,
    *,
    nodes: Budget | None = None,
    parameters: Budget | None = None,
    flops: Budget | None = None,
    per_layer: bool = False,
    protect: Collection[int | str] = (),
    least: int = 0,
    network: nn.Module | None = None,
    example: Example | None = None,
) -> list[Tensor]:
    """Indices of the nodes to keep: those whose score is not below the percentile of all scores.

    All hidden layers form one pool with one threshold, so a layer may keep all or none of its
    nodes. The threshold is the linearly interpolated percentile, in the scores' own precision;
    nodes *strictly* below it go. Instead of a percentile, pass a budget: the highest-scoring nodes
    within it are kept; ties go to the lower index.

    Args:
        scores: one tensor of shape (N_k,) per hidden layer, or group of layers that share nodes.
        percentile: percentile q of the pooled scores, in [0, 100]; 0 keeps every node. A list has
            one for each hidden layer, of that layer's scores.
        nodes: how many hidden nodes to keep in total: a whole number, or a fraction in [0, 1] of
            the full network's (so the int 1 is one node, and the float 1.0 all of them).
        parameters: the most weights and biases that the fully connected layers may keep, once
            folded, see :meth:`spectral_core.layers.flow.Flow.parameters`; a whole number or a
            fraction, as for ``nodes``. Needs ``network``.
        flops: the most floating-point operations that the fully connected layers may need for one
            input vector, see :meth:`spectral_core.layers.flow.Flow.flops`; as for ``parameters``.
        per_layer: whether each layer has a threshold of its own. With a budget, nodes are then
            compared by their rank within their layer, so that all layers lose the same share.
        protect: layers that keep all their nodes and stay out of the pool: by their number among
            the hidden ones, or by their name if ``network`` is given.
        least: minimum number of nodes to keep per hidden layer.
        network: the network that was scored; needed for ``parameters``, ``flops`` and names in
            ``protect``.
        example: its inputs, see :class:`~spectral_core.layers.flow.Flow`.

    Returns:
        One sorted int64 tensor of kept indices per hidden layer.

    Raises:
        TypeError, ValueError: if not exactly one of percentile and budgets is given or it is out
            of range, the scores are not a non-empty sequence of vectors of finite numbers or do not
            fit the network, or a budget is less than what must stay.

    Warns:
        UserWarning: if more nodes stay than the percentile asks for, because scores are equal.
    """
    selection = Selection(percentile, nodes, parameters, flops, per_layer, protect, least)
    return selected(None if network is None else Flow(network, example), scores, selection)


def selected(flow: Flow | None, scores: Sequence[Tensor], selection: Selection) -> list[Tensor]:
    """As :func:`select`, for a network whose groups of nodes are known."""
    if flow is not None:
        flow.hidden_groups()
    check_scores(scores, None if flow is None else flow.widths)
    values = [_numbers(score) for score in scores]
    protected = _protected(selection.protect, len(values), flow)
    free = [k for k in range(len(values)) if k not in protected]
    best = [np.argsort(-value, kind="stable") for value in values]
    stay = [np.zeros(len(value), dtype=bool) for value in values]
    for k, order in enumerate(best):
        stay[k][order[: len(order) if k in protected else selection.least]] = True
    if selection.budget is None:
        _keep_above(stay, free, values, selection)
    else:
        order = [-value for value in values]
        if selection.per_layer:  # the best of a layer has rank 0, and its last one less than 1
            order = [np.argsort(nodes, kind="stable") / max(len(nodes), 1) for nodes in best]
        _fill_budget(stay, free, order, *selection.budget, flow)
    return [
        torch.as_tensor(np.flatnonzero(mask), device=score.device)
        for mask, score in zip(stay, scores)
    ]


def _several(percentile: float | Sequence[float] | None) -> bool:
    """Whether there is a percentile for each hidden layer."""
    return isinstance(percentile, Sequence) and not isinstance(percentile, str)


def _keep_above(
    stay: list[np.ndarray], free: list[int], values: list[np.ndarray], selection: Selection
) -> None:
    """Let stay the nodes whose score is not below the percentile of their pool, all or one layer.

    ``stay`` has a mask per hidden layer of the nodes that stay in any case, and is changed in
    place; ``free`` are the numbers of the layers that may lose nodes.
    """
    percentile = selection.percentile
    each = percentile if _several(percentile) else [percentile] * len(values)
    if len(each) != len(values):
        raise ValueError(
            f"percentile must be one number, or one per hidden layer, {len(values)}; "
            f"got {len(each)}"
        )
    by_layer = selection.per_layer or _several(percentile)
    for pool in [[k] for k in free] if by_layer else [free]:
        scores = np.concatenate([values[k] for k in pool]) if pool else np.empty(0)
        if len(scores) == 0:
            continue
        q = each[pool[0]]
        threshold = np.percentile(scores, q)
        for k in pool:
            stay[k] |= values[k] >= threshold
        below, equal = int((scores < threshold).sum()), int((scores == threshold).sum())
        if below + 1 < int(len(scores) * q / 100):
            warnings.warn(
                f"{equal} nodes have the same score, the threshold, and all stay: {below} of "
                f"{len(scores)} nodes are removed, not {q:g} %. A budget (nodes=…) breaks ties",
                stacklevel=4,
            )


def _fill_budget(
    stay: list[np.ndarray],
    free: list[int],
    order: list[np.ndarray],
    name: str,
    budget: Budget,
    flow: Flow | None,
) -> None:
    """Let stay, best first, as many nodes as a budget allows; stay and free as above.

    ``order`` has a number for each node, one vector per hidden layer; the least is the best.
    """
    if name != "nodes" and flow is None:
        raise TypeError(f"{name} needs network, to count them: pass network=…")
    cost = sum if name == "nodes" else getattr(flow, name)
    limit = allowance(name, budget, cost([len(mask) for mask in stay]))
    candidates = sorted((order[k][i], k, i) for k in free for i in np.flatnonzero(~stay[k]))

    def spent(more: int) -> int:
        """What the network costs with the best so many candidates."""
        layers = Counter(k for _, k, _ in candidates[:more])
        return cost([int(mask.sum()) + layers[k] for k, mask in enumerate(stay)])

    if spent(0) > limit:
        raise ValueError(
            f"{name} must be at least {spent(0)}, for the nodes that protect=… and least=… keep; "
            f"got {budget!r}, that is {limit}"
        )
    # The cost grows with the nodes.
    most = bisect_right(range(len(candidates) + 1), limit, key=spent) - 1
    for _, k, i in candidates[:most]:
        stay[k][i] = True


def allowance(name: str, budget: Budget, full: int) -> int:
    """Number that a budget stands for: itself, or its fraction of what the full network has."""
    if isinstance(budget, Real) and not isinstance(budget, Integral):
        return int(_checks.number(name, budget, 0, 1) * full + 1e-9)  # 0.3 · 10 must be 3
    return _checks.whole_number(name, budget)


def _protected(protect: Collection[int | str], layers: int, flow: Flow | None) -> set[int]:
    """Numbers of the groups that keep all their nodes."""
    numbers = set()
    for layer in protect:
        if isinstance(layer, str):
            if flow is None:
                raise TypeError(f"protect by name needs network; got {layer!r}: pass network=…")
            _checks.choice("protect", layer, flow.layers)  # one that cannot lose nodes will do
            numbers |= {k for k, group in enumerate(flow.groups) if layer in group.layers}
        elif _checks.whole_number("protect", layer) >= layers:
            raise ValueError(f"protect must name hidden layers from 0 to {layers - 1}; got {layer}")
        else:
            numbers.add(layer)
    return numbers


def check_scores(scores: Sequence[Tensor], widths: list[int] | None) -> None:
    """Raise unless there is a vector of finite scores for each hidden layer, of its width."""
    if isinstance(scores, Tensor) or not isinstance(scores, Sequence) or len(scores) == 0:
        raise TypeError(
            f"scores must be a list with one tensor per hidden layer; got {type(scores).__name__}"
        )
    for k, score in enumerate(scores):
        if not isinstance(score, Tensor) or score.dim() != 1:
            got = tuple(score.shape) if isinstance(score, Tensor) else type(score).__name__
            raise TypeError(f"scores[{k}] must be a vector, one score per node; got {got}")
        if score.is_meta:
            raise ValueError(f"scores[{k}] must hold numbers; got a tensor on the meta device")
        if not torch.isfinite(score).all():
            raise ValueError(f"scores[{k}] must be finite; got NaN or infinity")
    if widths is not None and [len(score) for score in scores] != widths:
        raise ValueError(
            f"scores must have one score per hidden node, {widths}; "
            f"got {[len(score) for score in scores]}"
        )


def _numbers(score: Tensor) -> np.ndarray:
    """Scores as numpy takes percentiles of them: half precision, which overflows, as float32; whole
    numbers, which may have no sign, as floats."""
    score = score.detach().cpu()
    if score.is_floating_point() and score.itemsize < 4:
        score = score.float()
    return (score if score.is_floating_point() else score.double()).numpy()
