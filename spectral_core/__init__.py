"""Spectral pruning of fully connected layers: train eigenvalues, rank nodes by them, prune."""

from spectral_core.interop.comparison import compare
from spectral_core.interop.onnx import export_onnx
from spectral_core.interop.saving import load, save
from spectral_core.interop.spectrum_plot import plot_spectrum
from spectral_core.interop.torch_pruning import SpectralImportance
from spectral_core.layers.conversion import fold, spectral_parameters, spectralize
from spectral_core.layers.flow import find
from spectral_core.layers.linear import SpectralLinear
from spectral_core.layers.networks import direct_mlp, spectral_mlp, train_only
from spectral_core.layers.parametrization import spectral
from spectral_core.pruning.curve import pruning_curve
from spectral_core.pruning.prune import prune, prune_until
from spectral_core.pruning.ranking import layer_scores, node_scores
from spectral_core.pruning.removal import remove
from spectral_core.pruning.schedule import prune_in_steps
from spectral_core.pruning.selection import select
from spectral_core.training.evaluation import evaluate
from spectral_core.training.loop import TrainingDiverged, train

__all__ = [
    "SpectralImportance",
    "SpectralLinear",
    "TrainingDiverged",
    "compare",
    "direct_mlp",
    "evaluate",
    "export_onnx",
    "find",
    "fold",
    "layer_scores",
    "load",
    "node_scores",
    "plot_spectrum",
    "prune",
    "prune_in_steps",
    "prune_until",
    "pruning_curve",
    "remove",
    "save",
    "select",
    "spectral",
    "spectral_mlp",
    "spectral_parameters",
    "spectralize",
    "train",
    "train_only",
]
