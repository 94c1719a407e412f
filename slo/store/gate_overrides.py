"""Overrides of gates in the store: held open until an instant, ended early, listed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import Double, bindparam, insert, or_, select, update

from slo.domain.gate import GateOverride
from slo.store import audit, schema
from slo.store.recall import recall

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_o = schema.gate_override
_COLUMNS = tuple(_o.c[name] for name in ("id", "scope", "until", "who", "why", "at", "ended_at"))
_NOW = bindparam("now", type_=Double)
_NOT_OVER = (
    select(*_COLUMNS)
    .where(_o.c.until > _NOW, or_(_o.c.ended_at.is_(None), _o.c.ended_at > _NOW))
    .order_by(_o.c.until, _o.c.id)
)
"""Made once: gates ask it often, and making it costs more than the answer."""


def add(session: Session, wanted: GateOverride) -> GateOverride:
    """Keeps the override and audits it; gives it with the id that it got.

    Raises ValueError for one that does not end after it begins.
    """
    if wanted.until <= wanted.at:
        raise ValueError("an override must end after it begins")
    row = {name: getattr(wanted, name) for name in ("scope", "until", "who", "why", "at")}
    number: int = session.execute(insert(_o).values(row).returning(_o.c.id)).scalar_one()
    detail = {"id": number, "until": wanted.until, "why": wanted.why}
    new = {"until": wanted.until}
    audit.add(session, wanted.at, wanted.who, "open-gate", wanted.scope, detail, new=new)
    return replace(wanted, id=number)


def end(session: Session, override_id: int, at: int, who: str, why: str) -> GateOverride | None:
    """Ends an override before its time and audits it; None: none with this id holds."""
    statement = (
        update(_o)
        .where(_o.c.id == override_id, _o.c.ended_at.is_(None), _o.c.until > at)
        .values(ended_at=at)
        .returning(*_COLUMNS)
    )
    ended = next((GateOverride(*row) for row in session.execute(statement)), None)
    if ended is not None:
        detail, old, new = {"id": override_id, "why": why}, {"until": ended.until}, {"until": at}
        audit.add(session, at, who, "release-gate", ended.scope, detail, old=old, new=new)
    return ended


def holding(session: Session, now: float, service: str | None = None) -> list[GateOverride]:
    """The overrides that hold gates at `now`, of one service or of all; the first to end first."""

    def ask() -> tuple[GateOverride, ...]:
        rows = session.connection().execute(_NOT_OVER, {"now": now})
        return tuple(GateOverride(*row) for row in rows)

    # Those that are not over now hold all that any later instant can find.
    found = [one for one in recall(session, "overrides", ask) if one.holds_at(now)]
    if service is None:
        return found
    return [one for one in found if one.scope.partition("/")[0] == service]


def latest(session: Session, limit: int = 200, before: int | None = None) -> list[GateOverride]:
    """The newest overrides, those that are over too, newest first; `before`: below this id only."""
    query = select(*_COLUMNS).order_by(_o.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(_o.c.id < before)
    return [GateOverride(*row) for row in session.execute(query)]
