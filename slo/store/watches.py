"""Watches: since when a source, or the cycle itself, is silent, and whether people know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from slo.store import schema
from slo.store.dialect import put_many

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_w = schema.watch


@dataclass(frozen=True, slots=True)
class Watch:
    """One silence: of whom, since when (epoch seconds), why, and when people were told."""

    subject: str
    silent_since: int
    why: str
    told_at: int | None = None


def all(session: Session) -> dict[str, Watch]:  # noqa: A001 -- read as `watches.all(session)`
    """The silences there are, by subject."""
    rows = session.execute(select(_w.c.subject, _w.c.silent_since, _w.c.why, _w.c.told_at))
    return {row[0]: Watch(*row) for row in rows}


def put(session: Session, watch: Watch) -> None:
    """Writes a silence over what was known of its subject."""
    put_many(
        session,
        _w,
        [(watch.subject, watch.silent_since, watch.told_at, watch.why)],
        lambda new: {
            "silent_since": new.silent_since,
            "told_at": new.told_at,
            "why": new.why,
        },
    )


def end(session: Session, subject: str) -> None:
    """Forgets the silence of a subject."""
    session.execute(delete(_w).where(_w.c.subject == subject))
