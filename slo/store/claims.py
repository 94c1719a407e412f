"""Claims: notifications taken from the outbox to be sent, and what came of them.

A claim moves `next_at` to the end of its lease. A dispatcher that dies leaves the
notification to the next one after the lease, so each is sent at least once, always under the
same msg_id. Of a receiver and subject only the oldest unfinished notification can be claimed,
so they arrive in order. Every function here expects the receiver's row to be locked.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, delete, func, insert, literal_column, or_, select, update

from slo.domain.notification import ENDING
from slo.store import schema
from slo.store.dialect import is_postgresql, write_many
from slo.store.outbox import COLUMNS, found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from slo.domain.notification import Notification, NotificationState

_n, _a = schema.notification, schema.attempt
# Written into the statement, not bound: the partial indices are for this very condition.
_IS_PENDING: ColumnElement[str] = literal_column("'pending'")
_PENDING = _n.c.state == _IS_PENDING
KEPT_ATTEMPTS = 100
"""Of a notification: the first and the newest ones."""
REPLY_HEAD = 4096
NEVER = 1e15
LOST = "the dispatcher ended before it could tell what came of it"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one claimed notification.

    `state` pending: it is tried again at `next_at`. Texts hold no secret.
    """

    notification: Notification
    state: NotificationState
    outcome: str
    started: float
    seconds: float
    next_at: float
    status: int | None = None
    error: str = ""
    reply: str = ""
    provider_ref: str | None = None


def claim(
    session: Session, receiver: str, count: int, now: float, seconds: float, *, probe: bool = False
) -> list[Notification]:
    """Takes up to `count` notifications that are due, for a lease of so many seconds.

    A probe takes the oldest one that was tried before or is due. Those of a lease that
    ran out are taken once `note_lost` has ended it.
    """
    other = _n.alias()
    # A value and not a join: whatever PostgreSQL knows of the table, it looks this up by index.
    first = (
        select(func.min(other.c.id))
        .where(
            other.c.receiver == _n.c.receiver,
            other.c.subject == _n.c.subject,
            other.c.state == _IS_PENDING,
        )
        .scalar_subquery()
    )
    due: ColumnElement[bool] = _n.c.next_at <= now
    if probe:
        due = or_(due, _n.c.attempts > 0)
    name: ColumnElement[str] = _n.c.receiver
    if not is_postgresql(session):
        # The plus keeps SQLite from the index by receiver, through which it would read and
        # sort all that waits; by that of next_at it ends at the first few.
        name = literal_column("+notification.receiver")
    wanted = (
        select(_n.c.id)
        .where(_PENDING, _n.c.lease.is_(None), name == receiver, due, _n.c.id == first)
        .order_by(_n.c.id if probe else _n.c.next_at)
        .limit(count)
        .with_for_update(skip_locked=True)
    )
    taken = (
        update(_n)
        .where(_n.c.id.in_(wanted))
        .values(
            lease=uuid.uuid4().hex,
            next_at=now + seconds,
            attempts=_n.c.attempts + 1,
            first_at=func.coalesce(_n.c.first_at, now),
        )
        .returning(*COLUMNS)
    )
    return sorted((found(row) for row in session.execute(taken)), key=lambda n: n.id)


def note_lost(session: Session, receiver: str, now: float) -> None:
    """Ends leases that ran out, and notes the attempts of which nobody told the outcome."""
    ended = (
        update(_n)
        .where(_PENDING, _n.c.receiver == receiver, _n.c.lease.is_not(None), _n.c.next_at <= now)
        .values(lease=None, error=LOST)
        .returning(_n.c.id, _n.c.next_at)
    )
    for number, until in session.execute(ended).all():
        lost = {"started": until, "seconds": 0.0, "outcome": "unclear", "error": LOST, "reply": ""}
        session.execute(insert(_a).values(notification_id=number, status=None, **lost))


def complete(session: Session, results: Sequence[Result], now: float) -> set[int]:
    """Notes attempts and what becomes of their notifications; gives the ids of those.

    A notification whose lease was lost is not among them: somebody else sends it, and its
    state is theirs to say. The attempt is noted even so.
    """
    leases = {r.notification.id: r.notification.lease for r in results}
    held = select(_n.c.id, _n.c.lease, _n.c.attempts).where(
        _PENDING, _n.c.id.in_(list(leases)), _n.c.lease.is_not(None)
    )
    mine = {
        number: attempts
        for number, lease, attempts in session.execute(held)
        if lease == leases[number]
    }
    write_many(
        session,
        _COMPLETE,
        [_outcome(r, now) for r in results if r.notification.id in mine],
    )
    write_many(session, insert(_a), [_attempt(r) for r in results])
    for number, attempts in mine.items():
        if attempts > KEPT_ATTEMPTS:
            _forget_attempts(session, number)
    return set(mine)


_COMPLETE = (
    update(_n)
    .where(_n.c.id == bindparam("held_id"), _n.c.lease == bindparam("held_lease"), _PENDING)
    .values(
        state=bindparam("new_state"),
        next_at=bindparam("new_next_at"),
        lease=None,
        status=bindparam("new_status"),
        error=bindparam("new_error"),
        provider_ref=func.coalesce(bindparam("new_ref"), _n.c.provider_ref),
        ended_at=bindparam("new_ended_at"),
    )
)


def _outcome(result: Result, now: float) -> dict[str, Any]:
    return {
        "held_id": result.notification.id,
        "held_lease": result.notification.lease,
        "new_state": result.state,
        "new_next_at": result.next_at,
        "new_status": result.status,
        "new_error": result.error,
        "new_ref": result.provider_ref,
        "new_ended_at": None if result.state == "pending" else now,
    }


def _attempt(result: Result) -> dict[str, Any]:
    return {
        "notification_id": result.notification.id,
        "started": result.started,
        "seconds": result.seconds,
        "outcome": result.outcome,
        "status": result.status,
        "error": result.error,
        "reply": result.reply[:REPLY_HEAD],
    }


def _forget_attempts(session: Session, notification_id: int) -> None:
    of_it = _a.c.notification_id == notification_id
    newest = select(_a.c.id).where(of_it).order_by(_a.c.id.desc()).limit(KEPT_ATTEMPTS - 1)
    first = select(func.min(_a.c.id)).where(of_it).scalar_subquery()
    session.execute(delete(_a).where(of_it, _a.c.id.not_in(newest), _a.c.id != first))


def hand_back(session: Session, notification: Notification, now: float) -> None:
    """Gives up a claim that was not used: the notification is due at once, and was not tried."""
    session.execute(
        update(_n)
        .where(_n.c.id == notification.id, _n.c.lease == notification.lease, _PENDING)
        .values(lease=None, next_at=now, attempts=_n.c.attempts - 1)
    )


def refresh(
    session: Session, receiver: str, now: float, every: float, after_end: float
) -> list[Notification]:
    """Delivered notifications to send once more to a receiver that forgets what is not repeated.

    Of each subject the newest one that arrived, every so many seconds: as long as it is not
    over, and so many seconds after it was. Whoever asks next gets them an interval later.
    """
    newest = (
        select(func.max(_n.c.id))
        .where(
            _n.c.receiver == receiver,
            or_(_n.c.state == "delivered", _n.c.kind.in_(ENDING)),
            _n.c.kind.not_in(["acknowledged", "test"]),
        )
        .group_by(_n.c.subject)
    )
    due = and_(_n.c.receiver == receiver, _n.c.state == "delivered", _n.c.next_at <= now)
    lasting = or_(_n.c.kind.not_in(ENDING), _n.c.ended_at > now - after_end)
    again = (
        update(_n)
        .where(due, _n.c.id.in_(newest), lasting)
        .values(next_at=now + every)
        .returning(*COLUMNS)
    )
    rows = [found(row) for row in session.execute(again).all()]
    # The others are settled, and need not be looked at again.
    session.execute(update(_n).where(due).values(next_at=NEVER))
    return rows


def refreshing(session: Session, receivers: Sequence[str], now: float) -> set[str]:
    """Those of the receivers for which `refresh` may find something."""
    query = select(_n.c.receiver).where(
        _n.c.receiver.in_(list(receivers)), _n.c.state == "delivered", _n.c.next_at <= now
    )
    return set(session.execute(query.distinct()).scalars())
