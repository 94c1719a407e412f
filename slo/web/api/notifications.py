"""The JSON API of the outbox: what was sent to whom, and how receivers do."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from slo.notify.report import notification_json, receivers_json, stateful_names, whole_json
from slo.store import backlog, outbox, receivers
from slo.store.engine import reading, writing
from slo.web.api.cursor import make_cursor, page_of, read_cursor
from slo.web.api.models.notifications import (
    Notification,
    NotificationQuery,
    Notifications,
    Receiver,
    Receivers,
    Resend,
    Resume,
    WholeNotification,
)
from slo.web.api.operation import PREFIX, operation
from slo.web.identity import who
from slo.web.problem import ProblemError
from slo.web.site import current_site

blueprint = Blueprint("api_notifications", __name__, url_prefix=PREFIX)

_API = "api"
"""Who did it where nobody says."""


@operation(
    blueprint,
    "GET",
    "/notifications",
    permission="read",
    query=NotificationQuery,
    answer=Notifications,
)
def list_notifications(query: NotificationQuery) -> dict[str, Any]:
    """Lists what was sent to whom, newest first."""
    position = read_cursor(query.cursor, int)
    with reading(current_site().engine) as session:
        found = outbox.listed(
            session,
            state=query.state,
            receiver=query.receiver,
            incident=query.incident,
            before=None if position is None else position[0],
            limit=query.limit + 1,
        )
    shown, more = page_of(found, query.limit)
    return {
        "notifications": [notification_json(one) for one in shown],
        "next": make_cursor(shown[-1].id) if more else None,
    }


@operation(
    blueprint,
    "GET",
    "/notifications/<int:notification_id>",
    permission="read",
    answer=WholeNotification,
)
def show_notification(notification_id: int) -> dict[str, Any]:
    """Gives one notification with the facts it tells and its attempts."""
    with reading(current_site().engine) as session:
        one = outbox.by_id(session, notification_id)
        if one is None:
            raise _unknown(notification_id)
        return whole_json(one, outbox.attempts_of(session, one.id))


@operation(
    blueprint,
    "POST",
    "/notifications/<int:notification_id>/resend",
    permission="write",
    body=Resend,
    answer=Notification,
    also={409: "The notification is pending, a test, or tells the beginning of what has ended."},
)
def resend_notification(notification_id: int, body: Resend) -> dict[str, Any]:
    """Makes a finished notification pending again, under its old `msg_id`."""
    site = current_site()
    with writing(site.engine) as session:
        if outbox.by_id(session, notification_id) is None:
            raise _unknown(notification_id)
        one = outbox.resend(
            session,
            notification_id,
            site.clock(),
            who(body.who, _API),
            stateful=stateful_names(site.settings),
        )
    return notification_json(one)


@operation(blueprint, "GET", "/receivers", permission="read", answer=Receivers)
def list_receivers() -> dict[str, Any]:
    """Lists the receivers and how each does; none of their keys."""
    site = current_site()
    with reading(site.engine) as session:
        found = receivers_json(site.settings, receivers.healths(session), backlog.backlogs(session))
    return {"receivers": found}


@operation(
    blueprint,
    "POST",
    "/receivers/<name>/resume",
    permission="write",
    body=Resume,
    answer=Receiver,
)
def resume_receiver(name: str, body: Resume) -> dict[str, Any]:
    """Ends a pause: what waits for the receiver is sent."""
    site = current_site()
    settings = site.settings
    if name not in {receiver.name for receiver in settings.receivers}:
        raise ProblemError(404, f"there is no receiver {name[:80]!r} in slo.yaml")
    with writing(site.engine) as session:
        receivers.resume(session, name, site.clock(), who(body.who, _API))
        known, waiting = receivers.healths(session), backlog.backlogs(session)
    found = receivers_json(settings, known, waiting)
    return next(one for one in found if one["name"] == name)


def _unknown(number: int) -> ProblemError:
    return ProblemError(404, f"there is no notification {number}; {PREFIX}/notifications lists all")
