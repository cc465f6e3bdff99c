"""What came out: tables from a store, the published ones, the authors', and comparisons of them."""

from spectral_core.paper.results.publishing import (
    counterpart,
    published,
    published_files,
    published_provenance,
)
from spectral_core.paper.results.tables import collect, panel_provenance

__all__ = [
    "collect",
    "counterpart",
    "panel_provenance",
    "published",
    "published_files",
    "published_provenance",
]
