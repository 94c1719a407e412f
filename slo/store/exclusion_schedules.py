"""Exclusions that come again: their rules, and their occurrences as rows of exclusions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from slo.store import audit, dialect, schema
from slo.store.dialect import write_many

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from slo.domain.span import Span

_s, _x = schema.exclusion_schedule, schema.exclusion
_VALUES = ("rrule", "start", "zone", "seconds", "category")
"""What the audit tells of one."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A recurring exclusion; `start` is a local wall time of `zone`, instants are epoch seconds.

    Its occurrences that start before `expanded_to` are rows of exclusions.
    """

    id: int
    scope: str
    rrule: str
    start: str
    zone: str
    seconds: int
    category: str
    who: str
    why: str
    at: int
    expanded_to: int
    removed_at: int | None = None


def add(session: Session, schedule: Schedule) -> Schedule:
    """Keeps the schedule and audits it; gives it with the id that it got. Expands nothing."""
    row = {
        "scope": schedule.scope,
        "rrule": schedule.rrule,
        "start": schedule.start,
        "zone": schedule.zone,
        "seconds": schedule.seconds,
        "category": schedule.category,
        "who": schedule.who,
        "why": schedule.why,
        "at": schedule.at,
        "expanded_to": schedule.expanded_to,
    }
    number: int = session.execute(insert(_s).values(row).returning(_s.c.id)).scalar_one()
    new = {name: row[name] for name in _VALUES}
    detail = {"id": number, **new, "why": schedule.why}
    audit.add(
        session,
        schedule.at,
        schedule.who,
        "exclude-recurring",
        schedule.scope,
        detail,
        new=new,
    )
    return replace(schedule, id=number)


def behind(session: Session, to: int) -> list[Schedule]:
    """The schedules that are not expanded as far as `to`; nobody else expands until the commit."""
    dialect.lock(session, dialect.Lock.SCHEDULES)
    return _found(session, _s.c.removed_at.is_(None), _s.c.expanded_to < to)


def expand(session: Session, schedule: Schedule, spans: Sequence[Span], to: int, at: int) -> None:
    """Writes occurrences, which all start before `to`, and notes how far it is expanded."""
    rows = [
        {
            "scope": schedule.scope,
            "start": span.start,
            "end": span.end,
            "category": schedule.category,
            "who": schedule.who,
            "why": schedule.why,
            "at": at,
            "schedule_id": schedule.id,
        }
        for span in spans
    ]
    write_many(session, insert(_x), rows)
    session.execute(update(_s).where(_s.c.id == schedule.id).values(expanded_to=to))


def remove(
    session: Session, schedule_id: int, at: int, who: str, why: str, *, past: bool
) -> int | None:
    """Removes a schedule with its occurrences, and audits it; gives how many of those went.

    Only those that start at or after `at` go, with `past` all. None: there is no
    such schedule; a removed one may still lose its past.
    """
    dialect.lock(session, dialect.Lock.SCHEDULES)
    schedule = by_id(session, schedule_id)
    if schedule is None or (schedule.removed_at is not None and not past):
        return None
    gone = update(_x).where(_x.c.schedule_id == schedule_id, _x.c.removed_at.is_(None))
    if not past:
        gone = gone.where(_x.c.start >= at)
    number = len(session.execute(gone.values(removed_at=at).returning(_x.c.id)).all())
    if schedule.removed_at is None:
        session.execute(update(_s).where(_s.c.id == schedule_id).values(removed_at=at))
    elif not number:
        return None
    detail = {"id": schedule_id, "why": why, "past": past, "occurrences": number}
    old = {name: getattr(schedule, name) for name in _VALUES}
    audit.add(session, at, who, "include-recurring", schedule.scope, detail, old=old)
    return number


def of(session: Session) -> list[Schedule]:
    """The schedules that are not removed, in the order in which they were added."""
    return _found(session, _s.c.removed_at.is_(None))


def by_id(session: Session, schedule_id: int) -> Schedule | None:
    """The schedule with this id, removed or not."""
    found = _found(session, _s.c.id == schedule_id)
    return found[0] if found else None


def _found(session: Session, *wanted: ColumnElement[bool]) -> list[Schedule]:
    query = select(
        _s.c.id,
        _s.c.scope,
        _s.c.rrule,
        _s.c.start,
        _s.c.zone,
        _s.c.seconds,
        _s.c.category,
        _s.c.who,
        _s.c.why,
        _s.c.at,
        _s.c.expanded_to,
        _s.c.removed_at,
    )
    return [Schedule(*row) for row in session.execute(query.where(*wanted).order_by(_s.c.id))]
