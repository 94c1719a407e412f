"""Progress: how far the ledgers of each source reach, forward and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, case, func, select

from slo.store import schema

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_m, _s = schema.meter, schema.slo


@dataclass(frozen=True, slots=True)
class Progress:
    """The running meters of one source; instants in epoch seconds, None where nothing is booked."""

    source: str
    slos: int
    unbooked: int
    """SLOs of which nothing is booked yet."""
    oldest: int | None
    """The last reading of the one that is furthest behind."""
    newest: int | None
    backfilling: int
    """SLOs whose ledger is still to reach further back."""
    missing: int
    """Seconds of ledger that those want, together."""
    reach: int | None
    """How far back they want to reach."""


def by_source(session: Session) -> dict[str, Progress]:
    """The progress of the SLOs that are counted, by source."""
    wants = and_(_m.c.backfill_to.is_not(None), _m.c.booked_from > _m.c.backfill_to)
    query = (
        select(
            _m.c.source,
            func.count(),
            func.sum(case((_m.c.booked_to.is_(None), 1), else_=0)),
            func.min(_m.c.booked_to),
            func.max(_m.c.booked_to),
            func.sum(case((wants, 1), else_=0)),
            func.sum(case((wants, _m.c.booked_from - _m.c.backfill_to), else_=0)),
            func.min(case((wants, _m.c.backfill_to))),
        )
        .join(_s, _m.c.slo_id == _s.c.id)
        .where(_m.c.ended_at.is_(None), _s.c.paused_at.is_(None))
        .group_by(_m.c.source)
    )
    found = {}
    for source, slos, unbooked, oldest, newest, wanting, missing, reach in session.execute(query):
        found[source] = Progress(
            source, slos, int(unbooked), oldest, newest, int(wanting), int(missing), reach
        )
    return found
