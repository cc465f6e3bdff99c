"""Two runs of a study compared, point by point."""

import math

import pytest
from made_tables import curves

from spectral_core.paper.results.agreement import agreement
from spectral_core.paper.results.collect import NoResults


def compared(ours, theirs):
    """Of ``pre`` at 0 and 90 %, given the accuracies of the seeds."""
    return agreement(*(curves({"pre": dict(zip((0, 90), of))}) for of in (ours, theirs)))


def test_tolerance_is_three_standard_errors_of_the_difference_and_a_floor():
    ours = [(0.90, 0.92), (0.5, 0.5)]  # variances 0.0002 and 0
    theirs = [(0.80, 0.84, 0.88), (0.6, 0.6, 0.6)]  # variances 0.0016 and 0
    found = compared(ours, theirs)
    pooled = math.sqrt((1 * 0.0002 + 2 * 0.0016) / 3)
    tolerance = [0.01 + 3 * pooled * math.sqrt(1 / 2 + 1 / 3), 0.01]
    assert list(found["tolerance"]) == pytest.approx(tolerance)
    assert list(found["difference"]) == pytest.approx([0.07, -0.1])
    assert list(found["agrees"]) == [True, False]


@pytest.mark.parametrize(
    ("ours", "theirs", "agrees"),
    [
        ([(0.9, 0.8), (0.5, 0.4)], [(0.9, 0.8), (0.5, 0.4)], [True, True]),
        ([(0.9,), (0.5,)], [(0.9,), (0.52,)], [True, False]),  # the floor alone
        ([(math.nan,), (0.5,)], [(math.nan,), (0.5,)], [False, True]),
    ],
)
def test_equal_runs_agree_and_what_is_no_number_never(ours, theirs, agrees):
    assert list(compared(ours, theirs)["agrees"]) == agrees


def test_runs_without_a_common_point_cannot_be_compared():
    with pytest.raises(NoResults, match="no panel, method, penalty and percentile in common"):
        agreement(curves({"pre": {0: (0.9,)}}), curves({"post": {0: (0.9,)}}))
