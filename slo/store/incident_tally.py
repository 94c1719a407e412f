"""Tallies of incidents: how many there were, and who had them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from slo.store import schema
from slo.store.dialect import among
from slo.store.slos import row_ids

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session

_i, _x = schema.incident, schema.incident_slo


def assignees(session: Session, limit: int = 200) -> list[str]:
    """Everybody to whom an incident is assigned or was when it resolved, by name."""
    query = select(_i.c.assignee).where(_i.c.assignee.is_not(None)).distinct()
    return list(session.execute(query.order_by(_i.c.assignee).limit(limit)).scalars())


def number_of(session: Session, slo_ids: Collection[str], since: int, until: int) -> int:
    """How many incidents of any of these SLOs opened from `since` until before `until`."""
    ids = row_ids(session, slo_ids)
    of_slos = select(_x.c.incident_id).where(among(session, _x.c.slo_id, ids.values()))
    query = select(func.count()).where(
        _i.c.id.in_(of_slos), _i.c.opened_at >= since, _i.c.opened_at < until
    )
    return session.execute(query).scalar_one()
