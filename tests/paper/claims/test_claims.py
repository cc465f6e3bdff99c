"""The list of claims, and that their verdicts follow the results."""

import pandas as pd
import pytest
from made_tables import curves

from spectral_core.paper.claims.claims import COLUMNS, TESTS, claims, details, judged
from spectral_core.paper.claims.yardsticks import ABSENT, FAILS, HOLDS, PARTLY, SINGLE
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
    for figure in ("Fig. 3", "Fig. 4", "Fig. 6", "Fig. 7", "Fig. 8", "Fig. 9", "Fig. 11"):
        assert any(figure in claim.place for claim in BY_KEY.values())


def test_every_claim_has_a_verdict_at_the_texts_settings(rows):
    for row in rows:
        assert row.text.word != ABSENT
        for found in (row.text, row.released):
            assert (found.observed is None) == (found.word == ABSENT) == (not found.tests)


def test_text_and_released_settings_are_never_merged(rows):
    for row in rows:
        for column, found in zip(COLUMNS, (row.text, row.released)):
            names = {test.network for test in found.tests if "×" in test.network}
            table = accuracies.results()
            sources = table[table["source"].isin(COLUMNS[column])]
            assert {name.split(",")[0] for name in names} <= set(sources["network"])


def test_details_have_what_each_verdict_rests_on(rows):
    table = details(rows).reset_index().set_index("claim")
    fig03 = table.loc[BY_KEY["fig03-post"].says].set_index("settings")
    assert list(fig03["observed"]) == ["45 % [40, 45]", "70 % [65, 75]"]
    assert set(fig03["claimed"]) == {"70 %"} and set(fig03["seeds"]) == {"5"}
    p = table[table["settings"] == "text"]["p"]
    assert p[BY_KEY["pre-over-post"].says] < 0.05 < p[BY_KEY["suitable-start"].says]
    assert pd.isna(p[BY_KEY["fig03-post"].says])


def results(at_70, seeds=5, **options):
    """Fig. 3's networks, in which ``post`` has so many per cent at 70 % pruned."""
    noise = [0.001 * (i - (seeds - 1) / 2) for i in range(seeds)]
    levels = {q: [0.9 + x for x in noise] for q in range(0, 70, 5)}
    levels |= {70: [at_70 / 100 + x for x in noise], 75: [0.5 + x for x in noise]}
    return curves({"post": levels}, "fashion-mnist", hidden="100", **options)


def test_verdicts_change_with_the_results():
    claim = BY_KEY["fig03-post"]
    assert claim.verdict(table=results(90)).word == HOLDS
    assert claim.verdict(table=results(80)).word == HOLDS  # 65 % is a step off
    assert BY_KEY["vast-majority-post"].verdict(table=results(80)).word == PARTLY
    assert claim.verdict(table=results(90, seeds=1)).word == SINGLE
    worse = results(90)
    worse.loc[worse["level"] > 40, "accuracy"] -= 0.1
    assert claim.verdict(table=worse).word == FAILS
    assert claim.verdict("released", worse).word == ABSENT
    assert claim.verdict("released", results(90, source="released")).word == HOLDS
    with pytest.raises(ValueError, match="column"):
        claim.verdict("written")


def test_claims_of_a_figure_take_no_other_network():
    other = results(50).assign(dataset="mnist")
    assert BY_KEY["fig03-post"].verdict(table=other).word == ABSENT


def test_eigenvalues_alone_are_judged_once_stage_one_is_published():
    of = {"direct": {0: (0.9, 0.901, 0.902)}, "pre-unretrained": {0: (0.885, 0.887, 0.889)}}
    found = BY_KEY["eigenvalues-alone"].verdict(table=curves(of))
    assert found.word == HOLDS and found.observed.mean == pytest.approx(1.4)
