from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slo.domain.span import Span, utc
from slo.domain.window import CALENDAR_UNITS, CalendarWindow, RollingWindow

DAY = 86400
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Asia/Beirut",
    "Africa/Cairo",
    "America/Havana",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
]
zones = st.sampled_from(ZONES)
units = st.sampled_from(CALENDAR_UNITS)
instants = st.integers(
    int(datetime(2000, 1, 1, tzinfo=UTC).timestamp()),
    int(datetime(2037, 1, 1, tzinfo=UTC).timestamp()),
)


def at(text, zone="UTC"):
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def test_a_rolling_window_ends_where_it_is_asked():
    window = RollingWindow(timedelta(days=30))
    assert window.span_at(at("2026-11-20T20:00")) == Span(
        at("2026-10-21T20:00"), at("2026-11-20T20:00")
    )
    assert window.period_at(1000) == window.span_at(1000)
    assert window.label() == "30d"


@pytest.mark.parametrize(
    ("unit", "start", "end"),
    [
        ("week", "2026-11-16", "2026-11-23"),
        ("month", "2026-11-01", "2026-12-01"),
        ("quarter", "2026-10-01", "2027-01-01"),
        ("year", "2026-01-01", "2027-01-01"),
    ],
)
def test_a_calendar_period_holds_its_instants(unit, start, end):
    period = CalendarWindow(unit).period_at(at("2026-11-20T20:00"))
    assert period == Span(at(start), at(end))


def test_the_part_that_has_passed_ends_where_it_is_asked():
    now = at("2026-11-20T20:00")
    assert CalendarWindow("month").span_at(now) == Span(at("2026-11-01"), now)


@pytest.mark.parametrize("unit", CALENDAR_UNITS)
@pytest.mark.parametrize("zone", ZONES)
def test_a_periods_end_belongs_to_it_and_the_next_second_to_the_next(unit, zone):
    window = CalendarWindow(unit, zone)
    period = window.period_at(at("2026-11-20T20:00"))
    assert window.period_at(period.end) == period
    assert window.span_at(period.end) == period
    following = window.period_at(period.end + 1)
    assert following.start == period.end
    assert window.period_at(period.start).end == period.start


@pytest.mark.parametrize(
    ("month", "days"),
    [("2023-02", 28), ("2024-02", 29), ("2000-02", 29), ("2100-02", 28), ("2026-12", 31)],
)
def test_months_and_leap_years_have_their_days(month, days):
    assert CalendarWindow("month").period_at(at(f"{month}-10")).seconds == days * DAY


@pytest.mark.parametrize(("year", "days"), [(2023, 365), (2024, 366)])
def test_years_have_their_days(year, days):
    assert CalendarWindow("year").period_at(at(f"{year}-07-01")).seconds == days * DAY


@pytest.mark.parametrize("year", [2023, 2024])
@pytest.mark.parametrize(
    ("quarter", "first", "after"),
    [(1, "01-01", "04-01"), (2, "04-01", "07-01"), (3, "07-01", "10-01"), (4, "10-01", None)],
)
def test_quarters_begin_on_their_first_days(year, quarter, first, after):
    start = at(f"{year}-{first}")
    end = at(f"{year}-{after}") if after else at(f"{year + 1}-01-01")
    for instant in (start + 1, (start + end) // 2, end):
        assert CalendarWindow("quarter").period_at(instant) == Span(start, end), quarter


def test_summer_time_makes_periods_shorter_and_longer():
    march = CalendarWindow("month", "Europe/Berlin").period_at(at("2026-03-15"))
    october = CalendarWindow("month", "Europe/Berlin").period_at(at("2026-10-15"))
    assert march.seconds == 31 * DAY - 3600
    assert october.seconds == 31 * DAY + 3600
    assert march == Span(at("2026-02-28T23:00"), at("2026-03-31T22:00"))


def test_a_week_over_a_change_of_clocks_begins_on_local_mondays():
    week = CalendarWindow("week", "America/New_York").period_at(at("2026-11-01T12:00"))
    assert week == Span(at("2026-10-26", "America/New_York"), at("2026-11-02", "America/New_York"))
    assert week.seconds == 7 * DAY + 3600


@pytest.mark.parametrize(
    ("zone", "unit", "inside", "first_instant"),
    [
        # Clocks went from 23:59:59 on the 3rd to 01:00 on the 4th, a Sunday; no period began.
        ("America/Sao_Paulo", "month", "2018-11-04T12:00", "2018-11-01T03:00"),
        ("Asia/Beirut", "month", "2018-04-10", "2018-03-31T21:00"),
        ("America/Asuncion", "month", "2017-10-10", "2017-10-01T04:00"),  # 00:00 -> 01:00
        ("America/Asuncion", "quarter", "2017-11-10", "2017-10-01T04:00"),
        ("Asia/Amman", "quarter", "2005-05-10", "2005-03-31T22:00"),  # 1 April 2005, 00:00 -> 01:00
    ],
)
def test_a_missing_midnight_is_the_days_first_instant(zone, unit, inside, first_instant):
    period = CalendarWindow(unit, zone).period_at(at(inside))
    assert period.start == at(first_instant)
    tz = ZoneInfo(zone)
    assert utc(period.start).astimezone(tz).date() == utc(period.start + 60).astimezone(tz).date()
    assert utc(period.start - 1).astimezone(tz).date() < utc(period.start).astimezone(tz).date()


def test_a_day_without_midnight_in_sao_paulo_starts_at_one():
    """The week in which 4 November 2018 lies is an hour shorter, and its days are all in it."""
    week = CalendarWindow("week", "America/Sao_Paulo").period_at(at("2018-11-04T12:00"))
    assert week == Span(at("2018-10-29T03:00"), at("2018-11-05T02:00"))
    assert week.seconds == 7 * DAY - 3600


def test_a_midnight_that_comes_twice_counts_the_first_time():
    """Havana sets its clocks back at 01:00, so 1 November 2015 had two midnights."""
    month = CalendarWindow("month", "America/Havana").period_at(at("2015-11-15"))
    assert month.start == at("2015-11-01T04:00")


def test_a_whole_missing_day_shortens_the_week():
    """Samoa had no 30 December 2011."""
    week = CalendarWindow("week", "Pacific/Apia").period_at(at("2011-12-28"))
    assert week.seconds == 6 * DAY
    year = CalendarWindow("year", "Pacific/Apia").period_at(at("2011-06-01"))
    assert year.end == at("2011-12-31T10:00")


@given(instants, units, zones)
def test_every_instant_lies_in_just_one_period(instant, unit, zone):
    window = CalendarWindow(unit, zone)
    period = window.period_at(instant)
    assert period.start < instant <= period.end
    assert window.period_at(period.end) == period
    assert window.period_at(period.end + 1).start == period.end
    assert window.span_at(instant) == Span(period.start, instant)


def test_periods_are_gone_back_over_as_far_as_something_began():
    month = CalendarWindow("month")
    found = month.periods_back(at("2026-03-01"), at("2025-12-31"))
    assert [utc(period.start).month for period in found] == [2, 1, 12]
    assert not [*month.periods_back(at("2026-03-01"), at("2026-03-01"))]


@given(instants, units, zones)
def test_a_period_begins_with_the_first_instant_of_its_local_day(instant, unit, zone):
    tz = ZoneInfo(zone)
    start = CalendarWindow(unit, zone).period_at(instant).start
    before, first = (utc(t).astimezone(tz).date() for t in (start - 1, start))
    assert before < first
    assert {
        "week": first.weekday() == 0,
        "month": first.day == 1,
        "quarter": first.day == 1 and first.month in {1, 4, 7, 10},
        "year": (first.month, first.day) == (1, 1),
    }[unit]


def test_a_calendar_window_is_named_with_its_zone():
    assert CalendarWindow("month").label() == "month"
    assert CalendarWindow("quarter", "Europe/Berlin").label() == "quarter (Europe/Berlin)"
