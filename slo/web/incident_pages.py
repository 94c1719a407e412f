"""The pages of incidents: the list, and one with its timeline, evidence and deliveries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.exceptions import BadRequest, NotFound

from slo import incidents as acting
from slo.notify.report import stateful_names
from slo.store import alerts, incidents, outbox, postmortems, standings, timeline
from slo.store.engine import reading, writing
from slo.web import alert_pages, breakdown, overview
from slo.web import format as fmt
from slo.web.pages import cycle_line
from slo.web.permission import needs
from slo.web.site import current_site
from slo.web.urgency import Badge

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from slo.domain.incident import Event, Incident
    from slo.domain.notification import Notification

blueprint = Blueprint("incident_pages", __name__)

PAGE_SIZE = 100
LONGEST_TEXT = 10_000
STATUSES: dict[str, Badge] = {
    "open": Badge("red", "\u25cf", "open", "Nobody has taken it yet."),
    "acknowledged": Badge("amber", "\u25d0", "acknowledged", "Somebody works on it."),
    "resolved": Badge("healthy", "\u2713", "resolved", "It is over."),
}
STATES: dict[str, Badge] = {
    "pending": Badge("amber", "\u25f7", "pending", "It is tried again."),
    "delivered": Badge("healthy", "\u2713", "delivered", "The receiver took it."),
    "dead": Badge("red", "\u2715", "dead", "Given up; it can be sent again."),
    "suppressed": Badge("none", "\u2016", "suppressed", "Not sent: it was stale."),
    "cancelled": Badge("none", "\u2013", "cancelled", "Not sent: what it ends was never told."),
}


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """One incident of the list, in texts."""

    id: int
    title: str
    severity: Badge
    status: Badge
    opened: str
    lasted: str
    slos: tuple[str, ...]
    assignee: str
    budget: str


@blueprint.get("/incidents")
@needs("read")
def show_incidents() -> str:
    """Open incidents first, then the resolved ones, newest first."""
    site = current_site()
    now = site.clock()
    service = request.args.get("service", "").strip()
    before = request.args.get("before", type=int)
    with reading(site.engine) as session:
        cycle = cycle_line(session, now)
        found = incidents.many(session, service=service or None, limit=PAGE_SIZE, before=before)
    rows = [row(incident, now) for incident in found]
    return render_template(
        "incidents.html",
        cycle=cycle,
        current=[r for r in rows if r.status.word != "resolved"],
        past=[r for r in rows if r.status.word == "resolved"],
        service=service,
        more=found[-1].id if len(found) == PAGE_SIZE else None,
    )


@blueprint.get("/incidents/<int:number>")
@needs("read")
def show_incident(number: int) -> str:
    """One incident: what happened, why, who does what, and who was told."""
    site = current_site()
    now = site.clock()
    with reading(site.engine) as session:
        incident = incidents.one(session, number)
        if incident is None:
            raise NotFound
        view = _view(session, incident, now)
    return render_template("incident.html", error=None, **view)


@blueprint.post("/incidents/<int:number>/<action>")
@needs("write")
def change_incident(number: int, action: str) -> Response | tuple[str, int]:
    """Acknowledge, assign, comment or resolve; then the incident's page again."""
    site = current_site()
    now = int(site.clock())
    try:
        with writing(site.engine) as session:
            if incidents.one(session, number) is None:
                raise NotFound
            _act(session, number, action, now)
    except acting.IncidentError as error:
        with reading(site.engine) as session:
            incident = incidents.one(session, number)
            if incident is None:
                raise NotFound from None
            view = _view(session, incident, site.clock())
        return render_template("incident.html", error=str(error), **view), 400
    return cast("Response", redirect(f"/incidents/{number}", 303))


@blueprint.post("/notifications/<int:number>/resend")
@needs("write")
def resend(number: int) -> Response:
    """Send a message again that was given up; then the page of its incident."""
    site = current_site()
    try:
        with writing(site.engine) as session:
            again = outbox.resend(
                session,
                number,
                site.clock(),
                _field("who", 200) or "page",
                stateful=stateful_names(site.settings),
            )
    except outbox.ResendError as error:
        raise BadRequest(str(error)) from None
    incident = again.facts.incident
    return cast("Response", redirect(f"/incidents/{incident}" if incident else "/incidents", 303))


def _act(session: Session, number: int, action: str, now: int) -> None:
    settings = current_site().settings
    who, text = _field("who", 200), _field("text", LONGEST_TEXT)
    match action:
        case "acknowledge":
            acting.acknowledge(session, settings, number, who, now)
        case "assign":
            acting.assign(session, settings, number, who, text, now)
        case "comment":
            acting.comment(session, settings, number, who, text, now)
        case "resolve":
            acting.resolve(session, settings, number, who, text, now)
        case _:
            raise NotFound


def _field(name: str, longest: int) -> str:
    value = request.form.get(name, "").strip()
    if len(value) > longest:
        raise BadRequest(f"{name} has {len(value):,} characters; {longest:,} are the most.")
    return value


def _view(session: Session, incident: Incident, now: float) -> dict[str, Any]:
    found = alerts.of_incident(session, incident.id)
    ends = alerts.ends_of(session, [t.id for t in found if t.change == "fires"])
    shown = [standings.one(session, s.slo) for s in incident.slos]
    evidence = incidents.evidence(session, incident.id)
    runbooks = {s.runbook for s in shown if s is not None and overview.web_link(s.runbook)}
    return {
        "cycle": cycle_line(session, now),
        "incident": incident,
        "row": row(incident, now),
        "tiles": _tiles(incident, now),
        "slos": [
            (s.slo.partition("/"), fmt.count(s.bad), fmt.count(s.total), _share(s.budget_share))
            for s in incident.slos
        ],
        "owners": sorted({s.owner for s in shown if s is not None and s.owner}),
        "runbooks": sorted(runbooks),
        "alerts": alert_pages.rows([t for t in found if t.change == "fires"], ends, {}, now),
        "events": [_event(event) for event in timeline.of(session, incident.id)],
        "queries": evidence.get("promql", ()),
        "contributors": [
            (breakdown.text_of(c["labels"]), fmt.count(c["bad"]), fmt.count(c["total"]))
            for c in evidence.get("contributors", ())
        ],
        "deliveries": [_delivery(n) for n in outbox.listed(session, incident=incident.id)],
        "postmortem": postmortems.one(session, incident.id),
    }


def row(incident: Incident, now: float) -> IncidentRow:
    """An incident as lists show it."""
    shares = [s.budget_share for s in incident.slos if s.budget_share is not None]
    return IncidentRow(
        id=incident.id,
        title=incident.title,
        severity=alert_pages.SEVERITIES[incident.severity],
        status=STATUSES[incident.status],
        opened=fmt.stamp(incident.opened_at),
        lasted=fmt.span((incident.resolved_at or now) - incident.opened_at),
        slos=tuple(s.slo for s in incident.slos),
        assignee=incident.assignee or "",
        budget=_share(max(shares, default=None)),
    )


def _share(share: float | None) -> str:
    return fmt.DASH if share is None else fmt.percent(share)


def _tiles(incident: Incident, now: float) -> list[tuple[str, str, str]]:
    """The times of an incident: a name, how long, and from when to when."""
    phases = (
        ("Time to detect", incident.seconds_to_detect, "from where the burn began"),
        ("To acknowledge", incident.seconds_to_acknowledge, "from the alert"),
        ("To mitigate", incident.seconds_to_mitigate, "until the burn stayed below 1x"),
        ("To resolve", incident.seconds_to_resolve, "from where the burn began"),
    )
    tiles = [
        (name, fmt.DASH if seconds is None else fmt.span(seconds), what)
        for name, seconds, what in phases
    ]
    lasted = fmt.span((incident.resolved_at or now) - incident.started_at)
    return [*tiles, ("Lasted", lasted, f"since {fmt.stamp(incident.started_at)}")]


def _event(event: Event) -> tuple[str, str, str, str]:
    return fmt.stamp(event.at), event.kind, event.who, event.text


def _delivery(n: Notification) -> dict[str, Any]:
    return {
        "id": n.id,
        "receiver": n.receiver,
        "kind": n.facts.kind,
        "badge": STATES[n.state],
        "made": fmt.stamp(n.created_at),
        "attempts": n.attempts,
        "error": n.error,
        "again": n.state in {"dead", "suppressed", "cancelled"},
    }
