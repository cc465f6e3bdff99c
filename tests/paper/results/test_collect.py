"""Tables of results: collected, summed up, and with the command that makes them."""

import re

import pytest
from made_tables import curves

from spectral_core.paper.results.collect import COLUMNS, summary
from spectral_core.paper.results.published import publish, published_runs
from spectral_core.paper.run import provenance
from spectral_core.paper.study.steps import ALGORITHM


def test_table_has_one_row_per_point_in_the_studys_order(finished, table):
    assert tuple(table.columns) == COLUMNS and len(table) == 3 * 2 * 3
    for cell, row in zip(finished.study.cells(), table.itertuples(), strict=True):
        place = (row.panel, row.method, row.seed, row.percentile)
        assert place == (cell.panel.name, cell.method, cell.seed, cell.percentile)
        measured = finished.store.record(cell.step)["result"]
        assert row.accuracy == measured["accuracy"] and row.loss == measured["loss"]
        assert (row.nodes, row.parameters) == (measured["nodes"], measured["parameters"])
        assert row.kept == "-".join(str(nodes) for nodes in measured["kept"])


def test_provenance_says_how_a_panel_was_made(finished, project):
    publish(*finished)
    (run,) = published_runs("fig03", "smoke")["digits-elu-32"]
    made = run.made()
    configuration = made["configuration"]
    assert (configuration["source"], configuration["change"]) == ("text", "")
    assert list(configuration["settings"]) == ["direct", "post", "pre"]
    for own in configuration["settings"].values():
        assert (own["epochs"], own["hidden"], own["seeds"]) == (4, [32], [0, 1])
    expected = {
        "figure": "fig03",
        "panel": "digits-elu-32",
        "preset": "smoke",
        "command": "spectral-core compute fig03 --preset smoke",
        "steps": 6 + 18,
        "algorithm": ALGORITHM,
        "device": ["cpu"],
        "hardware": [provenance.hardware("cpu")],
        "commit": [provenance.commit()],
        "versions": {name: [version] for name, version in provenance.versions().items()},
    }
    assert expected.items() <= made.items() and made["table"]["rows"] == 18
    assert made["from"] <= made["to"] and made["seconds"] > 0
    assert all(re.fullmatch("[0-9a-f]{32}", md5) for md5 in made["data"].values())


def test_summary_is_mean_and_spread_over_seeds():
    table = curves({"pre": {0: (0.8, 0.9, 1.0), 90: (0.5, 0.5, 0.2)}})
    first, second = summary(table).to_dict("records")
    assert first["accuracy"] == pytest.approx(0.9)
    assert first["accuracy_sd"] == pytest.approx(0.1)  # n − 1; with n it were 0.0816
    assert first["seeds"] == 3
    assert (second["percentile"], second["accuracy"]) == (90, pytest.approx(0.4))
