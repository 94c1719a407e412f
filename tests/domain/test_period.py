from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slo.domain.period import PeriodError, parse_period, period_at


def at(text):
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp())


@pytest.mark.parametrize(
    ("name", "zone", "start", "end", "title"),
    [
        ("2026-10", "UTC", "2026-10-01T00:00Z", "2026-11-01T00:00Z", "October 2026"),
        ("2026-Q4", "UTC", "2026-10-01T00:00Z", "2027-01-01T00:00Z", "Q4 2026"),
        ("2026", "UTC", "2026-01-01T00:00Z", "2027-01-01T00:00Z", "2026"),
        ("2026-W47", "UTC", "2026-11-16T00:00Z", "2026-11-23T00:00Z", "week 47 of 2026"),
        ("2026-W53", "UTC", "2026-12-28T00:00Z", "2027-01-04T00:00Z", "week 53 of 2026"),
        (
            "2026-10",
            "Europe/Berlin",
            "2026-10-01T00:00+02:00",
            "2026-11-01T00:00+01:00",
            "October 2026",
        ),
        (
            "2026-01",
            "Pacific/Kiritimati",
            "2026-01-01T00:00+14:00",
            "2026-02-01T00:00+14:00",
            "January 2026",
        ),
        (
            "2026-01",
            "Pacific/Pago_Pago",
            "2026-01-01T00:00-11:00",
            "2026-02-01T00:00-11:00",
            "January 2026",
        ),
    ],
)
def test_a_name_is_a_span_in_its_zone(name, zone, start, end, title):
    found = parse_period(name, zone)
    assert (found.name, found.zone, found.title) == (name, zone, title)
    assert (found.span.start, found.span.end) == (at(start), at(end))


def test_letters_may_be_small_and_spaces_around():
    assert parse_period(" 2026-q1 ") == parse_period("2026-Q1")


@pytest.mark.parametrize(
    "text",
    ["", "2026-13", "2026-00", "2026-Q5", "2026-W54", "2025-W53", "26-10", "2026-1", "0001",
     "9999", "2026-10-01", "x" * 10_000, "\u0662\u0660\u0662\u0666"],
)  # fmt: skip
def test_what_is_no_period_is_refused_with_an_example(text):
    with pytest.raises(PeriodError, match="2026-W47"):
        parse_period(text)


def test_an_unknown_zone_is_refused():
    with pytest.raises(PeriodError, match="Europe/Berlin"):
        parse_period("2026", "Mars/Olympus")


@given(
    st.integers(at("1990-01-01T00:00Z"), at("2060-01-01T00:00Z")),
    st.sampled_from(["week", "month", "quarter", "year"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/Santiago", "Asia/Kolkata"]),
)
def test_periods_lie_side_by_side_and_their_names_read_back(instant, unit, zone):
    found = period_at(instant, unit, zone)
    assert found.span.start < instant <= found.span.end
    assert found.before.span.end == found.span.start
    assert found.after.span.start == found.span.end
    assert parse_period(found.name, zone) == found
