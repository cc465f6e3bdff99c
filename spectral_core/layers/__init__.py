"""Layers in spectral variables (Eqs. 2 and 3), networks of them, conversion of other networks."""
