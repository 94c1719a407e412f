"""The grid: when cycles run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from apscheduler.triggers.interval import IntervalTrigger

if TYPE_CHECKING:
    from slo.config.settings import Settings


class Grid(IntervalTrigger):  # type: ignore[misc] # APScheduler has no types.
    """Runs at `start_date` and whole intervals from it, whenever the last run was.

    APScheduler's own counts from the last run: after one at the start of the service,
    all would lie between two buckets' ends instead of just after them.
    """

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        """The first instant of the grid after the last run, and not before `now`."""
        after = now if previous is None else max(now, previous + timedelta(microseconds=1))
        found: datetime | None = super().get_next_fire_time(None, after)
        return found


def pace_of(settings: Settings) -> tuple[int, float]:
    """Seconds between cycles, and how long after a bucket's end they run: what a grid is of."""
    lag = min(source.lag.total_seconds() for source in settings.sources)
    # A tick a second after the lag has passed finds the bucket ready to be booked.
    return settings.interval, lag + 1


def grid_of(settings: Settings, now: float) -> Grid:
    """The grid of cycles just after buckets' ends."""
    interval, after = pace_of(settings)
    first = datetime.fromtimestamp(now // interval * interval + after, UTC)
    return Grid(seconds=interval, start_date=first)
