"""Numbers and times as people read them."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from slo.web import format as fmt
from tests.web.world import DAY, NOW


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.4277, "42.8 %"),
        (-0.289, "\u221228.9 %"),
        (0.0, "0.0 %"),
        (1.0, "100.0 %"),
        (0.0000412, "0.004 %"),
        (-0.0000412, "\u22120.004 %"),
        (0.99999, "99.999 %"),
        (-14.66, "\u22121,466 %"),
        (9.994, "999.4 %"),
        (None, "\u2013"),
        (math.nan, "\u2013"),
        (math.inf, "\u2013"),
        (1e-20, "0.0 %"),
    ],
)
def test_percent(share, text):
    assert fmt.percent(share).replace(fmt.SPACE, " ") == text


@pytest.mark.parametrize(
    ("share", "objective", "text"),
    [
        (0.99943, "0.999", "99.943 %"),
        (0.9871, "0.99", "98.71 %"),
        (0.99991, "0.9995", "99.9910 %"),
        (1.0, "0.999", "100 %"),
        (0.9999999, "0.999", "99.99999 %"),
        (0.98999, "0.99", "98.999 %"),
        (0.0, "0.99", "0.00 %"),
        (None, "0.99", "\u2013"),
    ],
)
def test_an_sli_never_looks_like_its_objective_or_like_100_percent(share, objective, text):
    assert fmt.sli(share, Decimal(objective)).replace(fmt.SPACE, " ") == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (51_842_221.0, "51,842,221"),
        (0.0, "0"),
        (2.25, "2.25"),
        (0.036, "0.036"),
        (-0.964, "\u22120.964"),
        (-4e-16, "0"),
        (99.96, "100"),
        (1234.4, "1,234"),
        (-149_792.0, "\u2212149,792"),
        (None, "\u2013"),
        (math.nan, "\u2013"),
    ],
)
def test_count(number, text):
    assert fmt.count(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(51_842.0, "51,842"), (51_842.21, "51,842.2"), (51.8422, "51.84"), (0.036, "0.036")],
)
def test_amounts_are_finer_than_counts(number, text):
    assert fmt.amount(number) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.02, "2 %"), (0.00833333, "0.833 %"), (14.4, "1,440 %"), (1e4, "1,000,000 %")],
)
def test_the_share_of_a_rule_is_no_power_of_ten(share, text):
    assert fmt.short_percent(share).replace(fmt.SPACE, " ") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (12, "12 s"),
        (60, "1 min"),
        (90, "90 s"),
        (1560, "26 min"),
        (3600, "1 h"),
        (5400, "90 min"),
        (10_800, "3 h"),
        (DAY, "1 d"),
        (12 * DAY, "12 d"),
        (-5, "0 s"),
    ],
)
def test_span(seconds, text):
    assert fmt.span(seconds).replace(fmt.SPACE, " ") == text


@pytest.mark.parametrize(
    ("after", "long", "short"),
    [
        (3600, "today 21:21", "today 21:21"),
        (2 * DAY, "Sunday 20:21", "Sun 20:21"),
        (20 * DAY, "10 Dec", "Thu 20:21"),
        (60 * DAY, "19 Jan 2027", "Tue 20:21"),
    ],
)
def test_times_to_come(after, long, short):
    assert fmt.coming(NOW + after, NOW).replace(fmt.SPACE, " ") == long
    assert fmt.soon(NOW + after, NOW) == short


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (2.5, "2.5"),
        (150_000.0, "150,000"),
        (1_500_000.0, "1.5 M"),
        (-2e9, "\u22122 G"),
        (4.3e15, "4,300 T"),
    ],
)
def test_a_round_number_of_an_axis(number, text):
    assert fmt.short_count(number).replace(fmt.SPACE, " ") == text


@pytest.mark.parametrize(
    ("value", "text"), [(6.2, "6.2x"), (0.0, "0.0x"), (1234.0, "1,234x"), (None, "\u2013")]
)
def test_burn(value, text):
    assert fmt.burn(value) == text


@pytest.mark.parametrize(
    ("value", "limit", "text"),
    [
        (14.38, "14.4", "14.38x"),
        (14.4, "14.4", "14.4x"),
        (15.21, "14.4", "15.2x"),
        (5.99996, "6", "5.99996x"),
        (119.6, "120", "119.6x"),
    ],
)
def test_a_burn_rate_never_looks_like_the_threshold_that_it_does_not_reach(value, limit, text):
    assert fmt.burn(value, Decimal(limit)) == text


@pytest.mark.parametrize(
    ("share", "limit", "text"),
    [
        (0.899996, "0.9", "89.9996 %"),
        (0.9, "0.9", "90.00 %"),
        (0.29, "0.29", "29.00 %"),
        (0.51234, "0.9", "51.23 %"),
    ],
)
def test_a_share_never_looks_like_the_threshold_that_it_does_not_reach(share, limit, text):
    assert fmt.percent(share, 2, Decimal(limit)).replace(fmt.SPACE, " ") == text
