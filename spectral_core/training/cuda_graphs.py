"""Steps of a CUDA device, recorded once and replayed: one launch in place of one per kernel.

A step of a small network is some thirty short kernels; launching them from Python takes longer than
running them. A CUDA graph launches all of them at once. Every replay reads and writes the memory
that the recording did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor

BatchStep = Callable[[Tensor], Tensor]
"""From the indices of a batch, on the device, to its loss."""


@contextmanager
def own_stream(inputs: Tensor) -> Iterator[None]:
    """Where the inputs are on a CUDA device, run the block on a stream of its own: the default one
    isn't recorded."""
    if not inputs.is_cuda:
        yield
        return
    with torch.cuda.device(inputs.device):
        outside, own = torch.cuda.current_stream(), torch.cuda.Stream()
        own.wait_stream(outside)
        try:
            with torch.cuda.stream(own):
                yield
        finally:
            outside.wait_stream(own)


class Replayed:
    """A step of training, recorded at the second batch of each size and replayed from then on.

    The first batch of a size runs plainly, which loads the kernels.

    Args:
        step: gradients and update; never waits for the device.
    """

    def __init__(self, step: BatchStep) -> None:
        self.step = step
        self.recorded: dict[torch.Size, BatchStep | None] = {}

    def __call__(self, batch: Tensor) -> Tensor:
        """Train on a batch; the next call overwrites the loss that this one returns."""
        size = batch.shape
        if size not in self.recorded:
            self.recorded[size] = None
            return self.step(batch)
        if self.recorded[size] is None:
            self.recorded[size] = self._record(batch)
        return self.recorded[size](batch)

    def _record(self, batch: Tensor) -> BatchStep:
        indices = batch.clone()
        run, loss = record(partial(self.step, indices))

        def replay(batch: Tensor) -> Tensor:
            indices.copy_(batch)
            run()
            return loss

        return replay


def record(step: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
    """Record what a step does on the current stream, without doing it.

    Returns:
        A function that replays it, and the loss that each replay overwrites.
    """
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=torch.cuda.current_stream()):
        loss = step()
    return graph.replay, loss
