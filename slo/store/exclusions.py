"""Exclusions: spans that do not count. Removed ones stay as rows, for the audit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from slo.domain.ledger import Exclusion
from slo.domain.span import Span
from slo.store import audit, schema

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_x = schema.exclusion


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
    audit.add(session, exclusion.at, exclusion.who, "exclude", exclusion.scope, detail)
    return replace(exclusion, id=number)


def remove(session: Session, exclusion_id: int, at: int, who: str, why: str) -> bool:
    """Ends an exclusion and audits it; False: there is no active one with this id."""
    statement = (
        update(_x)
        .where(_x.c.id == exclusion_id, _x.c.removed_at.is_(None))
        .values(removed_at=at)
        .returning(_x.c.scope)
    )
    scope = session.execute(statement).scalar()
    if scope is None:
        return False
    audit.add(session, at, who, "include", scope, {"id": exclusion_id, "why": why})
    return True


def of(session: Session) -> list[Exclusion]:
    """The active exclusions, in order of their starts."""
    columns = (_x.c.id, _x.c.scope, _x.c.start, _x.c.end, _x.c.category, _x.c.who, _x.c.why)
    query = select(*columns, _x.c.at).where(_x.c.removed_at.is_(None))
    return [
        Exclusion(number, scope, Span(start, end), category, who, why, at)
        for number, scope, start, end, category, who, why, at in session.execute(
            query.order_by(_x.c.start, _x.c.id)
        )
    ]
