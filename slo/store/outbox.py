"""The outbox: notifications, queued in the transaction of what they tell; each stays as a row."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast, get_args

from sqlalchemy import func, select, update

from slo.domain.facts_json import facts_from_json, facts_json
from slo.domain.notification import ENDING, Notification, NotificationState
from slo.store import audit, schema
from slo.store.dialect import among, insert

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from slo.domain.notification import Facts, NoticeKind

_n, _a, _i = schema.notification, schema.attempt, schema.installation
_ID = "id"
STATES: tuple[NotificationState, ...] = get_args(NotificationState)
COLUMNS = (
    _n.c.id,
    _n.c.msg_id,
    _n.c.receiver,
    _n.c.subject,
    _n.c.transition,
    _n.c.facts,
    _n.c.state,
    _n.c.attempts,
    _n.c.next_at,
    _n.c.created_at,
    _n.c.expires_at,
    _n.c.first_at,
    _n.c.ended_at,
    _n.c.status,
    _n.c.error,
    _n.c.provider_ref,
    _n.c.lease,
)


def installation_id(session: Session) -> str:
    """The random name of this installation, 16 hexadecimal digits; made once and kept."""
    query = select(_i.c.value).where(_i.c.name == _ID)
    found = session.execute(query).scalar()
    if found is None:
        made = insert(session, _i).values(name=_ID, value=secrets.token_hex(8))
        session.execute(made.on_conflict_do_nothing())
        # Another process may have been first; both go on with what is kept.
        found = session.execute(query).scalar_one()
    return str(found)


def new_msg_id() -> str:
    """A new name of a notification: `msg_` and 26 random characters, none of them a dot."""
    return "msg_" + base64.b32encode(secrets.token_bytes(17)).decode()[:26].lower()


@dataclass(frozen=True, slots=True)
class Queued:
    """One notification to queue; instants in epoch seconds."""

    receiver: str
    subject: str
    transition: str
    facts: Facts
    next_at: float
    expires_at: float


def queue(session: Session, messages: Sequence[Queued], now: float) -> tuple[str, ...]:
    """Queues notifications, in order; gives the receivers of those that were not there before."""
    fresh = []
    for message in messages:
        row = {
            "msg_id": new_msg_id(),
            "receiver": message.receiver,
            "subject": message.subject,
            "transition": message.transition,
            "incident_id": message.facts.incident,
            "kind": message.facts.kind,
            "severity": message.facts.severity,
            "facts": facts_json(message.facts),
            "state": "pending",
            "attempts": 0,
            "next_at": message.next_at,
            "created_at": now,
            "expires_at": message.expires_at,
            "error": "",
        }
        keys = ["receiver", "subject", "transition"]
        made = insert(session, _n).values(row).on_conflict_do_nothing(index_elements=keys)
        if session.execute(made.returning(_n.c.id)).scalar() is not None:
            fresh.append(message.receiver)
    return tuple(fresh)


def queue_claimed(session: Session, message: Queued, lease: str, now: float) -> Notification:
    """Queues a notification that the caller sends at once, and nobody else until `next_at`."""
    queue(session, [message], now)
    mine = (
        update(_n)
        .where(
            _n.c.receiver == message.receiver,
            _n.c.subject == message.subject,
            _n.c.transition == message.transition,
        )
        .values(lease=lease, attempts=1, first_at=now)
        .returning(*COLUMNS)
    )
    return found(session.execute(mine).one())


def last_kinds(session: Session, subject: str, receivers: Collection[str]) -> dict[str, NoticeKind]:
    """The kind of the newest notification of a subject to each of these receivers that has one."""
    newest = (
        select(func.max(_n.c.id))
        # By receiver and subject, as the unique index is.
        .where(among(session, _n.c.receiver, receivers), _n.c.subject == subject)
        .group_by(_n.c.receiver)
    )
    rows = session.execute(select(_n.c.receiver, _n.c.kind).where(_n.c.id.in_(newest)))
    return {receiver: kind for receiver, kind in rows}  # noqa: C416 -- rows are no pairs to mypy.


def release(session: Session, receivers: Sequence[str], subject: str, now: float) -> None:
    """Lets those go that wait for the end of quiet hours, as one that cannot wait follows."""
    session.execute(
        update(_n)
        .where(
            _n.c.receiver.in_(list(receivers)),
            _n.c.subject == subject,
            _n.c.state == "pending",
            _n.c.attempts == 0,
            _n.c.next_at > now,
        )
        .values(next_at=now)
    )


def found(row: Sequence[Any]) -> Notification:
    """The notification of a row of `COLUMNS`."""
    number, msg_id, receiver, subject, transition, facts, *rest = row
    return Notification(
        number, msg_id, receiver, subject, transition, facts_from_json(facts), *rest
    )


def listed(
    session: Session,
    *,
    state: str | None = None,
    receiver: str | None = None,
    incident: int | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Notification]:
    """The notifications that fit, newest first; `before` (an id) continues a former answer."""
    wanted: list[ColumnElement[bool]] = []
    if state is not None:
        wanted.append(_n.c.state == state)
    if receiver is not None:
        wanted.append(_n.c.receiver == receiver)
    if incident is not None:
        wanted.append(_n.c.incident_id == incident)
    if before is not None:
        wanted.append(_n.c.id < before)
    query = select(*COLUMNS).where(*wanted).order_by(_n.c.id.desc()).limit(limit)
    return [found(row) for row in session.execute(query)]


def by_id(session: Session, notification_id: int) -> Notification | None:
    """One notification."""
    row = session.execute(select(*COLUMNS).where(_n.c.id == notification_id)).first()
    return None if row is None else found(row)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt; `outcome` is a `Verdict`'s action, or `unclear` where it may have arrived."""

    id: int
    started: float
    seconds: float
    outcome: str
    status: int | None
    error: str
    reply: str


def attempts_of(session: Session, notification_id: int) -> list[Attempt]:
    """The attempts of a notification that are kept, oldest first."""
    query = (
        select(
            _a.c.id,
            _a.c.started,
            _a.c.seconds,
            _a.c.outcome,
            _a.c.status,
            _a.c.error,
            _a.c.reply,
        )
        .where(_a.c.notification_id == notification_id)
        .order_by(_a.c.id)
    )
    return [Attempt(*row) for row in session.execute(query)]


class ResendError(Exception):
    """A notification that cannot be sent again, and why."""


def resend(
    session: Session,
    notification_id: int,
    now: float,
    who: str,
    *,
    stateful: Collection[str] = (),
) -> Notification:
    """Makes a finished notification pending again, under its old msg_id, and audits it.

    Its attempts stay. It has as long as it had at first. Raises `ResendError` for one
    that is unknown, pending or a test, and for one that began what a receiver among
    `stateful` was told has ended: that one would stay open there for good.
    """
    kept = by_id(session, notification_id)
    if kept is None:
        raise ResendError(f"there is no notification {notification_id}")
    if kept.state == "pending":
        raise ResendError(f"notification {notification_id} is still pending")
    if kept.facts.kind == "test":
        raise ResendError(
            f"notification {notification_id} is a test; `slo notify test {kept.receiver}` sends one"
        )
    if kept.receiver in stateful and _has_ended(session, kept):
        raise ResendError(
            f"notification {notification_id} opens what {kept.receiver} was told has ended; "
            "it would stay open there"
        )
    lifetime = kept.expires_at - kept.created_at
    session.execute(
        update(_n)
        .where(_n.c.id == notification_id, _n.c.state == kept.state)
        .values(
            state="pending",
            lease=None,
            next_at=now,
            created_at=now,
            expires_at=now + lifetime,
            ended_at=None,
        )
    )
    detail = {"receiver": kept.receiver, "msg_id": kept.msg_id, "was": kept.state}
    subject = f"notification/{notification_id}"
    old, new = {"state": kept.state}, {"state": "pending"}
    audit.add(session, int(now), who, "resend", subject, detail, old=old, new=new)
    return cast("Notification", by_id(session, notification_id))


def _has_ended(session: Session, kept: Notification) -> bool:
    if kept.facts.kind in ENDING:
        return False
    later = select(_n.c.id).where(
        _n.c.receiver == kept.receiver,
        _n.c.subject == kept.subject,
        _n.c.id > kept.id,
        _n.c.state == "delivered",
        _n.c.kind.in_(ENDING),
    )
    return session.execute(later.limit(1)).first() is not None


def dead_ids(session: Session, receiver: str | None = None) -> list[int]:
    """The ids of dead letters, oldest first; tests are none."""
    query = select(_n.c.id).where(_n.c.state == "dead", _n.c.kind != "test")
    if receiver is not None:
        query = query.where(_n.c.receiver == receiver)
    return list(session.execute(query.order_by(_n.c.id)).scalars())
