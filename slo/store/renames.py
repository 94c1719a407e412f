"""Renames: `was: old/name` keeps an SLO's row, and with it its ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, literal, or_, select, update

from slo.store import audit, dialect, schema
from slo.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Insert, Table
    from sqlalchemy.orm import Session

    from slo.domain.slo import SLO

_s, _p = schema.slo, schema.standing
_x, _schedule, _silence = schema.exclusion, schema.exclusion_schedule, schema.silence
_SCOPED = (_x, _schedule, _silence, schema.annotation, schema.gate_override)
_RENAME = "rename"


class RenameError(StoreError):
    """A `was:` names an SLO whose ledger cannot move; the message says why and what to do.

    `slo` is the id of the SLO that says it.
    """

    def __init__(self, slo: str, message: str) -> None:
        super().__init__(message)
        self.slo = slo


def rename(session: Session, slos: Sequence[SLO], at: int) -> None:
    """Gives each known SLO that one of `slos` was, its new id; done before, it does nothing.

    Chains (b was a, c was b) are followed. Raises `RenameError` if both ids have
    a ledger, or two SLOs claim one.
    """
    if not slos:
        return
    rows = session.execute(select(_s.c.id, _s.c.service, _s.c.name))
    known = {f"{service}/{name}": row_id for row_id, service, name in rows}
    pending = {s.id: s for s in slos if s.was in known and s.was != s.id}
    _ensure_one_heir(pending)
    while pending:
        free = [slo for slo in pending.values() if slo.id not in known]
        if not free:
            break
        for slo in free:
            _move(session, known, slo, at)
            del pending[slo.id]
    for slo in pending.values():
        if not _renamed_before(session, slo):
            raise RenameError(
                slo.id,
                f"{slo.id} says `was: {slo.was}`, but both have a ledger and two cannot be "
                f"joined; remove the `was:`, or give {slo.id} a name that was never used",
            )


def _ensure_one_heir(pending: dict[str, SLO]) -> None:
    heirs: dict[str | None, str] = {}
    for slo in pending.values():
        other = heirs.setdefault(slo.was, slo.id)
        if other != slo.id:
            raise RenameError(
                slo.id,
                f"{other} and {slo.id} both say `was: {slo.was}`; a ledger has one heir, "
                "remove one of the two",
            )


def _move(session: Session, known: dict[str, int], slo: SLO, at: int) -> None:
    was = slo.was or ""
    row_id = known.pop(was)
    known[slo.id] = row_id
    session.execute(update(_s).where(_s.c.id == row_id).values(service=slo.service, name=slo.name))
    # What expands a schedule now has read the old name.
    dialect.lock(session, dialect.Lock.SCHEDULES)
    for table in _SCOPED:
        session.execute(update(table).where(table.c.scope == was).values(scope=slo.id))
    left = was.partition("/")[0]
    if left != slo.service:
        _keep(session, f"{left}/*", slo.id, at)
    # It still says the old name; the next cycle writes it anew.
    session.execute(delete(_p).where(_p.c.slo_id == row_id))
    old, new = {"id": was}, {"id": slo.id}
    audit.add(session, at, audit.CONFIG, _RENAME, slo.id, {"was": was}, old=old, new=new)


def _keep(session: Session, service: str, slo: str, at: int) -> None:
    """Copies what holds for a `service` (as a scope) to an SLO that left it.

    Exclusions of any time, since no past number may change; silences that are not over.
    """
    active = (_x.c.scope == service, _x.c.removed_at.is_(None))
    session.execute(_copy(_x, slo, *active, _x.c.schedule_id.is_(None)))
    used = select(_x.c.schedule_id).where(*active)
    wanted = or_(_schedule.c.removed_at.is_(None), _schedule.c.id.in_(used))
    schedules = select(_schedule.c.id).where(_schedule.c.scope == service, wanted)
    for number in session.scalars(schedules.order_by(_schedule.c.id)).all():
        copied = _copy(_schedule, slo, _schedule.c.id == number).returning(_schedule.c.id)
        own: int = session.execute(copied).scalar_one()
        session.execute(_copy(_x, slo, *active, _x.c.schedule_id == number, schedule_id=own))
    rest = (_silence.c.end > at, _silence.c.ended_at.is_(None))
    session.execute(_copy(_silence, slo, _silence.c.scope == service, *rest))


def _copy(table: Table, scope: str, *wanted: ColumnElement[bool], **values: Any) -> Insert:
    """Inserts the `wanted` rows of a table again, with another scope and these values."""
    new = {"scope": scope, **values}
    columns = [column for column in table.columns if column.name != "id"]
    chosen = [
        literal(new[column.name]).label(column.name) if column.name in new else column
        for column in columns
    ]
    return insert(table).from_select([c.name for c in columns], select(*chosen).where(*wanted))


def _renamed_before(session: Session, slo: SLO) -> bool:
    entries = audit.of(session, slo.id)
    return any(e.action == _RENAME and e.detail.get("was") == slo.was for e in entries)
