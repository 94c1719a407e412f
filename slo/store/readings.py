"""Readings of the ledger: the last at an instant, and those of a span."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, select, true

from slo.domain.ledger import Reading
from slo.store import schema
from slo.store.dialect import among, is_postgresql, pairs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

_r = schema.reading
_READING = (_r.c.end, _r.c.good, _r.c.total, _r.c.covered, _r.c.carried)


def readings_at(
    session: Session, wanted: Mapping[int, Iterable[int]] | Sequence[tuple[int, int]]
) -> dict[tuple[int, int], Reading]:
    """For each wanted `(meter, t)` the last reading at or before `t`; none is left out.

    `wanted` holds pairs, or the instants (epoch seconds) by meter.
    """
    return _nearest(session, wanted, earlier=True)


def readings_from(
    session: Session, wanted: Mapping[int, Iterable[int]] | Sequence[tuple[int, int]]
) -> dict[tuple[int, int], Reading]:
    """For each wanted `(meter, t)` the first reading at or after `t`; none is left out.

    `wanted` holds pairs, or the instants (epoch seconds) by meter.
    """
    return _nearest(session, wanted, earlier=False)


def _nearest(
    session: Session,
    wanted: Mapping[int, Iterable[int]] | Sequence[tuple[int, int]],
    *,
    earlier: bool,
) -> dict[tuple[int, int], Reading]:
    if isinstance(wanted, Mapping):
        asked = {(meter, t) for meter, instants in wanted.items() for t in instants}
    else:
        asked = set(wanted)
    if not asked:
        return {}
    at = pairs(session, sorted(asked))
    query: Select[Any]
    if is_postgresql(session):
        side = _r.c.end <= at.c.t if earlier else _r.c.end >= at.c.t
        found = select(*_READING).where(_r.c.meter_id == at.c.meter_id, side)
        order = _r.c.end.desc() if earlier else _r.c.end
        one = found.order_by(order).limit(1).lateral()
        query = select(at, *one.c).join_from(at, one, true())
    else:
        # SQLite has no LATERAL; max() or min() of a key's column is one seek.
        inner = _r.alias()
        side = inner.c.end <= at.c.t if earlier else inner.c.end >= at.c.t
        end = (
            select(func.max(inner.c.end) if earlier else func.min(inner.c.end))
            .where(inner.c.meter_id == at.c.meter_id, side)
            .scalar_subquery()
        )
        query = select(at, *_READING).join_from(
            at, _r, and_(_r.c.meter_id == at.c.meter_id, _r.c.end == end)
        )
    # All at once, not one by one: a thousand SLOs ask for tens of thousands.
    rows = session.execute(query).all()
    return {(meter, t): Reading(*values) for meter, t, *values in rows}


def first_at_or_after(session: Session, meter_id: int, t: int) -> Reading | None:
    """The first reading at or after `t` (epoch seconds)."""
    query = _of(meter_id).where(_r.c.end >= t).order_by(_r.c.end).limit(1)
    return next((Reading(*row) for row in session.execute(query)), None)


def between(session: Session, meter_id: int, start: int, end: int) -> list[Reading]:
    """The readings in `(start, end]`, oldest first."""
    query = _of(meter_id).where(_r.c.end > start, _r.c.end <= end).order_by(_r.c.end)
    return [Reading(*row) for row in session.execute(query)]


def carried_since(session: Session, since: Mapping[int, int]) -> dict[int, list[tuple[int, int]]]:
    """The carried steps after an instant, by meter: ends of their buckets and lengths.

    `since` holds the instant (epoch seconds) by meter; lengths are in seconds.
    """
    if not since:
        return {}
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    query = select(_r.c.meter_id, _r.c.end, _r.c.carried).where(
        among(session, _r.c.meter_id, since), _r.c.end > min(since.values()), _r.c.carried > 0
    )
    for meter, end, carried in session.execute(query.order_by(_r.c.end)):
        if end > since[meter]:
            found[meter].append((end, carried))
    return dict(found)


def _of(meter_id: int) -> Select[Any]:
    return select(*_READING).where(_r.c.meter_id == meter_id)
