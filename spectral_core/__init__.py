"""Spectral pruning of fully connected layers: train eigenvalues, rank nodes by them, prune."""

from spectral_core.comparison import compare
from spectral_core.conversion import fold, spectral_parameters, spectralize
from spectral_core.curve import pruning_curve
from spectral_core.evaluation import evaluate
from spectral_core.export import export_onnx
from spectral_core.importance import SpectralImportance
from spectral_core.linear import SpectralLinear
from spectral_core.networks import direct_mlp, spectral_mlp, train_only
from spectral_core.parametrization import spectral
from spectral_core.plots_spectrum import plot_spectrum
from spectral_core.pruning import prune
from spectral_core.ranking import layer_scores, node_scores
from spectral_core.removal import remove
from spectral_core.saving import load, save
from spectral_core.schedule import prune_in_steps
from spectral_core.selection import select
from spectral_core.training import TrainingDiverged, train

__all__ = [
    "SpectralImportance",
    "SpectralLinear",
    "TrainingDiverged",
    "compare",
    "direct_mlp",
    "evaluate",
    "export_onnx",
    "fold",
    "layer_scores",
    "load",
    "node_scores",
    "plot_spectrum",
    "prune",
    "prune_in_steps",
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
