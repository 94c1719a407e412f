"""SLOs and their meters in the store: declared, renamed, paused, brought back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, insert, select, update

from slo.domain.meter import Meter, indicator_json
from slo.domain.span import Span
from slo.store import audit, dialect, remetering, schema
from slo.store.dialect import among, write_many
from slo.store.renames import rename
from slo.store.revisions import Revision, add_changed, revision_at, revisions, revisions_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import Any

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from slo.domain.indicator import Indicator
    from slo.domain.slo import SLO

__all__ = [
    "Declared",
    "Known",
    "Revision",
    "all_slos",
    "booked_span",
    "declare",
    "know",
    "meter_of",
    "meters_by_slo",
    "meters_of",
    "pause_absent",
    "revision_at",
    "revisions",
    "revisions_of",
    "row_ids",
    "running_meters",
]

_s, _m = schema.slo, schema.meter


@dataclass(frozen=True, slots=True)
class Declared:
    """One SLO as slo.yaml has it now, its indicator resolved, and what identifies its meter."""

    slo: SLO
    indicator: Indicator
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Known:
    """One SLO that the store knows, by its id `service/name`; instants in epoch seconds."""

    id: str
    paused_at: int | None
    created_at: int


def declare(session: Session, declared: Sequence[Declared], at: int) -> dict[str, Meter]:
    """The meter that runs for each declared SLO, by the SLO's id.

    Makes, renames and un-pauses SLOs, begins a meter where what is counted
    changed (one that ran before goes on), and appends revisions. Costs four
    statements when nothing changed. Raises `RenameError` for a `was:` that
    would join two ledgers.
    """
    dialect.lock(session, dialect.Lock.DECLARE)
    rename(session, [d.slo for d in declared if d.slo.was], at)
    ids = _ensure_rows(session, [d.slo for d in declared], at)
    add_changed(session, {ids[d.slo.id]: d.slo for d in declared}, at)
    return _ensure_meters(session, declared, ids, at)


def know(session: Session, found: Sequence[SLO], at: int) -> None:
    """Makes sure that these SLOs have a row, although nothing counts them yet."""
    if found:
        dialect.lock(session, dialect.Lock.DECLARE)
        _ensure_rows(session, found, at)


def pause_absent(session: Session, ids: Collection[str], at: int) -> list[str]:
    """Pauses all SLOs but those with these ids, and gives the ids of the newly paused."""
    dialect.lock(session, dialect.Lock.DECLARE)
    kept = set(ids)
    rows = session.execute(
        select(_s.c.id, _s.c.service, _s.c.name).where(_s.c.paused_at.is_(None)).order_by(_s.c.id)
    )
    gone = {f"{service}/{name}": row_id for row_id, service, name in rows}
    gone = {slo_id: row_id for slo_id, row_id in gone.items() if slo_id not in kept}
    if gone:
        session.execute(
            update(_s).where(among(session, _s.c.id, gone.values())).values(paused_at=at)
        )
        _audit(session, at, "pause", gone)
    return list(gone)


def all_slos(session: Session) -> list[Known]:
    """All SLOs that were ever declared, by id."""
    rows = session.execute(
        select(_s.c.service, _s.c.name, _s.c.paused_at, _s.c.created_at).order_by(
            _s.c.service, _s.c.name
        )
    )
    return [
        Known(f"{service}/{name}", paused_at, created_at)
        for service, name, paused_at, created_at in rows
    ]


def row_ids(session: Session, slo_ids: Collection[str]) -> dict[str, int]:
    """The row id of each SLO id that the store knows."""
    wanted = set(slo_ids)
    services = {slo_id.partition("/")[0] for slo_id in wanted}
    rows = session.execute(
        select(_s.c.id, _s.c.service, _s.c.name).where(among(session, _s.c.service, services))
    )
    found = {f"{service}/{name}": row_id for row_id, service, name in rows}
    return {slo_id: row_id for slo_id, row_id in found.items() if slo_id in wanted}


def meter_of(session: Session, slo_id: str) -> Meter | None:
    """The meter that runs for the SLO, None if it was never declared."""
    rows = session.execute(_meters(slo_id).where(_m.c.ended_at.is_(None)))
    return next((_meter(slo_id, row) for row in rows), None)


def meters_of(session: Session, slo_id: str) -> list[Meter]:
    """All meters that ever ran for the SLO, in the order in which they began."""
    rows = session.execute(_meters(slo_id).order_by(_m.c.started_at, _m.c.id))
    return [_meter(slo_id, row) for row in rows]


_METER = (
    _m.c.id,
    _m.c.fingerprint,
    _m.c.bucket,
    _m.c.indicator,
    _m.c.watch_from,
    _m.c.booked_from,
    _m.c.booked_to,
    _m.c.backfill_to,
)


def _meters(slo_id: str) -> Select[Any]:
    service, _, name = slo_id.partition("/")
    return select(*_METER).join(_s).where(_s.c.service == service, _s.c.name == name)


def _meter(slo_id: str, row: Sequence[Any]) -> Meter:
    number, fingerprint, bucket, indicator, watch_from, booked_from, booked_to, backfill_to = row
    return Meter(
        number,
        slo_id,
        fingerprint,
        bucket,
        indicator,
        watch_from,
        booked_from,
        booked_to,
        backfill_to,
    )


def meters_by_slo(session: Session, slo_ids: Collection[str]) -> dict[str, list[Meter]]:
    """All meters that ever ran for these SLOs, in order of their beginnings, the running one last.

    An SLO without has an empty list.
    """
    query = (
        select(_s.c.service, _s.c.name, *_METER)
        .join(_m, _m.c.slo_id == _s.c.id)
        .where(among(session, _s.c.service, {slo_id.partition("/")[0] for slo_id in slo_ids}))
        .order_by(_m.c.ended_at.is_(None), _m.c.started_at, _m.c.id)
    )
    found: dict[str, list[Meter]] = {slo_id: [] for slo_id in slo_ids}
    for service, name, *row in session.execute(query):
        slo_id = f"{service}/{name}"
        if slo_id in found:
            found[slo_id].append(_meter(slo_id, row))
    return found


def booked_span(session: Session, slo_id: str | None = None) -> Span | None:
    """From where the oldest ledger begins to where the newest ends; None: nothing is booked.

    Of all SLOs, or of all meters that ever ran for one.
    """
    query = select(func.min(_m.c.booked_from), func.max(_m.c.booked_to))
    if slo_id is not None:
        query = query.where(_m.c.slo_id == row_ids(session, [slo_id]).get(slo_id, -1))
    start, end = session.execute(query).one()
    return None if start is None else Span(start, end)


def _ensure_rows(session: Session, found: Sequence[SLO], at: int) -> dict[str, int]:
    """The row id of each of these SLOs; makes and un-pauses rows."""
    rows = session.execute(select(_s.c.id, _s.c.service, _s.c.name, _s.c.paused_at)).all()
    known = {f"{service}/{name}": (row_id, paused_at) for row_id, service, name, paused_at in rows}
    missing = {slo.id: slo for slo in found if slo.id not in known}
    write_many(
        session,
        insert(_s),
        [{"service": s.service, "name": s.name, "created_at": at} for s in missing.values()],
    )
    back = {
        slo.id: known[slo.id][0]
        for slo in found
        if slo.id in known and known[slo.id][1] is not None
    }
    if back:
        session.execute(
            update(_s).where(among(session, _s.c.id, back.values())).values(paused_at=None)
        )
        _audit(session, at, "resume", back)
    ids = {slo_id: row_id for slo_id, (row_id, _) in known.items()}
    return ids | row_ids(session, missing) if missing else ids


def _ensure_meters(
    session: Session, declared: Sequence[Declared], ids: dict[str, int], at: int
) -> dict[str, Meter]:
    """The running meter of each declared SLO; ends, continues and begins meters."""
    running = _running(session)
    changed = {
        ids[d.slo.id]: d
        for d in declared
        if ids[d.slo.id] not in running or running[ids[d.slo.id]].fingerprint != d.fingerprint
    }
    if changed:
        former = [
            (running[k], d.indicator, d.slo.bucket) for k, d in changed.items() if k in running
        ]
        remetering.tell(session, former, at)
        _change_meters(session, changed, at)
        running = _running(session)
    return {d.slo.id: running[ids[d.slo.id]] for d in declared}


def _running(session: Session) -> dict[int, Meter]:
    """The running meters by the row id of their SLO."""
    rows = session.execute(
        select(_s.c.id, _s.c.service, _s.c.name, *_METER)
        .join(_m, _m.c.slo_id == _s.c.id)
        .where(_m.c.ended_at.is_(None))
    )
    return {slo_id: _meter(f"{service}/{name}", meter) for slo_id, service, name, *meter in rows}


def _change_meters(session: Session, changed: dict[int, Declared], at: int) -> None:
    """Ends the running meters of these SLOs (by row id) and starts those with the new prints."""
    session.execute(
        update(_m)
        .where(among(session, _m.c.slo_id, changed), _m.c.ended_at.is_(None))
        .values(ended_at=at)
    )
    rows = session.execute(
        select(_m.c.id, _m.c.slo_id, _m.c.fingerprint)
        .where(among(session, _m.c.slo_id, changed))
        .order_by(_m.c.id)
    )
    former = {(slo_id, fingerprint): meter for meter, slo_id, fingerprint in rows}
    back = [
        {"meter": former[slo_id, d.fingerprint]}
        for slo_id, d in changed.items()
        if (slo_id, d.fingerprint) in former
    ]
    write_many(session, update(_m).where(_m.c.id == bindparam("meter")).values(ended_at=None), back)
    new = [
        {
            "slo_id": slo_id,
            "fingerprint": d.fingerprint,
            "indicator": indicator_json(d.indicator),
            "source": d.slo.source,
            "bucket": d.slo.bucket,
            "started_at": at,
        }
        for slo_id, d in changed.items()
        if (slo_id, d.fingerprint) not in former
    ]
    write_many(session, insert(_m), new)


def _audit(session: Session, at: int, action: str, slo_ids: Collection[str]) -> None:
    old, new = ("declared", "paused") if action == "pause" else ("paused", "declared")
    states = {"state": old}, {"state": new}
    entries = [audit.Entry(at, audit.CONFIG, action, slo_id, {}, *states) for slo_id in slo_ids]
    audit.add_many(session, entries)


def running_meters(session: Session) -> dict[str, Meter]:
    """The meters that run now, by their SLO's id."""
    return {meter.slo: meter for meter in _running(session).values()}
