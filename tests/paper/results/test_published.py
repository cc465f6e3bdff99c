"""Published results: one table per run, checked and put together when they are read."""

import json

import numpy as np
import pandas as pd
import pytest

from spectral_core.paper.results import published as publishing
from spectral_core.paper.results.collect import COLUMNS, NoResults, summary
from spectral_core.paper.results.published import (
    DamagedTable,
    Run,
    counterpart,
    publish,
    published,
    published_runs,
)
from spectral_core.paper.run.compute import compute
from spectral_core.paper.study.planning import plan


def smoke(**changes):
    return plan("fig03", "smoke", **changes)


def runs():
    """Published runs of the one panel there is."""
    return published_runs("fig03", "smoke").get("digits-elu-32", [])


def test_published_tables_are_read_back(finished, table, project):
    csv, provenance = publish(*finished)
    folder = project / "results" / "published" / "smoke" / "fig03"
    assert (csv, provenance) == (folder / "digits-elu-32.csv", folder / "digits-elu-32.json")
    first = csv.read_bytes(), provenance.read_bytes()
    assert first[0].startswith(",".join(COLUMNS).encode() + b"\n")
    back = published("fig03", "smoke")
    exact = ["panel", "hidden", "method", "seed", "percentile", "kept", "nodes", "parameters"]
    pd.testing.assert_frame_equal(back[exact], table[exact], check_dtype=False)
    np.testing.assert_allclose(back[["accuracy", "loss"]], table[["accuracy", "loss"]], rtol=1e-5)
    publish(*finished)
    assert (csv.read_bytes(), provenance.read_bytes()) == first


def test_only_a_presets_own_settings_are_published_and_only_whole(finished, project, store):
    with pytest.raises(ValueError, match="own settings are published; got changes to epochs"):
        publish(smoke(epochs=5), finished.store)
    with pytest.raises(NoResults):
        publish(smoke(), store)
    assert not (project / "results").exists()
    assert runs() == []
    with pytest.raises(NoResults, match="no results of fig03 are published at"):
        published("fig03", "smoke")


def test_runs_of_other_seeds_and_methods_have_tables_of_their_own(finished, project, store):
    csv, provenance = publish(smoke(seeds=[0]), finished.store)
    assert csv.stem == provenance.stem == "digits-elu-32--seeds-0"
    before = csv.read_bytes()
    other, _ = publish(smoke(seeds=[1], methods=["post", "pre"]), finished.store)
    assert other.name == "digits-elu-32--post-pre-seeds-1.csv"
    more = smoke(seeds=[3, 4, 7], methods=["direct"], percentiles=[50])
    compute(more.steps(), store, workers=1, progress=False)
    assert publish(more, store)[0].name == "digits-elu-32--direct-levels-50-seeds-3_4_7.csv"
    assert csv.read_bytes() == before and len(runs()) == 3
    penalised = smoke(seeds=[0], methods=["direct"], percentiles=[50], penalties=[0.1, 1e-3])
    compute(penalised.steps(), store, workers=1, progress=False)
    name = publish(penalised, store)[0].name
    assert name == "digits-elu-32--direct-penalties-0.1_0.001-levels-50-seeds-0.csv"
    table = published("fig03", "smoke")
    assert sorted(table.loc[table["penalty"] > 0, "penalty"]) == [0.001, 0.1]
    table = table[table["penalty"] == 0]
    seeds = table.groupby("method")["seed"].unique().map(list).to_dict()
    assert len(table) == 9 + 6 + 3
    assert seeds == {"direct": [0, 3, 4, 7], "post": [0, 1], "pre": [0, 1]}
    assert list(summary(table)["seeds"]) == [1, 4, 1, *[2] * 6]


def test_a_run_takes_the_place_of_the_one_with_its_very_points(finished, project):
    part = smoke(seeds=[0])
    publish(part, finished.store)
    (run,) = runs()
    own = Run(run.table.with_name("digits-elu-32.csv"))  # as runs were named before
    run.table.rename(own.table)
    run.provenance.rename(own.provenance)
    assert publish(part, finished.store)[0] == own.table
    assert publish(*finished)[0] == own.table and len(published("fig03", "smoke")) == 18


def test_runs_that_share_points_are_an_error_that_names_both_files(finished, project):
    publish(smoke(seeds=[0]), finished.store)
    with pytest.raises(
        ValueError, match=r"digits-elu-32.csv and .*seeds-0.csv must .* 9 in common"
    ):
        publish(*finished)
    (run,) = runs()
    for file in (run.table, run.provenance):
        copy = file.with_name(file.name.replace("seeds-0", "again"))
        copy.write_bytes(file.read_bytes())
    with pytest.raises(ValueError, match=r"--again.csv and .*--seeds-0.csv must .* 9 in common"):
        published("fig03", "smoke")


def test_runs_of_other_settings_are_an_error_that_names_both_files(finished, project):
    publish(smoke(seeds=[0]), finished.store)
    publish(smoke(seeds=[1]), finished.store)
    _, second = runs()
    made = second.made()
    del made["configuration"]["settings"]["pre"]["decay"]  # newer than the run: the default
    second.provenance.write_text(json.dumps(made))
    assert len(published("fig03", "smoke")) == 18
    made["configuration"]["settings"]["pre"]["batch_size"] = 100
    second.provenance.write_text(json.dumps(made))
    with pytest.raises(
        ValueError, match=r"seeds-0.csv and .*seeds-1.csv .* same batch_size of pre"
    ):
        published("fig03", "smoke")
    with pytest.raises(ValueError, match="same batch_size of pre; got 200 and 100"):
        publish(smoke(seeds=[0]), finished.store)


@pytest.mark.parametrize(
    ("ending", "damage"),
    [
        (".csv", lambda text: text[: len(text) // 2]),
        (".csv", lambda text: text.replace(",0.", ",0.1", 1)),
        (".json", lambda text: json.dumps({**json.loads(text), "table": {}})),  # unproved
        (".json", lambda text: text[: len(text) // 2]),
    ],
)
def test_a_damaged_table_is_noticed_with_its_name(finished, project, ending, damage):
    file = publish(*finished)[0].with_suffix(ending)
    file.write_text(damage(file.read_text()))
    with pytest.raises(DamagedTable, match=r"digits-elu-32\.csv"):
        published("fig03", "smoke")


def test_publishing_that_was_killed_can_be_repeated(finished, project, monkeypatch):
    write, written = publishing.write_whole, []

    def killed(path, write_file):
        if written:
            raise KeyboardInterrupt
        written.append(path)
        write(path, write_file)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(publishing, "write_whole", killed)
        publish(*finished)
    assert runs() == []  # without a table nothing is published
    publish(*finished)
    assert len(published("fig03", "smoke")) == 18


def test_another_precision_is_published_beside_the_presets_own(finished, store, project):
    low = smoke(precision="bf16")
    compute(low.steps(), store, workers=1, progress=False)
    csv, _ = publish(low, store)
    assert csv.name == "digits-elu-32-bf16.csv"
    assert runs() == [Run(csv)]  # it stands in for the preset's own until that is there
    own, _ = publish(*finished)
    assert runs() == [Run(own)]
    assert len(counterpart(low)) == len(counterpart(smoke(seeds=1, methods=["pre"]))) == 18
    assert counterpart(smoke(epochs=5)) is None and counterpart(plan("fig03", "quick")) is None
