from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slo.domain.objective import ObjectiveError, format_percent, parse_objective


@pytest.mark.parametrize(
    "value", ["99.9%", "99.9 %", " 99.9% ", "99.9", "0.999", 99.9, 0.999], ids=repr
)
def test_the_ways_to_write_an_objective_are_equal_and_exact(value):
    assert parse_objective(value) == Decimal("0.999")
    assert 1 - parse_objective(value) == Decimal("0.001")


def test_less_than_a_per_cent_can_be_written():
    assert parse_objective("0.5%") == Decimal("0.005")


@pytest.mark.parametrize(
    "value", ["1", 1, 1.0, "0%", "100%", 100, "0", 0, "-5%", "101%", "1000"], ids=repr
)
def test_what_leaves_no_budget_or_promises_nothing_is_refused(value):
    with pytest.raises(ObjectiveError, match="between 0% and 100%"):
        parse_objective(value)


@pytest.mark.parametrize("value", ["", "%", "high", "99,9%", "NaN", "inf", "99.9%%", "sNaN", "1_0"])
def test_what_is_no_number_is_refused_with_an_example(value):
    with pytest.raises(ObjectiveError, match=r"write for example 99\.9%"):
        parse_objective(value)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        ("0.999", "99.9%"),
        ("0.95", "95%"),
        ("0.9", "90%"),
        ("0.99995", "99.995%"),
        ("0.5000", "50%"),
        ("0.1", "10%"),
        ("0.00001", "0.001%"),
    ],
)
def test_per_cent_has_no_trailing_zeros(share, text):
    assert format_percent(Decimal(share)) == text


@given(st.decimals("0.000001", "0.999999", places=6))
def test_what_is_written_is_read_back(objective):
    assert parse_objective(format_percent(objective)) == objective


@given(st.integers(1, 12))
def test_the_budget_of_any_number_of_nines_is_exact(nines):
    text = "0." + "9" * nines
    assert 1 - parse_objective(text) == Decimal(1).scaleb(-nines)
    assert parse_objective(float(text)) == parse_objective(text)
