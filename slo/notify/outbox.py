"""The outbox's way in: which receivers are told of a notice, and from when on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slo.domain.notification import ENDING
from slo.domain.schedule import lifetime
from slo.notify.quiet import quiet_until
from slo.store import outbox

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from slo.config.settings import Receiver, Route, Settings
    from slo.domain.notification import Facts, Notice, NoticeKind


def enqueue(session: Session, settings: Settings, notice: Notice, now: float) -> tuple[str, ...]:
    """Queues a notice for its receivers, in the caller's transaction; gives who was queued.

    What begins something goes where the routes say. What ends it, and that somebody
    acknowledged it, goes to whoever was told of the same subject before, whatever the
    routes are now. The same notice twice is one notification. A ticket waits for the end of
    the quiet hours, unless a page of its subject follows; a page never waits.
    """
    facts = notice.facts
    last = outbox.last_kinds(session, notice.subject, [r.name for r in settings.receivers])
    if facts.kind in ENDING or facts.kind == "acknowledged":
        chosen = _begun(settings, facts.kind, last)
    else:
        chosen = routed(settings, facts)
    start = now
    if facts.severity == "ticket":
        start = quiet_until(settings.quiet_hours, now) or now
    else:
        outbox.release(session, [r.name for r in chosen], notice.subject, now)
    queued = [
        outbox.Queued(
            receiver.name,
            notice.subject,
            notice.transition,
            _facts_for(facts, last.get(receiver.name)),
            start,
            start + lifetime(receiver.type, facts.kind),
        )
        for receiver in chosen
    ]
    return outbox.queue(session, queued, now)


def routed(settings: Settings, facts: Facts) -> list[Receiver]:
    """The receivers of all routes that fit, in the order of slo.yaml, each once."""
    names = {name for route in settings.routes if _fits(route, facts) for name in route.receivers}
    return [receiver for receiver in settings.receivers if receiver.name in names]


def _fits(route: Route, facts: Facts) -> bool:
    if facts.kind == "system":
        # A silent source or cycle concerns everybody who would be paged for a service.
        return route.severity == facts.severity
    return (
        route.severity == facts.severity
        and route.service in {"", facts.service}
        and route.owner in {"", facts.owner}
        and set(route.labels) <= set(facts.labels)
    )


def _begun(settings: Settings, kind: NoticeKind, last: dict[str, NoticeKind]) -> list[Receiver]:
    """Those for whom the subject has begun and not yet ended, and who want to hear of this."""
    return [
        receiver
        for receiver in settings.receivers
        if last.get(receiver.name) not in {None, *ENDING}
        and (receiver.send_resolved or kind not in ENDING)
    ]


def _facts_for(facts: Facts, last: NoticeKind | None) -> Facts:
    """The facts as this receiver needs them: who never heard of an incident is told it opened."""
    if facts.kind == "raised" and last is None:
        return replace(facts, kind="opened")
    return facts
