"""Our scores as the importance by which Torch-Pruning removes channels of any graph.

Torch-Pruning (https://github.com/VainF/Torch-Pruning) knows which channels are coupled, through
residual sums and depthwise convolutions, and removes them from convolutional networks. It expects
plain parameters, so the order matters: score, then fold, then remove.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from spectral_core import _checks
from spectral_core._extras import needed
from spectral_core.layers.kinds import arrival_width, named_layers, spectrum

if TYPE_CHECKING:
    from torch_pruning.dependency import Group


class SpectralImportance:
    """Importance of channels for the pruners of Torch-Pruning: the scores of their layers.

    Coupled channels, which can only be removed together, get the mean score over the layers that
    produce them; layers without scores do not count. Channels that no scored layer produces are
    kept: their importance is infinite.

    Args:
        model: plain model that will be pruned, as :func:`~spectral_core.fold` returns it.
        scores: scores of output channels by layer name, as :func:`~spectral_core.layer_scores`
            gives them for the model before it was folded.
        normalise: whether scores are divided by their mean over each group of coupled channels, so
            that in a global ranking the scale of a layer does not matter.

    Raises:
        ImportError: without the extra ``[torch-pruning]``.
        TypeError, ValueError: if the model is not plain, or the scores do not fit its layers.

    Example:
        >>> scores = layer_scores(model)  # of a model that spectralize has made spectral
        >>> plain = fold(model)
        >>> pruner = torch_pruning.pruner.BasePruner(
        ...     plain, example, SpectralImportance(plain, scores),
        ...     pruning_ratio=0.5, ignored_layers=[plain.fc],
        ... )
        >>> pruner.step()  # plain is smaller now
    """

    def __init__(
        self, model: nn.Module, scores: Mapping[str, Tensor], normalise: bool = False
    ) -> None:
        tp = needed("torch_pruning", "torch-pruning", "SpectralImportance")
        # What TP calls when it takes outputs of a layer away, in contrast to inputs.
        self._of_outputs = (
            tp.prune_conv_out_channels,
            tp.prune_depthwise_conv_out_channels,
            tp.prune_linear_out_channels,
        )
        if not isinstance(scores, Mapping):
            raise TypeError(
                "scores must map names of layers to scores, see layer_scores; got "
                f"{type(scores).__name__}"
            )
        if not scores:
            raise ValueError("scores must be of at least one layer, see layer_scores; got none")
        self.normalise = normalise
        layers = named_layers(model)
        for name, layer in layers.items():
            if spectrum(layer) is not None:
                raise TypeError(
                    f"model must be plain, see fold; got {name!r} in spectral variables"
                )
        self.scores: dict[nn.Module, Tensor] = {}
        for name, score in scores.items():
            layer = layers[_checks.choice("scores", name, layers)]
            if not isinstance(score, Tensor) or score.shape != (arrival_width(layer),):
                got = tuple(score.shape) if isinstance(score, Tensor) else type(score).__name__
                raise ValueError(
                    f"scores[{name!r}] must have one score per channel, "
                    f"({arrival_width(layer)},); got {got}"
                )
            if score.isnan().any():
                raise ValueError(f"scores[{name!r}] must be numbers; got NaN")
            self.scores[layer] = score.detach()

    @torch.no_grad()
    def __call__(self, group: Group) -> Tensor | None:
        """Importance of each channel that a group would remove, in the order of its first member.

        Args:
            group: layers and their coupled channels, as Torch-Pruning passes them.

        Returns:
            Shape (channels,), or ``None`` if no layer that produces them has scores.

        Raises:
            ValueError: if a layer has lost channels since it was scored. Prune in one step, or
                score again before the next.
        """
        total, count = torch.zeros(2, len(group[0].idxs), dtype=torch.float64)
        for member in group:
            layer = member.dep.layer
            if layer not in self.scores or member.dep.pruning_fn not in self._of_outputs:
                continue
            score = self.scores[layer]
            if len(score) != arrival_width(layer):
                raise ValueError(
                    f"a layer was scored when it had {len(score)} channels and has "
                    f"{arrival_width(layer)} now: prune in one step, or score again before the next"
                )
            channels = torch.as_tensor(member.root_idxs)
            total.index_add_(0, channels, score[member.idxs].to(total))
            count.index_add_(0, channels, torch.ones(len(channels)).to(count))
        if not count.any():
            return None
        importance = torch.where(count > 0, total / count, torch.inf)
        if self.normalise:
            mean = importance[count > 0].mean()
            importance = importance / (mean if mean > 0 else 1.0)
        return importance.to(torch.float32)
