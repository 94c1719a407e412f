"""Sources as this process has found them: when they answered, what failed, and their version."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, replace
from statistics import median
from threading import Lock
from typing import TYPE_CHECKING

from slo.prometheus.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from slo.context import Context
    from slo.prometheus.client import RequestRecord

AWAY = frozenset({"unreachable", "timeout", "unavailable", "not_prometheus", "unauthorized"})
"""Kinds of errors that say something of the source; all others are about the question."""

NEWEST = 100
"""Requests of which the usual and the longest time are told."""

ASK_AGAIN = 3600.0
"""Seconds after which a source is asked for its version again."""


@dataclass(frozen=True, slots=True)
class Found:
    """What requests to one source came to since this process started; instants in epoch seconds."""

    requests: int = 0
    errors: int = 0
    samples: int = 0
    answered_at: float | None = None
    failing: bool = False
    """Whether the last request found it away."""
    kind: str = ""
    """Of the last error."""
    version: str = ""
    """As the source tells it; empty while it does not."""
    usual: float | None = None
    """Seconds that the median of the newest requests took."""
    slowest: float | None = None
    """Seconds that the slowest of them took."""


class Sources:
    """What is found of each source, shared by the threads of one service."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = Lock()
        self._found: dict[str, Found] = {}
        self._took: dict[str, deque[float]] = {}
        self._asked: dict[str, float] = {}

    def observe(self, record: RequestRecord) -> None:
        """Count one request."""
        now = self._clock()
        with self._lock:
            former = self._found.get(record.source, Found())
            counted = replace(
                former,
                requests=former.requests + 1,
                samples=former.samples + record.samples_read,
            )
            if record.error is not None:
                counted = replace(counted, errors=former.errors + 1, kind=record.error)
            if record.error in AWAY:
                counted = replace(counted, failing=True)
            else:
                counted = replace(counted, failing=False, answered_at=now)
            self._found[record.source] = counted
            self._took.setdefault(record.source, deque(maxlen=NEWEST)).append(record.seconds)

    def all(self) -> dict[str, Found]:
        """What is found, by source; one that was never asked is not among them."""
        with self._lock:
            return {name: self._timed(name, found) for name, found in self._found.items()}

    def _timed(self, name: str, found: Found) -> Found:
        took = self._took.get(name)
        return replace(found, usual=median(took), slowest=max(took)) if took else found

    def learn(self, context: Context) -> None:
        """Ask the sources for their versions, each once an hour."""
        now = self._clock()
        for name, client in context.clients.items():
            if now - self._asked.get(name, 0.0) < ASK_AGAIN:
                continue
            self._asked[name] = now
            try:
                version = client.build_info().get("version", "")
            except SourceError:
                # Some that speak Prometheus's language have no such page.
                continue
            with self._lock:
                former = self._found.get(name, Found())
                self._found[name] = replace(former, version=version)
