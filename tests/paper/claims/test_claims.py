"""Claims: each rule decides as its words say, and the published results really decide."""

from typing import NamedTuple

import pandas as pd
import pytest
from made_tables import made

from spectral_core.paper.claims import identities
from spectral_core.paper.claims.findings import FAILS, HOLDS, PARTLY, REPORTED, UNDECIDED, UNTESTED
from spectral_core.paper.claims.judging import KINDS
from spectral_core.paper.claims.of_the_paper import CLAIMS, judge
from spectral_core.paper.results import publishing
from spectral_core.paper.results.by_panel import curves, read
from spectral_core.paper.study import figures
from spectral_core.paper.study.figures import FIGURES, TRIAL, Figure, Panel

NOISE = (0.004, -0.002, 0.0, -0.003, 0.001)  # of mean 0, over seeds
BY_NAME = {claim.name: claim for claim in CLAIMS}


class Point(NamedTuple):
    """What an accuracy may depend on."""

    figure: str
    method: str
    q: float
    penalty: float


def step(at, drop, level=0.9):
    """Level up to a cut, lower beyond it."""
    return lambda point: level if point.q <= at else level - drop


def levels(**by_method):
    """Accuracies by method, constant or functions of the point."""

    def accuracy(point):
        level = by_method.get(point.method, 0.9)
        return level(point) if callable(level) else level

    return accuracy


def beyond(cut, low, high):
    return lambda point: high if point.q >= cut else low


def deeper(one_layer, three_layers):
    return lambda point: three_layers if point.figure == "fig04" else one_layer


def with_penalty(best, others):
    """``best`` at γ = 0.001; without a penalty 0.8, falling to ``others`` with nodes removed."""
    return lambda point: {0.0: 0.8 if point.q == 0 else others, 0.001: best}[point.penalty]


RULES = {
    "marker": {
        HOLDS: levels(**{"post-random": 0.8}),
        UNDECIDED: levels(**{"post-random": 0.8995}),
        FAILS: levels(**{"post-random": 0.95}),
    },
    **{
        f"vast-majority-{method}": {
            HOLDS: levels(**{method: step(75, 0.3)}),
            PARTLY: levels(**{method: step(50, 0.03)}),
            FAILS: levels(**{method: step(50, 0.3)}),
        }
        for method in ("post", "pre")
    },
    "same-accuracy": {
        HOLDS: levels(post=0.903),
        UNDECIDED: levels(post=0.909),
        FAILS: levels(post=0.93),
    },
    "fig03-direct": {
        HOLDS: levels(direct=step(60, 0.3)),
        PARTLY: levels(direct=step(45, 0.3)),
        FAILS: levels(direct=step(30, 0.3)),
    },
    "fig03-post": {
        HOLDS: levels(post=step(70, 0.3)),
        PARTLY: levels(post=step(50, 0.04)),
        FAILS: levels(post=step(50, 0.3)),
    },
    "fig03-pre": {
        HOLDS: levels(),
        PARTLY: levels(pre=step(90, 0.02)),
        FAILS: levels(pre=step(90, 0.1)),
    },
    "winning-ticket": {
        HOLDS: levels(post=step(0, 0.5)),
        PARTLY: levels(post=step(0, 0.5, level=0.93)),
        FAILS: levels(post=step(0, 0.5, level=0.99)),
    },
    "suitable-start": {
        HOLDS: levels(**{"fresh": 0.8, "pre-random": 0.8}),
        PARTLY: levels(**{"fresh": 0.8, "pre-random": 0.95}),
        FAILS: levels(pre=0.8),
    },
    "post-over-direct": {
        HOLDS: levels(direct=0.8),
        UNDECIDED: levels(direct=0.8995),
        FAILS: levels(direct=0.95),
    },
    "fig04-direct": {
        HOLDS: levels(direct=step(20, 0.3)),
        PARTLY: levels(direct=step(30, 0.3)),
        FAILS: levels(direct=step(60, 0.3)),
    },
    "fig04-post": {
        HOLDS: levels(post=step(60, 0.3)),
        PARTLY: levels(post=step(45, 0.3)),
        FAILS: levels(post=step(35, 0.3)),
    },
    "fig04-pre": {
        HOLDS: levels(pre=step(90, 0.3)),
        PARTLY: levels(pre=step(80, 0.03)),
        FAILS: levels(pre=step(80, 0.3)),
    },
    "fig04-lead": {
        HOLDS: levels(direct=deeper(0.8, 0.6)),
        UNDECIDED: levels(direct=deeper(0.8, 0.799)),
        FAILS: levels(direct=deeper(0.8, 0.85)),
    },
    "pre-over-post": {
        HOLDS: levels(post=0.8),
        PARTLY: levels(post=beyond(70, 0.95, 0.5)),
        FAILS: levels(post=beyond(50, 0.5, 0.95)),
    },
    **{
        name: {
            HOLDS: levels(post=0.8),
            UNDECIDED: levels(post=0.8995),
            FAILS: levels(post=0.95),
        }
        for name in ("fig06-relu", "fig07-relu")
    },
    **{
        name: {
            HOLDS: levels(post=0.8, direct=0.7),
            PARTLY: levels(post=beyond(60, 0.95, 0.5), direct=beyond(60, 0.95, 0.5)),
            FAILS: levels(pre=0.7),
        }
        for name in ("fig06-pre", "fig07-pre")
    },
    **{
        name: {
            HOLDS: levels(direct=0.8),
            PARTLY: levels(direct=0.8, post=0.7),
            FAILS: levels(direct=0.95),
        }
        for name in ("fig08-spectral", "fig08-relu", "fig09-spectral")
    },
    "fig11-stable": {
        HOLDS: with_penalty(0.8, 0.3),
        PARTLY: with_penalty(0.77, 0.3),
        FAILS: with_penalty(0.6, 0.3),
    },
    "fig11-better": {
        HOLDS: with_penalty(0.8, 0.3),
        PARTLY: levels(
            post=with_penalty(0.8, 0.3), pre=with_penalty(0.2, 0.3), direct=0.9
        ),
        FAILS: with_penalty(0.2, 0.3),
    },
}  # fmt: skip
"""For each claim that results decide: accuracies with which it holds, and so on."""


@pytest.fixture
def with_cifar(monkeypatch):
    """Figs. 10 and 11, whether or not the registry has them."""
    panel = Panel("cifar10", "elu", (512,), output_bias=True)
    for name in ("fig10", "fig11"):
        monkeypatch.setitem(figures.FIGURES, name, Figure("CIFAR-10", (panel,)))


def publish(figures, accuracy, variant="", **options):
    """Made-up results of every panel of some figures, in one variant."""

    def of(figure, panel):
        def at(method, q, seed, penalty):
            noise = NOISE[seed] * (1 if method == "post" else 0.1)
            return accuracy(Point(figure, method, q, penalty)) + noise

        return made(panel, at, **options)

    return {
        figure: pd.concat([of(figure, p) for p in FIGURES[figure].panels if p.variant == variant])
        for figure in figures
    }


def verdict_of(name, published):
    (found,) = judge(published, names=[name])
    return found


@pytest.mark.parametrize(
    ("name", "verdict"), [(name, verdict) for name, rule in RULES.items() for verdict in rule]
)
def test_rule_decides(name, verdict, with_cifar):
    claim = BY_NAME[name]
    penalties = (0.0, 0.001) if "fig11" in claim.figures else (0.0,)
    published = publish(claim.figures, RULES[name][verdict], penalties=penalties)
    found = verdict_of(name, published)
    assert found.verdict == found.verdict_of("as written") == verdict
    assert found.evidence.startswith("as written: ")
    assert all(finding.text in found.evidence for finding in found.findings["as written"])


@pytest.mark.parametrize(("left", "verdict"), [(100, HOLDS), (700, PARTLY), (1000, FAILS)], ids=str)
def test_rule_of_the_count_decides(left, verdict):
    claim = BY_NAME["fewer-parameters"]
    published = {
        figure: rows.assign(
            nodes=100, parameters=rows["percentile"].map(lambda q: 1000 if q == 0 else left)
        )
        for figure, rows in publish(claim.figures, levels()).items()
    }
    assert verdict_of(claim.name, published).verdict == verdict


def test_claim_about_a_figure_without_order_is_reported(with_cifar):
    found = verdict_of("fig10", publish(["fig10"], levels()))
    assert found.verdict == REPORTED and "Fig. 10, ELU: direct 90.0 % at 0" in found.evidence


def test_every_claim_has_a_rule_that_is_put_to_the_test():
    decided = {claim.name for claim in CLAIMS if claim.kind == "finding"}
    assert decided == set(RULES)
    assert {claim.kind for claim in CLAIMS} == set(KINDS)
    assert len(BY_NAME) == len(CLAIMS)


@pytest.mark.parametrize("name", BY_NAME)
def test_claim_says_what_where_and_by_which_rule(name):
    claim = BY_NAME[name]
    assert claim.says.endswith(".") and claim.rule.endswith(".")
    assert any(word in claim.where for word in ("Sec.", "Eq.", "Fig.", "Appendix"))
    assert bool(claim.figures) == (claim.kind != "identity")


def test_nothing_is_tested_without_results():
    for found in judge({}):
        assert found.verdict == (HOLDS if found.claim.kind == "identity" else UNTESTED)
        assert all(published == 0 for published, _ in found.panels.values())


def test_missing_method_leaves_a_claim_untested():
    only_pre = publish(["fig03"], levels(), methods=["pre"])
    assert verdict_of("fig03-post", only_pre).verdict == UNTESTED
    assert verdict_of("fig03-pre", only_pre).verdict == HOLDS


def test_panels_that_are_there_decide_and_are_counted():
    published = publish(["fig06"], levels(post=0.8, direct=0.7))
    some = published["fig06"][published["fig06"]["activation"] != "tanh"]
    found = verdict_of("fig06-pre", {"fig06": some})
    assert found.verdict == HOLDS
    assert found.panels["as written"] == (2, 3)
    assert {finding.text[:12].strip() for finding in found.findings["as written"]} == {
        "Fig. 6, ELU:", "Fig. 6, ReLU",
    }  # fmt: skip


def test_variants_are_judged_apart_and_then_together():
    written = publish(["fig03"], levels(post=step(70, 0.3)))["fig03"]
    released = publish(["fig03"], levels(post=step(30, 0.3)), "released")["fig03"]
    found = verdict_of("fig03-post", {"fig03": pd.concat([written, released])})
    assert found.verdict_of("as written") == HOLDS
    assert found.verdict_of("as released") == FAILS
    assert found.verdict == PARTLY
    assert verdict_of("fig03-post", {"fig03": released}).verdict == FAILS


def test_a_trial_is_no_part_of_a_claim():
    written = publish(["fig03"], levels(post=step(70, 0.3)))["fig03"]
    trial = publish(["fig03"], levels(post=step(30, 0.3)), TRIAL)["fig03"]
    assert len(trial) and curves({"fig03": trial}) == []
    both = verdict_of("fig03-post", {"fig03": pd.concat([written, trial])})
    assert both == verdict_of("fig03-post", {"fig03": written}) and both.verdict == HOLDS


def test_results_of_open_questions_are_read_where_a_claim_asks_for_them(monkeypatch):
    asked = []
    monkeypatch.setattr(publishing, "published", lambda figure, *_: asked.append(figure))
    papers = FIGURES.keys() - figures.QUESTIONS.keys()
    assert read().keys() == set(asked) == papers
    assert read(questions=["score"]).keys() == papers | {"score"}


def test_unknown_panel_is_named():
    rows = publish(["fig03"], levels())["fig03"].assign(panel="mnist-elu-7")
    with pytest.raises(ValueError, match=r"panels of fig03 must be among .*; got \['mnist-elu-7'"):
        judge({"fig03": rows})


def test_unknown_claim_is_named():
    with pytest.raises(ValueError, match="Did you mean 'fig03-post'"):
        judge({}, names=["fig03-past"])


def test_curves_come_panel_by_panel():
    published = publish(["fig07", "fig03"], levels())
    found = curves(published)
    assert [str(each) for each in found] == ["Fig. 7, ReLU", "Fig. 7, tanh", "Fig. 3, ELU"]
    assert all(set(each.table["panel"]) == {each.panel.name} for each in found)


def test_broken_identity_does_not_hold(monkeypatch):
    monkeypatch.setitem(identities.IDENTITIES, "weights", lambda: 0.25)
    found = {each.claim.name: each for each in judge({})}
    assert found["weights"].verdict == FAILS and "2e-01" in found["weights"].evidence
    assert found["inverse"].verdict == HOLDS


# What is published


@pytest.fixture
def fig03():
    return {"fig03": publishing.published("fig03", "paper", "fashion-mnist-elu-500")}


def changed(fig03, method, accuracy, cuts):
    """The published table with another accuracy of a method at some cuts."""
    rows = fig03["fig03"].copy()
    chosen = (rows["method"] == method) & rows["percentile"].isin(cuts)
    assert chosen.any()
    rows.loc[chosen, "accuracy"] = accuracy
    return {"fig03": rows}


def test_published_results_decide_and_a_changed_one_changes_the_verdict(fig03):
    assert verdict_of("pre-over-post", fig03).verdict == HOLDS
    worse = changed(fig03, "pre", 0.1, [90.0])
    assert verdict_of("pre-over-post", worse).verdict == PARTLY
    assert "behind at 1 (by up to" in verdict_of("pre-over-post", worse).evidence
    one_seed = {"fig03": fig03["fig03"].query("seed == 0")}
    assert verdict_of("pre-over-post", one_seed).verdict == UNTESTED


def test_published_curve_made_flat_makes_its_claim_hold(fig03):
    before = verdict_of("fig03-post", fig03).verdict
    assert before != HOLDS
    uncut = fig03["fig03"].query("method == 'post' and percentile == 0")["accuracy"].mean()
    flat = changed(fig03, "post", uncut, [5.0 * step for step in range(1, 20)])
    assert verdict_of("fig03-post", flat).verdict == HOLDS


def test_published_results_are_read_by_themselves(fig03):
    found = verdict_of("fig03-post", None)
    alone = verdict_of("fig03-post", fig03)
    assert found.findings["as written"] == alone.findings["as written"]


def test_preset_without_published_results_is_not_tested(project):
    assert {found.verdict for found in judge(preset="smoke")} == {HOLDS, UNTESTED}
