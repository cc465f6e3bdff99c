"""One accessor for all kinds of layers."""

import pytest
import torch
from made_networks import KINDS

from spectral_core.layers.kinds import arrival_width, axes, spectra, spectrum


@pytest.mark.parametrize("kind", KINDS)
def test_a_spectrum_is_the_layers_own_and_axes_count_what_their_sizes_say(kind):
    layer = KINDS[kind](5, 4, True)
    parameters, widths = dict(layer.named_parameters()), {"arrival": 4, "departure": 5}
    assert arrival_width(layer) == 4 and set(axes(layer)) == set(parameters)
    for name, sides in axes(layer).items():
        assert parameters[name].shape == tuple(widths[side] for side in sides)
    found = spectrum(layer)
    if kind == "plain":
        assert found is None and spectra(layer) == {}
        return
    with torch.no_grad():
        found.eigenvalues.mul_(2.0)  # no copy: it is the parameter
    assert torch.equal(found.weight(), layer.weight)
