"""Windows over which an objective is judged: rolling or by the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Literal, get_args
from zoneinfo import ZoneInfo

from slo.domain.duration import format_duration
from slo.domain.span import Span, utc

if TYPE_CHECKING:
    from collections.abc import Iterator

CalendarUnit = Literal["week", "month", "quarter", "year"]
CALENDAR_UNITS: tuple[CalendarUnit, ...] = get_args(CalendarUnit)


@dataclass(frozen=True, slots=True)
class RollingWindow:
    """The last `length`, ending at the SLO's last reading."""

    length: timedelta

    def span_at(self, end: int) -> Span:
        """The window that ends at `end`."""
        return Span(end - round(self.length.total_seconds()), end)

    def period_at(self, end: int) -> Span:
        """The same as `span_at`: a rolling window is always whole."""
        return self.span_at(end)

    def label(self) -> str:
        """How people name it, for example `30d`."""
        return format_duration(self.length)


@dataclass(frozen=True, slots=True)
class CalendarWindow:
    """The running week (from Monday), month, quarter or year in a time zone."""

    unit: CalendarUnit
    zone: str = "UTC"

    def span_at(self, end: int) -> Span:
        """The part of the period that has passed at `end`; a period's end belongs to it."""
        return Span(self.period_at(end).start, end)

    def period_at(self, end: int) -> Span:
        """The whole period that holds `end`."""
        zone = ZoneInfo(self.zone)
        # Spans are (start, end], so the instant of midnight closes the old period.
        local = utc(end - 1).astimezone(zone).date()
        first = _first_day(local, self.unit)
        return Span(_midnight(first, zone), _midnight(_next_first_day(first, self.unit), zone))

    def periods_back(self, end: int, begun: int) -> Iterator[Span]:
        """The period that holds `end` and those before it, the newest first, as far as `begun`."""
        while end > begun:
            period = self.period_at(end)
            yield period
            end = period.start

    def label(self) -> str:
        """How people name it, for example `month (Europe/Berlin)`."""
        return self.unit if self.zone == "UTC" else f"{self.unit} ({self.zone})"


Window = RollingWindow | CalendarWindow


def _first_day(day: date, unit: CalendarUnit) -> date:
    match unit:
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case "year":
            return day.replace(month=1, day=1)


def _next_first_day(first: date, unit: CalendarUnit) -> date:
    days = {"week": 7, "month": 31, "quarter": 93, "year": 366}[unit]
    return _first_day(first + timedelta(days=days), unit)


def _midnight(day: date, zone: ZoneInfo) -> int:
    """The day's first instant; where local midnight is missing, the first that exists.

    With fold=0 a missing local time is read with the offset before the gap, which
    lands as far after the gap's start as it should have been; the gap's start is
    the day's first instant.
    """
    local = datetime(day.year, day.month, day.day, tzinfo=zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return int(instant.timestamp())
    low, high = int(instant.timestamp()) - 86400, int(instant.timestamp())
    while high - low > 1:  # The first instant whose local date is `day`.
        middle = (low + high) // 2
        if utc(middle).astimezone(zone).date() >= day:
            high = middle
        else:
            low = middle
    return high
