"""The data sets: their raw files with checksums, who publishes them, and how they are read."""

import io
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from spectral_core.data.images import arranged, is_image, stacked
from spectral_core.data.unpacking import members

Contents = Mapping[str, bytes]
"""Raw file name to uncompressed content."""
Tensors = tuple[Tensor, Tensor, Tensor, Tensor]
"""Training images, their targets, test images, their targets. Images have shape (n, channels,
height, width), uint8 or float in [0, 1]; targets are indices of classes, of shape (n,)."""


@dataclass(frozen=True)
class RawData:
    """One data set's raw files."""

    folder: str
    """Where the files lie below a data directory; the layout is torchvision's."""
    md5: Mapping[str, str]
    """File name to MD5 of the uncompressed content."""
    classes: tuple[str, ...]
    """Name of each class, in the order of the targets."""
    read: Callable[[Contents], Tensors]
    """Function from the files' contents to tensors."""
    pixels: int
    """Numbers of which an image consists."""
    images: int
    """Training images."""
    addresses: tuple[str, ...] = ()
    """Where to download the archive, or the files, gzipped; as torchvision lists them."""
    archive: tuple[str, str] | None = None
    """Name and MD5 of the archive that the files are published in, if they are."""
    installed: tuple[str, Path] | None = None
    """Name of a package that has the files, and the directory where it installs them."""
    debian_package: str | None = None
    """Debian package to fetch the files from."""


def _read_idx(contents: Contents) -> Tensors:
    train, train_targets, test, test_targets = (
        _idx_tensor(contents[f"{part}-{kind}-ubyte"])
        for part in ("train", "t10k")
        for kind in ("images-idx3", "labels-idx1")
    )
    return train[:, None], train_targets, test[:, None], test_targets


def _idx_tensor(content: bytes) -> Tensor:
    """Return the tensor in an IDX file of bytes: magic number, sizes as big-endian int32, data."""
    rank = content[3]
    shape = np.frombuffer(content, ">u4", count=rank, offset=4)
    return torch.tensor(np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape))


def _read_cifar10(contents: Contents) -> Tensors:
    def joined(*names: str) -> tuple[Tensor, Tensor]:
        # Pickles can run code; these have passed their checksums.
        batches = [pickle.loads(contents[name], encoding="latin1") for name in names]
        pixels = np.concatenate([batch["data"] for batch in batches])
        targets = np.concatenate([batch["labels"] for batch in batches])
        return torch.from_numpy(pixels).view(-1, 3, 32, 32), torch.from_numpy(targets)

    return *joined(*(f"data_batch_{i}" for i in range(1, 6))), *joined("test_batch")


def _read_image_archive(contents: Contents) -> Tensors:
    ((name, archive),) = contents.items()
    sets = arranged(members(archive, is_image), name)
    train, test = stacked(sets.train, sets.test)
    return train, sets.train_targets, test, sets.test_targets


def _read_digits(contents: Contents) -> Tensors:
    from sklearn.model_selection import train_test_split

    table = np.loadtxt(io.BytesIO(contents["digits.csv"]), delimiter=",", dtype=np.uint8)
    train, test, train_targets, test_targets = train_test_split(
        table[:, :-1], table[:, -1], test_size=360, stratify=table[:, -1], random_state=0
    )
    train, test = (torch.tensor(pixels).view(-1, 1, 8, 8) / 16 for pixels in (train, test))
    return train, torch.tensor(train_targets), test, torch.tensor(test_targets)


_CIFAR10_CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)

RAW_DATA: dict[str, RawData] = {
    "fashion-mnist": RawData(
        folder="FashionMNIST/raw",
        md5={
            "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
            "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
            "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
            "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
        },
        read=_read_idx,
        pixels=784,
        images=60_000,
        classes=(
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ),
        addresses=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
        installed=(
            "Debian package dataset-fashion-mnist",
            Path("/usr/share/datasets/fashion-mnist"),
        ),
        debian_package="dataset-fashion-mnist",
    ),
    "mnist": RawData(
        folder="MNIST/raw",
        md5={
            "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
            "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
            "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
            "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
        },
        read=_read_idx,
        pixels=784,
        images=60_000,
        classes=tuple("0123456789"),
        addresses=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "http://yann.lecun.com/exdb/mnist/",
        ),
    ),
    "cifar10": RawData(
        folder="cifar-10-batches-py",
        md5={
            "data_batch_1": "c99cafc152244af753f735de768cd75f",
            "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
            "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
            "data_batch_4": "634d18415352ddfa80567beed471001a",
            "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
            "test_batch": "40351d587109b95175f43aff81a1287e",
            "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
        },
        read=_read_cifar10,
        pixels=3072,
        images=50_000,
        classes=_CIFAR10_CLASSES,
        addresses=("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",),
        archive=("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a"),
    ),
    "cifar10-jpeg": RawData(
        folder="cifar10-jpeg",
        md5={"cifar10-jpeg.tar.xz": "4ab025a322774979c21b2d5283f6245a"},
        read=_read_image_archive,
        pixels=3072,
        images=50_000,
        classes=_CIFAR10_CLASSES,
    ),
    "digits": RawData(
        folder="digits",
        md5={"digits.csv": "a0339c30a8a5312a1b6f9e5c719dcce5"},
        read=_read_digits,
        pixels=64,
        images=1437,
        classes=tuple("0123456789"),
        # find_spec locates scikit-learn without the cost of importing it.
        installed=("scikit-learn", Path(find_spec("sklearn").origin).parent / "datasets/data"),
    ),
}
