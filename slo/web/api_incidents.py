"""The JSON API of incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from flask import Blueprint, Response, request

from slo import incidents as acting
from slo.domain.incident import Status
from slo.domain.instant import InstantError, parse_instant
from slo.incidents.report import list_json, whole_json
from slo.silencing import RefusedError
from slo.store import incidents
from slo.store.engine import reading, writing
from slo.web.bodies import sent
from slo.web.operation import PREFIX, json_response
from slo.web.permission import needs
from slo.web.site import current_site

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session

blueprint = Blueprint("api_incidents", __name__, url_prefix=PREFIX)

_API = "api"
"""Who did it where the body does not say."""
_STATUSES: tuple[Status, ...] = get_args(Status)
_UNRESOLVED = "unresolved"
_LIMIT, _MOST = 100, 1000
_BIGGEST_ID = 2**62


@blueprint.get("/incidents")
@needs("read")
def list_incidents() -> Response:
    """The incidents that fit, newest first; `before` (an id) continues a former answer."""
    limit = _number("limit") or _LIMIT
    if limit > _MOST:
        raise RefusedError("limit", f"is over {_MOST:,}; ask for fewer, and go on with before")
    with reading(current_site().engine) as session:
        found = incidents.many(
            session,
            status=_status(),
            service=request.args.get("service"),
            slo=request.args.get("slo"),
            since=_instant("since"),
            until=_instant("until"),
            limit=limit,
            before=_number("before"),
        )
    return json_response(list_json(found))


@blueprint.get("/incidents/<int:incident>")
@needs("read")
def show_incident(incident: int) -> Response:
    """One incident with its timeline, alerts, evidence and postmortem."""
    with reading(current_site().engine) as session:
        return _answer(session, incident)


@blueprint.post("/incidents/<int:incident>/acknowledge")
@needs("write")
def acknowledge(incident: int) -> Response:
    """Says that somebody works on it; the first to say so stays."""
    body = sent({}, {"who": str})
    site = current_site()
    with writing(site.engine) as session:
        who, now = body.get("who", _API), int(site.clock())
        acting.acknowledge(session, site.settings, _id(incident), who, now)
        return _answer(session, incident)


@blueprint.post("/incidents/<int:incident>/assign")
@needs("write")
def assign(incident: int) -> Response:
    """Says whose it is."""
    body = sent({"assignee": str}, {"who": str})
    site = current_site()
    with writing(site.engine) as session:
        who, now = body.get("who", _API), int(site.clock())
        acting.assign(session, site.settings, _id(incident), who, body["assignee"], now)
        return _answer(session, incident)


@blueprint.post("/incidents/<int:incident>/comment")
@needs("write")
def comment(incident: int) -> Response:
    """Writes a comment on the timeline."""
    body = sent({"text": str}, {"who": str})
    site = current_site()
    with writing(site.engine) as session:
        who, now = body.get("who", _API), int(site.clock())
        acting.comment(session, site.settings, _id(incident), who, body["text"], now)
        return _answer(session, incident)


@blueprint.post("/incidents/<int:incident>/resolve")
@needs("write")
def resolve(incident: int) -> Response:
    """Resolves it by hand, for a reason."""
    body = sent({"why": str}, {"who": str})
    site = current_site()
    with writing(site.engine) as session:
        who, now = body.get("who", _API), int(site.clock())
        acting.resolve(session, site.settings, _id(incident), who, body["why"], now)
        return _answer(session, incident)


@blueprint.errorhandler(RefusedError)
def _show_refusal(error: RefusedError) -> Response:
    return json_response({"error": f"{error.field}: {error}"}, 400)


@blueprint.errorhandler(acting.IncidentError)
def _show_fault(error: acting.IncidentError) -> Response:
    status = 404 if isinstance(error, acting.UnknownIncidentError) else 400
    return json_response({"error": str(error)}, status)


def _answer(session: Session, number: int) -> Response:
    incident = incidents.one(session, _id(number))
    if incident is None:
        raise acting.UnknownIncidentError(
            f"there is no incident {number}; {PREFIX}/incidents lists all"
        )
    body: dict[str, Any] = whole_json(session, incident)
    return json_response(body)


def _id(number: int) -> int:
    """A number that a database can hold; a larger one is no id of anything."""
    if number >= _BIGGEST_ID:
        raise acting.UnknownIncidentError("there is no incident with so large a number")
    return number


def _status() -> Status | Collection[Status] | None:
    word = request.args.get("status")
    if word == _UNRESOLVED:
        return incidents.UNRESOLVED
    status = next((known for known in _STATUSES if known == word), None)
    if word is not None and status is None:
        known = ", ".join((*_STATUSES, _UNRESOLVED))
        raise RefusedError("status", f"{word[:40]!r} is unknown; one of {known}")
    return status


def _instant(name: str) -> int | None:
    text = request.args.get(name)
    try:
        return None if text is None else parse_instant(text)
    except InstantError as error:
        raise RefusedError(name, str(error)) from None


def _number(name: str) -> int | None:
    text = request.args.get(name)
    if text is None:
        return None
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= len("9" * 18) else 0
    if number < 1:
        raise RefusedError(name, f"{text[:40]!r} is not a whole number from 1 on")
    return number
