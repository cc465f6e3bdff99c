"""A data set by its name: found or fetched, verified, and read."""

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
from spectral_core.data.directories import DataNotFoundError

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
