"""The JSON API of the outbox: what was sent to whom, and how receivers do."""

from __future__ import annotations

from flask import Blueprint, Response, request

from slo.notify.report import notification_json, receivers_json, stateful_names, whole_json
from slo.silencing import RefusedError
from slo.store import backlog, outbox, receivers
from slo.store.engine import reading, writing
from slo.web.bodies import sent
from slo.web.operation import PREFIX, json_response
from slo.web.permission import needs
from slo.web.site import current_site

blueprint = Blueprint("api_notifications", __name__, url_prefix=PREFIX)

_API = "api"
_MOST = 1000
_LARGEST_ID = 2**62
_LONGEST_NAME = 200


@blueprint.errorhandler(RefusedError)
def _show_refusal(error: RefusedError) -> Response:
    status = 404 if error.field in {"id", "receiver"} else 400
    return json_response({"error": f"{error.field}: {error}"}, status)


@blueprint.errorhandler(outbox.ResendError)
def _show_fault(error: outbox.ResendError) -> Response:
    return json_response({"error": str(error)}, 409)


@blueprint.get("/notifications")
@needs("read")
def list_notifications() -> Response:
    """The newest first; `?state=`, `?receiver=`, `?incident=` narrow, `?before=ID` goes on."""
    state = request.args.get("state")
    if state is not None and state not in outbox.STATES:
        raise RefusedError("state", f"{state[:40]!r} is unknown; one of {', '.join(outbox.STATES)}")
    limit = _number("limit", _MOST)
    with reading(current_site().engine) as session:
        found = outbox.listed(
            session,
            state=state,
            receiver=request.args.get("receiver"),
            incident=_number("incident", _LARGEST_ID),
            before=_number("before", _LARGEST_ID),
            limit=100 if limit is None else limit,
        )
    return json_response({"notifications": [notification_json(one) for one in found]})


@blueprint.get("/notifications/<int:notification_id>")
@needs("read")
def show_notification(notification_id: int) -> Response:
    """One message, with the facts it tells and its attempts."""
    with reading(current_site().engine) as session:
        one = outbox.by_id(session, _id(notification_id))
        if one is None:
            raise RefusedError("id", f"there is no notification {notification_id}")
        return json_response(whole_json(one, outbox.attempts_of(session, one.id)))


@blueprint.post("/notifications/<int:notification_id>/resend")
@needs("write")
def resend_notification(notification_id: int) -> Response:
    """Makes a finished message pending again; 409 tells why it cannot be."""
    body = sent({}, {"who": str})
    site = current_site()
    with writing(site.engine) as session:
        if outbox.by_id(session, _id(notification_id)) is None:
            raise RefusedError("id", f"there is no notification {notification_id}")
        one = outbox.resend(
            session,
            notification_id,
            site.clock(),
            _who(body.get("who", _API)),
            stateful=stateful_names(site.settings),
        )
    return json_response(notification_json(one))


@blueprint.get("/receivers")
@needs("read")
def list_receivers() -> Response:
    """The receivers and how each does; none of their keys."""
    site = current_site()
    with reading(site.engine) as session:
        found = receivers_json(site.settings, receivers.healths(session), backlog.backlogs(session))
    return json_response({"receivers": found})


@blueprint.post("/receivers/<name>/resume")
@needs("write")
def resume_receiver(name: str) -> Response:
    """Ends a pause: what waits for the receiver is sent."""
    body = sent({}, {"who": str})
    site = current_site()
    if name not in {receiver.name for receiver in site.settings.receivers}:
        raise RefusedError("receiver", f"there is no receiver {name[:80]!r} in slo.yaml")
    with writing(site.engine) as session:
        receivers.resume(session, name, site.clock(), _who(body.get("who", _API)))
        known, waiting = receivers.healths(session), backlog.backlogs(session)
    found = receivers_json(site.settings, known, waiting)
    return json_response(next(one for one in found if one["name"] == name))


def _number(name: str, most: int) -> int | None:
    value = request.args.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:20]) <= most):
        raise RefusedError(name, f"cannot be {value[:40]!r}; a whole number from 1 to {most}")
    return int(value)


def _id(number: int) -> int:
    """A number that a database can hold."""
    if number > _LARGEST_ID:
        raise RefusedError("id", "there is no such notification")
    return number


def _who(name: str) -> str:
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise RefusedError("who", f"must be a name of 1 to {_LONGEST_NAME} printable characters")
    return name
