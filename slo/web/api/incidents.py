"""The JSON API of incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint

from slo import incidents as acting
from slo.incidents.report import list_json, whole_json
from slo.store import incidents
from slo.store.engine import reading, writing
from slo.web.api.cursor import make_cursor, page_of, read_cursor
from slo.web.api.models.incidents import (
    Acknowledgement,
    Assignment,
    Comment,
    IncidentQuery,
    Incidents,
    Resolution,
    WholeIncident,
)
from slo.web.api.operation import PREFIX, operation
from slo.web.identity import who
from slo.web.site import current_site

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

blueprint = Blueprint("api_incidents", __name__, url_prefix=PREFIX)

_API = "api"
"""Who did it where nobody says."""


@operation(blueprint, "GET", "/incidents", permission="read", query=IncidentQuery, answer=Incidents)
def list_incidents(query: IncidentQuery) -> dict[str, Any]:
    """Lists the incidents that fit, newest first."""
    position = read_cursor(query.cursor, int)
    with reading(current_site().engine) as session:
        found = incidents.many(
            session,
            status=incidents.UNRESOLVED if query.status == "unresolved" else query.status,
            service=query.service,
            slo=query.slo,
            severity=query.severity,
            assignee=query.assignee,
            since=query.start,
            until=query.to,
            limit=query.limit + 1,
            before=None if position is None else position[0],
        )
    shown, more = page_of(found, query.limit)
    return {**list_json(shown), "next": make_cursor(shown[-1].id) if more else None}


@operation(blueprint, "GET", "/incidents/<int:incident>", permission="read", answer=WholeIncident)
def show_incident(incident: int) -> dict[str, Any]:
    """Gives one incident with its timeline, alerts, evidence and postmortem."""
    with reading(current_site().engine) as session:
        return _whole(session, incident)


@operation(
    blueprint,
    "POST",
    "/incidents/<int:incident>/acknowledge",
    permission="write",
    body=Acknowledgement,
    answer=WholeIncident,
)
def acknowledge(incident: int, body: Acknowledgement) -> dict[str, Any]:
    """Says that somebody works on it; the first to say so stays."""
    site = current_site()
    with writing(site.engine) as session:
        person, now = who(body.who, _API), int(site.clock())
        acting.acknowledge(session, site.settings, incident, person, now)
        return _whole(session, incident)


@operation(
    blueprint,
    "POST",
    "/incidents/<int:incident>/assign",
    permission="write",
    body=Assignment,
    answer=WholeIncident,
)
def assign(incident: int, body: Assignment) -> dict[str, Any]:
    """Says whose it is."""
    site = current_site()
    with writing(site.engine) as session:
        person, now = who(body.who, _API), int(site.clock())
        acting.assign(session, site.settings, incident, person, body.assignee, now)
        return _whole(session, incident)


@operation(
    blueprint,
    "POST",
    "/incidents/<int:incident>/comment",
    permission="write",
    body=Comment,
    answer=WholeIncident,
)
def comment(incident: int, body: Comment) -> dict[str, Any]:
    """Writes a comment on the timeline."""
    site = current_site()
    with writing(site.engine) as session:
        person, now = who(body.who, _API), int(site.clock())
        acting.comment(session, site.settings, incident, person, body.text, now)
        return _whole(session, incident)


@operation(
    blueprint,
    "POST",
    "/incidents/<int:incident>/resolve",
    permission="write",
    body=Resolution,
    answer=WholeIncident,
)
def resolve(incident: int, body: Resolution) -> dict[str, Any]:
    """Resolves it by hand, for a reason."""
    site = current_site()
    with writing(site.engine) as session:
        person, now = who(body.who, _API), int(site.clock())
        acting.resolve(session, site.settings, incident, person, body.why, now)
        return _whole(session, incident)


def _whole(session: Session, number: int) -> dict[str, Any]:
    incident = incidents.one(session, number)
    if incident is None:
        raise acting.UnknownIncidentError(
            f"there is no incident {number}; {PREFIX}/incidents lists all"
        )
    return whole_json(session, incident)
