"""Published results: written whole, joined, read back."""

import json

import numpy as np
import pandas as pd
import pytest

from spectral_core.paper import paths
from spectral_core.paper.book.report import precision_table
from spectral_core.paper.results import publishing
from spectral_core.paper.results.agreement import agreement, between_precisions
from spectral_core.paper.results.publishing import (
    counterpart,
    publish,
    published,
    published_files,
    published_provenance,
    published_together,
)
from spectral_core.paper.results.tables import COLUMNS, NoResults, command, summary
from spectral_core.paper.run.compute import compute
from spectral_core.paper.study.planning import plan


def test_published_tables_are_read_back(finished, table, project):
    csv, provenance_file = publish(*finished)
    folder = project / "results" / "published" / "smoke" / "fig03"
    assert (csv, provenance_file) == (folder / "digits-elu-32.csv", folder / "digits-elu-32.json")
    assert csv.read_bytes().startswith(",".join(COLUMNS).encode() + b"\n")
    back = published("fig03", "smoke")
    exact = ["panel", "hidden", "method", "seed", "percentile", "kept", "nodes", "parameters"]
    pd.testing.assert_frame_equal(back[exact], table[exact], check_dtype=False)
    np.testing.assert_allclose(back[["accuracy", "loss"]], table[["accuracy", "loss"]], rtol=1e-5)
    assert agreement(table, back)["agrees"].all()


def test_published_twice_gives_the_same_bytes(finished, project):
    first = [file.read_bytes() for file in publish(*finished)]
    assert [file.read_bytes() for file in publish(*finished)] == first


def test_papers_settings_are_published_without_a_preset_in_the_path(project):
    assert paths.published_results("fig03", "paper") == project / "results/published/fig03"


def test_only_a_presets_own_settings_are_published(finished, project):
    changed = plan("fig03", "smoke", epochs=5)
    with pytest.raises(ValueError, match="own settings are published; got changes to epochs"):
        publish(changed, finished.store)
    assert not (project / "results").exists()


def test_incomplete_results_are_not_published(store, project):
    with pytest.raises(NoResults):
        publish(plan("fig03", "smoke"), store)
    assert not (project / "results").exists()


def test_seeds_run_apart_are_published_together(finished, project):
    whole = [file.read_bytes() for file in publish(*finished)]
    published_files("fig03", "smoke")["digits-elu-32"].table.unlink()
    later, first = (plan("fig03", "smoke", seeds=[seed]) for seed in (1, 0))
    publish(later, finished.store)
    assert published_provenance("fig03", "smoke")["digits-elu-32"]["configuration"]["recipe"][
        "seeds"
    ] == [1]
    csv, provenance_file = publish(first, finished.store)
    assert csv.read_bytes() == whole[0]
    made, wanted = json.loads(provenance_file.read_bytes()), json.loads(whole[1])
    assert made.pop("command") == f"{command(later)}; {command(first)}"
    assert made.pop("seconds") == pytest.approx(wanted.pop("seconds"), abs=0.2)
    del wanted["command"]
    assert made == wanted


def test_more_seeds_than_the_presets_may_join(finished, project, store):
    publish(*finished)
    more = plan("fig03", "smoke", seeds=[7])
    compute(more.steps(), store, workers=1, progress=False)
    publish(more, store)
    table = published("fig03", "smoke")
    assert set(table["seed"]) == {0, 1, 7}
    assert (summary(table)["seeds"] == 3).all()


def test_a_seed_that_is_published_is_taken_anew(finished, project):
    before = {file: file.read_bytes() for file in publish(*finished)}
    csv, provenance_file = publish(plan("fig03", "smoke", seeds=[0]), finished.store)
    assert csv.read_bytes() == before[csv]
    made, was = json.loads(provenance_file.read_bytes()), json.loads(before[provenance_file])
    assert made["configuration"] == was["configuration"]
    assert made["command"].endswith("--seeds 1") and made["steps"] == was["steps"] + 12


def test_failed_publishing_leaves_the_old_files(finished, project, monkeypatch):
    before = {file: file.read_bytes() for file in publish(*finished)}

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(publishing, "panel_provenance", fail)
    with pytest.raises(OSError):
        publish(*finished)
    assert {file: file.read_bytes() for file in before} == before


@pytest.fixture
def killed(monkeypatch):
    """Publishing ends when the provenance is written and the table is not."""
    write = publishing.write_whole

    def half(path, write_file):
        if path.suffix == ".csv":
            raise KeyboardInterrupt
        write(path, write_file)

    def publish_half(study, store):
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(publishing, "write_whole", half)
            publish(study, store)

    return publish_half


def test_publishing_that_was_killed_between_two_files_is_told(finished, project, killed):
    publish(plan("fig03", "smoke", seeds=[0]), finished.store)
    second = plan("fig03", "smoke", seeds=[1])
    killed(second, finished.store)
    with pytest.raises(ValueError, match=r"tells of, \[0, 1\]; got \[0\]. Restore both"):
        publish(second, finished.store)
    publish(*finished)
    table = published("fig03", "smoke")
    assert len(table) == 18 and not table.duplicated(["method", "seed", "percentile"]).any()


def test_a_first_publishing_that_was_killed_is_none(finished, project, killed):
    killed(*finished)
    assert published_provenance("fig03", "smoke") == {}
    publish(*finished)
    assert len(published("fig03", "smoke")) == 18


def test_unpublished_figures_are_named(project):
    with pytest.raises(NoResults, match="no results of fig03 are published at"):
        published("fig03", "quick")
    empty = published("fig03", "quick", missing_ok=True)
    assert empty.empty and tuple(empty.columns) == COLUMNS
    assert published_provenance("fig03", "quick") == {}


def test_another_precision_stands_beside_the_presets_own(finished, store, project):
    low = plan("fig03", "smoke", precision="bf16", seeds=1, methods="pre", percentiles=0)
    with pytest.raises(ValueError, match=r"got changes to methods, percentiles$"):
        publish(low, finished.store)
    low = plan("fig03", "smoke", precision="bf16")
    compute(low.steps(), store, workers=1, progress=False)
    csv, _ = publish(low, store)
    assert csv.name == "digits-elu-32-bf16.csv"
    # It stands in for the preset's own until that is there.
    assert published_files("fig03", "smoke")["digits-elu-32"].table == csv
    assert between_precisions("fig03", "smoke").empty
    assert "no panel" in precision_table(["fig03"], "smoke").to_string()
    own, _ = publish(*finished)
    assert own.name == "digits-elu-32.csv"
    assert published_files("fig03", "smoke")["digits-elu-32"].table == own
    assert published_files("fig03", "smoke", precision="bf16")["digits-elu-32"].table == csv
    shifted = pd.read_csv(csv)
    shifted.loc[shifted["method"] == "post", "accuracy"] -= 0.9
    shifted.to_csv(csv, index=False)
    compared = between_precisions("fig03", "smoke")
    assert list(compared["difference"].round(3).unique()) == [0.0, 0.9]
    shown = precision_table(["fig03", "fig04"], "smoke")
    assert list(shown.index) == [("fig03", "digits-elu-32")]
    assert shown.loc[("fig03", "digits-elu-32")].to_dict() == {
        "direct": "0.00",
        "post": "90.00",
        "pre": "0.00",
        "agree": "6 of 9",
    }
    # Figures that share a panel are put together in one precision, the first one's.
    folder = paths.published_results("budget", "smoke")
    folder.mkdir()
    for file in (csv, csv.with_suffix(".json")):
        (folder / file.name).write_bytes(file.read_bytes())
    for figures in (("fig03", "budget"), ("budget", "fig03")):
        together = published_together(figures, "smoke")
        pd.testing.assert_frame_equal(together, published(figures[0], "smoke"))
    made = published_provenance("fig03", "smoke", precision="bf16")["digits-elu-32"]
    assert made["configuration"]["recipe"]["precision"] == "bf16"
    assert made["command"] == "spectral-core compute fig03 --preset smoke --precision bf16"
    assert len(counterpart(low)) == 18


def test_table_with_other_columns_is_refused(project):
    folder = paths.published_results("fig03", "smoke")
    folder.mkdir(parents=True)
    (folder / "digits-elu-32.csv").write_text("panel,accuracy\na,0.5\n")
    with pytest.raises(ValueError, match="must have the columns panel, dataset"):
        published("fig03", "smoke")


def test_counterpart_is_the_same_presets_published_run(finished, project):
    study = finished.study
    assert counterpart(study) is None
    publish(*finished)
    assert len(counterpart(study)) == 18
    assert len(counterpart(plan("fig03", "smoke", seeds=1, methods=["pre"]))) == 18
    assert counterpart(plan("fig03", "smoke", epochs=5)) is None
    assert counterpart(plan("fig03", "quick")) is None
