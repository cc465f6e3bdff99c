"""Runs of one panel put together: rows in order, counts added, what is shared taken anew."""

import copy

import pandas as pd
import pytest

from spectral_core.paper.results.joining import Run, joined


def made(seeds, commit="a", seconds=1.0, epochs=10, at="2026-01-01"):
    rows = [
        (method, seed, penalty, percentile)
        for method in ("direct", "pre")
        for seed in seeds
        for penalty in (0.1, 0.0)
        for percentile in (0.0, 90.0)
    ]
    panel = {"dataset": "digits", "activation": "elu", "hidden": [8]}
    recipe = {"epochs": epochs, "seeds": list(seeds)}
    return Run(
        pd.DataFrame(rows, columns=["method", "seed", "penalty", "percentile"]),
        {
            "command": f"compute {seeds}",
            "configuration": {
                "panel": panel,
                "recipe": recipe,
            },
            "algorithm": 2,
            "data": {"digits": "d41d"},
            "steps": len(rows),
            "seconds": seconds,
            "from": f"{at}T00",
            "to": f"{at}T01",
            "hardware": ["h"],
            "device": ["cpu"],
            "commit": [commit],
            "versions": {"torch": ["2"]},
        },
    )


def test_a_setting_that_is_newer_than_a_run_was_at_its_default():
    old, new, other = made((0,)), made((1,)), made((1,))
    new.provenance["configuration"]["panel"]["features"] = "none"
    assert joined(old, new).seeds == (0, 1)
    other.provenance["configuration"]["panel"]["features"] = "max"
    assert joined(old, other).seeds == (1,)


def test_rows_stand_as_if_all_seeds_had_been_run_at_once():
    for first, second in [((0, 1), (2,)), ((2,), (0, 1)), ((0, 2), (1,))]:
        table = joined(made(first), made(second)).table
        pd.testing.assert_frame_equal(table, made((0, 1, 2)).table)


def test_counts_add_up_and_circumstances_stand_side_by_side():
    old, new = made((0, 1), seconds=2.0), made((4,), "b", at="2025-12-31")
    before = copy.deepcopy((old.provenance, new.provenance))
    run = joined(old, new)
    assert run.seeds == (0, 1, 4)
    assert (run.provenance["steps"], run.provenance["seconds"]) == (24, 3.0)
    assert (run.provenance["from"], run.provenance["to"]) == ("2025-12-31T00", "2026-01-01T01")
    assert run.provenance["commit"] == ["a", "b"] and run.provenance["hardware"] == ["h"]
    assert run.provenance["versions"] == {"torch": ["2"]}
    assert run.provenance["command"] == "compute (0, 1); compute (4,)"
    assert (old.provenance, new.provenance) == before


@pytest.mark.parametrize("seeds", [(0, 1), (0, 1, 2)])
def test_run_that_has_all_seeds_takes_the_place(seeds):
    new = made(seeds, "b")
    assert joined(made((0, 1)), new) is new


def test_other_settings_take_the_place():
    new = made((2,), epochs=20)
    assert joined(made((0, 1)), new) is new


def test_a_seed_that_both_have_is_the_new_runs():
    old, new = made((0, 1)), made((1, 2), "b")
    old.table["of"], new.table["of"] = "old", "new"
    run = joined(old, new)
    pd.testing.assert_frame_equal(run.table.drop(columns="of"), made((0, 1, 2)).table)
    assert run.table.groupby("seed")["of"].unique().map(list).to_dict() == {
        0: ["old"],
        1: ["new"],
        2: ["new"],
    }
    assert run.provenance["commit"] == ["a", "b"] and run.seeds == (0, 1, 2)


def test_what_has_joined_already_changes_nothing():
    one, other = made((0, 1)), made((2,), at="2026-01-02")
    both = joined(one, other)
    assert joined(both, other) is both
    later = made((2,), at="2026-01-03")
    assert joined(both, later).provenance["steps"] == both.provenance["steps"] + 8
