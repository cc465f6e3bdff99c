"""What the released code did to CIFAR-10's benchmark: it ranked and removed inputs, not nodes.

The benchmark of the text ranks the node *i* of the first layer by Σ_j |w_ij|. The released code
sums over *i* instead, which gives a number for each input *j*, and removes the inputs with the
smallest. It is here to show what that did to Figs. 10 and 11.
"""

import copy

import torch
from torch import Tensor, nn

from spectral_core.pruning.selection import select


class Selected(nn.Module):
    """Passes on some of its inputs, (n, N), to (n, kept)."""

    def __init__(self, kept: Tensor) -> None:
        super().__init__()
        self.register_buffer("kept", kept)

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs[:, self.kept]


@torch.no_grad()
def prune_inputs(network: nn.Sequential, percentile: float) -> nn.Sequential:
    """Remove the inputs j whose Σ_i |w_ij| lies below a percentile of all, in [0, 100], from a
    stack that begins with an ``nn.Linear``; no hidden node goes.

    Returns:
        A new network that still takes all inputs, (n, N_1), and looks at those kept only; they are
        the departure nodes of its first layer.
    """
    (kept,) = select([network[0].weight.abs().sum(dim=0)], percentile)
    smaller = copy.deepcopy(network)
    first = smaller[0]
    first.weight = nn.Parameter(first.weight[:, kept].clone())
    first.in_features = len(kept)
    return nn.Sequential(Selected(kept), *smaller)
