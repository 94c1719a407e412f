"""The dispatcher: sends what the outbox holds. Any number of them may run at once."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from slo.domain.breaker import FALLBACK_AFTER, Health
from slo.notify import delivering
from slo.notify.settling import expire, tell_fallback
from slo.store import backlog, claims, receivers
from slo.store.engine import reading, writing
from slo.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Engine

    from slo.config.settings import Receiver, Settings
    from slo.domain.delivery import Reply
    from slo.domain.notification import Notification
    from slo.loaded import Loaded
    from slo.notify.delivering import Clock, Send

_log = logging.getLogger(__name__)

POLL = 1.0
"""Seconds between looks into the outbox while nobody wakes the dispatcher."""
AT_ONCE = 2
"""Batches of one receiver that are on their way at once, so that one that hangs delays none."""
MOST_WORKERS = 64
GRACE = 5.0
"""Seconds that `stop` waits for notifications on their way; those that hang come again later."""
REFRESH_EVERY = 10.0
"""Seconds between looks for what Alertmanager is to be told again."""


def dispatch_once(
    engine: Engine,
    settings: Settings,
    now: float | None = None,
    *,
    send: Send | None = None,
    clock: Clock | None = None,
    batch: int = delivering.BATCH,
) -> int:
    """Sends all that is due, one receiver after the other; gives how many attempts it made.

    With `now` (epoch seconds) time stands still meanwhile; else `clock` tells it.
    """
    fixed = now
    tell_time = clock or time.time if fixed is None else lambda: fixed
    send = send or send_to_receiver
    made = 0
    for receiver in _due(engine, settings, tell_time()):
        fine = False
        while taken := delivering.take(engine, receiver, tell_time(), batch, settled=fine):
            fine = delivering.deliver(engine, settings, receiver, taken, send, tell_time)
            made += len(taken)
        if receiver.type == "alertmanager":
            delivering.refresh(engine, settings, receiver, send, tell_time)
    tend(engine, settings, tell_time())
    return made


def tend(engine: Engine, settings: Settings, now: float) -> None:
    """Sees to receivers that cannot be told: their fallbacks, and those gone from slo.yaml.

    Notifications to a receiver that is gone wait until they expire: it may come back.
    """
    with reading(engine) as session:
        known = receivers.healths(session)
        waiting = backlog.backlogs(session)
    named = {receiver.name: receiver for receiver in settings.receivers}
    for name, left in waiting.items():
        receiver, health = named.get(name), known.get(name, Health(name))
        if receiver is None:
            if left.expires_at is not None and left.expires_at <= now:
                with writing(engine) as session:
                    if receivers.lock(session, name, now, wait=False) is not None:
                        expire(session, name, now)
            continue
        fallback = named.get(receiver.fallback or "")
        if fallback is None or health.failing_since is None:
            continue
        if now - health.failing_since >= FALLBACK_AFTER:
            with writing(engine) as session:
                tell_fallback(session, receiver, fallback, now)


def _due(engine: Engine, settings: Settings, now: float, *, refresh: bool = True) -> list[Receiver]:
    """The receivers for which there is something to do now.

    Without `refresh` what was delivered is not looked at: that costs more.
    """
    forgetful = [r.name for r in settings.receivers if refresh and r.type == "alertmanager"]
    with reading(engine) as session:
        waiting = backlog.backlogs(session)
        known = receivers.healths(session)
        again = claims.refreshing(session, forgetful, now) if forgetful else set()
    return [
        receiver
        for receiver in settings.receivers
        if receiver.name in again
        or (
            receiver.name in waiting
            and _is_due(waiting[receiver.name], known.get(receiver.name), now)
        )
    ]


def _is_due(waiting: backlog.Backlog, health: Health | None, now: float) -> bool:
    if waiting.expires_at is not None and waiting.expires_at <= now:
        return True
    if health is not None and health.open_until is not None:
        return health.open_until <= now
    return waiting.next_at is not None and waiting.next_at <= now


def send_to_receiver(
    settings: Settings, receiver: Receiver, notification: Notification, now: float
) -> Reply:
    """Sends one notification to its receiver, by the module of its type."""
    # Mail, TLS and HTTP are of use only where something is sent.
    from slo.notify.sending import send  # noqa: PLC0415 -- as said.

    return send(settings, receiver, notification, now)


class Dispatcher:
    """Sends what the outbox holds, from `start()` to `stop()`, in threads of its own.

    Each receiver has its own few workers, so that one that hangs delays no other.
    `wake()` makes it look at once, as after a cycle. Settings may be replaced while it
    runs: each batch is sent by those in force when it is taken. Time comes from `clock`;
    only waiting is by the machine's own.
    """

    def __init__(
        self,
        engine: Engine,
        loaded: Loaded,
        *,
        clock: Clock = time.time,
        send: Send | None = None,
        poll: float = POLL,
    ) -> None:
        self._engine = engine
        self._loaded = loaded
        self._clock = clock
        self._send = send or send_to_receiver
        self._poll = poll
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._busy: dict[str, int] = {}
        self._workers: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._told = ""
        self._refreshed_at = 0.0

    def start(self) -> None:
        """Begins to send; a dispatcher that runs already goes on."""
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Look into the outbox now."""
        self._woken.set()

    def stop(self, grace: float = GRACE) -> None:
        """Ends after the notifications on their way; what was claimed beside them is handed back.

        A receiver that takes longer than `grace` seconds is left alone: its notification
        stays in the outbox, and comes again once its lease is over.
        """
        self._stopping.set()
        self._woken.set()
        if self._thread is None:
            return
        self._thread.join()
        self._thread = None
        ends = time.monotonic() + grace
        with self._lock:
            workers = list(self._workers)
        for worker in workers:
            worker.join(max(0.0, ends - time.monotonic()))

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            self._guarded(self._look)
            self._woken.wait(self._poll)

    def _look(self) -> None:
        now, settings = self._clock(), self._loaded.settings
        tend(self._engine, settings, now)
        refresh = abs(now - self._refreshed_at) >= REFRESH_EVERY
        if refresh:
            self._refreshed_at = now
        for receiver in _due(self._engine, settings, now, refresh=refresh):
            with self._lock:
                busy = self._busy.get(receiver.name, 0)
                if busy >= AT_ONCE or len(self._workers) >= MOST_WORKERS:
                    continue
                self._busy[receiver.name] = busy + 1
                # Not a pool's: those are waited for when the process ends, however long they hang.
                worker = threading.Thread(
                    target=self._work, args=(receiver.name,), name="dispatcher-worker", daemon=True
                )
                self._workers.add(worker)
            worker.start()

    def _work(self, name: str) -> None:
        try:
            self._guarded(lambda: self._empty(name))
        finally:
            with self._lock:
                self._busy[name] -= 1
                self._workers.discard(threading.current_thread())

    def _empty(self, name: str) -> None:
        """Sends to a receiver until nothing more is due for it, or slo.yaml has it no more."""
        fine = False
        while not self._stopping.is_set():
            settings = self._loaded.settings
            receiver = next((r for r in settings.receivers if r.name == name), None)
            if receiver is None:
                return
            taken = delivering.take(self._engine, receiver, self._clock(), settled=fine)
            if taken:
                fine = self._deliver(settings, receiver, taken)
                continue
            if receiver.type == "alertmanager":
                delivering.refresh(self._engine, settings, receiver, self._send, self._clock)
            return

    def _deliver(
        self, settings: Settings, receiver: Receiver, taken: Sequence[Notification]
    ) -> bool:
        return delivering.deliver(
            self._engine,
            settings,
            receiver,
            taken,
            self._send,
            self._clock,
            self._stopping.is_set,
        )

    def _guarded(self, run: Callable[[], None]) -> None:
        """Runs; a fault is logged once for as long as it lasts, and the next look tries again."""
        try:
            run()
        except StoreError as error:
            if str(error) != self._told:
                _log.error("the outbox waits: %s", error)
            self._told = str(error)
        except Exception:  # noqa: BLE001 -- a fault of ours is told, and paging goes on.
            _log.exception("the dispatcher failed")
        else:
            self._told = ""
