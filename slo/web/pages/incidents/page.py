"""The pages of incidents: the list, one to work on, and what people do to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.exceptions import BadRequest, NotFound

from slo import incidents as acting
from slo.domain.incident import AUTO
from slo.domain.postmortem import BIGGEST_ID
from slo.domain.refusal import RefusedError
from slo.notify.report import stateful_names
from slo.sent import LONGEST_WHO, ensure_text, known_ids
from slo.store import incident_tally, incidents, outbox, postmortems, timeline
from slo.store.engine import reading, writing
from slo.store.incidents import UNRESOLVED
from slo.web.heading import cycle_line
from slo.web.identity import who
from slo.web.pages.alerts.rows import SEVERITIES
from slo.web.pages.asked import PRESETS, asked
from slo.web.pages.incidents import rows as incident_rows
from slo.web.pages.incidents import view as incident_view
from slo.web.permission import needs
from slo.web.site import current_site

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from slo.domain.incident import Incident, Status
    from slo.web.pages.asked import Asked

blueprint = Blueprint("incident_pages", __name__)

PAGE_SIZE = 100
MOST_OPEN = 500
_NAMES = ("status", "service", "slo", "severity", "assignee")
_FIELDS = ("who", "text", "assignee", "why")
NOBODY = "-"
"""What the address says for incidents that are assigned to nobody."""


@dataclass(frozen=True, slots=True)
class Failed:
    """What was refused: of which form, which field, why, and all that was typed."""

    text: str = ""
    action: str = ""
    part: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)


@blueprint.get("/incidents")
@needs("read")
def show_incidents() -> str:
    """Open incidents first, then the resolved ones, newest first."""
    site = current_site()
    now = site.clock()
    choices = {"status": incident_rows.STATUSES, "severity": SEVERITIES}
    wanted = asked(request.args, _NAMES, now, choices=choices, default="all")
    over = site.settings.postmortems.required_over
    with reading(site.engine) as session:
        status = wanted.get("status")
        current = _listed(session, wanted, [s for s in UNRESOLVED if status in {None, s}])
        past = []
        if status in {None, "resolved"}:
            past = _listed(session, wanted, ["resolved"], PAGE_SIZE + 1, wanted.before)
        shown = [*current, *past[:PAGE_SIZE]]
        written = postmortems.of_incidents(session, [i.id for i in shown])
        ids = known_ids(session, site.settings)
        return render_template(
            "incidents.html",
            cycle=cycle_line(session, now),
            current=[incident_rows.row(i, written.get(i.id), over, now) for i in current],
            past=[incident_rows.row(i, written.get(i.id), over, now) for i in past[:PAGE_SIZE]],
            more=wanted.query(past[PAGE_SIZE - 1].id) if len(past) > PAGE_SIZE else None,
            asked=wanted,
            presets=PRESETS,
            statuses=incident_rows.STATUSES,
            severities=SEVERITIES,
            slos=sorted(ids),
            services=sorted({one.partition("/")[0] for one in ids}),
            assignees={NOBODY: "nobody"}
            | {name: name for name in incident_tally.assignees(session)},
        )


@blueprint.get("/incidents/<int:number>")
@needs("read")
def show_incident(number: int) -> str:
    """One incident: what to do next, what happened, why, and who was told."""
    with reading(current_site().engine) as session:
        return _page(session, number, Failed())


@blueprint.get("/incidents/<int:number>/acknowledge")
@blueprint.get("/incidents/<int:number>/assign")
@blueprint.get("/incidents/<int:number>/comment")
@blueprint.get("/incidents/<int:number>/resolve")
@needs("read")
def show_after(number: int) -> Response:
    """The incident again, where somebody reloads the answer to a form."""
    return cast("Response", redirect(f"/incidents/{number}", 303))


@blueprint.post("/incidents/<int:number>/<action>")
@needs("write")
def change_incident(number: int, action: str) -> Response | tuple[str, int]:
    """Acknowledge, assign, comment or resolve; then the incident's page again."""
    site = current_site()
    typed = {name: request.form.get(name, "").strip() for name in _FIELDS}
    try:
        with writing(site.engine) as session:
            late = _late(session, _ensure_one(session, number), action, typed)
            if late is not None:
                return _page(session, number, late), 409
            _act(session, number, action, typed, int(site.clock()))
    except acting.IncidentError as error:
        name, _, _ = str(error).partition(":")
        failed = Failed(str(error), action, name if name in _FIELDS else "", typed)
        with reading(site.engine) as session:
            return _page(session, number, failed), 400
    return cast("Response", redirect(f"/incidents/{number}", 303))


@blueprint.post("/notifications/<int:number>/resend")
@needs("write")
def resend(number: int) -> Response:
    """Send a notification again that was given up; then the page of its incident."""
    site = current_site()
    if number >= BIGGEST_ID:
        raise NotFound
    try:
        with writing(site.engine) as session:
            again = outbox.resend(
                session,
                number,
                site.clock(),
                ensure_text("who", who(request.form.get("who"), "page"), LONGEST_WHO),
                stateful=stateful_names(site.settings),
            )
    except (outbox.ResendError, RefusedError) as error:
        raise BadRequest(str(error)) from None
    incident = again.facts.incident
    return cast("Response", redirect(f"/incidents/{incident}#told" if incident else "/alerts", 303))


def _late(
    session: Session, incident: Incident, action: str, typed: Mapping[str, str]
) -> Failed | None:
    """What to tell whom somebody else was quicker than; what was typed goes where it helps."""
    by = who(typed["who"], "")
    if action == "resolve" and incident.status == "resolved" and incident.resolved_by != by:
        ended = "It resolved by itself" if incident.resolved_by == AUTO else None
        ended = ended or f"{incident.resolved_by} resolved it"
        text = f"{ended} before you did. What you wrote is below, as a comment to send."
        return Failed(text, "comment", typed={"who": typed["who"], "text": typed["why"]})
    if action == "acknowledge" and incident.status == "acknowledged":
        first = incident_view.acknowledged_by(timeline.of(session, incident.id))
        if first != by:
            text = f"{first} acknowledged it before you did. Assign it to yourself to take it over."
            return Failed(text, "assign", typed={"who": typed["who"], "assignee": by})
    return None


def _act(session: Session, number: int, action: str, typed: Mapping[str, str], now: int) -> None:
    settings = current_site().settings
    by = who(typed["who"], "")
    match action:
        case "acknowledge":
            acting.acknowledge(session, settings, number, by, now)
        case "assign":
            acting.assign(session, settings, number, by, typed["assignee"], now)
        case "comment":
            acting.comment(session, settings, number, by, typed["text"], now)
        case "resolve":
            acting.resolve(session, settings, number, by, typed["why"], now)
        case _:
            raise NotFound


def _page(session: Session, number: int, failed: Failed) -> str:
    site = current_site()
    view = incident_view.view(session, site.settings, _ensure_one(session, number), site.clock())
    return render_template(
        "incident.html",
        failed=failed,
        assignees=incident_tally.assignees(session),
        **view,
    )


def _ensure_one(session: Session, number: int) -> Incident:
    found = incidents.one(session, number) if number < BIGGEST_ID else None
    if found is None:
        raise NotFound(f"There is no incident {number}.")
    return found


def _listed(
    session: Session,
    wanted: Asked,
    statuses: list[Status],
    limit: int = MOST_OPEN,
    before: int | None = None,
) -> list[Incident]:
    if not statuses:
        return []
    assignee = wanted.get("assignee")
    return incidents.many(
        session,
        status=statuses,
        service=wanted.get("service"),
        slo=wanted.get("slo"),
        severity=wanted.get("severity"),
        assignee="" if assignee == NOBODY else assignee,
        since=wanted.time.since,
        until=wanted.time.until,
        limit=limit,
        before=before,
    )
