"""Settings and fixtures that all tests share."""

import os

import torch
from hypothesis import settings

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

# As in a run: one thread per process, so that tests side by side don't fight over the cores.
torch.set_num_threads(1)
