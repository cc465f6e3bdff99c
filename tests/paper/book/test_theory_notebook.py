"""The page "Theory" checks its equations itself: they hold for layers of other shapes, too."""

import pytest

from spectral_core.paper.book import notebooks


@pytest.mark.parametrize(("departure_nodes", "arrival_nodes"), [(6, 1), (2, 5)])
def test_equations_hold_for_other_shapes(departure_nodes, arrival_nodes, tmp_path):
    shape = {"departure_nodes": departure_nodes, "arrival_nodes": arrival_nodes, "seed": 3}
    assert notebooks.execute("theory", shape, tmp_path, progress=False).exists()
