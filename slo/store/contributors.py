"""Contributors: the label sets with most bad events by meter and hour, the rest as `other`."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import and_, bindparam, delete, func, select

from slo.domain.ledger import OTHER, Contribution
from slo.store import schema
from slo.store.dialect import among, digest, put_many, write_many

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy import CursorResult
    from sqlalchemy.orm import Session

KEPT = 20
"""Label sets kept per meter and hour beside `other`."""

_c = schema.contributor
_HOUR = 3600


def add(session: Session, found: Mapping[int, Sequence[Contribution]]) -> None:
    """Adds contributions, by meter; keeps the `KEPT` worst of each hour and sums up the rest."""
    rows = [(meter, c) for meter, contributions in found.items() for c in contributions]
    if not rows:
        return
    _add(session, ((meter, c.hour, c.labels, c.bad, c.total) for meter, c in rows))
    _fold(session, {meter for meter, _ in rows}, {c.hour for _, c in rows})


def top(
    session: Session, meter_id: int, start: int, end: int, limit: int = KEPT
) -> list[Contribution]:
    """The worst label sets over the hours that share time with `(start, end]`.

    Each is summed over those hours and carries the first of them; `other` comes
    last, beside the limit, with all that lies beyond it.
    """
    bad = func.sum(_c.c.bad)
    query = (
        select(func.min(_c.c.hour), _c.c.labels, bad, func.sum(_c.c.total))
        .where(_c.c.meter_id == meter_id, _c.c.hour < end, _c.c.hour > start - _HOUR)
        .group_by(_c.c.labels)
        .order_by(bad.desc(), _c.c.labels)
    )
    all_of_them = [Contribution(*row) for row in session.execute(query)]
    named = [c for c in all_of_them if c.labels != OTHER]
    rest = [c for c in all_of_them if c.labels == OTHER] + named[limit:]
    if not rest:
        return named
    first = min(c.hour for c in rest)
    other = Contribution(first, OTHER, sum(c.bad for c in rest), sum(c.total for c in rest))
    return [*named[:limit], other]


def worst_hour(session: Session, meter_id: int, start: int, end: int) -> int | None:
    """The start of the hour with most bad events of those within `(start, end]`, or None."""
    bad = func.sum(_c.c.bad)
    query = (
        select(_c.c.hour)
        .where(_c.c.meter_id == meter_id, _c.c.hour < end, _c.c.hour > start - _HOUR)
        .group_by(_c.c.hour)
        .having(bad > 0)
        .order_by(bad.desc(), _c.c.hour.desc())
        .limit(1)
    )
    return session.execute(query).scalar()


def fold_good(session: Session, meter_id: int, before: int) -> int:
    """Sums up the label sets without bad events of the hours before an instant as `other`.

    Gives the number of rows that this saved; what bad events came from stays.
    """
    where = (
        _c.c.meter_id == meter_id,
        _c.c.hour < before - _HOUR,
        _c.c.bad == 0,
        _c.c.labels != OTHER,
    )
    sums = select(_c.c.hour, func.sum(_c.c.total)).where(*where).group_by(_c.c.hour)
    found = [(meter_id, hour, OTHER, 0.0, total) for hour, total in session.execute(sums)]
    result = session.execute(delete(_c).where(*where))
    _add(session, found)
    return cast("CursorResult[Any]", result).rowcount - len(found)


def _add(session: Session, many: Iterable[tuple[int, int, str, float, float]]) -> None:
    sums: dict[tuple[int, int, str], tuple[float, float]] = {}
    for meter, hour, labels, bad, total in many:
        before = sums.get((meter, hour, labels), (0.0, 0.0))
        sums[meter, hour, labels] = (before[0] + bad, before[1] + total)
    put_many(
        session,
        _c,
        [
            (meter, hour, digest(labels), labels, *events)
            for (meter, hour, labels), events in sums.items()
        ],
        lambda new: {"bad": _c.c.bad + new.bad, "total": _c.c.total + new.total},
    )


def _fold(session: Session, meters: Collection[int], hours: Collection[int]) -> None:
    """Moves all beyond the `KEPT` worst of each of these hours into `other`."""
    named = and_(among(session, _c.c.meter_id, meters), _c.c.hour.in_(hours), _c.c.labels != OTHER)
    crowded = (
        select(_c.c.meter_id, _c.c.hour)
        .where(named)
        .group_by(_c.c.meter_id, _c.c.hour)
        .having(func.count() > KEPT)
        .subquery()
    )
    place = func.row_number().over(
        partition_by=(_c.c.meter_id, _c.c.hour),
        order_by=(_c.c.bad.desc(), _c.c.total.desc(), _c.c.digest),
    )
    ranked = (
        select(_c.c.meter_id, _c.c.hour, _c.c.digest, _c.c.bad, _c.c.total, place.label("place"))
        .join(
            crowded,
            and_(crowded.c.meter_id == _c.c.meter_id, crowded.c.hour == _c.c.hour),
        )
        .where(_c.c.labels != OTHER)
        .subquery()
    )
    rest: dict[tuple[int, int], tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    doomed: list[dict[str, Any]] = []
    for meter, hour, key, bad, total, _ in session.execute(
        select(ranked).where(ranked.c.place > KEPT)
    ):
        before = rest[meter, hour]
        rest[meter, hour] = (before[0] + bad, before[1] + total)
        doomed.append({"m": meter, "h": hour, "d": key})
    gone = delete(_c).where(
        _c.c.meter_id == bindparam("m"),
        _c.c.hour == bindparam("h"),
        _c.c.digest == bindparam("d"),
    )
    write_many(session, gone, doomed)
    _add(session, ((m, h, OTHER, bad, total) for (m, h), (bad, total) in sorted(rest.items())))
