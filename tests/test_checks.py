"""Checks of arguments: what they let through, and what their errors say."""

import math

import numpy as np
import pytest

from spectral_core import _checks


@pytest.mark.parametrize(
    ("check", "arguments", "error", "said"),
    [
        (_checks.choice, ("relu", ["elu", "relu"]), None, "relu"),
        (_checks.choice, ("rely", ["elu", "relu"]), ValueError, "'rely'. Did you mean 'relu'?"),
        (_checks.choice, ("zzz", ["elu", "relu"]), ValueError, "one of elu, relu; got 'zzz'."),
        (_checks.choice, (3, ["elu", "relu"]), TypeError, "one of elu, relu; got 3"),
        (_checks.whole_number, (0,), None, 0),
        (_checks.whole_number, (-1,), ValueError, "at least 0; got -1"),
        (_checks.whole_number, (0, 1), ValueError, "at least 1; got 0"),
        (_checks.whole_number, (1.0,), TypeError, "whole number of at least 0; got 1.0"),
        (_checks.whole_number, (True,), TypeError, "got True"),
        (_checks.number, (5,), None, 5.0),
        (_checks.number, (100, 0, 100), None, 100.0),
        (_checks.number, (100.5, 0, 100), ValueError, "in [0, 100]; got 100.5"),
        (_checks.number, (math.nan,), ValueError, "got nan"),
        (_checks.number, (math.inf,), ValueError, "got inf"),
        (_checks.number, ("5",), TypeError, "must be a finite number; got '5'"),
        (_checks.number, (-1, 0), ValueError, "must be a finite number of at least 0; got -1"),
        (_checks.number, (False,), TypeError, "got False"),
        (_checks.interval, ([-1, 2],), None, (-1.0, 2.0)),
        (_checks.interval, ((1, 1),), None, (1.0, 1.0)),
        (_checks.interval, ((2, 1),), ValueError, "low ≤ high; got (2, 1)"),
        (_checks.interval, ((1, 2, 3),), TypeError, "a pair (low, high); got (1, 2, 3)"),
        (_checks.interval, ((0, "1"),), TypeError, "argument[1] must be a finite number"),
        (_checks.distinct, (["a", "b"],), None, ("a", "b")),
        (_checks.distinct, ([],), ValueError, "at least one item"),
        (_checks.distinct, (["a", "a"],), ValueError, "each item once"),
        (_checks.distinct, ([[1], [1]],), ValueError, "each item once"),
        (_checks.distinct, ("ab",), TypeError, "a list or tuple; got 'ab'"),
        (_checks.whole_numbers, ([3, 3],), None, (3, 3)),
        (_checks.whole_numbers, ([],), ValueError, "at least one item"),
        (_checks.whole_numbers, (range(3),), None, (0, 1, 2)),
        (_checks.whole_numbers, (np.array([3, 4]),), None, (3, 4)),
        (_checks.whole_number, (2**63,), ValueError, "below 2^63"),
        (_checks.whole_numbers, ([1, 2.5],), TypeError, "argument[1] must be a whole number"),
        (_checks.whole_numbers, (3,), TypeError, "a list or tuple; got 3"),
        (_checks.numbers, ([0, 50], 0, 100), None, (0.0, 50.0)),
        (_checks.numbers, ([0, 101], 0, 100), ValueError, "argument[1] must be a number"),
        (_checks.numbers, ([50, 50.0], 0, 100), ValueError, "each item once"),
        (_checks.numbers, ([[50]], 0, 100), TypeError, "argument[0] must be a number"),
    ],
)
def test_value_comes_back_or_the_error_names_argument_expected_and_got(
    check, arguments, error, said
):
    if error is None:
        value = check("argument", *arguments)
        assert value == said and type(value) is type(said)
        return
    with pytest.raises(error) as caught:
        check("argument", *arguments)
    assert str(caught.value).startswith("argument")
    assert said in str(caught.value)


def test_open_lower_end_excludes_the_bound():
    assert _checks.number("rate", 0, 0) == 0
    with pytest.raises(ValueError, match=r"rate must be a finite number above 0; got 0"):
        _checks.number("rate", 0, 0, open_low=True)


def test_negative_zero_is_written_as_zero():
    assert str(_checks.number("low", -0.0)) == "0.0"
