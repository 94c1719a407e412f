"""Delivering: a batch taken from the outbox, sent, and its outcomes written.

No transaction is open while a socket is.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slo.domain.breaker import after, leave, spend
from slo.domain.delivery import Reply, Verdict, judge
from slo.domain.schedule import limit_of, retry_delay
from slo.notify.redaction import redacted
from slo.notify.settling import counted, settle, tell
from slo.store import claims, receivers
from slo.store.engine import writing
from slo.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from slo.config.settings import Receiver, Settings
    from slo.domain.breaker import Health
    from slo.domain.notification import Facts, Notification

    Send = Callable[[Settings, Receiver, Notification, float], Reply]
    Clock = Callable[[], float]

_log = logging.getLogger(__name__)

BATCH = 5
"""Notifications of one receiver that are taken at once."""
USUAL_TIMEOUT = 15.0
LEASE_BEYOND = 15.0
"""Seconds that a lease outlasts the slowest answers."""
FLUSH_EVERY = 0.2
"""Seconds for which an outcome may wait for others to be written with it."""
RESEND_EVERY, RESEND_AFTER_END = 60.0, 900.0
"""Alertmanager forgets alerts that are not repeated, and restarts empty."""
_TRIES = 3
_SHORT = 300


@dataclass(frozen=True, slots=True)
class Sent:
    """One attempt and what it calls for."""

    notification: Notification
    reply: Reply
    verdict: Verdict
    started: float
    seconds: float


def lease_seconds(receiver: Receiver, count: int) -> float:
    """How long a batch is nobody else's: longer than the slowest answers can take."""
    timeout = USUAL_TIMEOUT if receiver.timeout is None else receiver.timeout.total_seconds()
    return LEASE_BEYOND + count * (timeout + 5)


def take(
    engine: Engine, receiver: Receiver, now: float, batch: int = BATCH, *, settled: bool = False
) -> list[Notification]:
    """Notifications for a receiver that may be sent now, claimed; none while another one claims.

    With `settled` the caller has just seen to what need not be sent, which reads all that waits.
    """
    limit = limit_of(receiver.type)
    with writing(engine) as session:
        before = receivers.lock(session, receiver.name, now, wait=False)
        if before is None:
            return []
        if not settled:
            settle(session, receiver, now)
        given = leave(before, limit, now)
        # One that fails is not given more than one at a time: each may take a while.
        count = min(given.count, 1 if before.failures else batch)
        taken: list[Notification] = []
        if count > 0:
            seconds = lease_seconds(receiver, count)
            taken = claims.claim(session, receiver.name, count, now, seconds, probe=given.probe)
        if taken:
            receivers.put(session, before, spend(before, limit, len(taken), now))
    return taken


def deliver(
    engine: Engine,
    settings: Settings,
    receiver: Receiver,
    taken: Sequence[Notification],
    send: Send,
    clock: Clock,
    stopping: Callable[[], bool] = lambda: False,
) -> bool:
    """Sends claimed notifications in turn and writes their outcomes; True: all were delivered.

    Once the receiver is to be left alone, or the process stops, the rest is handed back.
    """
    waiting: list[Sent] = []
    whole = True
    flushed = time.monotonic()
    for i, one in enumerate(taken):
        sent = attempt(settings, receiver, one, send, clock)
        waiting.append(sent)
        fine = sent.verdict.action == "delivered"
        whole = whole and fine
        if (
            fine
            and not stopping()
            and i + 1 < len(taken)
            and time.monotonic() - flushed < FLUSH_EVERY
        ):
            continue
        health = finish(engine, receiver, waiting, clock())
        waiting, flushed = [], time.monotonic()
        if health.open_until is not None or stopping():
            hand_back(engine, taken[i + 1 :], clock())
            return False
    return whole


def hand_back(engine: Engine, rest: Sequence[Notification], now: float) -> None:
    """Gives claimed notifications back that were not tried."""
    if rest:
        with writing(engine) as session:
            for one in rest:
                claims.hand_back(session, one, now)


def attempt(
    settings: Settings, receiver: Receiver, one: Notification, send: Send, clock: Clock
) -> Sent:
    """Sends one notification once; if the receiver finds it too long, once more with less text."""
    smtp = receiver.type == "email"
    started, begun = clock(), time.perf_counter()
    reply = _sent(settings, receiver, one, send, started)
    verdict = judge(reply, clock(), smtp=smtp)
    if verdict.action == "shorten":
        brief = replace(one, facts=shortened(one.facts))
        reply = _sent(settings, receiver, brief, send, clock())
        verdict = judge(reply, clock(), smtp=smtp)
        if verdict.action == "shorten":
            verdict = replace(verdict, action="dead")
    return Sent(one, reply, verdict, started, time.perf_counter() - begun)


def _sent(
    settings: Settings, receiver: Receiver, one: Notification, send: Send, now: float
) -> Reply:
    try:
        return send(settings, receiver, one, now)
    except Exception as error:  # noqa: BLE001 -- a fault of ours must not stop other notifications.
        # The text and the trace may hold the receiver's keys.
        name = type(error).__name__
        _log.error("sending to %s failed inside: %s", receiver.name, name)
        return Reply(failure="protocol", error=f"sending failed inside: {name}")


def shortened(facts: Facts) -> Facts:
    """The same facts with less text."""
    return replace(
        facts,
        summary=facts.summary[:_SHORT],
        title=facts.title[:_SHORT],
        labels=(),
        burn_rates=(),
        contributors=(),
    )


def finish(engine: Engine, receiver: Receiver, done: Sequence[Sent], now: float) -> Health:
    """Writes outcomes in one transaction; gives how the receiver does then.

    A store that is busy is asked again; if it stays so, the notifications go out once more
    after their lease.
    """
    for left in range(_TRIES - 1, -1, -1):
        try:
            with writing(engine) as session:
                return _written(session, receiver, done, now)
        except StoreError:
            if not left:
                raise
    raise AssertionError("unreachable")


def _written(session: Session, receiver: Receiver, done: Sequence[Sent], now: float) -> Health:
    before = receivers.lock(session, receiver.name, now, wait=True)
    if before is None:
        raise StoreError(f"the row of receiver {receiver.name} is gone")
    health = before
    for sent in done:
        is_test = sent.notification.facts.kind == "test"
        if not is_test or sent.verdict.action == "delivered":
            health = after(health, sent.verdict, receiver.type, now)
    results = [_result(receiver, sent, now) for sent in done]
    mine = claims.complete(session, results, now)
    for result in results:
        if result.notification.id in mine:
            _tell_outcome(session, result, now)
    receivers.put(session, before, health)
    if before.open_until is not None and health.open_until is None:
        receivers.hurry(session, receiver.name, now)
    return health


def _result(receiver: Receiver, sent: Sent, now: float) -> claims.Result:
    one, verdict = sent.notification, sent.verdict
    error = redacted(receiver, verdict.why)
    outcome = "unclear" if verdict.unclear and verdict.action == "retry" else verdict.action
    result = claims.Result(
        one,
        "pending",
        outcome,
        sent.started,
        sent.seconds,
        now + RESEND_EVERY,
        status=sent.reply.status,
        error=error,
        reply=redacted(receiver, sent.reply.body),
        provider_ref=sent.reply.ref,
    )
    if verdict.action == "delivered":
        return replace(result, state="delivered")
    if verdict.action == "dead" or one.facts.kind == "test":
        return replace(result, state="dead")
    wait = verdict.wait
    if wait is None:
        wait = retry_delay(receiver.type, one.attempts, one.msg_id)
    return replace(result, next_at=now + wait)


def _tell_outcome(session: Session, result: claims.Result, now: float) -> None:
    one = result.notification
    if result.state == "delivered":
        tries = "" if one.attempts == 1 else f" after {counted(one.attempts)}"
        tell(session, one, "delivered", f"delivered{tries}", now)
    elif result.state == "dead":
        tell(session, one, "dead", f"given up: {result.error}", now)


def refresh(
    engine: Engine, settings: Settings, receiver: Receiver, send: Send, clock: Clock
) -> None:
    """Repeats to an Alertmanager what it would forget; nothing else is told twice.

    How it answers counts for the receiver's health, and for no notification.
    """
    with writing(engine) as session:
        due = claims.refresh(session, receiver.name, clock(), RESEND_EVERY, RESEND_AFTER_END)
    for one in due:
        sent = attempt(settings, receiver, one, send, clock)
        now = clock()
        with writing(engine) as session:
            before = receivers.lock(session, receiver.name, now, wait=True)
            if before is not None:
                health = after(before, sent.verdict, receiver.type, now)
                receivers.put(session, before, replace(health, delivered_at=before.delivered_at))
        if sent.verdict.action != "delivered":
            return
