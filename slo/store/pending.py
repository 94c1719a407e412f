"""Pending notifications: which of them need not be sent any more, and their end.

Every function here expects the receiver's row to be locked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import literal_column, or_, select, update

from slo.domain.notification import ENDING
from slo.store import schema
from slo.store.outbox import COLUMNS, found

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from slo.domain.notification import Notification, NotificationState

_n, _a = schema.notification, schema.attempt
# Written into the statement, not bound: the partial indices are for this very condition.
_IS_PENDING: ColumnElement[str] = literal_column("'pending'")
_PENDING = _n.c.state == _IS_PENDING


def expire(session: Session, receiver: str, now: float) -> list[Notification]:
    """Ends pending notifications that are not worth sending any more; gives them, dead."""
    gone = (
        update(_n)
        .where(
            _PENDING,
            _n.c.receiver == receiver,
            _n.c.expires_at <= now,
            or_(_n.c.lease.is_(None), _n.c.next_at <= now),
        )
        .values(state="dead", lease=None, ended_at=now)
        .returning(*COLUMNS)
    )
    return [found(row) for row in session.execute(gone).all()]


def pending_of(session: Session, receiver: str, subject: str) -> list[Notification]:
    """The pending notifications of a receiver and subject, in order."""
    query = select(*COLUMNS).where(_PENDING, _n.c.receiver == receiver, _n.c.subject == subject)
    return [found(row) for row in session.execute(query.order_by(_n.c.id))]


def stale_subjects(session: Session, receiver: str, before: float) -> list[str]:
    """Subjects of which a notification from `before` or earlier waits, and its end does too."""
    later = _n.alias()
    ends = (
        select(later.c.id)
        .where(
            later.c.receiver == receiver,
            later.c.subject == _n.c.subject,
            later.c.id > _n.c.id,
            later.c.state == _IS_PENDING,
            later.c.kind.in_(ENDING),
        )
        .exists()
    )
    query = select(_n.c.subject).where(
        _PENDING,
        _n.c.receiver == receiver,
        _n.c.created_at <= before,
        _n.c.lease.is_(None),
        _n.c.kind.not_in(ENDING),
        ends,
    )
    return list(session.execute(query.distinct()).scalars())


def next_ends(session: Session, receiver: str) -> list[Notification]:
    """Notifications that end or acknowledge something, nothing of which is pending before them."""
    earlier = _n.alias()
    waits = (
        select(earlier.c.id)
        .where(
            earlier.c.receiver == receiver,
            earlier.c.subject == _n.c.subject,
            earlier.c.id < _n.c.id,
            earlier.c.state == _IS_PENDING,
        )
        .exists()
    )
    query = select(*COLUMNS).where(
        _PENDING,
        _n.c.receiver == receiver,
        _n.c.lease.is_(None),
        _n.c.kind.in_([*ENDING, "acknowledged"]),
        ~waits,
    )
    return [found(row) for row in session.execute(query.order_by(_n.c.id))]


def has_begun(session: Session, one: Notification) -> bool:
    """Whether the receiver got what `one` ends: a notification since the last end that arrived."""
    query = (
        select(_n.c.kind)
        .where(
            _n.c.receiver == one.receiver,
            _n.c.subject == one.subject,
            _n.c.id < one.id,
            _n.c.state == "delivered",
        )
        .order_by(_n.c.id.desc())
        .limit(1)
    )
    kind = session.execute(query).scalar()
    return kind is not None and kind not in ENDING


def may_have_arrived(session: Session, notification_ids: list[int]) -> bool:
    """Whether an attempt of one of these notifications may have reached the receiver."""
    query = select(_a.c.id).where(
        _a.c.notification_id.in_(notification_ids), _a.c.outcome == "unclear"
    )
    return session.execute(query.limit(1)).first() is not None


def end(
    session: Session, one: Notification, state: NotificationState, error: str, now: float
) -> None:
    """Ends a pending notification that nobody sends, and says why."""
    session.execute(
        update(_n)
        .where(_n.c.id == one.id, _PENDING)
        .values(state=state, lease=None, ended_at=now, error=error)
    )


def pending_pages(session: Session, receiver: str, fallback: str) -> list[Notification]:
    """The pages that wait for a receiver and that its fallback does not have, in order."""
    other = _n.alias()
    has = (
        select(other.c.id)
        .where(
            other.c.receiver == fallback,
            other.c.subject == _n.c.subject,
            other.c.transition == _n.c.transition,
        )
        .exists()
    )
    query = select(*COLUMNS).where(
        _PENDING, _n.c.receiver == receiver, _n.c.severity == "page", _n.c.kind != "test", ~has
    )
    return [found(row) for row in session.execute(query.order_by(_n.c.id))]
