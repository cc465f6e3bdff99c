"""The frozen network of Appendix D: its settings, its weights, and images through it."""

from __future__ import annotations

import hashlib
import os
import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from spectral_core import _checks
from spectral_core._files import write_whole
from spectral_core.data.mirrors import get
from spectral_core.data.places import SEARCH_PATH_VARIABLE, Places
from spectral_core.data.raw_files import Unusable
from spectral_core.data.search import DataNotFoundError
from spectral_core.data.torchvision_import import import_torchvision

NAME = "mobilenet_v2"
FEATURE_COUNT = 1280
"""Number of features of an image."""

IMAGENET = "b0353104"
"""torchvision's weights, by the first eight digits of their SHA-256; its first ones rather than its
second, as they were trained the way the paper's were."""

POOLINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "max": lambda maps: maps.amax((2, 3)),
    "mean": lambda maps: maps.mean((2, 3)),
}
"""Global pooling of maps (n, features, height, width) to (n, features)."""

NORMALISATIONS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "symmetric": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}
"""Mean and deviation of each colour, by which pixels in [0, 1] are normalised; ``symmetric`` brings
them into [−1, 1]."""

# Weights that want another normalisation than ImageNet's mean and deviation, as torchvision's do.
_NORMALISED = {"067cfda5": "symmetric"}  # TensorFlow's mobilenet_v2_1.0_224, from int8

_CHECKSUM = re.compile("[0-9a-f]{8}")

# The files of weights that this process has been given, by checksum.
_given: dict[str, Path] = {}


@dataclass(frozen=True)
class Backbone:
    """What turns an image into 1280 features: resized, through a frozen MobileNetV2, pooled.

    ``str`` of it says all that matters: ``mobilenet_v2-b0353104-imagenet-96-max``.
    """

    weights: str
    """First eight digits of the SHA-256 of the file of weights."""
    normalisation: str
    """Name out of :data:`NORMALISATIONS`."""
    resolution: int = 96
    """Height and width that images are resized to."""
    pooling: str = "max"
    """Name out of :data:`POOLINGS`."""

    def __str__(self) -> str:
        settings = (self.weights, self.normalisation, str(self.resolution), self.pooling)
        return "-".join((NAME, *settings))

    @classmethod
    def parse(cls, text: str) -> Backbone:
        """Return the backbone that ``str`` has made a text of.

        Raises:
            ValueError: if it is no such text.
        """
        name, *settings = text.split("-")
        if name != NAME or len(settings) != 4 or not settings[2].isdecimal():
            raise ValueError(f"backbone must be like {cls(IMAGENET, 'imagenet')}; got {text!r}")
        weights, normalisation, resolution, pooling = settings
        _checks.choice("normalisation", normalisation, NORMALISATIONS)
        _checks.choice("pooling", pooling, POOLINGS)
        return cls(weights, normalisation, int(resolution), pooling)

    @classmethod
    def of(cls, weights: str, pooling: str = "max") -> Backbone:
        """Return the backbone with some weights, normalised as these want it.

        Weights that are not known want ImageNet's mean and deviation, as torchvision's do.

        Args:
            weights: as :func:`identify` takes them.
            pooling: name out of :data:`POOLINGS`.
        """
        checksum = identify(weights)
        checksum = IMAGENET if checksum == "imagenet" else checksum
        return cls(checksum, _NORMALISED.get(checksum, "imagenet"), pooling=pooling)


def identify(weights: str | os.PathLike[str]) -> str:
    """Return a name of weights that says which they are wherever they lie.

    Args:
        weights: ``"imagenet"`` for torchvision's, which are downloaded; a file with a state dict of
            torchvision's ``mobilenet_v2``; or the first eight digits of such a file's SHA-256.

    Returns:
        ``"imagenet"`` or eight digits.

    Raises:
        ValueError: if there is no such file.
    """
    text = os.fspath(weights)
    if text == "imagenet" or _CHECKSUM.fullmatch(text):
        return text
    path = Path(text).expanduser().absolute()
    if not path.is_file():
        raise ValueError(
            f"backbone_weights must be 'imagenet', or a file with a state dict of torchvision's "
            f"{NAME}; got {text!r}, and there is no such file"
        )
    checksum = _sha256(path)[:8]
    _given[checksum] = path
    return checksum


def extractor(backbone: Backbone, places: Places) -> Callable[[Tensor], Tensor]:
    """Return the function from images to features, with the weights read or downloaded.

    Args:
        backbone: its settings.
        places: the directories in use; what is downloaded goes into the data directory.

    Returns:
        Function of images, float of shape (n, 3, resolution, resolution) in [0, 1], that gives
        features, float32 of shape (n, 1280) in [0, 6].

    Raises:
        DataNotFoundError: if the weights are nowhere.
        ValueError: if their file holds something else.
    """
    layers = _folded(_layers(_weights_file(backbone.weights, places)))
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


def _weights_file(checksum: str, places: Places) -> Path:
    """Return a file of weights with the checksum: given to this process, found, or downloaded."""
    if checksum in _given and _given[checksum].is_file():
        return _given[checksum]
    folders = (places.data_dir, *places.search_path)
    for folder in folders:
        for path in sorted(folder.glob(f"{NAME}*.pth")):
            if _sha256(path).startswith(checksum):
                return path
    try:
        return _download(checksum, places)
    except (Unusable, ImportError, OSError, RuntimeError) as error:
        raise DataNotFoundError(
            f"no usable copy of the weights of {NAME} whose SHA-256 begins with {checksum} was "
            f"found ({error}). Give their file with --backbone-weights, or put it, as {NAME}*.pth, "
            f"into one of\n"
            + "\n".join(f"  {folder}" for folder in folders)
            + f"\nwhich are the data directory and those of {SEARCH_PATH_VARIABLE}"
        ) from error


def _download(checksum: str, places: Places) -> Path:
    known = import_torchvision().models.MobileNet_V2_Weights
    addresses = [weights.url for weights in known if f"-{checksum}." in weights.url]
    if not addresses:
        raise Unusable("torchvision has none such to download")
    content = get(addresses[0])
    found = hashlib.sha256(content).hexdigest()
    if not found.startswith(checksum):
        raise Unusable(f"{addresses[0]}: SHA-256 of the content is {found}")
    path = places.data_dir / f"{NAME}-{checksum}.pth"
    write_whole(path, lambda aside: aside.write_bytes(content))
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
    prefix = "features."
    state = {
        key.removeprefix(prefix): value
        for key, value in state.items()
        if isinstance(key, str) and key.startswith(prefix)
    }
    with torch.device("meta"):  # draws no initial weights: neither time nor random numbers
        layers = import_torchvision().models.mobilenet_v2().features
    lacking = sorted(set(layers.state_dict()) - set(state))
    if lacking:
        raise ValueError(f"{expected}, which lacks {len(lacking)} entries, first {lacking[0]!r}")
    try:
        layers.load_state_dict(state, assign=True)
    except RuntimeError as error:
        raise ValueError(f"{expected}: {error}") from error
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


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
