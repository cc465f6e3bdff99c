"""Tables of results: collected, published, compared; and those that are published."""

import dataclasses
import json
import math
import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_tables import of_seeds
from packaging.version import Version

from spectral_core import paths
from spectral_core.cli import cli
from spectral_core.results import tables
from spectral_core.results.agreement import agreement
from spectral_core.results.tables import (
    COLUMNS,
    NoResults,
    collect,
    command,
    counterpart,
    publish,
    published,
    published_files,
    published_provenance,
    summary,
)
from spectral_core.study import provenance
from spectral_core.study.compute import compute
from spectral_core.study.figures import PRESETS
from spectral_core.study.planning import plan
from spectral_core.study.steps import ALGORITHM
from spectral_core.study.strategies import STRATEGIES

FOLDER = Path(__file__).parents[2] / "results" / "published"
PUBLISHED = sorted(
    (file.stem, *reversed(file.relative_to(FOLDER).parent.parts)) for file in FOLDER.rglob("*.csv")
)  # (panel, figure) at the paper's settings, (panel, figure, preset) at others


@pytest.fixture(scope="module")
def table(finished):
    return collect(*finished)


def test_columns_are_those_of_the_data_dictionary(table):
    assert COLUMNS == (
        "panel", "dataset", "activation", "hidden", "method", "seed", "penalty", "percentile",
        "kept", "nodes", "parameters", "accuracy", "loss",
    )  # fmt: skip
    assert tuple(table.columns) == COLUMNS


def test_table_has_one_row_per_point_in_the_studys_order(finished, table):
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


def test_provenance_says_how_a_panel_was_made(finished, project):
    publish(*finished)
    made = published_provenance("fig03", "smoke")["digits-elu-32"]
    assert made["figure"] == "fig03" and made["preset"] == "smoke"
    assert made["panel"] == "digits-elu-32"
    assert made["command"] == "spectral-core compute fig03 --preset smoke"
    assert made["steps"] == 6 + 18
    assert made["algorithm"] == ALGORITHM
    assert made["configuration"]["recipe"]["epochs"] == finished.study.recipe.epochs
    assert made["configuration"]["panel"]["hidden"] == [32]
    assert made["device"] == ["cpu"]
    assert made["hardware"] == [provenance.hardware("cpu")]
    assert made["commit"] == [provenance.commit()]
    assert made["versions"] == {n: [v] for n, v in provenance.versions().items()}
    assert made["from"] <= made["to"]
    assert made["seconds"] > 0
    assert all(re.fullmatch("[0-9a-f]{32}", md5) for md5 in made["data"].values())


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

    monkeypatch.setattr(tables, "panel_provenance", fail)
    with pytest.raises(OSError):
        publish(*finished)
    assert {file: file.read_bytes() for file in before} == before


@pytest.fixture
def killed(monkeypatch):
    """Publishing ends when the provenance is written and the table is not."""
    write = tables.write_whole

    def half(path, write_file):
        if path.suffix == ".csv":
            raise KeyboardInterrupt
        write(path, write_file)

    def publish_half(study, store):
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(tables, "write_whole", half)
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
    own, _ = publish(*finished)
    assert own.name == "digits-elu-32.csv"
    assert published_files("fig03", "smoke")["digits-elu-32"].table == own
    assert published_files("fig03", "smoke", precision="bf16")["digits-elu-32"].table == csv
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


# What is published


def test_the_papers_run_of_fig03_is_published_and_has_the_papers_order():
    assert ("fashion-mnist-elu-500", "fig03") in PUBLISHED
    table = pd.read_csv(FOLDER / "fig03" / "fashion-mnist-elu-500.csv")
    means = summary(table).set_index(["method", "percentile"])["accuracy"]
    assert means["pre", 90] > means["post", 90] + 0.1 > means["direct", 90] + 0.1
    for method in ("direct", "post", "pre"):
        assert means[method, 0] > 0.85


def test_the_same_networks_have_the_same_results_in_every_figure():
    parts = [
        pd.read_csv(FOLDER / figure / f"{stem}.csv").assign(
            figure=figure, precision="bf16" if stem.endswith("-bf16") else "fp32"
        )
        for stem, figure, *preset in PUBLISHED
        if not preset
    ]
    point = ["precision", "panel", "method", "seed", "penalty", "percentile"]
    counts = pd.concat(parts).groupby(point)[["accuracy", "figure"]].nunique()
    shared = counts[counts["figure"] > 1]
    assert len(shared) > 1000
    assert list(shared[shared["accuracy"] > 1].index.droplevel("percentile").unique()) == []


def study_of(text):
    """What a command line computes."""
    _, verb, *words = shlex.split(text)
    options = cli.commands[verb].make_context(verb, words).params
    changes = {name: options[name] for name in ("preset", "panels", "seeds", "precision")}
    return plan(options["figure"], **changes)


@pytest.fixture(params=PUBLISHED, ids="-".join)
def published_panel(request):
    """Table and provenance of a published panel, and the study and the panel they belong to."""
    stem, figure, preset = (*request.param, "paper")[:3]
    csv = FOLDER / ("" if preset == "paper" else preset) / figure / f"{stem}.csv"
    name = stem.removesuffix("-bf16")
    made = json.loads(csv.with_suffix(".json").read_text(encoding="utf-8"))
    seeds = made["configuration"]["recipe"]["seeds"]
    assert set(seeds) <= set(PRESETS[preset].recipe.seeds)
    study = plan(figure, preset, "*", seeds=seeds, precision="bf16" if name != stem else None)
    (panel,) = [panel for panel in study.panels if panel.name == name]
    return pd.read_csv(csv, dtype={"hidden": str}), made, study, panel


def test_published_points_are_those_of_the_preset(published_panel):
    table, _, study, panel = published_panel
    assert tuple(table.columns) == COLUMNS
    cells = [c for c in study.cells() if c.panel == panel]
    keys = ["method", "seed", "penalty", "percentile"]
    assert list(table[keys].itertuples(index=False, name=None)) == [
        (c.method, c.seed, c.penalty, c.percentile) for c in cells
    ]
    recipes = [study.recipe_of(panel, method) for method in panel.methods]
    assert len(table) == sum(
        len(each.seeds) * len(each.penalties) * len(each.percentiles) for each in recipes
    )
    assert (table["panel"] == panel.name).all() and (table["dataset"] == panel.dataset).all()


def test_published_numbers_are_in_range(published_panel):
    table, _, _, _ = published_panel
    assert not table.isna().any(axis=None)
    assert table["accuracy"].between(0, 1).all()
    assert (table["loss"] > 0).all() and np.isfinite(table["loss"]).all()


def test_published_sizes_follow_from_the_percentile(published_panel):
    table, _, _, panel = published_panel
    tied = 0
    for row in table.itertuples():
        hidden = panel.hidden_of(row.method)
        assert row.hidden == "-".join(map(str, hidden))
        inputs = 64 if panel.dataset == "digits" else 784 if panel.features == "none" else 1280
        strategy = STRATEGIES[row.method]
        inputs_go = strategy.removes == "inputs"
        # The threshold lies at rank (n − 1) q / 100 of the scores; what ranks below it goes.
        pools = hidden if strategy.per_layer else [inputs if inputs_go else sum(hidden)]
        removed = sum(math.ceil((n - 1) * row.percentile / 100 - 1e-9) for n in pools)
        more = row.nodes - (sum(hidden) - (0 if inputs_go else removed))
        # Between scores that differ in their last bits, the threshold is rounded to the lower one.
        assert more in ((0, 1) if strategy.per_layer or strategy.scaled else (0,))
        tied += more
        if len(hidden) == 1:
            left = inputs - (removed if inputs_go else 0)
            assert row.parameters == row.nodes * (left + 10) + 10 * panel.output_bias
    assert tied <= len(table) / 100


def test_published_provenance_is_complete(published_panel):
    _, made, study, panel = published_panel
    assert (made["figure"], made["preset"]) == (study.figure, study.preset)
    assert made["inputs"] == panel.inputs and "choice" in made
    for settings in (panel, study.recipe_of(panel)):
        name = type(settings).__name__.lower()
        # A field that is newer than the results is at its default.
        restored = dataclasses.asdict(type(settings)(**made["configuration"][name]))
        expected = dataclasses.asdict(settings)
        assert json.loads(json.dumps(restored)) == json.loads(json.dumps(expected))
    run = [study_of(text) for text in made["command"].split("; ")]  # one each time that seeds came
    assert {each.preset for each in run} == {study.preset}
    steps = [c.step for c in study.cells() if c.panel == panel]
    ran = [{c.step for c in each.cells() if c.panel == panel} for each in run]
    assert set().union(*ran) == set(steps)
    assert made["algorithm"] == ALGORITHM
    # A seed may have been run anew.
    assert made["steps"] == sum(len({*each, *(step.trained for step in each)}) for each in ran)
    assert all(made["hardware"]) and all(made["device"])
    assert all(re.fullmatch("[0-9a-f]{12}", commit or "") for commit in made["commit"])
    assert set(made["versions"]) == {"python", "torch", "numpy"}
    for found in made["versions"].values():
        assert found and all(Version(version) for version in found)
    assert made["from"] <= made["to"]
