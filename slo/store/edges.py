"""Edges: the last booked sample of each series of a meter."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, cast

from sqlalchemy import CursorResult, delete, select

from slo.domain.meter import Edge
from slo.store import schema
from slo.store.dialect import among, digest, put_many

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Any

    from sqlalchemy.orm import Session

_e, _m = schema.edge, schema.meter
_MOVING = ("at", "seen", "held", "roles", "start", "intervals", "rises", "gone")


def edges_of(session: Session, meter_ids: Collection[int]) -> dict[int, list[Edge]]:
    """The edges by meter; a meter without edges has an empty list."""
    query = select(_e.c.meter_id, _e.c.read, _e.c.series, *(_e.c[name] for name in _MOVING))
    found: dict[int, list[Edge]] = defaultdict(list)
    for row in session.execute(query.where(among(session, _e.c.meter_id, meter_ids))):
        meter, read, series, at, seen, held, roles, start, intervals, rises, gone = row
        found[meter].append(
            Edge(
                read,
                series,
                at,
                seen,
                held,
                roles,
                start,
                tuple(map(int, intervals.split())),
                tuple(map(float, rises.split())),
                gone,
            )
        )
    return {meter: found.get(meter, []) for meter in meter_ids}


def put(session: Session, edges: Mapping[int, Sequence[Edge]]) -> None:
    """Makes or moves the edges, given by meter."""
    rows = {
        (meter, edge.read, edge.series): (
            meter,
            edge.read,
            digest(edge.series),
            edge.series,
            edge.at,
            edge.seen,
            edge.held,
            edge.roles,
            edge.start,
            " ".join(map(str, edge.intervals)),
            # repr() is the shortest text that reads back as the same float, inf as well.
            " ".join(map(repr, edge.rises)),
            edge.gone,
        )
        for meter, all_of_it in edges.items()
        for edge in all_of_it
    }
    put_many(session, _e, list(rows.values()), lambda new: {name: new[name] for name in _MOVING})


def forget(session: Session, max_gap_ms: int) -> int:
    """Deletes edges silent for longer than `max_gap_ms` when their meter was last booked.

    Held against the meter and not the clock: after a long absence of ours the
    edges are still what the next cycle steps from. Gives their number.
    """
    booked_to = select(_m.c.booked_to).where(_m.c.id == _e.c.meter_id).scalar_subquery()
    result = session.execute(delete(_e).where(_e.c.at < booked_to * 1000 - max_gap_ms))
    return cast("CursorResult[Any]", result).rowcount
