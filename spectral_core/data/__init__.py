"""Getting data: datasets as tensors, from raw files whose checksums are right."""

from spectral_core.data.dataset import DATASETS, Availability, Dataset, available, fetch, load
from spectral_core.data.search import DataNotFoundError

__all__ = ["DATASETS", "Availability", "DataNotFoundError", "Dataset", "available", "fetch", "load"]
