"""Features of images, computed once by a frozen network: what the head of Appendix D trains on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from spectral_core.data.backbone import FEATURE_COUNT
from spectral_core.data.images import image_bar

BATCH = 32  # faster per image than 8 or 128, see spectral_core.data.backbone
_BYTES = BATCH * FEATURE_COUNT * 4  # of the features of a batch


def features(
    images: Sequence[Tensor], extract: Callable[[Tensor], Tensor], resolution: int, part: Path
) -> Tensor:
    """Return the features of images. A run that was stopped goes on from its last whole batch.

    Args:
        images: each of shape (1 or 3, height, width), uint8 or float in [0, 1].
        extract: see :func:`~spectral_core.data.backbone.extractor`.
        resolution: height and width that it wants.
        part: file that takes them as they are computed; whoever has stored what is returned may
            delete it.

    Returns:
        Float32 of shape (n, 1280).
    """
    part.parent.mkdir(parents=True, exist_ok=True)
    done = part.stat().st_size // _BYTES if part.exists() else 0  # batches

    def of_batch(start: int) -> np.ndarray:
        rows = range(start, min(start + BATCH, len(images)))
        return extract(torch.stack([resized(images[i], resolution) for i in rows])).numpy()

    with open(part, "ab") as file, image_bar(range(len(images)), "features") as bar:
        file.truncate(done * _BYTES)
        bar.update(min(done * BATCH, len(images)))
        for found in _side_by_side(of_batch, range(done * BATCH, len(images), BATCH)):
            file.write(found.tobytes())
            bar.update(len(found))
    return torch.from_numpy(np.fromfile(part, np.float32).reshape(-1, FEATURE_COUNT))


def _side_by_side(work: Callable[[int], np.ndarray], items: Sequence[int]) -> Iterator[np.ndarray]:
    """Yield the results in order; each is computed on one thread, so no sum depends on the cores.

    Such small batches keep several threads of one product waiting for each other, too.
    """
    pool, threads = ThreadPoolExecutor(joblib.cpu_count()), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield from pool.map(work, items)
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)


def resized(image: Tensor, resolution: int) -> Tensor:
    """Return an image as the backbone wants it: three channels, a square, values in [0, 1].

    Bilinear, smoothed where it shrinks; the ratio of height to width is not kept.

    Args:
        image: shape (1 or 3, height, width), uint8 or float in [0, 1].
        resolution: height and width of what is returned.
    """
    values = image / 255 if image.dtype == torch.uint8 else image
    square = interpolate(values[None], (resolution, resolution), mode="bilinear", antialias=True)
    return square[0].expand(3, -1, -1)
