"""Alerts: their states between two decisions, and every transition there was."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import case, delete, func, insert, or_, select, tuple_, update

from slo.domain.alert import AlertState, Transition
from slo.store import schema
from slo.store.dialect import among, put_many
from slo.store.slos import row_ids

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

States = dict[str, dict[str, AlertState]]
"""Alert states by SLO id and rule; a rule that is simply quiet has none."""

_a, _t, _s = schema.alert, schema.alert_state, schema.slo
_STATE = (
    _t.c.rule,
    _t.c.kind,
    _t.c.severity,
    _t.c.firing,
    _t.c.since,
    _t.c.calm_since,
    _t.c.absent_since,
    _t.c.frozen,
    _t.c.reason,
    _t.c.muted_until,
    _t.c.told,
    _t.c.alert_id,
)
_TRANSITION = (
    _a.c.rule,
    _a.c.kind,
    _a.c.severity,
    _a.c.change,
    _a.c.at,
    _a.c.decided_at,
    _a.c.late,
    _a.c.reason,
    _a.c.numbers,
    _a.c.id,
    _a.c.began_id,
    _a.c.incident_id,
)


def states(session: Session, slo_ids: Collection[str] | None = None) -> States:
    """The states of these SLOs; None: of all."""
    return _states(session, slo_ids)


def firing(session: Session, slo_ids: Collection[str] | None = None) -> States:
    """The states of the alerts of these SLOs that fire; None: of all."""
    return _states(session, slo_ids, _t.c.firing)


def _states(
    session: Session, slo_ids: Collection[str] | None, *wanted: ColumnElement[bool]
) -> States:
    query = select(_s.c.service, _s.c.name, *_STATE).join_from(_t, _s).where(*wanted)
    if slo_ids is not None:
        ids = row_ids(session, slo_ids)
        query = query.where(among(session, _t.c.slo_id, ids.values()))
    found: States = defaultdict(dict)
    for service, name, rule, *rest in session.execute(query):
        found[f"{service}/{name}"][rule] = AlertState(rule, *rest)
    return dict(found)


def put_states(session: Session, changed: Mapping[str, Collection[AlertState]]) -> None:
    """Writes each state over the former one of its SLO and rule.

    What mutes an alert is kept while it fires: somebody may have said so meanwhile.
    """
    ids = row_ids(session, changed)
    rows = [
        (
            ids[slo_id],
            s.rule,
            s.kind,
            s.severity,
            s.firing,
            s.since,
            s.calm_since,
            s.absent_since,
            s.frozen,
            s.reason,
            s.muted_until,
            s.told,
            s.alert,
        )
        for slo_id, of_slo in changed.items()
        for s in of_slo
    ]
    # In one order, so that two processes never wait for each other.
    put_many(
        session,
        _t,
        sorted(rows, key=lambda row: row[:2]),
        lambda new: {
            **{c.name: new[c.name] for c in _t.c if not c.primary_key},
            "muted_until": case((new.firing, _t.c.muted_until), else_=None),
        },
    )


def forget_states(session: Session, gone: Collection[tuple[str, str]]) -> None:
    """Deletes the states of these (SLO id, rule), which are quiet or no more."""
    if not gone:
        return
    ids = row_ids(session, {slo_id for slo_id, _ in gone})
    keys = [(ids[slo_id], rule) for slo_id, rule in gone if slo_id in ids]
    for first in range(0, len(keys), 500):
        part = keys[first : first + 500]
        session.execute(delete(_t).where(tuple_(_t.c.slo_id, _t.c.rule).in_(part)))


def mute(session: Session, slo_id: str, rules: Collection[str], until: int) -> None:
    """Keeps firing alerts from opening an incident until then (epoch seconds)."""
    ids = row_ids(session, [slo_id])
    if slo_id in ids and rules:
        session.execute(
            update(_t)
            .where(_t.c.slo_id == ids[slo_id], _t.c.rule.in_(list(rules)), _t.c.firing)
            .values(muted_until=until)
        )


def add(
    session: Session, transitions: Sequence[Transition], policies: Mapping[str, int]
) -> list[Transition]:
    """Keeps transitions, in order; gives them with their ids.

    `policies` holds the id of the policy that decided, by SLO id. The same
    transition twice is an error: whoever decides holds the meter's lock.
    """
    ids = row_ids(session, {t.slo for t in transitions})
    began: dict[tuple[str, str], int] = {}
    kept = []
    for given in transitions:
        t = given
        if t.change != "fires" and t.began is None:
            t = replace(t, began=began.get((t.slo, t.rule)))  # It fired in the same span.
        values = {
            "slo_id": ids[t.slo],
            "rule": t.rule,
            "kind": t.kind,
            "severity": t.severity,
            "change": t.change,
            "at": t.at,
            "decided_at": t.decided_at,
            "late": t.late,
            "reason": t.reason,
            "numbers": orjson.dumps(dict(t.numbers)).decode(),
            "policy_id": policies[t.slo],
            "began_id": t.began,
        }
        number: int = session.execute(insert(_a).values(values).returning(_a.c.id)).scalar_one()
        began[t.slo, t.rule] = number
        kept.append(replace(t, id=number))
    return kept


def attach(session: Session, alert_ids: Collection[int], incident_id: int) -> None:
    """Notes to which incident these transitions belong."""
    if alert_ids:
        session.execute(
            update(_a).where(among(session, _a.c.id, alert_ids)).values(incident_id=incident_id)
        )


def history(
    session: Session,
    *,
    slo: str | None = None,
    service: str | None = None,
    severity: str | None = None,
    kind: str | None = None,
    rule: str | None = None,
    change: str | None = None,
    text: str | None = None,
    since: int | None = None,
    until: int | None = None,
    limit: int = 200,
    before: int | None = None,
) -> list[Transition]:
    """The transitions that fit, newest first; `before` (an id) continues a former answer.

    `text` must be in the SLO's id, the rule's name or the reason, in any case of letters.
    """
    query = _transitions()
    equal = (
        (_s.c.service, service),
        (_a.c.severity, severity),
        (_a.c.kind, kind),
        (_a.c.rule, rule),
        (_a.c.change, change),
    )
    wanted = [column == value for column, value in equal if value is not None]
    if slo is not None:
        wanted += [_s.c.service == slo.partition("/")[0], _s.c.name == slo.partition("/")[2]]
    if text is not None:
        wanted.append(_holds(text))
    if since is not None:
        wanted.append(_a.c.at >= since)
    if until is not None:
        wanted.append(_a.c.at < until)
    if before is not None:
        at = select(_a.c.at).where(_a.c.id == before).scalar_subquery()
        wanted.append(tuple_(_a.c.at, _a.c.id) < tuple_(at, before))
    query = query.where(*wanted).order_by(_a.c.at.desc(), _a.c.id.desc()).limit(limit)
    return [_transition(row) for row in session.execute(query)]


def _holds(text: str) -> ColumnElement[bool]:
    places = (_s.c.service + "/" + _s.c.name, _a.c.rule, _a.c.reason)
    return or_(*(func.lower(p).contains(text.lower(), autoescape=True) for p in places))


def of_incident(session: Session, incident_id: int) -> list[Transition]:
    """The transitions of an incident, oldest first."""
    query = _transitions().where(_a.c.incident_id == incident_id).order_by(_a.c.at, _a.c.id)
    return [_transition(row) for row in session.execute(query)]


def by_id(session: Session, alert_ids: Collection[int]) -> dict[int, Transition]:
    """These transitions by id."""
    query = _transitions().where(among(session, _a.c.id, alert_ids))
    return {t.id: t for t in map(_transition, session.execute(query))}


def ends_of(session: Session, alert_ids: Collection[int]) -> dict[int, Transition]:
    """The transition that ended each of these alerts, by the id with which it began."""
    query = _transitions().where(among(session, _a.c.began_id, alert_ids))
    return {t.began: t for t in map(_transition, session.execute(query)) if t.began is not None}


def _transitions() -> Select[Any]:
    return select(_s.c.service, _s.c.name, *_TRANSITION).join_from(_a, _s)


def _transition(row: Sequence[Any]) -> Transition:
    service, name, rule, kind, severity, change, at, decided, late, reason, numbers, *ids = row
    return Transition(
        f"{service}/{name}",
        rule,
        kind,
        severity,
        change,
        at,
        decided,
        late,
        reason,
        tuple(orjson.loads(numbers).items()),
        *ids,
    )
