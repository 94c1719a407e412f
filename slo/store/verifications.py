"""Verifications: what recounts of past days came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from slo.store import schema
from slo.store.slos import row_ids

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

KEPT_SECONDS = 400 * 86_400

_v, _s = schema.verification, schema.slo


@dataclass(frozen=True, slots=True)
class Verified:
    """One recount of the UTC day that begins at `day`; instants in epoch seconds."""

    at: int
    slo: str
    day: int
    agrees: bool | None
    """None: the day could not be counted."""
    text: str
    """What differs, or why it could not be counted; empty where it agrees."""


def add(session: Session, found: Verified) -> None:
    """Keeps a recount; of an SLO that the store does not know, nothing is kept."""
    row = row_ids(session, [found.slo]).get(found.slo)
    if row is not None:
        session.execute(
            insert(_v).values(
                at=found.at, slo_id=row, day=found.day, agrees=found.agrees, text=found.text
            )
        )


def newest(session: Session, limit: int, *, differing: bool = False) -> list[Verified]:
    """The newest recounts, newest first; or only those that differ."""
    query = select(_v.c.at, _s.c.service, _s.c.name, _v.c.day, _v.c.agrees, _v.c.text).join(_s)
    if differing:
        query = query.where(_v.c.agrees.is_(False))
    rows = session.execute(query.order_by(_v.c.at.desc(), _v.c.id.desc()).limit(limit))
    return [
        Verified(at, f"{service}/{name}", day, agrees, text)
        for at, service, name, day, agrees, text in rows
    ]


def forget(session: Session, before: int) -> None:
    """Deletes recounts from before an instant."""
    session.execute(delete(_v).where(_v.c.at < before))
