"""Exclusions: spans that do not count. Removed ones stay as rows, for the audit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from slo.domain.ledger import Exclusion
from slo.domain.span import Span
from slo.store import audit, schema

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

_x = schema.exclusion
_VALUES = ("start", "end", "category")
"""What the audit tells of one."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An exclusion as the store holds it: of which schedule, and when it was removed."""

    exclusion: Exclusion
    schedule: int | None
    removed_at: int | None


def add(session: Session, exclusion: Exclusion) -> Exclusion:
    """Declares the exclusion and audits it; gives it with the id that it got.

    Raises ValueError for a span without time.
    """
    if not exclusion.span.seconds:
        raise ValueError("an exclusion must end after it starts")
    row = {
        "scope": exclusion.scope,
        "start": exclusion.span.start,
        "end": exclusion.span.end,
        "category": exclusion.category,
        "who": exclusion.who,
        "why": exclusion.why,
        "at": exclusion.at,
    }
    number: int = session.execute(insert(_x).values(row).returning(_x.c.id)).scalar_one()
    detail = {"id": number, **{name: row[name] for name in ("start", "end", "category", "why")}}
    new = {name: row[name] for name in _VALUES}
    audit.add(session, exclusion.at, exclusion.who, "exclude", exclusion.scope, detail, new=new)
    return replace(exclusion, id=number)


def remove(session: Session, exclusion_id: int, at: int, who: str, why: str) -> bool:
    """Ends an exclusion and audits it; False: there is no active one with this id."""
    statement = (
        update(_x)
        .where(_x.c.id == exclusion_id, _x.c.removed_at.is_(None))
        .values(removed_at=at)
        .returning(_x.c.scope, *(_x.c[name] for name in _VALUES))
    )
    gone = session.execute(statement).first()
    if gone is None:
        return False
    scope, *values = gone
    detail = {"id": exclusion_id, "why": why}
    old = dict(zip(_VALUES, values, strict=True))
    audit.add(session, at, who, "include", scope, detail, old=old)
    return True


def of(session: Session) -> list[Exclusion]:
    """The active exclusions, in order of their starts."""
    return [kept.exclusion for kept in _found(session, _x.c.removed_at.is_(None))]


def listed(session: Session) -> list[Kept]:
    """The active exclusions with the schedules that they belong to, in order of their starts."""
    return _found(session, _x.c.removed_at.is_(None))


def of_schedule(session: Session, schedule_id: int) -> list[Exclusion]:
    """The active occurrences of a schedule, in order."""
    active = (_x.c.removed_at.is_(None), _x.c.schedule_id == schedule_id)
    return [kept.exclusion for kept in _found(session, *active)]


def by_id(session: Session, exclusion_id: int) -> Kept | None:
    """The exclusion with this id, removed or not."""
    found = _found(session, _x.c.id == exclusion_id)
    return found[0] if found else None


def _found(session: Session, *wanted: ColumnElement[bool]) -> list[Kept]:
    columns = (_x.c.id, _x.c.scope, _x.c.start, _x.c.end, _x.c.category, _x.c.who, _x.c.why)
    query = select(*columns, _x.c.at, _x.c.schedule_id, _x.c.removed_at).where(*wanted)
    return [
        Kept(
            Exclusion(number, scope, Span(start, end), category, who, why, at),
            schedule,
            removed_at,
        )
        for number, scope, start, end, category, who, why, at, schedule, removed_at in (
            session.execute(query.order_by(_x.c.start, _x.c.id))
        )
    ]
