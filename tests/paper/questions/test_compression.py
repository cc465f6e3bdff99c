"""What pruning buys and what to use: speeds, sizes and orders worked out by hand."""

import math

import pandas as pd
import pytest
from made_tables import curves

from spectral_core.paper.questions import compression

ACCURACY = {
    "direct": (0.90, 0.80, 0.50),
    "post": (0.90, 0.895, 0.60),
    "pre": (0.88, 0.88, 0.87),
}


def table(accuracy=ACCURACY, seeds=2, **options):
    """Results of a network of 10 nodes: 1000, 500 and 100 weights left."""
    levels = {
        method: {q: [a + 0.001 * i for i in range(seeds)] for q, a in zip((0, 50, 90), row)}
        for method, row in accuracy.items()
    }
    return curves(levels, **options)


TIMINGS = [  # a microsecond per node that is left
    {"activation": a, "kept": kept, "batch": 1000, "microseconds": {"median": int(kept)}}
    for a in ("elu", "tanh")
    for kept in ("10", "5", "1")
]


def test_points_are_means_over_seeds_without_collapsed_levels():
    own = table(kept={("post", 50, 1): "6", ("pre", 90, 0): "0"})
    other = [table(source="released"), table(change="width"), table(precision="bf16")]
    points = compression.points(pd.concat([own, *other], ignore_index=True))
    assert len(points) == 9  # of pre at 90 %, one seed has collapsed and the other is there
    row = points.set_index(["method", "level"]).loc[("post", 50.0)]
    assert (row["accuracy"], row["parameters"]) == (pytest.approx(0.8955), 500)
    assert (row["kept"], row["seeds"]) == ("5", 2)


def test_smallest_network_is_within_a_point_of_direct_unpruned():
    points = compression.points(table())
    found = compression.smallest(points, TIMINGS).set_index("method")
    assert found.loc["post", ["level", "kept", "share"]].tolist() == [50, "5", 50.0]
    assert found.loc["direct", "share"] == 100 and math.isnan(found.loc["pre", "share"])
    assert found.loc["post", "speed"] == 2 and math.isnan(found.loc["pre", "speed"])
    wider = compression.smallest(points, [], within=3.1).set_index("method")
    assert (wider.loc["pre", "share"], wider.loc["pre", "kept"]) == (10, "1")


def test_medians_are_over_all_networks_and_speeds_over_those_timed_with_all():
    second = {**ACCURACY, "post": (0.9, 0.9, 0.9), "pre": (0.9, 0.9, 0.6)}
    both = pd.concat([table(), table(second, activation="tanh"), table({"fresh": (0.9,) * 3})])
    points = compression.points(both)
    found = compression.medians(compression.smallest(points, TIMINGS)).set_index("method")
    assert list(found.index) == ["post", "direct", "pre"]  # fresh is in one network only
    assert found.loc["post", "share"] == 30 and math.isinf(found.loc["pre", "share"])
    assert (found.loc["pre", "networks"], found.loc["pre", "of"]) == (1, 2)
    # pre has no small network in the first, so that all speeds are of the second.
    assert found["timed"].unique() == [1]
    assert found.loc["post", "speed"] == 10 and found.loc["pre", "speed"] == 2


def test_the_method_that_prunes_furthest_is_first_whoever_chose_it():
    accuracy = {
        "direct": (0.9, 0.5, 0.3),
        "pre": (0.89, 0.88, 0.87),
        "post-retrained": (0.9, 0.9, 0.895),
        "direct-retrained": (0.9, 0.9, 0.1),
    }
    found = compression.candidates(table(accuracy, seeds=1)).set_index("method")
    assert list(found.index) == ["post-retrained", "direct-retrained", "pre"]
    assert list(found["median_reach"]) == [90, 50, 0]
    assert found.loc["post-retrained", "difference"] == pytest.approx(2)
    assert found.loc["pre", "difference"] == 0
