"""Announcing: who is told of incidents once their SLOs are caught up, unless silenced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slo.domain.alert import PAGED_KINDS
from slo.domain.incident import AUTO, FLAPS_WITHIN
from slo.domain.incident_rules import higher
from slo.domain.span import rfc3339
from slo.incidents.burning import write_lost
from slo.incidents.evidence import declared
from slo.incidents.record import again, open_desk
from slo.incidents.telling import reason_of, summary_of_end, tell
from slo.store import alerts, incidents, silences, standings, timeline

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session

    from slo.config.settings import Settings
    from slo.domain.alert import AlertState
    from slo.domain.incident import Incident
    from slo.domain.notification import NoticeKind
    from slo.domain.silence import Silence
    from slo.store.alerts import States


def announce(session: Session, settings: Settings, now: int, slo_ids: Collection[str]) -> None:
    """Tells receivers of what is open, and of what is over, of SLOs that are caught up.

    What opened and resolved while catching up is told to nobody. While all SLOs that
    fire are silenced, it waits for the end of the silence.
    """
    sweep(session, settings, now, slo_ids)
    wanted = set(slo_ids)
    found = [
        incident
        for incident in incidents.unsettled(session)
        if any(s.slo in wanted for s in incident.slos)
    ]
    if not found:
        return
    states = _live(alerts.firing(session, {s.slo for i in found for s in i.slos}), now)
    muting = silences.active(session, now)
    for incident in found:
        if incident.resolved_at is None:
            firing = [s.slo for s in incident.slos if s.open and s.slo in states]
            if wanted.isdisjoint(firing):
                continue
            due = _due(session, incident)
            if due and not _silenced(session, settings, incident, firing, muting, now):
                _tell_open(session, settings, incident, *due, states, now)
        elif incident.taken_for_open and not incident.flapping:
            tell_end(session, settings, incident, now)


def sweep(
    session: Session, settings: Settings, now: int, slo_ids: Collection[str] | None = None
) -> None:
    """What time alone does to incidents of these SLOs (None: all).

    Alerts that still fire when their muting has passed open an incident again, open
    incidents lose more, and flapping ends when nothing has changed for an hour.
    """
    wanted = None if slo_ids is None else set(slo_ids)
    loose = _loose(session, wanted, now)
    current = incidents.unsettled(session)
    if not loose and not current:
        return
    incidents.hold(session)
    loose = _loose(session, wanted, now)  # As it is now that nobody else changes it.
    if loose:
        known = alerts.by_id(session, [s.alert for _, s in loose if s.alert is not None])
        desk = open_desk(session, settings, (), now)
        for _, state in loose:
            if state.alert in known:
                desk.enter(again(known[state.alert], state.muted_until or now))
    for incident in incidents.unsettled(session):
        if incident.flapping:
            _calm(session, incident, now)
        open_ = {s.slo for s in incident.slos if s.open}
        if open_ and (wanted is None or not open_.isdisjoint(wanted)):
            write_lost(session, incident, now)


def tell_end(
    session: Session, settings: Settings, incident: Incident, now: int, why: str = ""
) -> None:
    """Tells those who take an incident for open that it is over."""
    by = incident.resolved_by or AUTO
    text = summary_of_end(incident, "" if by == AUTO else f"Resolved by {by}", why)
    transition = f"resolved/{incident.reopened}"
    tell(session, settings, incident, "resolved", transition, text, now, at=incident.resolved_at)
    incidents.change(session, incident.id, end_told_at=now)


def _loose(session: Session, wanted: set[str] | None, now: int) -> list[tuple[str, AlertState]]:
    """Alerts that fire, are not muted, and whose SLO is in no open incident."""
    states = _live(alerts.firing(session), now)
    if not states:
        return []
    held = incidents.open_of(session)
    return [
        (slo_id, state)
        for slo_id, of_slo in sorted(states.items())
        if slo_id not in held and (wanted is None or slo_id in wanted)
        for _, state in sorted(of_slo.items())
    ]


def _live(states: States, now: int) -> States:
    """Of alerts that fire, those that open incidents and are not muted."""
    live = {
        slo_id: {
            rule: state
            for rule, state in of_slo.items()
            if state.kind in PAGED_KINDS and (state.muted_until or 0) <= now
        }
        for slo_id, of_slo in states.items()
    }
    return {slo_id: of_slo for slo_id, of_slo in live.items() if of_slo}


def _due(session: Session, incident: Incident) -> tuple[NoticeKind, str] | None:
    """What is to be told of an open incident, and what tells it from other notices; None: nothing.

    While it flaps, only that it does, and that it is worse than was said.
    """
    n = incident.reopened
    if incident.announced_at is None:
        return "opened", "opened"
    if incident.flapping:
        told = _untold_flapping(session, incident)
        if told is not None:
            return "flapping", told
    elif incident.announced is None:
        return "reopened", f"reopened/{n}"
    if incident.announced is not None and higher(incident.severity, incident.announced):
        return "raised", f"raised/{incident.severity}/{n}"
    return None


def _untold_flapping(session: Session, incident: Incident) -> str | None:
    events = timeline.of(session, incident.id)
    transition = f"flapping/{sum(e.kind == 'flapping' for e in events)}"
    told = {e.detail.get("transition") for e in events if e.kind == "notified"}
    return None if transition in told else transition


def _tell_open(
    session: Session,
    settings: Settings,
    incident: Incident,
    kind: NoticeKind,
    transition: str,
    states: States,
    now: int,
) -> None:
    at = incident.opened_at if kind == "opened" else None
    text = reason_of(states, incident)
    tell(session, settings, incident, kind, transition, text, now, at=at)
    incidents.change(
        session,
        incident.id,
        announced=incident.severity,
        announced_at=now,
        end_told_at=None,
    )


def _silenced(
    session: Session,
    settings: Settings,
    incident: Incident,
    firing: Collection[str],
    muting: Collection[Silence],
    now: int,
) -> bool:
    """Whether all SLOs of an incident that fire are silenced; the timeline then says by what."""
    of_slo = {
        slo_id: [s for s in muting if s.mutes(slo_id, _labels(session, settings, slo_id), now)]
        for slo_id in firing
    }
    if not all(of_slo.values()):
        return False
    told = {e.detail.get("silence") for e in timeline.of(session, incident.id)}
    for silence in {s.id: s for found in of_slo.values() for s in found}.values():
        if silence.id not in told:
            text = (
                f"Nobody is told before {rfc3339(silence.end)}: silence {silence.id} of"
                f" {silence.scope} by {silence.who}: {silence.why}"
            )
            detail = {"silence": silence.id}
            timeline.add(session, incident.id, "silenced", text, at=now, now=now, detail=detail)
    return True


def _labels(session: Session, settings: Settings, slo_id: str) -> dict[str, str]:
    slo = declared(settings, slo_id) or standings.one(session, slo_id)
    return {} if slo is None else dict(slo.labels)


def _calm(session: Session, incident: Incident, now: int) -> None:
    """Ends flapping when none of the alerts changed for a while."""
    last = max((t.at for t in alerts.of_incident(session, incident.id)), default=0)
    if now - last >= FLAPS_WITHIN:
        incidents.change(session, incident.id, flapping=False)
        text = "None of its alerts has changed for an hour: it is stable."
        timeline.add(session, incident.id, "stable", text, at=last + FLAPS_WITHIN, now=now)
