"""The pages of the book: pictures, tables, and what a notebook calls."""

from spectral_core.paper.pages.glue import say
from spectral_core.paper.pages.page import Page

__all__ = ["Page", "say"]
