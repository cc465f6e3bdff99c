"""Tables of results: collected, summed up, and with the command that makes them."""

import re

import pytest
from made_tables import of_seeds

from spectral_core.paper.results.published import publish, published_runs
from spectral_core.paper.results.tables import COLUMNS, NoResults, collect, command, summary
from spectral_core.paper.run import provenance
from spectral_core.paper.study.planning import plan
from spectral_core.paper.study.steps import ALGORITHM


def test_table_has_one_row_per_point_in_the_studys_order(finished, table):
    assert tuple(table.columns) == COLUMNS
    points = [(c.panel.name, c.method, c.seed, c.percentile) for c in finished.study.cells()]
    keys = ["panel", "method", "seed", "percentile"]
    assert list(table[keys].itertuples(index=False, name=None)) == points
    assert len(points) == 3 * 2 * 3
    for cell, row in zip(finished.study.cells(), table.itertuples()):
        measured = finished.store.record(cell.step)["result"]
        assert row.accuracy == measured["accuracy"] and row.loss == measured["loss"]
        assert (row.nodes, row.parameters) == (measured["nodes"], measured["parameters"])
        assert row.kept == "-".join(str(nodes) for nodes in measured["kept"])


def test_missing_points_are_counted_with_the_command_that_computes_them(finished):
    more = plan("fig03", "smoke", seeds=3)
    with pytest.raises(NoResults) as caught:
        collect(more, finished.store)
    assert str(caught.value) == (
        "9 of 27 points of fig03 are not computed; "
        "run: spectral-core compute fig03 --preset smoke --seeds 3"
    )


def test_provenance_says_how_a_panel_was_made(finished, project):
    publish(*finished)
    (run,) = published_runs("fig03", "smoke")["digits-elu-32"]
    made = run.made()
    assert made["figure"] == "fig03" and made["preset"] == "smoke"
    assert made["panel"] == "digits-elu-32"
    assert made["command"] == "spectral-core compute fig03 --preset smoke"
    assert made["steps"] == 6 + 18
    assert made["algorithm"] == ALGORITHM
    configuration = made["configuration"]
    assert (configuration["source"], configuration["change"]) == ("text", "")
    assert list(configuration["settings"]) == ["direct", "post", "pre"]
    for own in configuration["settings"].values():
        assert (own["epochs"], own["hidden"], own["seeds"]) == (4, [32], [0, 1])
    assert made["table"]["rows"] == 18
    assert made["device"] == ["cpu"]
    assert made["hardware"] == [provenance.hardware("cpu")]
    assert made["commit"] == [provenance.commit()]
    assert made["versions"] == {n: [v] for n, v in provenance.versions().items()}
    assert made["from"] <= made["to"]
    assert made["seconds"] > 0
    assert all(re.fullmatch("[0-9a-f]{32}", md5) for md5 in made["data"].values())


def test_command_names_every_change():
    study = plan(
        "fig03", "quick", hidden=[8, 4], learning_rate=1e-4, stage_two="both", seeds=[0, 2]
    )
    assert command(study) == (
        "spectral-core compute fig03 --preset quick --hidden 8-4 --learning-rate 0.0001 "
        "--stage-two both --seeds 0,2"
    )
    released = plan("fig03", "paper", ["*released", "*500"])
    assert command(released) == (
        "spectral-core compute fig03 --preset paper --panels '*released,*500'"
    )


def test_summary_is_mean_and_spread_over_seeds():
    first, second = summary(of_seeds([(0.8, 0.5), (0.9, 0.5), (1.0, 0.2)])).to_dict("records")
    assert first["accuracy"] == pytest.approx(0.9)
    assert first["accuracy_sd"] == pytest.approx(0.1)  # n − 1; with n it were 0.0816
    assert (first["accuracy_min"], first["accuracy_max"], first["seeds"]) == (0.8, 1.0, 3)
    assert second["percentile"] == 90.0
    assert second["accuracy"] == pytest.approx(0.4)
