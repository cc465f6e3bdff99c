"""Ranking nodes, choosing which to keep, and removing the others (Sec. VI)."""
