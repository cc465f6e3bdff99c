"""Import torchvision, also beside a PyTorch build that its compiled operators do not load with."""

import sys
from types import ModuleType

import torch

# What torchvision's Python code expects its compiled part to have declared, and how it is called.
_OPERATORS = ("nms", "qnms")
_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def import_torchvision() -> ModuleType:
    """Return the module ``torchvision``, or raise what its import raises.

    A torchvision built for another PyTorch build (say, CUDA's beside the CPU's) cannot load its
    compiled operators and fails at import, though its data sets and models need none of them. In
    that case alone the operators are declared, without an implementation, and it is imported again.
    """
    try:
        import torchvision
    except RuntimeError as error:
        if "operator torchvision::nms does not exist" not in str(error):
            raise
        for operator in _OPERATORS:
            torch.library.define(f"torchvision::{operator}", _SCHEMA)
        # Modules that were imported before the failure would not be run again.
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        import torchvision
    return torchvision
