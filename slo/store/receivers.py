"""Receivers in the store: how each does, shared by all dispatchers. Their keys stay in slo.yaml."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from slo.domain.breaker import Health, resumed
from slo.store import audit, schema
from slo.store.dialect import insert

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_r, _n = schema.receiver, schema.notification
_FULL = 1e9
"""Tokens of a new receiver: its bucket is full, whatever it holds."""


def healths(session: Session) -> dict[str, Health]:
    """How receivers do, by name; one that was never told has none."""
    return {row.name: Health(*row) for row in session.execute(select(_r))}


def lock(session: Session, name: str, now: float, *, wait: bool) -> Health | None:
    """How a receiver does, held against other dispatchers until the transaction ends.

    None: another one holds it, and `wait` is false.
    """
    query = select(_r).where(_r.c.name == name)
    row = session.execute(query.with_for_update(skip_locked=not wait)).first()
    if row is None:
        fresh = insert(session, _r).values(asdict(Health(name, tokens=_FULL, tokens_at=now)))
        made = session.execute(fresh.on_conflict_do_nothing().returning(_r.c.name)).scalar()
        if made is None and not wait:
            return None
        row = session.execute(query.with_for_update()).one()
    return Health(*row)


def put(session: Session, before: Health, health: Health) -> None:
    """Writes how a locked receiver does now, where that differs from `before`."""
    if health != before:
        session.execute(update(_r).where(_r.c.name == health.name).values(asdict(health)))


def resume(session: Session, name: str, now: float, who: str) -> Health:
    """Ends a receiver's pause, makes its notifications due, and audits it."""
    before = lock(session, name, now, wait=True) or Health(name)
    health = resumed(before)
    put(session, before, health)
    hurry(session, name, now)
    detail = {"was": before.state, "why": before.paused_why}
    old, new = {"state": before.state}, {"state": health.state}
    audit.add(session, int(now), who, "resume", f"receiver/{name}", detail, old=old, new=new)
    return health


def hurry(session: Session, name: str, now: float) -> None:
    """Makes the notifications of a receiver due that were tried before and wait for their turn."""
    session.execute(
        update(_n)
        .where(
            _n.c.receiver == name,
            _n.c.state == "pending",
            _n.c.attempts > 0,
            _n.c.lease.is_(None),
            _n.c.next_at > now,
        )
        .values(next_at=now)
    )
