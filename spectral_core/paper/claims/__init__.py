"""What the paper claims, and whether results bear it out."""

from spectral_core.paper.claims.tables import brief, html, tally

__all__ = ["brief", "html", "tally"]
