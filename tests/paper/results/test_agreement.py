"""Two runs of a study compared, point by point."""

import math

import pytest
from made_tables import of_seeds

from spectral_core.paper.results.agreement import agreement
from spectral_core.paper.results.tables import NoResults, collect


def test_identical_runs_agree(finished):
    table = collect(*finished)
    compared = agreement(table, table)
    assert compared["agrees"].all() and (compared["difference"] == 0).all()
    assert len(compared) == 3 * 3


def test_shifted_curve_is_caught_and_only_that():
    ours = of_seeds([(0.90, 0.50), (0.91, 0.51), (0.89, 0.49)])
    theirs = of_seeds([(0.90, 0.60), (0.91, 0.61), (0.89, 0.59)])
    compared = agreement(ours, theirs)
    assert list(compared["agrees"]) == [True, False]
    assert compared["difference"][1] == pytest.approx(-0.1)


def test_tolerance_is_three_standard_errors_of_the_difference_and_a_floor():
    ours = of_seeds([(0.90, 0.5), (0.92, 0.5)])  # variances 0.0002 and 0
    theirs = of_seeds([(0.80, 0.5), (0.84, 0.5), (0.88, 0.5)])  # variances 0.0016 and 0
    tolerance = agreement(ours, theirs)["tolerance"]
    pooled = math.sqrt((1 * 0.0002 + 2 * 0.0016) / 3)
    assert tolerance[0] == pytest.approx(0.01 + 3 * pooled * math.sqrt(1 / 2 + 1 / 3))
    assert tolerance[1] == pytest.approx(0.01)


def test_single_seeds_have_the_floor_alone():
    compared = agreement(of_seeds([(0.9, 0.5)]), of_seeds([(0.9, 0.52)]))
    assert list(compared["tolerance"]) == [0.01, 0.01]
    assert list(compared["agrees"]) == [True, False]


def test_not_a_number_never_agrees():
    broken = of_seeds([(math.nan, 0.5)])
    assert list(agreement(broken, broken)["agrees"]) == [False, True]


def test_runs_without_a_common_point_cannot_be_compared():
    with pytest.raises(NoResults, match="no panel, method, penalty and percentile in common"):
        agreement(of_seeds([(0.9, 0.5)]), of_seeds([(0.9, 0.5)], method="post"))
