"""The backlog: how many messages wait for each receiver, and how many are finished."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, literal_column, select

from slo.store import schema

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_n = schema.notification


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is pending for a receiver; instants in epoch seconds, None where nothing is."""

    pending: int = 0
    oldest: float | None = None
    next_at: float | None = None
    expires_at: float | None = None


def backlogs(session: Session) -> dict[str, Backlog]:
    """What is pending, by receiver."""
    query = (
        select(
            _n.c.receiver,
            func.count(),
            func.min(_n.c.created_at),
            func.min(_n.c.next_at),
            func.min(_n.c.expires_at),
        )
        # Written into the statement, not bound: the partial index is for this very condition.
        .where(_n.c.state == literal_column("'pending'"))
        .group_by(_n.c.receiver)
    )
    return {name: Backlog(*rest) for name, *rest in session.execute(query)}


def count_finished(session: Session) -> dict[tuple[str, str], int]:
    """How many messages are finished, by receiver and state; tests are left out."""
    query = (
        select(_n.c.receiver, _n.c.state, func.count())
        .where(_n.c.state != "pending", _n.c.kind != "test")
        .group_by(_n.c.receiver, _n.c.state)
    )
    return {(name, state): count for name, state, count in session.execute(query)}
