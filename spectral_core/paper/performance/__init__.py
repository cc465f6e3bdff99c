"""How fast it is, and how it compares with other tools."""

from spectral_core.paper.performance.measured import (
    benchmark_table,
    headline,
    load,
    machine_table,
    not_measured,
    profile_table,
    shortfall_table,
    target_html,
)

__all__ = [
    "benchmark_table",
    "headline",
    "load",
    "machine_table",
    "not_measured",
    "profile_table",
    "shortfall_table",
    "target_html",
]
