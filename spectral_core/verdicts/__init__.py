"""What the paper claims, and whether results bear it out."""

from spectral_core.verdicts.tables import brief, html, tally

__all__ = ["brief", "html", "tally"]
