"""The frozen network of Appendix D: its settings, its weights, and images through it."""

import hashlib
import os
import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch.nn.utils.fusion import fuse_conv_bn_eval

from spectral_core._files import write_whole
from spectral_core.data.directories import SEARCH_PATH_VARIABLE, DataNotFoundError, Directories
from spectral_core.data.download import get
from spectral_core.data.torchvision_import import import_torchvision
from spectral_core.data.unpacking import Unusable

NAME = "mobilenet_v2"
ADDRESS = "https://download.pytorch.org/models/"
"""Where torchvision's weights are, as ``mobilenet_v2-CHECKSUM.pth``."""
IMAGENET = "b0353104"
"""torchvision's weights, by the first eight digits of their SHA-256; its first ones rather than its
second, as they were trained the way the paper's were."""

POOLINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "max": lambda maps: maps.amax((2, 3)),
    "mean": lambda maps: maps.mean((2, 3)),
}
"""Global pooling of maps (n, features, height, width) to (n, features)."""
FEATURE_COUNT = 1280

NORMALISATIONS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "symmetric": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}
"""Mean and deviation of each colour, by which pixels in [0, 1] are normalised; ``symmetric`` maps
them to [−1, 1]."""

# Weights that need another normalisation than ImageNet's mean and deviation.
_NORMALISED = {"067cfda5": "symmetric"}  # TensorFlow's mobilenet_v2_1.0_224, from int8

# Files of weights that this process has been given, by checksum.
_given: dict[str, Path] = {}


@dataclass(frozen=True)
class Backbone:
    """How an image becomes 1280 features: resized, through a frozen MobileNetV2, pooled.

    ``str`` of it states all of this: ``mobilenet_v2-b0353104-imagenet-96-max``.
    """

    weights: str
    """First eight digits of the SHA-256 of the file of weights."""
    normalisation: str
    """Name out of :data:`NORMALISATIONS`."""
    resolution: int = 96
    """Height and width that images are resized to, in pixels."""
    pooling: str = "max"
    """Name out of :data:`POOLINGS`."""

    def __str__(self) -> str:
        settings = (self.weights, self.normalisation, str(self.resolution), self.pooling)
        return "-".join((NAME, *settings))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the backbone of its ``str``, or raise ``ValueError``."""
        known = ("|".join(names) for names in (NORMALISATIONS, POOLINGS))
        match = re.fullmatch(r"{}-([0-9a-f]{{8}})-({})-(\d+)-({})".format(NAME, *known), text)
        if match is None:
            raise ValueError(f"backbone must be like {cls(IMAGENET, 'imagenet')}; got {text!r}")
        return cls(match[1], match[2], int(match[3]), match[4])

    @classmethod
    def of(cls, weights: str, pooling: str = "max") -> Self:
        """Return the backbone with some weights, see :func:`identify`, and their normalisation.

        Unknown weights have ImageNet's mean and deviation, as torchvision's do.
        """
        checksum = identify(weights)
        checksum = IMAGENET if checksum == "imagenet" else checksum
        return cls(checksum, _NORMALISED.get(checksum, "imagenet"), pooling=pooling)


def identify(weights: str | os.PathLike[str]) -> str:
    """Return a name of weights that does not depend on where they lie.

    Args:
        weights: ``"imagenet"`` for torchvision's, which are downloaded; a file with a state dict of
            torchvision's ``mobilenet_v2``; or the first eight digits of such a file's SHA-256.

    Returns:
        ``"imagenet"`` or eight digits.

    Raises:
        ValueError: if there is no such file.
    """
    text = os.fspath(weights)
    if text == "imagenet" or re.fullmatch("[0-9a-f]{8}", text):
        return text
    path = Path(os.path.expanduser(text)).absolute()
    if not path.is_file():
        raise ValueError(
            f"backbone_weights must be 'imagenet', or a file with a state dict of torchvision's "
            f"{NAME}, or the first 8 digits of its SHA-256; got {text!r}, which is no such file"
        )
    checksum = _sha256(path)[:8]
    _given[checksum] = path
    return checksum


def extractor(backbone: Backbone, directories: Directories) -> Callable[[Tensor], Tensor]:
    """Return the function from images, float of shape (n, 3, resolution, resolution) in [0, 1], to
    features, float32 of shape (n, 1280) in [0, 6].

    Raises:
        DataNotFoundError: if the weights are nowhere, and cannot be downloaded.
        ValueError: if their file holds something else.
    """
    layers = _folded(_layers(_weights_file(backbone.weights, directories)))
    # Per core of an AMD EPYC 9004, images of 96×96, in batches of 32: 390 a second, against 250
    # with the batch normalisation apart, 225 in the usual memory format, and 200 with neither.
    layers = layers.to(memory_format=torch.channels_last)
    mean, deviation = (
        torch.tensor(values)[:, None, None] for values in NORMALISATIONS[backbone.normalisation]
    )
    pooled = POOLINGS[backbone.pooling]

    @torch.inference_mode()
    def extract(images: Tensor) -> Tensor:
        normalised = (images - mean) / deviation
        return pooled(layers(normalised.contiguous(memory_format=torch.channels_last)))

    return extract


def _weights_file(checksum: str, directories: Directories) -> Path:
    """Return a file of weights with the checksum: given to this process, found, or downloaded."""
    known = [_given[checksum]] if checksum in _given else []
    for folder in directories.all:
        known += sorted(folder.glob(f"{NAME}*.pth"))
    for path in known:
        if path.is_file() and _sha256(path).startswith(checksum):
            return path
    try:
        path = directories.writable() / f"{NAME}-{checksum}.pth"
        content = get(f"{ADDRESS}{path.name}")
        actual = hashlib.sha256(content).hexdigest()
        if not actual.startswith(checksum):
            raise Unusable(f"SHA-256 of the download is {actual}")
        write_whole(path, lambda aside: aside.write_bytes(content))
    except (Unusable, OSError, DataNotFoundError) as error:
        raise DataNotFoundError(
            f"no usable copy of the weights of {NAME} whose SHA-256 begins with {checksum} was "
            f"found ({error}). Give their file with --backbone-weights, or put it, as {NAME}*.pth, "
            f"into the data directory or one in {SEARCH_PATH_VARIABLE}: "
            + ", ".join(map(str, directories.all))
        ) from error
    return path


def _layers(path: Path) -> nn.Sequential:
    """Return MobileNetV2 without its top, with the weights in a file."""
    expected = f"backbone weights must be a state dict of torchvision's {NAME}; got {path}"
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        # What torch says advises to read it with its code run.
        raise ValueError(f"{expected}, which cannot be read as tensors alone") from error
    if not isinstance(state, dict):
        raise ValueError(f"{expected}, which holds a {type(state).__name__}")
    with torch.device("meta"):  # draws no initial weights: neither time nor random numbers
        layers = import_torchvision().models.mobilenet_v2().features
    prefix = "features."
    own = {str(k).removeprefix(prefix): v for k, v in state.items() if str(k).startswith(prefix)}
    try:
        layers.load_state_dict(own, assign=True)
    except RuntimeError as error:
        raise ValueError(f"{expected}: {shorten(str(error), 300)}") from error
    return layers.float().eval()


def _folded(layers: nn.Module) -> nn.Module:
    """Fold each batch normalisation into the convolution before it; its statistics are fixed."""
    for block in list(layers.modules()):
        if isinstance(block, nn.Sequential):
            for i in range(len(block) - 1):
                if isinstance(block[i + 1], nn.BatchNorm2d):
                    block[i] = fuse_conv_bn_eval(block[i], block[i + 1])
                    block[i + 1] = nn.Identity()
    return layers


def resized(image: Tensor, resolution: int) -> Tensor:
    """Return an image, (1 or 3, height, width), uint8 or float in [0, 1], as the backbone takes it:
    (3, resolution, resolution), float in [0, 1].

    Bilinear, smoothed where it shrinks; the ratio of height to width is not kept.
    """
    values = image / 255 if image.dtype == torch.uint8 else image
    square = interpolate(values[None], (resolution, resolution), mode="bilinear", antialias=True)
    return square[0].expand(3, -1, -1)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
