"""Data sets made out of images: features by a frozen network, or pixels of an image folder.

Making one takes minutes, so it is done once and kept in the data directory, below ``prepared``,
under a name that states all that it depends on: which images, and through which network. Features
are kept block by block while they are made, so that an interrupted run goes on.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import joblib
import torch
from filelock import FileLock
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from spectral_core._files import write_whole
from spectral_core._progress import bar
from spectral_core.data.backbone import Backbone, extractor, resized
from spectral_core.data.directories import Directories
from spectral_core.data.images import ImageSets, open_images, pixels, stacked
from spectral_core.data.raw_data import RAW_DATA
from spectral_core.data.raw_files import open_raw
from spectral_core.training.loop import single_thread

logger = logging.getLogger(__name__)

JOINT = "+"
"""Separates the name of the images from that of the network."""
BATCH = 32
"""Images in one pass of the network; faster per image than 8 or 128."""
BLOCK = 32 * BATCH
"""Images whose features are kept at once; some seconds on a core."""
KEYS = ("train_inputs", "train_targets", "test_inputs", "test_targets")


def split(name: str) -> tuple[str, Backbone | None]:
    """Return the name of a data set's images and its backbone, or raise ``ValueError``."""
    images, joint, backbone = name.partition(JOINT)
    return images, Backbone.parse(backbone) if joint else None


def prepare(name: str, directories: Directories) -> ImageSets:
    """Return a data set of features or of an image folder; make it if it is absent or damaged.

    The name is ``images-…``, or any data set's name followed by :data:`JOINT` and a backbone.
    Images are returned as float32 tensors of shape (n, features).

    Raises:
        DataNotFoundError: if the images or the weights are nowhere, or an image is damaged.
        ValueError: if images differ in size, or the weights are not those of the network.
    """
    path = directories.writable() / "prepared" / f"{name}.safetensors"
    if (found := _read(path, name, KEYS)) is None:
        path.parent.mkdir(exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            found = _read(path, name, KEYS)  # another process may have made it meanwhile
            if found is None:
                if path.exists():
                    logger.warning("%s is damaged and will be prepared again", path)
                blocks = path.with_suffix(".blocks")
                made = _make(name, directories, blocks)
                found = list(made[:4]), {"classes": made.classes, "source": made.source}
                _write(path, name, dict(zip(KEYS, found[0])), found[1])
                shutil.rmtree(blocks, ignore_errors=True)
    tensors, about = found
    return ImageSets(*tensors, tuple(about["classes"]), about["source"])


def _make(name: str, directories: Directories, blocks: Path) -> ImageSets:
    images, backbone = split(name)
    sets = open_raw(images, directories) if images in RAW_DATA else open_images(images)
    if backbone is None:
        train, test = map(pixels, stacked(sets.train, sets.test))
    else:
        extract = extractor(backbone, directories)
        train, test = (
            features(part, extract, backbone.resolution, blocks / which)
            for which, part in (("train", sets.train), ("test", sets.test))
        )
    return sets._replace(train=train, test=test)


def features(
    images: Sequence[Tensor],
    extract: Callable[[Tensor], Tensor],
    resolution: int,
    blocks: Path,
) -> Tensor:
    """Return the features, float32 of shape (n, 1280), of images as ``resized`` takes them.

    ``blocks`` is a folder, whose name tells of all other arguments, of the blocks that are done.
    """

    def of_batch(start: int) -> Tensor:
        rows = range(start, min(start + BATCH, len(images)))
        return extract(torch.stack([resized(images[i], resolution) for i in rows]))

    done = []
    for start in bar(range(0, len(images), BLOCK), "features", delay=2):
        path = blocks / f"{start}.safetensors"
        name = "/".join(path.parts[-3:])
        if (found := _read(path, name, ["features"])) is None:
            starts = range(start, min(start + BLOCK, len(images)), BATCH)
            # A thread for each batch: no sum depends on the cores, and threads that share so small
            # a product would wait for each other.
            with single_thread():
                of_batches = joblib.Parallel(joblib.cpu_count(), require="sharedmem")
                block = torch.cat(of_batches(map(joblib.delayed(of_batch), starts)))
            _write(path, name, {"features": block}, {})
            done.append(block)
        else:
            done += found[0]
    return torch.cat(done)


def _read(path: Path, name: str, keys: Sequence[str]) -> tuple[list[Tensor], dict] | None:
    """Return the tensors in a file, and what it says of them; None if it is damaged or absent."""
    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            tensors = [file.get_tensor(key) for key in keys]
            about = json.loads(file.metadata()["about"])
        whole = about.pop("sha256") == _digest(name, tensors, about)
        return (tensors, about) if whole else None
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _write(path: Path, name: str, tensors: dict[str, Tensor], about: dict) -> None:
    """Write a file that proves by a checksum that its name, its tensors and ``about`` are these."""
    proof = {**about, "sha256": _digest(name, tensors.values(), about)}
    content = save(tensors, {"about": json.dumps(proof)})
    write_whole(path, lambda aside: aside.write_bytes(content))


def _digest(name: str, tensors: Iterable[Tensor], about: dict) -> str:
    digest = hashlib.sha256(json.dumps([name, *about.values()]).encode())
    for tensor in tensors:
        digest.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.flatten().numpy())
    return digest.hexdigest()
