"""Times that come again: by rule, on wall clocks that jump."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil import tz
from dateutil.rrule import rrulestr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from slo.domain.span import Span, rfc3339
from slo.recurrence import (
    MOST_OCCURRENCES,
    Recurrence,
    RecurrenceError,
    instant_of,
    occurrences,
    parse_recurrence,
)

HOUR = timedelta(hours=1)
DAY = 86_400


def at(text):
    return int(datetime.fromisoformat(text).timestamp())


def wall(text):
    return datetime.fromisoformat(text)


def starts(rule, start, zone, since, until, length=HOUR):
    found = occurrences(parse_recurrence(rule, start, zone, length), at(since), at(until))
    return [rfc3339(span.start) for span in found]


def test_a_weekly_rule_keeps_its_local_time_across_the_end_of_summer_time():
    found = starts(
        "FREQ=WEEKLY;BYDAY=SU",
        "2026-10-18T04:00",
        "Europe/Berlin",
        "2026-10-01T00:00Z",
        "2026-11-08T00:00Z",
    )
    assert found == ["2026-10-18T02:00:00Z", "2026-10-25T03:00:00Z", "2026-11-01T03:00:00Z"]


@pytest.mark.parametrize(
    ("zone", "day", "before", "gap", "after"),
    [
        # The clocks go from 2:00 to 3:00: 2:30 is read with the offset before, which is 3:30.
        ("Europe/Berlin", "2026-03-28", "01:30", "2026-03-29T01:30:00Z", "00:30"),
        ("America/New_York", "2026-03-07", "07:30", "2026-03-08T07:30:00Z", "06:30"),
    ],
)
def test_a_time_that_does_not_exist_lies_after_the_gap(zone, day, before, gap, after):
    found = starts("FREQ=DAILY;COUNT=3", f"{day}T02:30", zone, f"{day}T00:00Z", "2026-04-01T00:00Z")
    assert [t[11:16] for t in found] == [before, gap[11:16], after]
    assert found[1] == gap
    local = datetime.fromisoformat(gap).astimezone(ZoneInfo(zone))
    assert (local.hour, local.minute) == (3, 30)


@pytest.mark.parametrize(
    ("zone", "day", "first"),
    [
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00Z"),
        ("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30:00Z"),
    ],
)
def test_of_a_time_that_comes_twice_the_first_is_meant(zone, day, first):
    found = starts("FREQ=DAILY;COUNT=1", day, zone, "2026-10-01T00:00Z", "2026-12-01T00:00Z")
    assert found == [first]


def test_an_occurrence_lasts_real_seconds_over_a_change_of_the_clock():
    rule = parse_recurrence("FREQ=DAILY;COUNT=1", "2026-10-25T01:00", "Europe/Berlin", 4 * HOUR)
    (span,) = occurrences(rule, 0, at("2026-12-01T00:00Z"))
    assert span.seconds == 4 * 3600
    assert rfc3339(span.end) == "2026-10-25T03:00:00Z"  # 4:00 winter time: five hours on the wall.


def test_two_wall_times_that_are_one_instant_are_one_occurrence():
    found = starts(
        "FREQ=DAILY;COUNT=2;BYHOUR=2,3;BYMINUTE=30",
        "2026-03-29T02:30",
        "Europe/Berlin",
        "2026-03-01T00:00Z",
        "2026-04-01T00:00Z",
    )
    assert found == ["2026-03-29T01:30:00Z"]


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("20261206", "2026-12-06T01:00:00Z"),  # The whole day counts.
        ("20261206T020000", "2026-12-06T01:00:00Z"),
        ("20261206T015959", "2026-11-29T01:00:00Z"),
        ("20261206T010000Z", "2026-12-06T01:00:00Z"),
        ("20261206T005959Z", "2026-11-29T01:00:00Z"),
    ],
)
def test_until_is_a_day_a_local_time_or_an_instant(until, last):
    found = starts(
        f"FREQ=WEEKLY;BYDAY=SU;UNTIL={until}",
        "2026-11-22T02:00",
        "Europe/Berlin",
        "2026-11-01T00:00Z",
        "2027-11-01T00:00Z",
    )
    assert found[-1] == last


def test_a_split_anywhere_gives_the_same_occurrences():
    rule = parse_recurrence("FREQ=DAILY;BYHOUR=1,2,3", "2026-03-20T01:30", "Europe/Berlin", HOUR)
    first, last = at("2026-03-20T00:00Z"), at("2026-04-05T00:00Z")
    whole = occurrences(rule, first, last)
    for middle in (at("2026-03-29T00:30Z"), at("2026-03-29T01:30Z"), whole[7].start):
        assert [*occurrences(rule, first, middle), *occurrences(rule, middle, last)] == whole


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("FREQ=HOURLY", "FREQ must be one of DAILY, WEEKLY"),
        ("FREQ=MINUTELY;INTERVAL=5", "FREQ must be one of"),
        ("FREQ=SECONDLY", "FREQ must be one of"),
        ("", "write for example FREQ=WEEKLY;BYDAY=SU"),
        ("BYDAY=SU", "FREQ must be"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL cannot be '0'"),
        ("FREQ=DAILY;INTERVAL=99999", "INTERVAL cannot be"),
        ("FREQ=DAILY;BYSECOND=1", "'BYSECOND' is no part"),
        ("FREQ=DAILY;FREQ=WEEKLY", "FREQ stands twice"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20270101", "exclude each other"),
        ("FREQ=DAILY;UNTIL=20261399", "is no date"),
        ("FREQ=WEEKLY;BYDAY=XX", "BYDAY cannot be"),
        ("FREQ=DAILY;BYHOUR=99", "cannot be read"),
        ("FREQ=YEARLY;BYDAY=99TU", "comes less often than that"),
        ("FREQ=MONTHLY;BYDAY=53MO", "comes less often than that"),
        ("FREQ=MONTHLY;BYDAY=6MO", "gives no time"),
        ("FREQ=DAILY\nDTSTART:20200101T000000", "FREQ cannot be"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "gives no time"),
        ("FREQ=WEEKLY;UNTIL=20251231", "gives no time"),
        ("FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24))), "over 2,000 occurrences"),
        ("FREQ=DAILY;" + "BYHOUR=1;" * 100, "1 to 500 characters"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(rule, told):
    with pytest.raises(RecurrenceError, match=told):
        parse_recurrence(rule, "2026-11-22T02:00", "UTC", HOUR)


@pytest.mark.parametrize(
    ("start", "zone", "length", "told"),
    [
        ("2026-11-22T02:00Z", "UTC", HOUR, "has an offset"),
        ("Sunday", "UTC", HOUR, "is not a time"),
        ("1492-10-12T02:00", "UTC", HOUR, "must lie in the years 2000"),
        ("2026-11-22T02:00", "Mars/Olympus", HOUR, "no time zone 'Mars/Olympus'"),
        ("2026-11-22T02:00", "../etc/passwd", HOUR, "no time zone"),
        ("2026-11-22T02:00", "UTC", timedelta(days=32), "at most 31d"),
        ("2026-11-22T02:00", "UTC", timedelta(milliseconds=1), "at least 1s"),
    ],
)
def test_a_start_zone_or_length_that_cannot_be_is_refused(start, zone, length, told):
    with pytest.raises(RecurrenceError, match=told):
        parse_recurrence("FREQ=DAILY", start, zone, length)


def test_an_old_rule_that_gives_too_much_is_refused():
    rule = parse_recurrence("FREQ=DAILY", "2010-01-01T00:00", "UTC", HOUR)
    with pytest.raises(RecurrenceError, match="start later"):
        occurrences(rule, 0, at("2026-11-20T00:00Z"))
    assert len(occurrences(rule, at("2026-11-10T00:00Z"), at("2026-11-20T00:00Z"))) == 10


def test_a_rule_that_never_matches_is_told_soon():
    hard = "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;BYHOUR=" + ",".join(map(str, range(24)))
    began = time.process_time()
    with pytest.raises(RecurrenceError, match="gives no time"):
        parse_recurrence(hard, "2026-11-22T02:00", "UTC", HOUR)
    assert time.process_time() - began < 5


days = st.lists(
    st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), min_size=1, max_size=3, unique=True
).map(",".join)


@st.composite
def rules(draw):
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = [f"FREQ={frequency}"]
    if draw(st.booleans()):
        parts.append(f"INTERVAL={draw(st.integers(1, 5))}")
    if draw(st.booleans()):
        parts.append(f"BYDAY={draw(days)}")
    if draw(st.booleans()):
        parts.append(f"BYMONTH={draw(st.integers(1, 12))}")
    if draw(st.booleans()):
        parts.append(f"BYHOUR={draw(st.integers(0, 23))},{draw(st.integers(0, 23))}")
    if draw(st.booleans()):
        parts.append(f"COUNT={draw(st.integers(1, 400))}")
    return ";".join(parts)


@given(
    rule=rules(),
    start=st.datetimes(wall("2025-01-01"), wall("2027-01-01")).map(
        lambda t: t.replace(microsecond=0)
    ),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
)
@settings(max_examples=60, deadline=None)
def test_occurrences_are_those_of_dateutil(rule, start, zone):
    until = wall("2027-12-01")
    expected = set()
    for local in rrulestr(rule, dtstart=start).between(start, until, inc=True):
        # dateutil's own word on times that do not exist, and on those that come twice.
        real = tz.resolve_imaginary(local.replace(tzinfo=tz.gettz(zone), fold=0))
        expected.add(int(real.astimezone(UTC).timestamp()))
    limit = int(until.replace(tzinfo=UTC).timestamp()) - DAY
    expected = sorted(t for t in expected if t < limit)
    assume(len(expected) <= MOST_OCCURRENCES)
    found = occurrences(Recurrence(rule, start, zone, 60), 0, limit)
    assert found == [Span(t, t + 60) for t in expected]


numbers = st.lists(st.integers(-400, 400), min_size=1, max_size=4).map(
    lambda found: ",".join(map(str, found))
)
parts = st.one_of(
    st.tuples(st.sampled_from(["BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO"]), numbers),
    st.tuples(st.sampled_from(["BYSETPOS", "BYHOUR", "BYMINUTE"]), numbers),
    st.tuples(st.just("BYDAY"), st.sampled_from(["5MO", "-1SU", "0FR", "99TU", "WE,TH"])),
    st.tuples(st.sampled_from(["INTERVAL", "COUNT", "UNTIL", "WKST", "X-Y"]), st.text(max_size=8)),
)


@given(
    frequency=st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    more=st.lists(parts, max_size=4),
)
@settings(max_examples=100, deadline=None)
def test_any_rule_is_read_or_refused(frequency, more):
    text = ";".join([f"FREQ={frequency}", *(f"{name}={value}" for name, value in more)])
    try:
        rule = parse_recurrence(text, "2026-11-22T02:00", "Europe/Berlin", HOUR)
    except RecurrenceError:
        return  # Any other error fails the test.
    found = occurrences(rule, 0, at("2027-12-27T00:00Z"))
    assert found == sorted(set(found))


def test_a_plain_time_is_the_instant_of_its_zone():
    assert instant_of(wall("2026-07-01T12:00"), ZoneInfo("Europe/Berlin")) == at(
        "2026-07-01T10:00Z"
    )
