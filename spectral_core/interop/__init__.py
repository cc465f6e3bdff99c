"""Pruned networks elsewhere: files, ONNX, Torch-Pruning; comparisons and a plot of the spectrum."""
