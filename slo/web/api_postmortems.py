"""The JSON API of postmortems and action items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import Blueprint, Response, abort, request

from slo.domain.postmortem import (
    LONGEST_BODY,
    STATUSES,
    ActionItem,
    Conflict,
    PostmortemError,
    Status,
    UnknownError,
)
from slo.postmortem.export import render_body, to_html, to_markdown
from slo.postmortem.report import (
    conflict_json,
    item_json,
    postmortem_json,
    summary_json,
    version_json,
)
from slo.store import action_items, postmortems
from slo.store.engine import reading, writing
from slo.web.operation import PREFIX, json_response
from slo.web.permission import needs
from slo.web.site import current_site

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session

    from slo.domain.postmortem import Postmortem

blueprint = Blueprint("api_postmortems", __name__, url_prefix=PREFIX)

_MOST_BYTES = 8 * LONGEST_BODY
"""Of a request: a body of which JSON escapes every character, and its title."""
_FILE_CSP = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_API = "api"


@blueprint.get("/postmortems")
@needs("read")
def list_postmortems() -> Response:
    """All postmortems without their texts, newest incident first; `?status=` narrows the list."""
    status = request.args.get("status")
    if status is not None:
        _ensure_status(status)
    with reading(current_site().engine) as session:
        found = postmortems.listed(session, cast("Status | None", status))
    return json_response({"postmortems": [summary_json(about) for about in found]})


@blueprint.get("/postmortems/<int:incident>")
@needs("read")
def show_postmortem(incident: int) -> Response:
    """One postmortem by its incident's number: text, items, versions."""
    with reading(current_site().engine) as session:
        return _answer(session, postmortems.ensure_one(session, incident))


@blueprint.get("/postmortems/<int:incident>/versions/<int:number>")
@needs("read")
def show_version(incident: int, number: int) -> Response:
    """One text that was saved."""
    with reading(current_site().engine) as session:
        found = postmortems.version_of(session, incident, number)
    if found is None:
        raise UnknownError(f"incident {incident} has no version {number} of a postmortem")
    return json_response(version_json(found))


@blueprint.put("/postmortems/<int:incident>")
def save_postmortem(incident: int) -> Response:
    """Saves title and body over `version`; 409 with all texts if somebody saved meanwhile."""
    sent = _sent({"title": str, "body": str, "version": int}, {"who": str})
    now = int(current_site().clock())
    with writing(current_site().engine) as session:
        found = postmortems.save(
            session,
            incident,
            sent["title"],
            sent["body"],
            sent["version"],
            sent.get("who", _API),
            now,
        )
        return _answer(session, found)


@blueprint.post("/postmortems/<int:incident>/status")
@needs("write")
def set_status(incident: int) -> Response:
    """Moves it to review, to published, or back to draft."""
    sent = _sent({"status": str}, {"who": str, "version": int})
    _ensure_status(sent["status"])
    now = int(current_site().clock())
    with writing(current_site().engine) as session:
        found = postmortems.set_status(
            session, incident, sent["status"], sent.get("who", _API), now, sent.get("version")
        )
        return _answer(session, found)


@blueprint.post("/postmortems/<int:incident>/preview")
@needs("write")
def preview(incident: int) -> Response:
    """The HTML of a body that is not saved, as the page and the export would show it."""
    sent = _sent({"body": str}, {})
    if len(sent["body"]) > LONGEST_BODY:
        raise PostmortemError(f"body: has over {LONGEST_BODY:,} characters; shorten it")
    with reading(current_site().engine) as session:
        found = postmortems.ensure_one(session, incident)
        items = action_items.of(session, incident)
    return json_response({"html": render_body(sent["body"], items, found.chart)})


@blueprint.get("/postmortems/<int:incident>.md")
@needs("read")
def export_markdown(incident: int) -> Response:
    """The whole postmortem as Markdown."""
    with reading(current_site().engine) as session:
        found = postmortems.ensure_one(session, incident)
        text = to_markdown(found, action_items.of(session, incident))
    return _file(text, "text/markdown; charset=utf-8", incident, "md")


@blueprint.get("/postmortems/<int:incident>.html")
@needs("read")
def export_html(incident: int) -> Response:
    """The whole postmortem as one HTML file."""
    with reading(current_site().engine) as session:
        found = postmortems.ensure_one(session, incident)
        text = to_html(found, action_items.of(session, incident))
    response = _file(text, "text/html; charset=utf-8", incident, "html")
    response.headers["Content-Security-Policy"] = _FILE_CSP
    return response


@blueprint.post("/postmortems/<int:incident>/items")
@needs("write")
def add_item(incident: int) -> Response:
    """Adds an action item; only `text` is needed."""
    sent = _sent({"text": str}, {**_ITEM, "who": str})
    who, now = sent.pop("who", _API), int(current_site().clock())
    with writing(current_site().engine) as session:
        item = action_items.add(session, incident, ActionItem(**sent), who, now)
    return json_response(item_json(item, now), 201)


@blueprint.get("/action-items")
@needs("read")
def list_items() -> Response:
    """The items of all postmortems, overdue first; `?owner=` and `?overdue=true` narrow them."""
    now = current_site().clock()
    overdue = request.args.get("overdue", "false")
    if overdue not in {"true", "false"}:
        raise PostmortemError(f"overdue: {overdue!r} is unknown; true or false")
    with reading(current_site().engine) as session:
        found = action_items.listed(
            session, now, owner=request.args.get("owner"), overdue=overdue == "true"
        )
    return json_response({"items": [item_json(item, now) for item in found]})


@blueprint.get("/action-items/<int:item_id>")
@needs("read")
def show_item(item_id: int) -> Response:
    """One action item."""
    with reading(current_site().engine) as session:
        item = action_items.ensure_one(session, item_id)
    return json_response(item_json(item, current_site().clock()))


@blueprint.patch("/action-items/<int:item_id>")
def change_item(item_id: int) -> Response:
    """Sets the fields that are given, over `version`; 409 if somebody changed it meanwhile."""
    sent = _sent({"version": int}, {"text": str, **_ITEM, "who": str})
    who, version = sent.pop("who", _API), sent.pop("version")
    now = int(current_site().clock())
    with writing(current_site().engine) as session:
        item = action_items.change(session, item_id, sent, version, who, now)
    return json_response(item_json(item, now))


@blueprint.errorhandler(PostmortemError)
def _show_fault(error: PostmortemError) -> Response:
    if isinstance(error, action_items.ItemChangedError):
        now = current_site().clock()
        return json_response({"error": str(error), "theirs": item_json(error.item, now)}, 409)
    return json_response({"error": str(error)}, 404 if isinstance(error, UnknownError) else 400)


@blueprint.errorhandler(Conflict)
def _show_conflict(conflict: Conflict) -> Response:
    return json_response(conflict_json(conflict), 409)


_ITEM: dict[str, type | tuple[type, ...]] = {
    "kind": str,
    "owner": str,
    "priority": str,
    "due": (str, type(None)),
    "state": str,
}


def _sent(needed: dict[str, Any], optional: dict[str, type | tuple[type, ...]]) -> dict[str, Any]:
    """The request's JSON object, which has these keys and no others, each of its type."""
    if request.mimetype != "application/json":
        abort(415, "send the body as JSON, with Content-Type: application/json")
    request.max_content_length = _MOST_BYTES
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise PostmortemError("body: is not a JSON object")
    known = {**needed, **optional}
    _ensure_known(body, known)
    for name, kind in known.items():
        if name not in body:
            if name in needed:
                raise PostmortemError(f"{name}: is missing")
            continue
        value = body[name]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise PostmortemError(f"{name}: must be {_KINDS.get(kind, 'text or null')}")
        if isinstance(value, str) and not _is_unicode(value):
            raise PostmortemError(f"{name}: holds half of a surrogate pair, which is no character")
    return body


_KINDS: dict[Any, str] = {str: "text", int: "a whole number"}


def _ensure_known(body: dict[str, Any], known: Collection[str]) -> None:
    for name in body:
        if name not in known:
            raise PostmortemError(f"{name[:80]}: is unknown; there are {', '.join(known)}")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _ensure_status(status: str) -> None:
    if status not in STATUSES:
        raise PostmortemError(f"status: {status!r} is unknown; one of {', '.join(STATUSES)}")


def _answer(session: Session, found: Postmortem) -> Response:
    incident = found.about.incident
    items = action_items.of(session, incident)
    saved = postmortems.versions(session, incident)
    return json_response(postmortem_json(found, items, saved, current_site().clock()))


def _file(text: str, kind: str, incident: int, ending: str) -> Response:
    response = Response(text, content_type=kind)
    name = f"postmortem-{incident}.{ending}"
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response
