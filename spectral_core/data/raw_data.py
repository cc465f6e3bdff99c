"""The raw files that each dataset consists of: names, checksums, and who publishes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True)
class RawData:
    """One dataset's raw files.

    Attributes:
        folder: where the files lie below a data directory; the layout is torchvision's.
        md5: file name to MD5 of the uncompressed content.
        classes: name of each class, in the order of the targets.
        torchvision_name: class of ``torchvision.datasets`` that knows the download addresses.
        archive: name and MD5 of the archive that the files are published in, if they are.
        installed: name of an installable package that brings the files, and the directory where
            it puts them.
        debian_package: the Debian package among those, to be fetched if need be.
    """

    folder: str
    md5: Mapping[str, str]
    classes: tuple[str, ...]
    torchvision_name: str | None = None
    archive: tuple[str, str] | None = None
    installed: tuple[str, Path] | None = None
    debian_package: str | None = None

    @property
    def suffixes(self) -> tuple[str, ...]:
        """What may follow a file name: torchvision's reader of archived files wants them plain."""
        return ("",) if self.archive else ("", ".gz")


# Images and labels of the training set, then of the test set.
IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def _idx_md5(*md5: str) -> dict[str, str]:
    return dict(zip(IDX_FILES, md5, strict=True))


_CIFAR10_CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)

RAW_DATA: dict[str, RawData] = {
    "fashion-mnist": RawData(
        folder="FashionMNIST/raw",
        md5=_idx_md5(
            "f4a8712d7a061bf5bd6d2ca38dc4d50a",
            "9018921c3c673c538a1fc5bad174d6f9",
            "8181f5470baa50b63fa0f6fddb340f0a",
            "15d484375f8d13e6eb1aabb0c3f46965",
        ),
        classes=(
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ),
        torchvision_name="FashionMNIST",
        installed=(
            "Debian package dataset-fashion-mnist",
            Path("/usr/share/datasets/fashion-mnist"),
        ),
        debian_package="dataset-fashion-mnist",
    ),
    "mnist": RawData(
        folder="MNIST/raw",
        md5=_idx_md5(
            "6bbc9ace898e44ae57da46a324031adb",
            "a25bea736e30d166cdddb491f175f624",
            "2646ac647ad5339dbf082846283269ea",
            "27ae3e4e09519cfbb04c329615203637",
        ),
        classes=tuple("0123456789"),
        torchvision_name="MNIST",
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
        classes=_CIFAR10_CLASSES,
        torchvision_name="CIFAR10",
        archive=("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a"),
    ),
    "cifar10-jpeg": RawData(
        folder="cifar10-jpeg",
        md5={"cifar10-jpeg.tar.xz": "4ab025a322774979c21b2d5283f6245a"},
        classes=_CIFAR10_CLASSES,
    ),
    "digits": RawData(
        folder="digits",
        md5={"digits.csv": "a0339c30a8a5312a1b6f9e5c719dcce5"},
        classes=tuple("0123456789"),
        # find_spec tells where scikit-learn lies without the cost of importing it.
        installed=("scikit-learn", Path(find_spec("sklearn").origin).parent / "datasets/data"),
    ),
}
