"""Settings compared: seed by seed, where as many nodes are left, and told by numbers."""

import pandas as pd
import pytest
from made_tables import made

from spectral_core.paper.questions.sensitivity import (
    ALL,
    answer,
    differences,
    table,
    variations_table,
)
from spectral_core.paper.results.standings import NOTHING
from spectral_core.paper.results.tables import COLUMNS
from spectral_core.paper.study.figures import CHANGES, FIGURES
from spectral_core.paper.study.planning import plan
from spectral_core.paper.study.settings import Settings

PANELS = FIGURES["settings"].panels
NETWORKS = ("fashion-mnist-elu-500", "mnist-relu-500", "mnist-elu-500-500-500")
NOISE = (0.0, 0.01, -0.01, 0.02, 0.005)


def results(gains, networks=NETWORKS, seeds=5):
    """Accuracies that fall with the nodes that go; gains by variation, or (variation, method)."""
    study, tables = plan("settings", "paper"), []
    for panel in PANELS:
        times = CHANGES[panel.change].times if panel.change else 1
        name = panel.name.removesuffix(f"-{panel.change}").replace("2000", "500")
        if name not in networks:
            continue

        def accuracy(method, q, seed, _, panel=panel, times=times):
            kept = round(times * (100 - q), 6)  # per cent of the nodes of the network as written
            gain = gains.get((panel.change, method), gains.get(panel.change, 0.0))
            return 0.5 + kept / 1000 + NOISE[seed] + (gain * (1 + seed) / 3 if gain else 0)

        cuts = study.recipe_of(panel).percentiles
        tables.append(made(panel, accuracy, seeds=seeds, cuts=cuts))
    return pd.concat(tables, ignore_index=True)


def average(found, variation, method, depth=1):
    rows = found[(found["variation"] == variation) & (found["method"] == method)]
    return rows[(rows["network"] == ALL) & (rows["depth"] == depth)].iloc[0]


def test_a_gain_is_found_where_it_is_and_nowhere_else():
    found = differences(results({"wide-eigenvalues": 0.03, ("width", "post"): -0.02}))
    row = average(found, "wide-eigenvalues", "pre")
    assert row["mean"] == pytest.approx(0.03) and row["seeds"] == 5
    # Gains of 1 to 5 hundredths: t of four degrees of freedom, and √0.5 hundredths of error.
    assert row["high"] - row["mean"] == pytest.approx(2.776445 * 0.01 * 0.5**0.5, rel=1e-6)
    assert average(found, "width", "post")["mean"] == pytest.approx(-0.02)
    others = found[~found["variation"].isin(["wide-eigenvalues", "width"])]
    assert others["mean"].abs().max() < 1e-12
    assert set(found[found["variation"] == "width"]["network"]) == {
        "fashion-mnist, elu, 1 hidden layer", "mnist, relu, 1 hidden layer", ALL,
    }  # fmt: skip


def test_widths_are_compared_at_equal_nodes():
    """Cut to as many nodes, both are as accurate here; at equal percentiles they would not be."""
    found = differences(results({}))
    assert average(found, "width", "pre")["mean"] == pytest.approx(0, abs=1e-12)


def test_seeds_are_paired_and_one_seed_says_nothing():
    there = results({"wide-eigenvectors": 0.03})
    shuffled = there.sample(frac=1, random_state=0)
    panels = there["panel"].unique()
    shuffled = pd.concat([shuffled[shuffled["panel"] == panel] for panel in panels])
    pd.testing.assert_frame_equal(differences(shuffled), differences(there))
    assert differences(results({}, seeds=1)).empty
    assert answer(differences(results({}, seeds=1))) == NOTHING


def test_networks_that_share_no_seeds_have_an_average_without_interval():
    there = results({})
    there = there[there["hidden"] != "500-500-500"]
    first = (there["dataset"] == "mnist") & (there["seed"] < 2)
    rest = (there["dataset"] != "mnist") & (there["seed"] >= 2)
    row = average(differences(there[first | rest]), "wide-eigenvalues", "post")
    assert row["seeds"] == 0 and pd.isna(row["low"])
    assert "[" not in answer(differences(there[first | rest])).splitlines()[-1]


def test_answer_changes_with_the_results():
    none = answer(differences(results({})))
    assert none.startswith("**0 of 7** settings move the accuracy") and len(none.splitlines()) == 9
    some = answer(differences(results({"wide-eigenvalues": 0.03, "narrow-eigenvalues": 0.005})))
    assert some.startswith("**1 of 7**")
    assert some.splitlines()[0].endswith(
        "averaged over cuts and over networks of one depth: λ starts in ±1 "
        "(post +3.0 points with 1 hidden layer, post +3.0 points with 3 hidden layers, "
        "pre +3.0 points with 1 hidden layer, pre +3.0 points with 3 hidden layers). "
        "0 others may do so, by their intervals."
    )
    assert (
        "- λ starts in ±1: with 1 hidden layer (5 seeds) "
        "post +3.0 [+1.0, +5.0] points (ahead in 2 of 2 networks, behind in 0), "
        "pre +3.0 [+1.0, +5.0] points (ahead in 2 of 2 networks, behind in 0); "
        "with 3 hidden layers (5 seeds) "
        "post +3.0 [+1.0, +5.0] points (ahead in the one network), "
        "pre +3.0 [+1.0, +5.0] points (ahead in the one network)"
    ) in some
    worse = answer(differences(results({"wide-eigenvalues": -0.03})))
    assert "post −3.0 [−5.0, −1.0] points (ahead in 0 of 2 networks, behind in 2)" in worse
    assert answer(differences(pd.DataFrame(columns=list(COLUMNS)))) == NOTHING


def test_table_has_a_row_for_each_setting_and_network():
    shown = table(differences(results({("wide-eigenvalues", "pre"): 0.03})))
    assert shown.loc[("λ starts in ±1", f"{ALL}, 1 hidden layer"), "pre"] == "+3.0 [+1.0, +5.0]"
    assert shown.loc[("stage 2 trains λ and φ", f"{ALL}, 3 hidden layers"), "post"] == ""
    assert len(shown) == 6 * (3 + 2) + 3


def test_variations_are_told_against_the_papers_settings():
    shown = variations_table()
    assert len(shown) == len(CHANGES)
    told = shown.set_index("panels")[["setting", "in the paper", "changed to"]].T
    assert list(told["…-width"]) == ["hidden", "500", "2000"]
    assert list(told["…-both-in-stage-two"]) == ["stage two", Recipe().stage_two, "both"]
    assert list(told["…-wide-eigenvectors"]) == ["eigenvector range", "−0.2 to 0.2", "−0.4 to 0.4"]
    assert list(told["…-input-eigenvalues"]) == ["input eigenvalues", "no", "yes"]
