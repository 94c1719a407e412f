"""Sending: one notification to one receiver, once, and what came of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from slo.config.hiding import HIDDEN
from slo.domain.delivery import Reply, judge
from slo.notify.receivers import (
    alertmanager,
    apprise,
    email,
    opsgenie,
    pagerduty,
    slack,
    teams,
    webhook,
)
from slo.notify.redaction import redacted
from slo.notify.transport import Request, exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slo.config.settings import Receiver, Settings
    from slo.domain.notification import Notification
    from slo.notify.guard import Lookup

    Requests = Callable[[Settings, Receiver, Notification, float], tuple[Request, ...]]
    Understood = Callable[[Reply], Reply]

PAGER_SECONDS, OTHER_SECONDS = 10.0, 15.0
"""Deadlines of one attempt, unless the receiver's `timeout` says otherwise."""
_PAGERS = frozenset({"pagerduty", "opsgenie", "alertmanager"})
_SECRET_HEADERS = frozenset({"authorization", "webhook-signature"})

_HTTP: dict[str, tuple[Requests, Understood]] = {
    "pagerduty": (pagerduty.requests, pagerduty.understood),
    "alertmanager": (alertmanager.requests, alertmanager.understood),
    "slack": (slack.requests, slack.understood),
    "teams": (teams.requests, teams.understood),
    "opsgenie": (opsgenie.requests, opsgenie.understood),
    "webhook": (webhook.requests, webhook.understood),
}


def send(
    settings: Settings,
    receiver: Receiver,
    notification: Notification,
    now: float,
    *,
    lookup: Lookup | None = None,
) -> Reply:
    """Sends a notification once; `now` (epoch seconds) is the time of this attempt.

    It never raises for what a receiver or the network does. The Reply's texts hold no
    secret of the receiver. `lookup` finds the addresses of a name, by default the system's.
    """
    seconds = deadline_of(receiver)
    if receiver.type == "apprise":
        reply = apprise.deliver(receiver, notification)
    elif receiver.type == "email":
        reply = email.deliver(settings, receiver, notification, now, seconds, lookup)
    else:
        reply = _by_http(settings, receiver, notification, now, seconds, lookup)
    return replace(
        reply,
        error=redacted(receiver, reply.error),
        body=redacted(receiver, reply.body),
        ref=None if reply.ref is None else redacted(receiver, reply.ref),
    )


def ping(settings: Settings, url: str, now: float, *, lookup: Lookup | None = None) -> Reply:  # noqa: ARG001 -- every sender is told the time.
    """Asks for the heartbeat's URL once. The Reply holds neither its path nor an answer's body."""
    reply = exchange(Request(url, method="GET"), settings.outbound, PAGER_SECONDS, lookup)
    return replace(reply, body="")


def deadline_of(receiver: Receiver) -> float:
    """Seconds that one attempt may take."""
    if receiver.timeout is not None:
        return receiver.timeout.total_seconds()
    return PAGER_SECONDS if receiver.type in _PAGERS else OTHER_SECONDS


def _by_http(
    settings: Settings,
    receiver: Receiver,
    notification: Notification,
    now: float,
    seconds: float,
    lookup: Lookup | None,
) -> Reply:
    requests, understood = _HTTP[receiver.type]
    try:
        wanted = requests(settings, receiver, notification, now)
    except webhook.TemplateFaultError as error:
        return Reply(failure="content", error=str(error))
    if not wanted:
        kind = notification.facts.kind
        return Reply(accepted=True, body=f"{receiver.type} has no word for {kind}; nothing is sent")

    is_cluster = receiver.type == "alertmanager"
    each = seconds if is_cluster else seconds / len(wanted)

    def one(request: Request) -> Reply:
        reply = exchange(request, settings.outbound, each, lookup)
        return _without_headers(understood(reply), request)

    return _best(_at_once(one, wanted)) if is_cluster else _in_turn(one, wanted)


def _at_once(one: Callable[[Request], Reply], wanted: Sequence[Request]) -> list[Reply]:
    """All of them at the same time, so that one that hangs delays no other."""
    if len(wanted) == 1:
        return [one(wanted[0])]
    with ThreadPoolExecutor(len(wanted), thread_name_prefix="send") as pool:
        return list(pool.map(one, wanted))


def _best(replies: Sequence[Reply]) -> Reply:
    """That of a cluster: taken by one member it is taken, as members tell each other."""
    taken = (reply for reply in replies if judge(reply).action == "delivered")
    retried = (reply for reply in replies if judge(reply).action == "retry")
    return next(taken, None) or next(retried, None) or replies[0]


def _in_turn(one: Callable[[Request], Reply], wanted: Sequence[Request]) -> Reply:
    """One after the other, until one is not taken."""
    reply = one(wanted[0])
    for request in wanted[1:]:
        if judge(reply).action != "delivered":
            break
        reply = replace(one(request), ref=reply.ref)
    return reply


def _without_headers(reply: Reply, request: Request) -> Reply:
    """The reply without what only the request's headers hold, where a server repeats them."""
    body = reply.body
    for name, value in request.headers:
        if name.lower() in _SECRET_HEADERS:
            for secret in (value, value.rpartition(" ")[2]):
                body = body.replace(secret, HIDDEN)
    return replace(reply, body=body)
