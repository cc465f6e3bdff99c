"""The list of claims, and that their verdicts follow the results."""

import pandas as pd
import pytest
from made_tables import curves

from spectral_core.paper.claims.claims import COLUMN_SOURCES, TESTS, claims, details, judged
from spectral_core.paper.claims.yardsticks import ABSENT, HOLDS, PARTLY
from spectral_core.paper.results import accuracies
from spectral_core.paper.study.methods import METHODS

BY_KEY = claims()


@pytest.fixture(scope="module")
def rows():
    return judged()


def test_every_claim_has_its_words_a_test_and_methods_that_there_are():
    assert len(BY_KEY) == 26  # 25 about trainings, one count
    for claim in BY_KEY.values():
        assert all(claim) and claim.test in TESTS
        assert {name for pair in claim.methods for name in pair} <= set(METHODS)
    for number in (3, 4, 6, 7, 8, 9, 11):
        assert any(f"Fig. {number}" in claim.place for claim in BY_KEY.values())


def test_every_claim_has_a_verdict_of_the_settings_of_its_column_alone(rows):
    table = accuracies.results()
    for column, sources in COLUMN_SOURCES.items():
        networks = set(table.loc[table["source"].isin(sources), "network"])
        for row in rows:
            found = getattr(row, column)
            assert found.word != ABSENT or column == "released"
            assert (found.observed is None) == (found.word == ABSENT) == (not found.tests)
            names = {test.network.split(",")[0] for test in found.tests if "×" in test.network}
            assert names <= networks


def test_details_have_what_each_verdict_rests_on(rows):
    table = details(rows).reset_index().set_index("claim")
    assert len(table) == sum(
        bool(getattr(row, column).tests) for row in rows for column in COLUMN_SOURCES
    )
    fig03 = table.loc[BY_KEY["fig03-post"].says].set_index("settings")
    assert list(fig03["observed"]) == ["45 % [40, 45]", "70 % [65, 75]"]
    assert set(fig03["claimed"]) == {"70 %"} and set(fig03["seeds"]) == {"5"}
    p = table[table["settings"] == "text"]["p"]
    assert p[BY_KEY["pre-over-post"].says] < 0.05 < p[BY_KEY["suitable-start"].says]
    for key in ("fig03-post", "same-accuracy", "fig11-stable"):
        assert pd.isna(p[BY_KEY[key].says])


def results(at_70, **options):
    """Fig. 3's networks, in which ``post`` has 90 % up to 65 % pruned and so many at 70 %."""
    percent = dict.fromkeys(range(0, 70, 5), 90) | {70: at_70, 75: 50}
    levels = {q: [(y + x) / 100 for x in (-0.1, 0.0, 0.1)] for q, y in percent.items()}
    return curves({"post": levels}, "fashion-mnist", hidden="100", **options)


@pytest.mark.parametrize(
    ("key", "column", "table", "word"),
    [
        ("fig03-post", "text", results(90), HOLDS),
        ("vast-majority-post", "text", results(80), PARTLY),
        ("fig03-post", "text", results(90).assign(dataset="mnist"), ABSENT),  # not the figure's
        ("fig03-post", "released", results(90), ABSENT),
        ("fig03-post", "released", results(90, source="released"), HOLDS),
    ],
)
def test_verdicts_change_with_the_results(key, column, table, word):
    assert BY_KEY[key].verdict(column, table).word == word


def test_columns_of_verdicts_are_named():
    with pytest.raises(ValueError, match="column"):
        BY_KEY["fig03-post"].verdict("written")
