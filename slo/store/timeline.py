"""Timelines: what happened to an incident, by whom, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import insert, select

from slo.domain.incident import AUTO, Event
from slo.store import schema
from slo.store.dialect import among

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from slo.domain.incident import EventKind

_e = schema.incident_event


def add(
    session: Session,
    incident_id: int,
    kind: EventKind,
    text: str,
    *,
    at: int,
    now: int,
    who: str = AUTO,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Writes what happened at `at` and became known at `now`, both in epoch seconds."""
    session.execute(
        insert(_e).values(
            incident_id=incident_id,
            at=at,
            recorded_at=now,
            who=who,
            kind=kind,
            text=text,
            detail=orjson.dumps(dict(detail or {})).decode(),
        )
    )


def of(session: Session, incident_id: int) -> list[Event]:
    """The timeline of an incident, oldest first."""
    return _found(session, _e.c.incident_id == incident_id)


def of_kinds(
    session: Session, incident_ids: Collection[int], kinds: Collection[EventKind]
) -> list[Event]:
    """What happened of these kinds to any of these incidents, oldest first."""
    return _found(session, among(session, _e.c.incident_id, incident_ids), _e.c.kind.in_(kinds))


def _found(session: Session, *wanted: ColumnElement[bool]) -> list[Event]:
    query = select(
        _e.c.id,
        _e.c.incident_id,
        _e.c.at,
        _e.c.recorded_at,
        _e.c.who,
        _e.c.kind,
        _e.c.text,
        _e.c.detail,
    ).where(*wanted)
    rows = session.execute(query.order_by(_e.c.at, _e.c.id))
    return [Event(*row[:7], orjson.loads(row[7])) for row in rows]
