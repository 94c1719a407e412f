"""Notes: what makes a meter's numbers unsure, added up over its bookings."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import case, delete, func, select

from slo.domain.standing import Note
from slo.store import schema
from slo.store.dialect import among, digest, put_many

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy.orm import Session

_n = schema.note


def of(session: Session, meter_ids: Collection[int]) -> dict[int, list[Note]]:
    """The notes by meter, the newest first; a meter without notes has an empty list."""
    query = (
        select(_n.c.meter_id, _n.c.kind, _n.c.text, _n.c.amount, _n.c.first, _n.c.last)
        .where(among(session, _n.c.meter_id, meter_ids))
        .order_by(_n.c.last.desc(), _n.c.kind, _n.c.text)
    )
    found: dict[int, list[Note]] = defaultdict(list)
    for meter, *note in session.execute(query):
        found[meter].append(Note(*note))
    return {meter: found.get(meter, []) for meter in meter_ids}


def add(session: Session, found: Mapping[int, tuple[int, Sequence[Note]]]) -> None:
    """Adds notes, by meter with the instant (epoch seconds) of those that name none.

    A note of the same kind and text is one: amounts add up, `first` and `last` widen.
    """
    rows: dict[tuple[int, str, str], tuple[float | None, int, int, int]] = {}
    for meter, (at, notes) in found.items():
        for note in notes:
            first = at if note.first is None else note.first
            last = at if note.last is None else note.last
            key, new = (meter, note.kind, note.text), (note.amount, first, last, 1)
            rows[key] = _merged(rows[key], new) if key in rows else new
    put_many(
        session,
        _n,
        [
            (meter, kind, digest(text), text, *values)
            for (meter, kind, text), values in rows.items()
        ],
        lambda new: {
            # A sum with NULL is NULL: an amount that only one of them has, stays.
            "amount": func.coalesce(_n.c.amount + new.amount, new.amount, _n.c.amount),
            "first": case((new.first < _n.c.first, new.first), else_=_n.c.first),
            "last": case((new.last > _n.c.last, new.last), else_=_n.c.last),
            "count": _n.c.count + new["count"],
        },
    )


def _merged(
    a: tuple[float | None, int, int, int], b: tuple[float | None, int, int, int]
) -> tuple[float | None, int, int, int]:
    amount = None if a[0] is None and b[0] is None else (a[0] or 0) + (b[0] or 0)
    return amount, min(a[1], b[1]), max(a[2], b[2]), a[3] + b[3]


def clear(session: Session, meter_id: int, kind: str) -> None:
    """Deletes a meter's notes of one kind."""
    session.execute(delete(_n).where(_n.c.meter_id == meter_id, _n.c.kind == kind))


def clear_all(session: Session, meter_ids: Collection[int], kind: str) -> None:
    """Deletes the notes of one kind of these meters."""
    if meter_ids:
        session.execute(
            delete(_n).where(_n.c.kind == kind, among(session, _n.c.meter_id, meter_ids))
        )
