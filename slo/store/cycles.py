"""Cycles: when the last ones ran, and what they did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, update

from slo.store import schema

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

KEPT = 1500
"""Cycles kept: a day of minutes, and some."""

_c, _m, _s = schema.cycle, schema.meter, schema.slo
_OLDEST = (
    select(func.min(_m.c.booked_to))
    .join(_s, _m.c.slo_id == _s.c.id)
    .where(_m.c.ended_at.is_(None), _s.c.paused_at.is_(None))
)


@dataclass(frozen=True, slots=True)
class Cycle:
    """One finished cycle: instants in epoch seconds, and counts of what it did."""

    id: int
    started: int
    finished: int
    slos: int
    booked: int
    samples: int
    requests: int
    errors: int
    seconds: float | None = None
    """How long it took."""
    lag: float | None = None
    """By how much the ledger that is furthest behind lay behind the cycle's start, in seconds."""


def start(session: Session, at: int) -> int:
    """Writes that a cycle began, and gives its id; forgets the oldest beyond `KEPT`."""
    nothing = {"slos": 0, "booked": 0, "samples": 0, "requests": 0, "errors": 0}
    number: int = session.execute(
        insert(_c).values(started=at, **nothing).returning(_c.c.id)
    ).scalar_one()
    session.execute(delete(_c).where(_c.c.id <= number - KEPT))
    return number


def finish(
    session: Session,
    cycle_id: int,
    at: int,
    *,
    slos: int,
    booked: int,
    samples: int,
    requests: int,
    errors: int,
    seconds: float | None = None,
) -> None:
    """Writes that the cycle is done: SLOs seen and booked, samples read, requests, errors."""
    oldest = session.execute(_OLDEST).scalar()
    session.execute(
        update(_c)
        .where(_c.c.id == cycle_id)
        .values(
            finished=at,
            slos=slos,
            booked=booked,
            samples=samples,
            requests=requests,
            errors=errors,
            seconds=seconds,
            lag=None if oldest is None else at - oldest,
        )
    )


def last(session: Session) -> Cycle | None:
    """The newest cycle that finished, None before the first."""
    return next(iter(newest(session, 1)), None)


def newest(session: Session, limit: int) -> list[Cycle]:
    """The newest cycles that finished, newest first."""
    query = select(_c).where(_c.c.finished.is_not(None)).order_by(_c.c.id.desc()).limit(limit)
    return [Cycle(*row) for row in session.execute(query)]


def samples_since(session: Session, at: int) -> int:
    """Samples that the kept cycles since `at` (epoch seconds) have read."""
    query = select(func.coalesce(func.sum(_c.c.samples), 0)).where(_c.c.started >= at)
    return int(session.execute(query).scalar_one())
