"""Verdicts as a reader sees them: in words with a sign, with rule and numbers, well-formed."""

from pathlib import Path

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from made_tables import made

from spectral_core.paper.claims import tables
from spectral_core.paper.claims.findings import FAILS, HOLDS, PARTLY, REPORTED, UNDECIDED, UNTESTED
from spectral_core.paper.claims.judging import KINDS
from spectral_core.paper.claims.of_the_paper import CLAIMS, judge
from spectral_core.paper.study.figures import FIGURES


@pytest.fixture(scope="module")
def judgements():
    """Every panel as written of Figs. 3 and 6, with flat curves."""
    return judge(
        {
            name: pd.concat(
                [made(p, lambda *_: 0.9) for p in FIGURES[name].panels if not p.variant]
            )
            for name in ("fig03", "fig06")
        }
    )


@pytest.fixture(scope="module")
def rows(judgements):
    """Row of each claim, in all tables together."""
    pages = (BeautifulSoup(tables.html(judgements, kind), "html.parser") for kind in KINDS)
    return {row["id"]: row for page in pages for row in page.select("tbody tr")}


def test_every_verdict_has_a_sign_of_its_own():
    assert set(tables.SYMBOLS) == {HOLDS, PARTLY, FAILS, UNDECIDED, UNTESTED, REPORTED}
    assert len(set(tables.SYMBOLS.values())) == len(tables.SYMBOLS)


def test_table_has_a_row_per_claim_of_the_kind(judgements, rows):
    assert list(rows) == [f"claim-{claim.name}" for kind in KINDS for claim in CLAIMS
                          if claim.kind == kind]  # fmt: skip


def test_row_says_claim_place_rule_and_verdict(judgements, rows):
    for judgement in judgements:
        row = rows[f"claim-{judgement.claim.name}"]
        text = row.get_text(" ")
        for said in (judgement.claim.says, judgement.claim.where, judgement.claim.rule):
            assert said in text
        shown = row.select_one("td.verdict").get_text()
        assert shown == f"{tables.SYMBOLS[judgement.verdict]} {judgement.verdict}"


def test_numbers_of_every_test_are_there(judgements, rows):
    for judgement in judgements:
        text = rows[f"claim-{judgement.claim.name}"].get_text(" ")
        for found in judgement.findings.values():
            assert all(finding.text in text for finding in found)


def test_panels_are_counted_by_variant(rows):
    text = rows["claim-fig06-pre"].get_text()
    assert "As written (3 of 3 published): ? undecided." in text
    assert "As released (0 of 3 published): ○ not tested." in text


def test_long_evidence_is_folded_behind_a_tally(rows):
    (details,) = rows["claim-fig06-pre"].select("details")
    assert details.summary.get_text() == "6 tests: 6 are undecided"
    assert len(details.select("li")) == 6
    assert not rows["claim-fig03-post"].select("details")


def test_signs_are_hidden_from_screen_readers_and_nothing_else(rows):
    for row in rows.values():
        for sign in row.select("[aria-hidden]"):
            assert sign.get_text() in tables.SYMBOLS.values()


def test_markup_in_texts_is_escaped(judgements):
    found = judgements[-1]
    tricky = found._replace(
        claim=type(found.claim)(**{**vars(found.claim), "says": "a < b & c <b>."})
    )
    page = BeautifulSoup(tables.html([tricky], found.claim.kind), "html.parser")
    assert "a < b & c <b>." in page.get_text() and not page.select("td b")


def test_tally_counts_verdicts_in_words(judgements):
    assert tables.tally(judgements, "identity") == "6 claims: 6 hold."
    assert tables.tally(judgements, "count").startswith("1 claim: 1 ")
    said = tables.tally(judgements, "finding")
    findings = [found for found in judgements if found.claim.kind == "finding"]
    untested = sum(found.verdict == UNTESTED for found in findings)
    assert said.startswith(f"{len(findings)} claims: ")
    assert said.endswith(f", {untested} are not tested.")


@pytest.mark.parametrize("show", [tables.tally, tables.html])
def test_unknown_kind_is_refused(judgements, show):
    with pytest.raises(ValueError, match=r"kind must be one of .* Did you mean 'finding'\?"):
        show(judgements, "findings")


def test_brief_lists_the_findings_of_one_verdict_with_their_places():
    judgements = judge()
    for verdict in tables.SYMBOLS:
        findings = [each for each in judgements if each.claim.kind == "finding"]
        found = [each.claim for each in findings if each.verdict == verdict]
        lines = tables.brief(judgements, verdict).splitlines()
        lines = [line for line in lines if not line.startswith("  - ")]
        assert len(lines) == max(1, len(found))
        for line, claim in zip(lines, found):
            assert line.startswith(f"- {claim.says} ({claim.where}")
        assert found or lines == ["- none"]


def test_brief_counts_tests_that_come_out_apart(judgements):
    lines = tables.brief(judgements, HOLDS).splitlines()
    (line,) = (each for each in lines if "pre is unaltered even" in each)
    assert line.endswith("(Sec. IV.A, Fig. 3)")  # one test, whose numbers follow
    assert lines[lines.index(line) + 1].startswith("  - as written: Fig. 3, ELU: pre loses")
    rows = pd.concat(made(p, lambda *_: 0.9) for p in FIGURES["fig06"].panels if not p.variant)
    fallen = (rows["activation"] == "relu") & (rows["percentile"] > 20) & (rows["method"] == "post")
    rows.loc[fallen, "accuracy"] = 0.6
    mixed = tables.brief(judge({"fig06": rows}), PARTLY)
    assert "(Abstract, Sec. IV: 2 hold, 1 does not hold)" in mixed


def test_readme_tells_the_verdicts_of_the_published_results():
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8").split()
    total, counts = tables.tally(judge(), "finding").split(" claims: ")
    assert f"Of the paper's {total} claims about trainings so far {counts}" in " ".join(readme)
