"""Trials: a test notification to one receiver, sent once by the way of all others."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from slo.domain.notification import Facts
from slo.notify import delivering
from slo.store import outbox
from slo.store.engine import writing

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from slo.config.settings import Receiver, Settings
    from slo.notify.delivering import Clock, Send, Sent


def try_receiver(
    engine: Engine, settings: Settings, receiver: Receiver, send: Send, clock: Clock
) -> Sent:
    """Sends a test notification at once, whatever pauses the receiver, and never again.

    A success makes the receiver healthy; a failure does not count against it.
    """
    now, lease = clock(), uuid.uuid4().hex
    subject = f"test/{lease}"
    until = now + delivering.lease_seconds(receiver, 1)
    with writing(engine) as session:
        facts = Facts(
            kind="test",
            severity="ticket",
            dedup_key=f"{outbox.installation_id(session)}/{subject}",
            title=f"Test notification to {receiver.name}",
            summary=f"{settings.name} can reach {receiver.name}. Nothing is wrong.",
            at=int(now),
            service="",
            installation=settings.name,
            url=settings.url,
        )
        message = outbox.Queued(receiver.name, subject, "test", facts, until, until)
        one = outbox.queue_claimed(session, message, lease, now)
    sent = delivering.attempt(settings, receiver, one, send, clock)
    delivering.finish(engine, receiver, [sent], clock())
    return sent
