"""Steps: names that hold all of a configuration, at its defaults or not."""

import dataclasses

import pytest
from made_runs import cut

from spectral_core.paper.study import steps
from spectral_core.paper.study.methods import METHODS


def another(value):
    """A value that differs from the given one."""
    if isinstance(value, tuple | str):
        return value + value
    if dataclasses.is_dataclass(value):
        return dataclasses.replace(value, seed=value.seed + 1)
    return (not value) if isinstance(value, bool) else (value or 0) + 1


@pytest.mark.parametrize("step", [cut("post").trained, cut("pre")], ids=["train", "cut"])
def test_key_changes_with_every_field_and_with_the_version_of_the_algorithm(step, monkeypatch):
    names = [field.name for field in dataclasses.fields(step)]
    changed = [dataclasses.replace(step, **{n: another(getattr(step, n))}) for n in names]
    keys = {step.key, *(other.key for other in changed)}
    monkeypatch.setattr(steps, "ALGORITHM", steps.ALGORITHM + 1)
    assert len({step.key, *keys}) == len(names) + 2


def test_an_epoch_in_rounds_costs_what_they_leave_on_average():
    assert (cut(percentile=80).epoch_cost, cut(percentile=80, rounds=4).epoch_cost) == (20, 50)


@pytest.mark.parametrize("method", METHODS)
def test_a_method_shares_one_trained_network_with_all_its_levels_and_controls(method):
    steps = [cut(method, percentile) for percentile in (0, 50, 90)]
    assert len({step.trained.key for step in steps}) == 1 and len({step.key for step in steps}) == 3
    assert steps[0].trained in [cut(name).trained for name in ("direct", "post", "pre")]
    epochless = cut(method, epochs=0, retraining_epochs=0)
    assert (epochless.retrains is None) == (not epochless.restarts)


@pytest.mark.parametrize(
    ("method", "layers", "trains", "score", "retrains", "epochs"),
    [
        ("direct", "direct", "both", "connectivity", None, 0),
        ("post", "spectral", "both", "eigenvalue", None, 0),
        ("pre", "spectral", "eigenvalues", "eigenvalue", "eigenvectors", 2),
        ("fresh", "spectral", "eigenvalues", "eigenvalue", "both", 2 + 2),
        ("fresh-short", "spectral", "eigenvalues", "eigenvalue", "both", 2),
    ],
)
def test_methods_train_rank_and_retrain_as_the_paper_says(
    method, layers, trains, score, retrains, epochs
):
    step = cut(method)
    assert (step.trained.layers, step.trained.trains, step.score) == (layers, trains, score)
    assert (step.retrains, step.retraining_epochs) == (retrains, epochs)


@pytest.mark.parametrize(
    ("method", "unused"),
    [
        ("direct", {"stage_two": "both", "retraining_epochs": 7}),
        ("direct", {"eigenvalue_range": (0, 1), "eigenvector_range": (0, 1)}),
        ("direct-inputs", {"rounds": 4}),
        ("post", {"stage_two": "both", "retraining_epochs": 7, "rounds": 4}),
        ("post-retrained", {"stage_two": "both"}),
        ("fresh", {"stage_two": "both", "rounds": 4}),
    ],
)
def test_settings_that_a_method_ignores_leave_its_steps_alone(method, unused):
    assert cut(method, **unused) == cut(method)
    assert cut("pre", **unused).key != cut("pre").key


def test_without_stage_two_there_are_no_rounds():
    assert cut("pre", rounds=4, retraining_epochs=0) == cut("pre", retraining_epochs=0)
