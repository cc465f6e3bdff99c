"""What is run: figures and their panels, as steps that fill a store."""

from spectral_core.paper.study.planning import Study, plan

__all__ = ["Study", "plan"]
