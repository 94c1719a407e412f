"""Incidents in the store: their rows, their SLOs, their evidence."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import and_, case, func, insert, or_, select, tuple_, update

from slo.domain.incident import Incident, IncidentSLO
from slo.domain.incident_rules import Candidate
from slo.store import schema
from slo.store.dialect import Lock, among, lock, write_many
from slo.store.incident_times import ALERTED_AT, FIRST_ACKNOWLEDGED_AT, FRESH_AT
from slo.store.slos import row_ids

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from slo.domain.incident import Status

UNRESOLVED: tuple[Status, ...] = ("open", "acknowledged")
_i, _x, _s = schema.incident, schema.incident_slo, schema.slo
_COLUMNS = tuple(
    _i.c[name]
    for name in (
        "id", "service", "title", "severity", "status", "started_at", "opened_at",
        "acknowledged_at", "mitigated_at", "resolved_at", "resolved_by", "assignee", "announced",
        "announced_at", "end_told_at", "flapping", "reopened", "late",
    )
)  # fmt: skip
_INCIDENT = (
    *_COLUMNS,
    FIRST_ACKNOWLEDGED_AT.label("first_acknowledged_at"),
    ALERTED_AT.label("alerted_at"),
)
_open = _i.c.resolved_at.is_(None)


@dataclass(frozen=True, slots=True)
class Summary:
    """How many incidents are open by severity; of the resolved ones how long each phase took.

    `phases` holds their number and their seconds together, by phase.
    """

    open: Mapping[str, int]
    phases: Mapping[str, tuple[int, int]]


def hold(session: Session) -> None:
    """Keeps other transactions from changing which SLO is in which incident, until this ends.

    Whoever writes alert states does so before: the other order could deadlock.
    """
    lock(session, Lock.INCIDENTS)


def one(session: Session, incident_id: int) -> Incident | None:
    """The incident with this id."""
    return next(iter(_found(session, _i.c.id == incident_id)), None)


def many(
    session: Session,
    *,
    status: Status | Collection[Status] | None = None,
    service: str | None = None,
    slo: str | None = None,
    severity: str | None = None,
    assignee: str | None = None,
    since: int | None = None,
    until: int | None = None,
    unlisted: Collection[str] = (),
    limit: int = 200,
    before: int | None = None,
) -> list[Incident]:
    """The incidents that fit, newest first; `before` (an id) continues a former answer.

    `since` and `until` (epoch seconds) leave out those that were over before the one,
    or opened at or after the other; `unlisted` those of services. An empty `assignee`
    means that nobody has it.
    """
    equal = (
        (_i.c.service, service),
        (_i.c.severity, severity),
        (func.coalesce(_i.c.assignee, ""), assignee),
    )
    wanted = [column == value for column, value in equal if value is not None]
    if unlisted:
        wanted.append(_listed(unlisted))
    if status is not None:
        wanted.append(_i.c.status.in_([status] if isinstance(status, str) else list(status)))
    if slo is not None:
        of_slo = select(_x.c.incident_id).where(_x.c.slo_id == row_ids(session, [slo]).get(slo, -1))
        wanted.append(_i.c.id.in_(of_slo))
    if since is not None:
        wanted.append(or_(_open, _i.c.resolved_at >= since))
    if until is not None:
        wanted.append(_i.c.opened_at < until)
    if before is not None:
        at = select(_i.c.opened_at).where(_i.c.id == before).scalar_subquery()
        wanted.append(tuple_(_i.c.opened_at, _i.c.id) < tuple_(at, before))
    return _found(session, *wanted, limit=limit)


def current(session: Session, unlisted: Collection[str] = ()) -> list[Incident]:
    """All that are open but those of `unlisted` services, newest first."""
    # By the rows of SLOs, which are short: an incident's row holds its evidence.
    held = select(_x.c.incident_id).where(_x.c.open.is_(True))
    return _found(session, _i.c.id.in_(held), _open, _listed(unlisted))


def open_of(session: Session, slo_ids: Collection[str] | None = None) -> dict[str, Incident]:
    """The open incident of each of these SLOs that is in one; None: of all."""
    wanted = None if slo_ids is None else set(slo_ids)
    return {
        s.slo: incident
        for incident in current(session)
        for s in incident.slos
        if s.open and (wanted is None or s.slo in wanted)
    }


def unsettled(session: Session) -> list[Incident]:
    """The incidents of which a notification, or the end of flapping, may be due; oldest first.

    Open ones, flapping ones, and resolved ones that receivers still take for open.
    """
    untold = and_(_i.c.announced_at.is_not(None), _i.c.end_told_at.is_(None))
    return _found(session, or_(_open, _i.c.flapping, untold))[::-1]


def candidates(session: Session, service: str) -> list[Candidate]:
    """The open incidents of a service, for `place`."""
    query = select(_i.c.id, FRESH_AT).where(_open, _i.c.service == service)
    return [Candidate(*row) for row in session.execute(query)]


def newest_of(session: Session, slo_id: str) -> Candidate | None:
    """The last incident that the SLO was in, for `place`."""
    query = (
        select(_i.c.id, FRESH_AT, _i.c.resolved_at)
        .join(_x, _x.c.incident_id == _i.c.id)
        .where(_x.c.slo_id == row_ids(session, [slo_id]).get(slo_id, -1))
        .order_by(_i.c.opened_at.desc(), _i.c.id.desc())
        .limit(1)
    )
    return next((Candidate(*row) for row in session.execute(query)), None)


def evidence(session: Session, incident_id: int) -> dict[str, Any]:
    """What was stored of the moment when it opened; empty for an unknown incident."""
    text = session.execute(select(_i.c.evidence).where(_i.c.id == incident_id)).scalar()
    found: dict[str, Any] = {} if text is None else orjson.loads(text)
    return found


def create(session: Session, slo_id: str, at: int, proof: Mapping[str, Any], **values: Any) -> int:
    """A new incident that one SLO is in; gives its id."""
    values = {
        "service": slo_id.partition("/")[0],
        "status": "open",
        "opened_at": at,
        "flapping": False,
        "reopened": 0,
        "evidence": orjson.dumps(dict(proof)).decode(),
        **values,
    }
    number: int = session.execute(insert(_i).values(values).returning(_i.c.id)).scalar_one()
    _add_slo(session, number, slo_id, at)
    return number


def change(session: Session, incident_id: int, **values: Any) -> None:
    """Sets columns of an incident; `evidence` is given as a mapping."""
    if "evidence" in values:
        values["evidence"] = orjson.dumps(values["evidence"]).decode()
    session.execute(update(_i).where(_i.c.id == incident_id).values(values))


def join(session: Session, incident_id: int, slo_id: str, at: int) -> bool:
    """Puts an SLO into an incident, or back into it; False: it is in it already."""
    here = and_(_x.c.incident_id == incident_id, _x.c.slo_id == row_ids(session, [slo_id])[slo_id])
    was_open = session.execute(select(_x.c.open).where(here)).scalar()
    if was_open is None:
        _add_slo(session, incident_id, slo_id, at)
    elif not was_open:
        session.execute(update(_x).where(here).values(open=True))
    return not was_open


def leave(session: Session, incident_id: int) -> None:
    """Ends that SLOs are in an incident, which resolves."""
    session.execute(update(_x).where(_x.c.incident_id == incident_id).values(open=False))


def put_lost(
    session: Session, incident_id: int, lost: Mapping[str, tuple[float, float, float | None]]
) -> None:
    """Writes what SLOs lost in an incident: bad and total events, share of their budgets."""
    ids = row_ids(session, lost)
    for slo_id, (bad, total, share) in lost.items():
        session.execute(
            update(_x)
            .where(_x.c.incident_id == incident_id, _x.c.slo_id == ids[slo_id])
            .values(bad=bad, total=total, budget_share=share)
        )


def count_changes(session: Session, incident_id: int, alert: tuple[str, str], since: int) -> int:
    """How often an alert (SLO and rule) of an incident fired or ended after an instant."""
    slo_id, rule = alert
    a = schema.alert
    query = select(func.count()).where(
        a.c.incident_id == incident_id,
        a.c.slo_id == row_ids(session, [slo_id]).get(slo_id, -1),
        a.c.rule == rule,
        a.c.at > since,
    )
    return session.execute(query).scalar_one()


def begin_flapping(session: Session, incident_id: int) -> bool:
    """Marks an incident as flapping; False: it was."""
    marked = (
        update(_i)
        .where(_i.c.id == incident_id, _i.c.flapping.is_(False))
        .values(flapping=True)
        .returning(_i.c.id)
    )
    return session.execute(marked).scalar() is not None


def summary(session: Session) -> Summary:
    """What /metrics tells of incidents."""
    severities = (
        select(_i.c.severity, func.count().label("number")).where(_open).group_by(_i.c.severity)
    )
    phases = {
        "detect": _i.c.opened_at - _i.c.started_at,
        "acknowledge": FIRST_ACKNOWLEDGED_AT - ALERTED_AT,
        "mitigate": _i.c.mitigated_at - _i.c.started_at,
        "resolve": _i.c.resolved_at - _i.c.started_at,
    }
    columns = [
        column
        for seconds in phases.values()
        for column in (
            func.count(seconds),
            func.coalesce(func.sum(case((seconds > 0, seconds), else_=0)), 0),
        )
    ]
    row = session.execute(select(*columns).where(_i.c.resolved_at.is_not(None))).one()
    return Summary(
        {row.severity: row.number for row in session.execute(severities)},
        {name: (row[2 * n], int(row[2 * n + 1])) for n, name in enumerate(phases)},
    )


def _listed(unlisted: Collection[str]) -> ColumnElement[bool]:
    """Whether an incident is of none of these services."""
    return _i.c.service.not_in(list(unlisted))


def _add_slo(session: Session, incident_id: int, slo_id: str, at: int) -> None:
    row = {
        "incident_id": incident_id,
        "slo_id": row_ids(session, [slo_id])[slo_id],
        "joined_at": at,
        "open": True,
        "bad": 0.0,
        "total": 0.0,
    }
    write_many(session, insert(_x), [row])


def _found(
    session: Session, *wanted: ColumnElement[bool], limit: int | None = None
) -> list[Incident]:
    """The incidents that fit, newest first, with their SLOs."""
    query = select(*_INCIDENT).where(*wanted).order_by(_i.c.opened_at.desc(), _i.c.id.desc())
    rows = session.execute(query.limit(limit)).all()
    of = _slos_of(session, [row.id for row in rows])
    return [Incident(**row._mapping, slos=tuple(of[row.id])) for row in rows]  # noqa: SLF001 -- SQLAlchemy's public name.


def _slos_of(session: Session, numbers: Sequence[int]) -> dict[int, list[IncidentSLO]]:
    """The SLOs of incidents, in the order in which they joined."""
    found: dict[int, list[IncidentSLO]] = defaultdict(list)
    if not numbers:
        return found
    query = (
        select(
            _x.c.incident_id,
            _s.c.service,
            _s.c.name,
            _x.c.joined_at,
            _x.c.open,
            _x.c.bad,
            _x.c.total,
            _x.c.budget_share,
        )
        .join(_s, _s.c.id == _x.c.slo_id)
        .where(among(session, _x.c.incident_id, numbers))
        .order_by(_x.c.joined_at, _s.c.service, _s.c.name)
    )
    for number, service, name, *rest in session.execute(query):
        found[number].append(IncidentSLO(f"{service}/{name}", *rest))
    return found
