"""Which periods have a ledger, and what became of the last months in short."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.period import PeriodError, period_at
from slo.domain.report import Count, count_of, is_running
from slo.domain.tally import tally_of
from slo.judging import judge
from slo.store import incidents, slos

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from slo.domain.period import Period
    from slo.domain.window import CalendarUnit

MONTHS = 12
"""How many months are told of in short."""
_ALL = 1_000_000


@dataclass(frozen=True, slots=True)
class Month:
    """One period in short: how many met their objective, who missed it, how many incidents."""

    period: Period
    running: bool
    count: Count
    missed: tuple[str, ...]
    incidents: int


def periods_of(
    session: Session, unit: CalendarUnit, now: int, most: int, zone: str = "UTC"
) -> list[Period]:
    """The periods of a kind that have a ledger, the running one first; at most so many."""
    booked = slos.booked_span(session)
    if booked is None:
        return []
    found = [period_at(min(now, booked.end), unit, zone)]
    while len(found) < most and found[-1].span.start > booked.start:
        found.append(found[-1].before)
    return found


def months_of(session: Session, now: int, zone: str = "UTC") -> list[Month]:
    """The last months in short, the newest first."""
    periods = periods_of(session, "month", now, MONTHS, zone)
    if not periods:
        return []
    ids = [known.id for known in slos.all_slos(session)]
    verdicts = judge(session, ids, [period.span for period in periods], now)
    opened = incidents.many(session, since=periods[-1].span.start, limit=_ALL)
    months = []
    for place, period in enumerate(periods):
        of_period = [verdicts[slo_id][place] for slo_id in ids]
        held = [verdict for verdict in of_period if verdict.booked is not None]
        months.append(
            Month(
                period,
                is_running(period, held, now),
                count_of(held),
                tuple(v.slo for v in held if v.met is False),
                tally_of(opened, period.span, now).number,
            )
        )
    return months


def usual_period(session: Session, now: int, zone: str = "UTC") -> Period:
    """The last whole month that has a ledger, else the running one."""
    return _usual(periods_of(session, "month", now, 2, zone), now, zone)


def _usual(found: Sequence[Period], now: int, zone: str) -> Period:
    whole = [period for period in found if period.span.end <= now]
    return (whole or [*found, period_at(now, "month", zone)])[0]


def ensure_begun(period: Period, now: int) -> Period:
    """Refuse a period that has not begun."""
    if period.span.start >= now:
        raise PeriodError(f"{period.title} has not begun; there is nothing to report yet")
    return period
