"""Corrections: late truth, booked beside a meter's readings and once per key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from slo.domain.ledger import Correction
from slo.store import audit, dialect, schema
from slo.store.dialect import among
from slo.store.errors import StoreError
from slo.store.slos import row_ids

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session

_k, _m, _s = schema.correction, schema.meter, schema.slo
_VALUES = (_k.c.end, _k.c.good, _k.c.total, _k.c.who, _k.c.why, _k.c.key, _k.c.at)


def add(session: Session, correction: Correction) -> bool:
    """Books the correction for the running meter; False: one with that key is booked already.

    It is audited. Raises `StoreError` for an SLO that nothing counts.
    """
    row_id = row_ids(session, [correction.slo]).get(correction.slo)
    running = select(_m.c.id).where(_m.c.slo_id == row_id, _m.c.ended_at.is_(None))
    meter = None if row_id is None else session.execute(running).scalar()
    if meter is None:
        raise StoreError(f"there is no SLO {correction.slo!r} to correct; see `slo status`")
    row = {
        "slo_id": row_id,
        "meter_id": meter,
        "end": correction.end,
        "good": correction.good,
        "total": correction.total,
        "who": correction.who,
        "why": correction.why,
        "key": correction.key,
        "at": correction.at,
    }
    statement = dialect.insert(session, _k).values(row)
    statement = statement.on_conflict_do_nothing(index_elements=[_k.c.key])
    if session.execute(statement.returning(_k.c.id)).scalar() is None:
        return False
    detail = {name: row[name] for name in ("end", "good", "total", "why", "key")}
    new = {name: row[name] for name in ("end", "good", "total")}
    audit.add(session, correction.at, correction.who, "correct", correction.slo, detail, new=new)
    return True


def of(session: Session, meters: Collection[int]) -> dict[int, list[Correction]]:
    """The corrections by meter, in order of their buckets; a meter without has an empty list.

    A correction counts beside the readings that it was made for, and beside no others:
    a meter that counts the same time anew counts what was late, too.
    """
    query = (
        select(_k.c.meter_id, _s.c.service, _s.c.name, *_VALUES)
        .join(_s, _s.c.id == _k.c.slo_id)
        .where(among(session, _k.c.meter_id, meters))
        .order_by(_k.c.end, _k.c.id)
    )
    found: dict[int, list[Correction]] = {meter: [] for meter in meters}
    for meter, service, name, *values in session.execute(query):
        found[meter].append(Correction(f"{service}/{name}", *values))
    return found


def of_slo(session: Session, slo_id: str) -> list[Correction]:
    """All corrections of an SLO, of former meters too, in order of their buckets."""
    row_id = row_ids(session, [slo_id]).get(slo_id)
    query = select(*_VALUES).where(_k.c.slo_id == row_id).order_by(_k.c.end, _k.c.id)
    return [Correction(slo_id, *values) for values in session.execute(query)]
