"""Cycles: when the last ones ran, and what they did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from slo.store import schema

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

KEPT = 1500
"""Cycles kept: a day of minutes, and some."""

_c = schema.cycle


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
) -> None:
    """Writes that the cycle is done: SLOs seen and booked, samples read, requests, errors."""
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
        )
    )


def last(session: Session) -> Cycle | None:
    """The newest cycle that finished, None before the first."""
    query = select(_c).where(_c.c.finished.is_not(None)).order_by(_c.c.id.desc()).limit(1)
    return next((Cycle(*row) for row in session.execute(query)), None)
