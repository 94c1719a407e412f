"""The backlog: how many notifications wait for each receiver, and how many are finished."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, literal_column, select

from slo.store import facts, schema
from slo.store.outbox import COLUMNS, found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from slo.domain.notification import Notification

_n = schema.notification
_LONGEST_LIFE = 7 * 86_400


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
    """How many notifications are finished, by receiver and state; tests are left out.

    Those that were deleted since count on, so that no number ever falls by that.
    """
    query = (
        select(_n.c.receiver, _n.c.state, func.count())
        .where(_n.c.state != "pending", _n.c.kind != "test")
        .group_by(_n.c.receiver, _n.c.state)
    )
    tally = _forgotten(session)
    tally.update({(name, state): count for name, state, count in session.execute(query)})
    return dict(tally)


def add_forgotten(session: Session, deleted: Mapping[tuple[str, str], int]) -> None:
    """Keep how many finished notifications were deleted, by receiver and state."""
    total = _forgotten(session)
    total.update(deleted)
    facts.put(session, "forgotten", {"counts": [[*key, n] for key, n in sorted(total.items())]})


def _forgotten(session: Session) -> Counter[tuple[str, str]]:
    kept = facts.of(session, "forgotten") or {"counts": []}
    return Counter({(receiver, state): count for receiver, state, count in kept["counts"]})


def count_ended(session: Session, since: float) -> dict[str, int]:
    """How many notifications ended since an instant, by state; tests are left out."""
    query = (
        select(_n.c.state, func.count())
        # None ends later than it may live, so that the index by its beginning finds them.
        .where(_n.c.created_at >= since - _LONGEST_LIFE, _n.c.ended_at >= since)
        .where(_n.c.kind != "test", _n.c.state != "pending")
        .group_by(_n.c.state)
    )
    return {state: count for state, count in session.execute(query)}  # noqa: C416 -- rows are no pairs to mypy.


def dead_letters(session: Session, limit: int) -> tuple[int, list[Notification]]:
    """How many notifications nobody got, and the newest of them; tests are left out."""
    # Written into the statement, not bound: the partial index is for this very condition.
    dead = (_n.c.state == literal_column("'dead'"), _n.c.kind != "test")
    count = session.execute(select(func.count()).select_from(_n).where(*dead)).scalar_one()
    query = select(*COLUMNS).where(*dead).order_by(_n.c.id.desc()).limit(limit)
    return int(count), [found(row) for row in session.execute(query)]
