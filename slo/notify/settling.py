"""Settling: what becomes of notifications that need not be sent, and who is told instead."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slo.domain.breaker import FALLBACK_AFTER
from slo.domain.notification import ENDING
from slo.domain.schedule import HARMLESS_END, STALE, STATEFUL, lifetime
from slo.store import claims, outbox, pending, receivers, timeline

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from slo.config.settings import Receiver
    from slo.domain.incident import EventKind
    from slo.domain.notification import Notification


def settle(session: Session, receiver: Receiver, now: float) -> None:
    """Ends what is not to be sent to a receiver any more; its row is locked.

    What expired is dead. A pager is not woken for what began and ended while it could not
    be told. Where an end makes no sense without its beginning, it goes with it.
    """
    claims.note_lost(session, receiver.name, now)
    expire(session, receiver.name, now)
    if receiver.type in STATEFUL:
        for subject in pending.stale_subjects(session, receiver.name, now - STALE):
            _suppress(session, receiver.name, subject, now)
    if receiver.type not in HARMLESS_END:
        for one in pending.next_ends(session, receiver.name):
            if not pending.has_begun(session, one):
                pending.end(session, one, "cancelled", "what it ends never arrived", now)


def expire(session: Session, receiver: str, now: float) -> None:
    """Ends what is not worth sending to a receiver any more, and tells; its row is locked."""
    for one in pending.expire(session, receiver, now):
        tell(session, one, "dead", f"expired after {counted(one.attempts)}", now)


def _suppress(session: Session, receiver: str, subject: str, now: float) -> None:
    waiting = pending.pending_of(session, receiver, subject)
    ends = [i for i, one in enumerate(waiting) if one.facts.kind in ENDING]
    pair = waiting[: ends[-1] + 1]
    if any(one.lease for one in pair) or pending.has_begun(session, pair[0]):
        return
    why = f"it was over before {receiver} could be told"
    if pending.may_have_arrived(session, [one.id for one in pair]):
        # Then it is open there, and only its end closes it. An end too much does no harm.
        pair = pair[:-1]
        why = f"{why}; its end is still sent, as the notification may have arrived"
    for one in pair:
        pending.end(session, one, "suppressed", why, now)
        tell(session, one, "suppressed", why, now)


def tell(session: Session, one: Notification, kind: EventKind, text: str, now: float) -> None:
    """Writes on the incident's timeline what became of a notification."""
    if one.facts.incident is None:
        return
    line = f"{one.facts.kind} to {one.receiver}: {text}"
    detail = {"notification": one.id, "receiver": one.receiver, "attempts": one.attempts}
    timeline.add(session, one.facts.incident, kind, line, at=int(now), now=int(now), detail=detail)


def counted(attempts: int) -> str:
    """The number of attempts in words."""
    return f"{attempts} attempt" if attempts == 1 else f"{attempts} attempts"


def tell_fallback(session: Session, receiver: Receiver, fallback: Receiver, now: float) -> int:
    """Queues pages that a failing receiver was not told of for its fallback; gives how many.

    Each notification once; what ends something only where the fallback was told of it.
    """
    before = receivers.lock(session, receiver.name, now, wait=True)
    if before is None or before.failing_since is None:
        return 0
    if now - before.failing_since < FALLBACK_AFTER:
        return 0
    told = 0
    for one in pending.pending_pages(session, receiver.name, fallback.name):
        if one.facts.kind in ENDING or one.facts.kind == "acknowledged":
            last = outbox.last_kinds(session, one.subject, [fallback.name]).get(fallback.name)
            if last is None or last in ENDING:
                continue
        message = outbox.Queued(
            fallback.name,
            one.subject,
            one.transition,
            one.facts,
            now,
            now + lifetime(fallback.type, one.facts.kind),
        )
        if outbox.queue(session, [message], now):
            told += 1
            text = f"{receiver.name} fails; {fallback.name} is told instead"
            tell(session, one, "notified", text, now)
    if told:
        receivers.put(session, before, replace(before, fallback_told=True))
    return told
