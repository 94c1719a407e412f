"""Quiet hours: when a ticket that is decided now may be sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from datetime import date

    from slo.config.settings import QuietHours

DAY_MINUTES = 1440


def quiet_until(quiet: QuietHours | None, now: float) -> float | None:
    """When the quiet hours that hold `now` end, in epoch seconds; None: none hold it.

    An end at or before the start lies on the next day.
    """
    if quiet is None:
        return None
    zone = ZoneInfo(quiet.zone)
    today = datetime.fromtimestamp(now, zone).date()
    for day in (today - timedelta(days=1), today):
        if day.weekday() not in quiet.days:
            continue
        ends = quiet.end + (DAY_MINUTES if quiet.end <= quiet.start else 0)
        if _instant(day, quiet.start, zone) <= now < (end := _instant(day, ends, zone)):
            return end
    return None


def _instant(day: date, minutes: int, zone: ZoneInfo) -> float:
    """A local time of day by its minutes, which may reach into the next day."""
    later, rest = divmod(minutes, DAY_MINUTES)
    day += timedelta(days=later)
    local = datetime(day.year, day.month, day.day, rest // 60, rest % 60, tzinfo=zone)
    return local.astimezone(UTC).timestamp()
