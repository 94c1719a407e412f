"""Booking: what a cycle or a backfill counted becomes readings, once and whole.

Both book only where the meter's stretch ends (or begins), under a lock on the
meter: the same booking twice, or by two processes at once, is booked once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from sqlalchemy import and_, case, func, select, update

from slo.domain.ledger import Reading
from slo.store import contributors, edges, notes, schema
from slo.store.dialect import among, put_many

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from slo.domain.booking import Booking

_m, _r = schema.meter, schema.reading


@dataclass(frozen=True, slots=True)
class _Stretch:
    """How far a meter is booked."""

    booked_from: int | None
    booked_to: int | None
    backfill_to: int | None


def book(session: Session, bookings: Sequence[Booking]) -> set[int]:
    """Books each span that continues its meter's ledger; gives the meters it booked.

    A first booking begins the ledger at its span's start. A booking that does
    not start where its meter ends (somebody else booked it) is left out. Raises
    ValueError for a booking whose increments do not lie in its span, in order and
    up to its end, and for two bookings of one meter.
    """
    by_meter = {b.meter: b for b in sorted(bookings, key=lambda b: b.meter)}
    if len(by_meter) < len(bookings):
        raise ValueError("two bookings of one meter in one call; book them one after the other")
    for booking in bookings:
        _ensure_whole(booking)
    stretches = _locked(session, by_meter)
    todo = [
        by_meter[meter]
        for meter, stretch in stretches.items()
        if stretch.booked_to in {None, by_meter[meter].span.start}
    ]
    if not todo:
        return set()
    last = _last_readings(session, [b.meter for b in todo])
    _write_readings(session, (_readings(b, last.get(b.meter)) for b in todo))
    edges.put(session, {b.meter: b.edges for b in todo})
    _add_findings(session, todo)
    _extend(session, todo, stretches)
    return {b.meter for b in todo}


def book_back(
    session: Session, booking: Booking, keep_every: int, *, pinned: Collection[int] = ()
) -> bool:
    """Books a span that ends where its meter's ledger begins, counting down from there.

    Keeps readings at multiples of `keep_every` seconds, at the last bucket end at
    or before each instant of `pinned`, and at the span's start; sums over the rest.
    False: the ledger does not begin at the span's end, and nothing is written.
    """
    _ensure_whole(booking)
    span = booking.span
    stretch = _locked(session, [booking.meter]).get(booking.meter)
    if stretch is None or stretch.booked_from != span.end:
        return False
    rows, carried = _count_down(booking, _reading_at(session, booking), keep_every, pinned)
    session.execute(
        update(_r)
        .where(_r.c.meter_id == booking.meter, _r.c.end == span.end)
        .values(carried=carried)
    )
    _write_readings(session, [[(booking.meter, reading) for reading in rows]])
    _add_findings(session, [booking])
    reached = stretch.backfill_to is not None and span.start <= stretch.backfill_to
    backfill_to = None if reached else stretch.backfill_to
    session.execute(
        update(_m)
        .where(_m.c.id == booking.meter)
        .values(booked_from=span.start, backfill_to=backfill_to)
    )
    return True


def set_backfill(session: Session, meter_id: int, backfill_to: int, watch_from: int) -> None:
    """Wants the ledger to reach back to `backfill_to`; births count as watched from `watch_from`.

    Both in epoch seconds. A wish that reaches further back stays.
    """
    session.execute(
        update(_m)
        .where(_m.c.id == meter_id)
        .values(
            backfill_to=_least(_m.c.backfill_to, backfill_to),
            watch_from=_least(_m.c.watch_from, watch_from),
        )
    )


def _least(column: ColumnElement[int | None], value: int) -> ColumnElement[int]:
    return case((column < value, column), else_=value)


def stop_backfill(session: Session, meter_id: int, backfill_to: int | None = None) -> None:
    """Ends a backfill where it is; the watch then begins where the ledger does.

    With `backfill_to` only if that is still what is wanted.
    """
    wanted = () if backfill_to is None else (_m.c.backfill_to == backfill_to,)
    session.execute(
        update(_m)
        .where(_m.c.id == meter_id, *wanted)
        .values(backfill_to=None, watch_from=_m.c.booked_from)
    )


def _ensure_whole(booking: Booking) -> None:
    ends = [booking.span.start, *(i.end for i in booking.increments)]
    if ends[-1] != booking.span.end or any(a >= b for a, b in pairwise(ends)):
        raise ValueError(
            f"the increments of meter {booking.meter} do not cover {booking.span} bucket by bucket"
        )


def _locked(session: Session, meter_ids: Collection[int]) -> dict[int, _Stretch]:
    """The stretches by meter id, in order, so that no two processes wait for each other."""
    query = (
        select(_m.c.id, _m.c.booked_from, _m.c.booked_to, _m.c.backfill_to)
        .where(among(session, _m.c.id, meter_ids))
        .order_by(_m.c.id)
        .with_for_update(key_share=True)
    )
    return {meter: _Stretch(*stretch) for meter, *stretch in session.execute(query)}


def _last_readings(session: Session, meter_ids: Collection[int]) -> dict[int, Reading]:
    query = (
        select(_r.c.meter_id, _r.c.end, _r.c.good, _r.c.total, _r.c.covered)
        .join(_m, and_(_m.c.id == _r.c.meter_id, _m.c.booked_to == _r.c.end))
        .where(among(session, _m.c.id, meter_ids))
    )
    return {meter: Reading(*values) for meter, *values in session.execute(query)}


def _reading_at(session: Session, booking: Booking) -> Reading:
    query = select(_r.c.end, _r.c.good, _r.c.total, _r.c.covered, _r.c.carried)
    where = (_r.c.meter_id == booking.meter, _r.c.end == booking.span.end)
    return Reading(*session.execute(query.where(*where)).one())


def _readings(booking: Booking, last: Reading | None) -> Iterator[tuple[int, Reading]]:
    """The cumulative readings of a booking; with its origin when it is the first."""
    meter = booking.meter
    if last is None:
        last = Reading(booking.span.start, 0.0, 0.0, 0.0)
        yield meter, last
    good, total, covered = last.good, last.total, last.covered
    for step in booking.increments:
        good, total, covered = good + step.good, total + step.total, covered + step.covered
        yield meter, Reading(step.end, good, total, covered, step.carried)


def _count_down(
    booking: Booking, first: Reading, keep_every: int, pinned: Collection[int]
) -> tuple[list[Reading], int]:
    """The readings to keep before `first`, newest first, and `first`'s carried step.

    A reading stands for all buckets since the kept one before it, and so does
    its `carried`.
    """
    span = booking.span
    starts = [span.start, *(step.end for step in booking.increments[:-1])]
    places = (bisect_right(starts, t) for t in pinned if t < span.end)
    kept = {starts[place - 1] for place in places if place} | {span.start}
    good, total, covered = first.good, first.total, first.covered
    points: list[tuple[int, float, float, float]] = []
    carries, carried = [], 0
    for start, step in zip(reversed(starts), reversed(booking.increments), strict=True):
        good, total, covered = good - step.good, total - step.total, covered - step.covered
        carried = max(carried, step.carried)
        if start in kept or start % keep_every == 0:
            points.append((start, good, total, covered))
            carries.append(carried)
            carried = 0
    # What was carried between two points belongs to the later one.
    rows = [Reading(*point, c) for point, c in zip(points, [*carries[1:], 0], strict=True)]
    return rows, carries[0]


def _write_readings(session: Session, many: Iterable[Iterable[tuple[int, Reading]]]) -> None:
    rows = [
        (meter, r.end, r.good, r.total, r.covered, r.carried)
        for readings in many
        for meter, r in readings
    ]
    put_many(session, _r, rows)


def _add_findings(session: Session, bookings: Sequence[Booking]) -> None:
    contributors.add(session, {b.meter: b.contributions for b in bookings})
    notes.add(session, {b.meter: (b.span.end, b.notes) for b in bookings})


def _extend(session: Session, bookings: Sequence[Booking], stretches: dict[int, _Stretch]) -> None:
    """Moves the ends of the meters; most share one end, so a statement an end is few."""
    starts, ends = defaultdict(list), defaultdict(list)
    for booking in bookings:
        ends[booking.span.end].append(booking.meter)
        if stretches[booking.meter].booked_to is None:
            starts[booking.span.start].append(booking.meter)
    for start, meters in starts.items():
        session.execute(
            update(_m)
            .where(among(session, _m.c.id, meters))
            .values(booked_from=start, watch_from=func.coalesce(_m.c.watch_from, start))
        )
    for end, meters in ends.items():
        session.execute(update(_m).where(among(session, _m.c.id, meters)).values(booked_to=end))
