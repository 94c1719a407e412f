"""How many digits a number is told with."""

from __future__ import annotations

import math

import pytest

from slo.domain.digits import significant, told_apart


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (2.0, "2"),
        (0.8333, "0.833"),
        (-0.036, "-0.036"),
        (14.38, "14.4"),
        (99.96, "100"),
        (1440.0, "1,440"),
        (1e6, "1,000,000"),
        (-4e-16, "0"),
        (math.inf, "inf"),
    ],
)
def test_digits_that_mean_something_are_told_and_no_power_of_ten(number, text):
    assert significant(number, 3) == text


@pytest.mark.parametrize(
    ("number", "limit", "text"),
    [
        (14.38, 14.4, "14.38"),
        (14.3996, 14.4, "14.3996"),
        (14.4, 14.4, "14.4"),
        (14.4002, 14.4, "14.4002"),
        (14.4 - 2e-15, 14.4, "14.4"),
        (1000.0, 14.4, "1,000.0"),
    ],
)
def test_a_number_reads_on_its_side_of_a_limit(number, limit, text):
    assert told_apart(number, lambda digits: f"{number:,.{digits}f}", 1, limit) == text
