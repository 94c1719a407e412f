"""Corrections: late truth, booked beside the readings and once per key."""

from __future__ import annotations

from collections import defaultdict
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

_k, _s = schema.correction, schema.slo


def add(session: Session, correction: Correction) -> bool:
    """Books the correction and audits it; False: one with that key is booked already.

    Raises `StoreError` for an SLO that the store does not know.
    """
    row_id = row_ids(session, [correction.slo]).get(correction.slo)
    if row_id is None:
        raise StoreError(f"there is no SLO {correction.slo!r} to correct; see `slo status`")
    row = {
        "slo_id": row_id,
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


def of(session: Session, slo_ids: Collection[str]) -> dict[str, list[Correction]]:
    """The corrections by SLO id, in order of their buckets; an SLO without has an empty list."""
    names = {row_id: slo_id for slo_id, row_id in row_ids(session, slo_ids).items()}
    columns = (_k.c.end, _k.c.good, _k.c.total, _k.c.who, _k.c.why, _k.c.key, _k.c.at)
    query = (
        select(_k.c.slo_id, *columns)
        .where(among(session, _k.c.slo_id, names))
        .order_by(_k.c.end, _k.c.id)
    )
    found: dict[str, list[Correction]] = defaultdict(list)
    for row_id, *values in session.execute(query):
        found[names[row_id]].append(Correction(names[row_id], *values))
    return {slo_id: found.get(slo_id, []) for slo_id in slo_ids}
