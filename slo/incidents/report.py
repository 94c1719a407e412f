"""Incidents as the JSON of the API and of `slo incidents --json`, and in words.

The keys are the contract; further ones may be added, none goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slo.domain.span import rfc3339
from slo.store import alerts, incidents, postmortems, timeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy.orm import Session

    from slo.domain.alert import Transition
    from slo.domain.incident import Event, Incident

_UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
_TWO = 2


def incident_json(incident: Incident) -> dict[str, Any]:
    """One incident as lists have it: times RFC 3339 in UTC, lengths in seconds, shares of 1."""
    return {
        "id": incident.id,
        "title": incident.title,
        "service": incident.service,
        "severity": incident.severity,
        "status": incident.status,
        "started_at": rfc3339(incident.started_at),
        "opened_at": rfc3339(incident.opened_at),
        "acknowledged_at": _instant(incident.acknowledged_at),
        "mitigated_at": _instant(incident.mitigated_at),
        "resolved_at": _instant(incident.resolved_at),
        "resolved_by": incident.resolved_by,
        "assignee": incident.assignee,
        "announced": incident.announced,
        "announced_at": _instant(incident.announced_at),
        "end_told_at": _instant(incident.end_told_at),
        "flapping": incident.flapping,
        "reopened": incident.reopened,
        "late": incident.late,
        "seconds": {
            "detect": incident.seconds_to_detect,
            "acknowledge": incident.seconds_to_acknowledge,
            "mitigate": incident.seconds_to_mitigate,
            "resolve": incident.seconds_to_resolve,
        },
        "slos": [
            {
                "slo": s.slo,
                "joined_at": rfc3339(s.joined_at),
                "open": s.open,
                "bad": s.bad,
                "total": s.total,
                "budget_share": s.budget_share,
            }
            for s in incident.slos
        ],
    }


def whole_json(session: Session, incident: Incident) -> dict[str, Any]:
    """One incident with its timeline, alerts, evidence and postmortem."""
    written = postmortems.one(session, incident.id)
    return incident_json(incident) | {
        "timeline": [_event_json(event) for event in timeline.of(session, incident.id)],
        "alerts": [_alert_json(t) for t in alerts.of_incident(session, incident.id)],
        "evidence": _evidence_json(incidents.evidence(session, incident.id)),
        "postmortem": None
        if written is None
        else {"status": written.about.status, "required": written.about.required},
    }


def list_json(found: Iterable[Incident]) -> dict[str, Any]:
    """The object that lists incidents."""
    return {"incidents": [incident_json(incident) for incident in found]}


def phases(incident: Incident) -> list[tuple[str, str]]:
    """The times of an incident in words: a name and how long, or that it has not come."""
    named = (
        ("detect", incident.seconds_to_detect, "from where the burn began until the alert"),
        ("acknowledge", incident.seconds_to_acknowledge, "from the alert"),
        ("mitigate", incident.seconds_to_mitigate, "until the burn stayed below 1x"),
        ("resolve", incident.seconds_to_resolve, "from where the burn began"),
    )
    return [
        (f"Time to {name}", "not yet" if seconds is None else f"{length(seconds)}, {what}")
        for name, seconds, what in named
    ]


def length(seconds: int) -> str:
    """A length of time by its two largest units, `1 h 12 min`."""
    parts, rest = [], max(0, seconds)
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:_TWO]) or "0 s"


def _event_json(event: Event) -> dict[str, Any]:
    return {
        "at": rfc3339(event.at),
        "recorded_at": rfc3339(event.recorded_at),
        "who": event.who,
        "kind": event.kind,
        "text": event.text,
        "detail": dict(event.detail),
    }


def _alert_json(t: Transition) -> dict[str, Any]:
    return {
        "id": t.id,
        "slo": t.slo,
        "rule": t.rule,
        "kind": t.kind,
        "severity": t.severity,
        "change": t.change,
        "at": rfc3339(t.at),
        "late": t.late,
        "reason": t.reason,
        "numbers": dict(t.numbers),
        "began": t.began,
    }


def _evidence_json(kept: Mapping[str, Any]) -> dict[str, Any]:
    """The stored evidence, with its instants as RFC 3339."""
    shown = dict(kept)
    if "at" in shown:
        shown["at"] = rfc3339(shown["at"])
    if "readings" in shown:
        shown["readings"] = [{**r, "end": rfc3339(r["end"])} for r in shown["readings"]]
    if "more" in shown:
        shown["more"] = [_evidence_json(each) for each in shown["more"]]
    return shown


def _instant(at: int | None) -> str | None:
    return None if at is None else rfc3339(at)
