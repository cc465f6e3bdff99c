"""Checks of arguments: what they let through, and what their errors say."""

import math

import numpy as np
import pytest

from spectral_core import _checks


@pytest.mark.parametrize(
    ("check", "arguments", "value"),
    [
        (_checks.number, (5,), 5.0),
        (_checks.number, (-0.0,), 0.0),
        (_checks.interval, ([1, 1],), (1.0, 1.0)),
        (_checks.distinct, (["a", "b"],), ("a", "b")),
        (_checks.whole_numbers, (np.array([3, 3]),), (3, 3)),
        (_checks.numbers, ([0, 50], 0, 100), (0.0, 50.0)),
    ],
)
def test_what_is_right_comes_back(check, arguments, value):
    found = check("argument", *arguments)
    assert str(found) == str(value) and type(found) is type(value)  # −0.0 is written as 0.0


@pytest.mark.parametrize(
    ("check", "arguments", "error", "said"),
    [
        (_checks.choice, (3, ["elu", "relu"]), TypeError, "one of elu, relu; got 3"),
        (_checks.whole_number, (True,), TypeError, "got True"),
        (_checks.whole_number, (2**63,), ValueError, "below 2^63"),
        (_checks.number, (math.nan,), ValueError, "got nan"),
        (_checks.number, (math.inf,), ValueError, "got inf"),
        (_checks.number, (False,), TypeError, "got False"),
        (_checks.interval, ((1, 2, 3),), TypeError, "a pair (low, high); got (1, 2, 3)"),
        (_checks.interval, ((0, "1"),), TypeError, "argument[1] must be a finite number"),
        (_checks.distinct, ([],), ValueError, "at least one item"),
        (_checks.distinct, ([[1], [1]],), ValueError, "each item once"),
        (_checks.distinct, ("ab",), TypeError, "a list or tuple; got 'ab'"),
        (_checks.whole_numbers, ([1, 2.5],), TypeError, "argument[1] must be a whole number"),
        (_checks.numbers, ([0, 101], 0, 100), ValueError, "argument[1] must be a number"),
    ],
)
def test_an_error_names_the_argument_what_was_expected_and_what_came(check, arguments, error, said):
    with pytest.raises(error) as caught:
        check("argument", *arguments)
    assert str(caught.value).startswith("argument") and said in str(caught.value)
