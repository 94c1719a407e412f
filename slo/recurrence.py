"""Recurrences: times that come again by an RFC 5545 rule, on the wall clock of a time zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo, available_timezones

from dateutil.rrule import rrule, rrulestr

from slo.domain.span import Span, utc

if TYPE_CHECKING:
    from collections.abc import Iterator

HORIZON_DAYS = 400
"""How far ahead of now occurrences are written."""
MOST_OCCURRENCES = 2_000
"""Occurrences that one rule may give at once: each is a row that every cycle reads."""
LONGEST_SECONDS = 31 * 86_400
EARLIEST, LATEST = 2000, 2100
"""Years in which a recurrence may start."""

_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_NUMBER = r"[+-]?[0-9]{1,3}"
_DAY = r"(?:[+-]?[0-9]{1,2})?(?:MO|TU|WE|TH|FR|SA|SU)"
_PARTS = {
    "FREQ": r"[A-Z]+",
    "INTERVAL": r"[1-9][0-9]{0,2}",
    "COUNT": r"[1-9][0-9]{0,3}",
    "UNTIL": r"[0-9]{8}(?:T[0-9]{6}Z?)?",
    "WKST": r"MO|TU|WE|TH|FR|SA|SU",
    "BYDAY": rf"{_DAY}(?:,{_DAY})*",
    **dict.fromkeys(
        ("BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS", "BYHOUR", "BYMINUTE"),
        rf"{_NUMBER}(?:,{_NUMBER})*",
    ),
}
_LONGEST_RULE = 500
_CYCLE = 400
"""Years after which the calendar repeats, weekdays and leap years and all."""


class RecurrenceError(ValueError):
    """The recurrence cannot be read or gives too much; the message says what helps."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A rule from a local start on, each occurrence so many real seconds long.

    `rule` is an RRULE without its `RRULE:`; `start` is a naive wall time of `zone`.
    """

    rule: str
    start: datetime
    zone: str
    seconds: int


def parse_recurrence(rule: str, start: str, zone: str, length: timedelta) -> Recurrence:
    """The recurrence that the texts name; `start` as `2026-11-22T02:00`, without an offset.

    Raises `RecurrenceError` for a rule that comes more than once a day by its
    frequency, that gives no occurrence, or more than `MOST_OCCURRENCES` in its first 400 days.
    """
    seconds = round(length.total_seconds())
    if not 0 < seconds <= LONGEST_SECONDS:
        raise RecurrenceError("an occurrence lasts at least 1s and at most 31d")
    found = Recurrence(_rule(rule), _start(start), _zone(zone), seconds)
    try:
        walls = list(islice(_naive(found), MOST_OCCURRENCES + 1))
    except ValueError as error:
        raise RecurrenceError(f"the rule {found.rule!r} cannot be read: {error}") from None
    except IndexError:  # What dateutil says of such a day, whatever the year.
        raise RecurrenceError(
            f"the rule {found.rule!r} asks for a weekday that comes less often than that in a"
            " month or a year; mend its BYDAY"
        ) from None
    if not walls:
        raise RecurrenceError(
            f"the rule {found.rule!r} gives no time at or after {start}; mend its BY parts or UNTIL"
        )
    if len(walls) > MOST_OCCURRENCES and walls[-1] - walls[0] < timedelta(days=HORIZON_DAYS):
        raise _too_many(found)
    return found


def occurrences(recurrence: Recurrence, since: int, until: int) -> list[Span]:
    """The occurrences that start at or after `since` and before `until` (epoch seconds), in order.

    A wall time that does not exist is read with the offset before the gap, and so
    lies after it; of one that comes twice the first is meant (RFC 5545, 3.3.5).
    Raises `RecurrenceError` for more than `MOST_OCCURRENCES` of them.
    """
    zone = ZoneInfo(recurrence.zone)
    # Local clocks differ from UTC, and jump, by less than a day.
    last = utc(until).replace(tzinfo=None) + timedelta(days=1)
    limit = _until(recurrence)
    starts: set[int] = set()
    for wall in _naive(recurrence):
        if wall > last:
            break
        start = instant_of(wall, zone)
        if since <= start < until and (limit is None or start <= limit):
            starts.add(start)
        if len(starts) > MOST_OCCURRENCES:
            raise _too_many(recurrence)
    return [Span(start, start + recurrence.seconds) for start in sorted(starts)]


def instant_of(wall: datetime, zone: ZoneInfo) -> int:
    """The epoch second of a naive wall time, by the rule that `occurrences` tells."""
    return int(wall.replace(tzinfo=zone, fold=0).astimezone(UTC).timestamp())


def _naive(recurrence: Recurrence) -> Iterator[datetime]:
    """The wall times, endless unless the rule ends.

    A rule that never matches is searched to the last year that there is, which is
    far; so the search is made as late as the calendar allows and moved back.
    """
    start = recurrence.start
    shift = (MAXYEAR - start.year) // _CYCLE * _CYCLE
    parts = [p for p in recurrence.rule.split(";") if not p.startswith("UNTIL=")]
    made = cast("rrule", rrulestr(";".join(parts), dtstart=start))
    until = _wall_until(recurrence)
    for wall in made.replace(dtstart=start.replace(year=start.year + shift)):
        found = wall.replace(year=wall.year - shift)
        if until is not None and found > until:
            return
        yield found


def _too_many(recurrence: Recurrence) -> RecurrenceError:
    return RecurrenceError(
        f"the rule {recurrence.rule!r} gives over {MOST_OCCURRENCES:,} occurrences from"
        f" {recurrence.start:%Y-%m-%d} on; start later or take fewer a day"
    )


def _part(rule: str, name: str) -> str:
    return dict(part.split("=", 1) for part in rule.split(";")).get(name, "")


def _wall_until(recurrence: Recurrence) -> datetime | None:
    """After which wall time nothing comes; a day later where UNTIL is an instant."""
    text = _part(recurrence.rule, "UNTIL")
    if not text:
        return None
    if "T" not in text:
        return datetime.combine(date.fromisoformat(text), time(23, 59, 59))
    moment = datetime.fromisoformat(text.removesuffix("Z"))
    return moment + timedelta(days=1) if text.endswith("Z") else moment


def _until(recurrence: Recurrence) -> int | None:
    """UNTIL where it is an instant, that is, ends with Z."""
    text = _part(recurrence.rule, "UNTIL")
    return int(datetime.fromisoformat(text).timestamp()) if text.endswith("Z") else None


def _rule(text: str) -> str:
    rule = text.strip().upper().removeprefix("RRULE:").rstrip(";")
    if not rule or len(rule) > _LONGEST_RULE:
        raise RecurrenceError(_example(f"a rule has 1 to {_LONGEST_RULE} characters"))
    found: dict[str, str] = {}
    for part in rule.split(";"):
        name, _, value = part.partition("=")
        if name not in _PARTS:
            allowed = ", ".join(_PARTS)
            raise RecurrenceError(_example(f"{name[:40]!r} is no part of a rule; one of {allowed}"))
        if name in found:
            raise RecurrenceError(_example(f"{name} stands twice in the rule"))
        if not re.fullmatch(_PARTS[name], value):
            raise RecurrenceError(_example(f"{name} cannot be {value[:40]!r}"))
        found[name] = value
    if found.get("FREQ") not in _FREQUENCIES:
        raise RecurrenceError(_example(f"FREQ must be one of {', '.join(_FREQUENCIES)}"))
    if {"COUNT", "UNTIL"} <= found.keys():
        raise RecurrenceError("COUNT and UNTIL exclude each other; leave one out")
    if "UNTIL" in found:
        try:
            datetime.fromisoformat(found["UNTIL"])
        except ValueError:
            raise RecurrenceError(_example(f"UNTIL {found['UNTIL']} is no date")) from None
    return rule


def _example(said: str) -> str:
    return f"{said}; write for example FREQ=WEEKLY;BYDAY=SU"


def _start(text: str) -> datetime:
    wanted = "write a local time without an offset, such as 2026-11-22T02:00"
    try:
        start = datetime.fromisoformat(text.strip())
    except ValueError:
        raise RecurrenceError(f"the start {text[:40]!r} is not a time; {wanted}") from None
    if start.tzinfo is not None:
        raise RecurrenceError(f"the start {text!r} has an offset; {wanted}, and name the zone")
    if not EARLIEST <= start.year < LATEST:
        raise RecurrenceError(f"the start {text!r} must lie in the years {EARLIEST} to {LATEST}")
    return start.replace(microsecond=0)


def _zone(name: str) -> str:
    if name not in _zones():
        raise RecurrenceError(
            f"there is no time zone {name[:60]!r}; write one such as Europe/Berlin or UTC"
        )
    return name


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
