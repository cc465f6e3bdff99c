"""What pruning buys: fronts against brute force, speeds and sizes worked out by hand."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_tables import made

from spectral_core.layers.networks import hidden_widths
from spectral_core.paper.questions import compaction
from spectral_core.paper.results import tables
from spectral_core.paper.study.figures import Panel

CUTS = (0.0, 50.0, 90.0)
LEVELS = {
    "direct": (0.90, 0.80, 0.50),
    "post": (0.90, 0.895, 0.60),
    "pre": (0.88, 0.88, 0.87),
}


def table(activation="elu", levels=LEVELS, seeds=2):
    """Results of a panel, 1000, 500 and 100 weights left at the three cuts."""
    panel = Panel("mnist", activation, (10,))
    return made(
        panel,
        lambda method, q, seed, _: levels[method][CUTS.index(q)] + 0.001 * seed,
        seeds,
        CUTS,
        methods=tuple(levels),
    )


def timings(batch=1000):
    """A microsecond per node that is left."""
    return [
        {"activation": "elu", "kept": kept, "batch": batch, "microseconds": {"median": int(kept)}}
        for kept in ("10", "5", "1")
    ]


def test_means_are_over_seeds_and_keep_the_widths_of_the_first():
    rows = table()
    rows.loc[(rows["seed"] == 1) & (rows["percentile"] == 50), "kept"] = "6"
    points = compaction.means(rows).set_index(["method", "percentile"])
    assert len(points) == 9
    assert points.loc[("post", 50.0), "accuracy"] == pytest.approx(0.8955)
    assert points.loc[("post", 50.0), "parameters"] == 500
    assert points.loc[("post", 50.0), "kept"] == "5"


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(1, 6), st.sampled_from([0.1, 0.2, 0.3, 0.4])),
        min_size=1,
        max_size=12,
    )
)
def test_front_is_what_brute_force_finds(points):
    frame = pd.DataFrame(points, columns=["panel", "parameters", "accuracy"])
    found = compaction.front(frame)
    alone = {
        (panel, size, accuracy)
        for panel, size, accuracy in points
        if not any(
            (other, s <= size, a >= accuracy) == (panel, True, True) and (s, a) != (size, accuracy)
            for other, s, a in points
        )
    }
    assert set(found.itertuples(index=False, name=None)) == alone
    assert len(found) == len(alone)


def test_smallest_is_within_a_point_of_uncut_direct_training():
    found = compaction.smallest(compaction.means(table()), timings()).set_index("method")
    assert set(found.index) == {"direct", "post"}  # pre is two points below from the start
    assert found.loc["post", "kept"] == "5" and found.loc["post", "share"] == 0.5
    assert found.loc["post", "speed_1000"] == pytest.approx(2)
    assert found.loc["direct", "share"] == found.loc["direct", "speed_1000"] == 1
    assert found["speed_1"].isna().all()  # not timed


def test_answer_and_table_follow_the_results():
    points = compaction.means(pd.concat([table("elu"), table("relu")]))
    text = compaction.answer(points, timings())
    post = "post 50 % of the weights, 2.0 times as fast in the 1 timed (2 of 2 networks can be cut)"
    assert f"networks: {post}; direct 100 % of the weights" in text
    assert text.endswith("; pre none (0 of 2 networks can be cut).")
    better = {**LEVELS, "pre": (0.895, 0.895, 0.895)}
    points = compaction.means(
        pd.concat([table("elu", better), table("relu", better), table("tanh")])
    )
    text = compaction.answer(points, timings())
    assert "networks: pre 10 % of the weights" in text and "(2 of 3 networks can be cut)" in text
    shown = compaction.table(points, timings())
    assert shown.loc["mnist-relu-10", "pre"].startswith("10 %")
    assert shown.loc["mnist-tanh-10", "pre"] == "none"
    assert shown.loc["mnist-elu-10", "post"] == "50 % (2.0×)"
    nothing = compaction.means(table(levels={"pre": LEVELS["pre"]}))
    assert compaction.answer(nothing).startswith("Nothing is published")


def test_a_method_measured_in_some_networks_only_is_in_the_table_and_not_in_the_answer():
    without = {name: LEVELS[name] for name in ("direct", "post")}
    points = compaction.means(pd.concat([table("elu"), table("relu", without)]))
    assert "pre" not in compaction.answer(points)
    shown = compaction.table(points)
    assert (shown.loc["mnist-elu-10", "pre"], shown.loc["mnist-relu-10", "pre"]) == ("none", "–")


def test_published_networks_are_there_once_and_have_all_their_layers():
    rows = compaction.gathered()
    assert not rows.duplicated([*tables.POINT_COLUMNS, "seed"]).any()
    assert set(rows["penalty"]) == {0.0} and not rows["panel"].str.contains("released|cifar").any()
    networks = compaction.networks()
    assert len(set(networks)) == len(networks)
    assert ("elu", "500") in networks and ("elu", "500-500-500") in networks
    assert all(min(hidden_widths(kept)) > 0 for _, kept in networks)
