"""What came out: tables from a store, the published ones, the authors', and comparisons of them."""

from spectral_core.results.tables import (
    collect,
    counterpart,
    panel_provenance,
    published,
    published_files,
    published_provenance,
)

__all__ = [
    "collect",
    "counterpart",
    "panel_provenance",
    "published",
    "published_files",
    "published_provenance",
]
