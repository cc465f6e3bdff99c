"""Drawing."""

from spectral_core.paper.plots.curves import penalty_figure, pruning_figure, rerun_figure, theme

__all__ = ["penalty_figure", "pruning_figure", "rerun_figure", "theme"]
