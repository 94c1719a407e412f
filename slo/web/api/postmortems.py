"""The JSON API of postmortems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response

from slo.domain.postmortem import LONGEST_BODY, PostmortemError, UnknownPostmortemError
from slo.postmortem.export import render_body, to_html, to_markdown
from slo.postmortem.report import postmortem_json, summary_json, version_json
from slo.store import action_items, postmortems
from slo.store.engine import reading, writing
from slo.web.api.answering import ensure_match
from slo.web.api.cursor import make_cursor, page_of, read_cursor
from slo.web.api.models.postmortems import (
    PostmortemConflict,
    PostmortemQuery,
    Postmortems,
    Preview,
    PreviewRequest,
    Save,
    Step,
    Version,
    WholePostmortem,
)
from slo.web.api.operation import PREFIX, operation
from slo.web.identity import who
from slo.web.problem import ProblemError
from slo.web.site import current_site

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from slo.domain.postmortem import Postmortem

blueprint = Blueprint("api_postmortems", __name__, url_prefix=PREFIX)

MOST_BYTES = 8 * LONGEST_BODY
"""Of a request: a body of which JSON escapes every character, and its title."""
_FILE_CSP = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_API = "api"
_STALE = "What was read has changed since."
UNSAID = "say over what you write: `version`, or If-Match with the ETag that you read"


@operation(
    blueprint, "GET", "/postmortems", permission="read", query=PostmortemQuery, answer=Postmortems
)
def list_postmortems(query: PostmortemQuery) -> dict[str, Any]:
    """Lists postmortems without their texts, that of the newest incident first."""
    position = read_cursor(query.cursor, int)
    before = None if position is None else position[0]
    with reading(current_site().engine) as session:
        found = postmortems.listed(session, query.status, query.limit + 1, before)
    shown, more = page_of(found, query.limit)
    return {
        "postmortems": [summary_json(about) for about in shown],
        "next": make_cursor(shown[-1].incident) if more else None,
    }


@operation(
    blueprint, "GET", "/postmortems/<int:incident>", permission="read", answer=WholePostmortem
)
def show_postmortem(incident: int) -> dict[str, Any]:
    """Gives one postmortem by its incident's number: text, items, versions."""
    with reading(current_site().engine) as session:
        return _whole(session, postmortems.ensure_one(session, incident))


@operation(
    blueprint,
    "GET",
    "/postmortems/<int:incident>/versions/<int:number>",
    permission="read",
    answer=Version,
)
def show_version(incident: int, number: int) -> dict[str, Any]:
    """Gives one text that was saved."""
    with reading(current_site().engine) as session:
        found = postmortems.version_of(session, incident, number)
    if found is None:
        raise UnknownPostmortemError(f"incident {incident} has no version {number} of a postmortem")
    return version_json(found)


@operation(
    blueprint,
    "PUT",
    "/postmortems/<int:incident>",
    permission="write",
    body=Save,
    answer=WholePostmortem,
    also={409: PostmortemConflict, 412: _STALE, 428: "Neither `version` nor If-Match is said."},
    most_bytes=MOST_BYTES,
)
def save_postmortem(incident: int, body: Save) -> dict[str, Any]:
    """Saves title and body over the version that was read; a conflict gives all texts."""
    now = int(current_site().clock())
    with writing(current_site().engine) as session:
        version = body.version
        found = postmortems.ensure_one(session, incident)
        if ensure_match(_whole(session, found)) and version is None:
            version = found.about.version
        if version is None:
            raise ProblemError(428, UNSAID)
        person = who(body.who, _API)
        saved = postmortems.save(session, incident, body.title, body.body, version, person, now)
        return _whole(session, saved)


@operation(
    blueprint,
    "POST",
    "/postmortems/<int:incident>/status",
    permission="write",
    body=Step,
    answer=WholePostmortem,
    also={409: PostmortemConflict, 412: _STALE},
)
def set_status(incident: int, body: Step) -> dict[str, Any]:
    """Moves it to review, to published, or back to draft."""
    now = int(current_site().clock())
    with writing(current_site().engine) as session:
        action_items.hold(session, incident)
        ensure_match(_whole(session, postmortems.ensure_one(session, incident)))
        person = who(body.who, _API)
        moved = postmortems.set_status(session, incident, body.status, person, now, body.version)
        return _whole(session, moved)


@operation(
    blueprint,
    "POST",
    "/postmortems/<int:incident>/preview",
    permission="write",
    body=PreviewRequest,
    answer=Preview,
    most_bytes=MOST_BYTES,
)
def preview(incident: int, body: PreviewRequest) -> dict[str, Any]:
    """Gives the HTML of a text that is not saved, as the page and the export would show it."""
    if len(body.body) > LONGEST_BODY:
        raise PostmortemError(f"body: has over {LONGEST_BODY:,} characters; shorten it")
    with reading(current_site().engine) as session:
        found = postmortems.ensure_one(session, incident)
        items = action_items.of(session, incident)
    return {"html": render_body(body.body, items, found.chart)}


@operation(
    blueprint,
    "GET",
    "/postmortems/<int:incident>.md",
    permission="read",
    answer=None,
    media="text/markdown",
)
def export_markdown(incident: int) -> Response:
    """Gives the whole postmortem as Markdown."""
    with reading(current_site().engine) as session:
        found = postmortems.ensure_one(session, incident)
        text = to_markdown(found, action_items.of(session, incident))
    return _file(text, "text/markdown; charset=utf-8", incident, "md")


@operation(
    blueprint,
    "GET",
    "/postmortems/<int:incident>.html",
    permission="read",
    answer=None,
    media="text/html",
)
def export_html(incident: int) -> Response:
    """Gives the whole postmortem as one HTML file."""
    with reading(current_site().engine) as session:
        found = postmortems.ensure_one(session, incident)
        text = to_html(found, action_items.of(session, incident))
    response = _file(text, "text/html; charset=utf-8", incident, "html")
    response.headers["Content-Security-Policy"] = _FILE_CSP
    return response


def _whole(session: Session, found: Postmortem) -> dict[str, Any]:
    incident = found.about.incident
    items = action_items.of(session, incident)
    saved = postmortems.versions(session, incident)
    return postmortem_json(found, items, saved, current_site().clock())


def _file(text: str, kind: str, incident: int, ending: str) -> Response:
    response = Response(text, content_type=kind)
    name = f"postmortem-{incident}.{ending}"
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-cache"
    return response
