"""Periods: the weeks, months, quarters and years that reports are of, by their names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from slo.domain.span import utc
from slo.domain.window import CalendarWindow

if TYPE_CHECKING:
    from slo.domain.span import Span
    from slo.domain.window import CalendarUnit

FORMS = "write for example 2026-10, 2026-Q4, 2026 or 2026-W47"
_NAME = re.compile(
    r"(?P<year>[0-9]{4})(?:-(?:(?P<month>[0-9]{2})|Q(?P<quarter>[1-4])|W(?P<week>[0-9]{2})))?"
)
_LONGEST = 40
_FIRST_YEAR, _LAST_YEAR = 1971, 9998


class PeriodError(ValueError):
    """The text names no period, or the zone is none; the message says what one looks like."""


@dataclass(frozen=True, slots=True)
class Period:
    """A week (from Monday), month, quarter or year in a time zone."""

    name: str
    """`2026-W47`, `2026-10`, `2026-Q4` or `2026`."""
    unit: CalendarUnit
    zone: str
    span: Span

    @property
    def before(self) -> Period:
        """The period of the same kind that ended when this one began."""
        return period_at(self.span.start, self.unit, self.zone)

    @property
    def after(self) -> Period:
        """The period of the same kind that begins when this one ends."""
        return period_at(self.span.end + 1, self.unit, self.zone)

    @property
    def title(self) -> str:
        """How people call it: `October 2026`, `Q4 2026`, `week 47 of 2026`, `2026`."""
        year, _, rest = self.name.partition("-")
        match self.unit:
            case "year":
                return year
            case "quarter":
                return f"{rest} {year}"
            case "week":
                return f"week {int(rest[1:])} of {year}"
            case "month":
                return f"{date(int(year), int(rest), 1):%B} {year}"


def parse_period(text: str, zone: str = "UTC") -> Period:
    """The period that `2026-10`, `2026-Q4`, `2026` or `2026-W47` names, in a time zone."""
    ensure_zone(zone)
    word = text.strip().upper()
    found = _NAME.fullmatch(word) if len(word) <= _LONGEST else None
    if found is None or not _FIRST_YEAR <= int(found["year"]) <= _LAST_YEAR:
        raise PeriodError(f"{text.strip()[:_LONGEST]!r} is no period; {FORMS}")
    year = int(found["year"])
    unit: CalendarUnit = "year"
    try:
        day = date(year, 1, 1)
        if found["month"]:
            unit, day = "month", date(year, int(found["month"]), 1)
        elif found["quarter"]:
            unit, day = "quarter", date(year, int(found["quarter"]) * 3 - 2, 1)
        elif found["week"]:
            unit, day = "week", date.fromisocalendar(year, int(found["week"]), 1)
    except ValueError:
        raise PeriodError(f"the calendar has no {word!r}; {FORMS}") from None
    # Noon of the second day lies inside of it in every zone.
    inside = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp() + 86_400
    return period_at(int(inside), unit, zone)


def period_at(instant: int, unit: CalendarUnit, zone: str = "UTC") -> Period:
    """The period that holds an instant (epoch seconds); its end belongs to it."""
    span = CalendarWindow(unit, zone).period_at(instant)
    first = utc(span.start).astimezone(ZoneInfo(zone)).date()
    year, week, _ = first.isocalendar()
    names = {
        "week": f"{year}-W{week:02}",
        "month": f"{first:%Y-%m}",
        "quarter": f"{first.year}-Q{(first.month + 2) // 3}",
        "year": f"{first.year}",
    }
    return Period(names[unit], unit, zone, span)


def ensure_zone(zone: str) -> None:
    """Refuse what is not the name of a time zone."""
    if zone not in _zones():
        raise PeriodError(f"{zone[:_LONGEST]!r} is no time zone; write for example Europe/Berlin")


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
