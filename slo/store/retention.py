"""Retention: deletes what nobody needs any more, some rows at a time."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, exists, func, or_, select

from slo.domain.notification import ENDING
from slo.store import backlog, schema
from slo.store.dialect import among

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_n, _a, _i = schema.notification, schema.attempt, schema.incident
_u, _t = schema.user_session, schema.throttle
_DEAD = ("dead",)
_OTHERS = ("delivered", "suppressed", "cancelled")
_ALONE = ("test", "fallback")
"""Kinds that begin nothing that another notification would end."""


def forget_notifications(session: Session, before: float, dead_before: float, limit: int) -> int:
    """Deletes up to `limit` notifications that ended before an instant, dead ones before another.

    What is pending stays, and what a later notification builds on: all of a subject that is
    not over, since whoever was told of its beginning is to be told of its end. Gives
    how many were deleted; they still count among those that are finished.
    """
    old = or_(
        and_(_n.c.state.in_(_OTHERS), _n.c.ended_at < before),
        and_(_n.c.state.in_(_DEAD), _n.c.ended_at < dead_before),
    )
    later = _n.alias()
    same = and_(later.c.receiver == _n.c.receiver, later.c.subject == _n.c.subject)
    incident = exists().where(_i.c.id == _n.c.incident_id, _i.c.resolved_at.is_not(None))
    ended = exists().where(same, later.c.id > _n.c.id, later.c.kind.in_(ENDING))
    is_over = or_(
        incident,
        and_(_n.c.incident_id.is_(None), or_(_n.c.kind.in_([*_ALONE, *ENDING]), ended)),
    )
    waits = exists().where(same, later.c.state == "pending")
    query = (
        select(_n.c.id, _n.c.receiver, _n.c.state, _n.c.kind)
        .where(old, is_over, ~waits)
        .order_by(_n.c.id)
        .limit(limit)
    )
    rows = session.execute(query).all()
    ids = [row[0] for row in rows]
    if ids:
        told = ((receiver, state) for _, receiver, state, kind in rows if kind != "test")
        backlog.add_forgotten(session, Counter(told))
        session.execute(delete(_a).where(among(session, _a.c.notification_id, ids)))
        session.execute(delete(_n).where(among(session, _n.c.id, ids)))
    return len(ids)


def forget_logins(session: Session, now: float, throttled_before: float) -> int:
    """Deletes sessions that have expired, and failed logins from before an instant."""
    count = select(func.count()).select_from(_u).where(_u.c.expires_at < now)
    found = int(session.execute(count).scalar_one())
    session.execute(delete(_u).where(_u.c.expires_at < now))
    session.execute(delete(_t).where(_t.c.at < throttled_before))
    return found
