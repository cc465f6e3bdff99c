"""Benchmarks: how fast the study is, against a plain loop and against SpectralTools."""

import os

# Read when torch is imported: its profiler reports errors, and no start and stop of every profile.
os.environ.setdefault("KINETO_LOG_LEVEL", "6")
