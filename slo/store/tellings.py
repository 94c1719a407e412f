"""Tellings: who was told of what, and whether it arrived, read from the outbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from slo.store import schema
from slo.store.dialect import among

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from slo.domain.notification import NoticeKind, NotificationState

_n = schema.notification
_COLUMNS = (
    _n.c.id,
    _n.c.receiver,
    _n.c.subject,
    _n.c.incident_id,
    _n.c.kind,
    _n.c.state,
    _n.c.created_at,
    _n.c.ended_at,
    _n.c.error,
)


@dataclass(frozen=True, slots=True)
class Telling:
    """One notification without what it says: to whom, about what, and what became of it."""

    id: int
    receiver: str
    subject: str
    incident: int | None
    kind: NoticeKind
    state: NotificationState
    created_at: float
    ended_at: float | None
    error: str


def of_incidents(session: Session, incidents: Collection[int]) -> list[Telling]:
    """The notifications of these incidents, oldest first."""
    return _found(session, among(session, _n.c.incident_id, incidents))


def of_subjects(session: Session, subjects: Collection[str], since: float) -> list[Telling]:
    """The notifications of these subjects that were written at `since` or later, oldest first."""
    if not subjects:
        return []
    return _found(session, _n.c.created_at >= since, among(session, _n.c.subject, subjects))


def _found(session: Session, *wanted: ColumnElement[bool]) -> list[Telling]:
    query = select(*_COLUMNS).where(*wanted).order_by(_n.c.id)
    return [Telling(*row) for row in session.execute(query)]
