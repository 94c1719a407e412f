"""Actions: what people do to an incident. Each is audited and on the timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slo.domain.access import LONGEST_NAME
from slo.domain.alert import PAGED_KINDS
from slo.domain.incident import MUTED_FOR
from slo.domain.span import rfc3339
from slo.incidents.announce import tell_end
from slo.incidents.ending import close
from slo.incidents.errors import IncidentError, UnknownIncidentError
from slo.incidents.telling import tell
from slo.store import alerts, audit, incidents, timeline

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from slo.config.settings import Settings
    from slo.domain.incident import EventKind, Incident
    from slo.store.alerts import States

LONGEST_TEXT = 10_000
_ABSENT = {"dead", "gone"}


def acknowledge(
    session: Session, settings: Settings, incident_id: int, who: str, now: int
) -> Incident:
    """Says that somebody works on it, and tells receivers; the first to say so stays.

    Raises `IncidentError` for one that is resolved.
    """
    who = _name("who", who)
    incidents.hold(session)
    incident = _one(session, incident_id)
    if incident.status == "resolved":
        raise IncidentError(
            f"incident {incident_id} is resolved, so there is nothing to acknowledge;"
            " comment on it instead"
        )
    if incident.acknowledged_at is not None:
        return incident
    incidents.change(session, incident_id, status="acknowledged", acknowledged_at=now)
    _write(
        session,
        incident_id,
        "acknowledged",
        "Acknowledged.",
        who,
        now,
        {},
        old={"status": incident.status},
        new={"status": "acknowledged"},
    )
    incident = _one(session, incident_id)
    if incident.taken_for_open:
        transition = f"acknowledged/{incident.reopened}"
        tell(session, settings, incident, "acknowledged", transition, f"{who} has it.", now)
    return _one(session, incident_id)


def assign(
    session: Session,
    settings: Settings,  # noqa: ARG001 -- all actions are called alike.
    incident_id: int,
    who: str,
    assignee: str,
    now: int,
) -> Incident:
    """Says whose it is; the same again changes nothing."""
    who, assignee = _name("who", who), _name("assignee", assignee)
    incidents.hold(session)
    incident = _one(session, incident_id)
    if incident.assignee == assignee:
        return incident
    incidents.change(session, incident_id, assignee=assignee)
    before = f", who follows {incident.assignee}" if incident.assignee else ""
    detail = {"assignee": assignee, "before": incident.assignee}
    _write(
        session,
        incident_id,
        "assigned",
        f"Assigned to {assignee}{before}.",
        who,
        now,
        detail,
        old={"assignee": incident.assignee},
        new={"assignee": assignee},
    )
    return _one(session, incident_id)


def comment(
    session: Session,
    settings: Settings,  # noqa: ARG001 -- all actions are called alike.
    incident_id: int,
    who: str,
    text: str,
    now: int,
) -> Incident:
    """Writes a comment on the timeline, also of an incident that is resolved."""
    who, text = _name("who", who), _text("text", text)
    incident = _one(session, incident_id)
    _write(session, incident_id, "commented", text, who, now, {})
    return incident


def resolve(
    session: Session, settings: Settings, incident_id: int, who: str, why: str, now: int
) -> Incident:
    """Resolves an incident by hand, for a reason, and tells receivers.

    Its alerts that still fire are muted until they resolve, at most four hours; then
    they open an incident again. One that is resolved already stays as it is.
    """
    who, why = _name("who", who), _text("why", why)
    before = _one(session, incident_id)
    if before.status == "resolved":
        return before
    # Alert states come before the lock of incidents, as they do in a cycle.
    muted = _mute(session, before, now)
    incidents.hold(session)
    incident = _one(session, incident_id)
    if incident.status == "resolved":
        return incident
    if _muted_by(incident, alerts.firing(session, [s.slo for s in incident.slos])) != muted:
        raise IncidentError(f"incident {incident_id} changed just now; look at it again")
    firing = [rule for rules in muted.values() for rule in rules]
    until = f" until {rfc3339(now + MUTED_FOR)} at most" if firing else ""
    stop = "" if why.endswith((".", "!", "?")) else "."
    left = f"{stop} Muted{until}: {', '.join(sorted(set(firing)))}." if firing else ""
    absent = any(rule in _ABSENT for rule in firing)
    close(session, settings, incident, now, now, text=f"{why}{left}", who=who, absent=absent)
    detail = {"why": why, "muted": {slo_id: sorted(rules) for slo_id, rules in muted.items()}}
    old, new = {"status": before.status}, {"status": "resolved"}
    subject = f"incident/{incident_id}"
    audit.add(session, now, who, "incident-resolve", subject, detail, old=old, new=new)
    ended = _one(session, incident_id)
    if ended.taken_for_open:
        tell_end(session, settings, ended, now, why)
    return _one(session, incident_id)


def _mute(session: Session, incident: Incident, now: int) -> dict[str, set[str]]:
    """Mutes what fires of an incident; gives the rules by SLO."""
    firing = _muted_by(incident, alerts.firing(session, [s.slo for s in incident.slos]))
    for slo_id, rules in sorted(firing.items()):
        alerts.mute(session, slo_id, rules, now + MUTED_FOR)
    return firing


def _muted_by(incident: Incident, states: States) -> dict[str, set[str]]:
    """The rules of an incident's alerts that fire, by SLO."""
    found = {
        s.slo: {r for r, state in states.get(s.slo, {}).items() if state.kind in PAGED_KINDS}
        for s in incident.slos
        if s.open
    }
    return {slo_id: rules for slo_id, rules in found.items() if rules}


def _write(
    session: Session,
    incident_id: int,
    kind: EventKind,
    text: str,
    who: str,
    now: int,
    detail: dict[str, Any],
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
) -> None:
    timeline.add(session, incident_id, kind, text, at=now, now=now, who=who, detail=detail)
    action = {"acknowledged": "acknowledge", "assigned": "assign", "commented": "comment"}[kind]
    said = {**detail, "text": text} if kind == "commented" else detail
    subject = f"incident/{incident_id}"
    audit.add(session, now, who, f"incident-{action}", subject, said, old=old, new=new)


def _one(session: Session, incident_id: int) -> Incident:
    incident = incidents.one(session, incident_id)
    if incident is None:
        raise UnknownIncidentError(
            f"there is no incident {incident_id}; `slo incidents list` shows all"
        )
    return incident


def _name(field: str, value: str) -> str:
    """A name on one line."""
    name = " ".join(_plain(field, value).split())
    if not name:
        raise IncidentError(f"{field}: is empty; give a name")
    if len(name) > LONGEST_NAME:
        raise IncidentError(f"{field}: has over {LONGEST_NAME} characters; shorten it")
    return name


def _text(field: str, value: str) -> str:
    text = _plain(field, value).strip()
    if not text:
        raise IncidentError(f"{field}: is empty; say it in words")
    if len(text) > LONGEST_TEXT:
        raise IncidentError(f"{field}: has over {LONGEST_TEXT:,} characters; shorten it")
    return text


def _plain(field: str, value: str) -> str:
    """The text with plain line ends and without control characters, which no database keeps."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise IncidentError(f"{field}: holds half of a character; send whole ones") from None
    lines = value.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in lines if c in "\n\t" or ord(c) >= ord(" "))
