"""Getting data: datasets as tensors, from raw files whose checksums are right."""

from spectral_core.data.dataset import (
    DATASETS,
    FEATURES,
    Availability,
    Dataset,
    available,
    checksums,
    complete_name,
    fetch,
    identify,
    load,
)
from spectral_core.data.search import DataNotFoundError

__all__ = [
    "DATASETS",
    "FEATURES",
    "Availability",
    "DataNotFoundError",
    "Dataset",
    "available",
    "checksums",
    "complete_name",
    "fetch",
    "identify",
    "load",
]
