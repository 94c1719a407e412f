"""The context that cycles and backfills work in: settings, store, and a client per source."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from slo.prometheus.client import PrometheusClient
from slo.prometheus.raw import RawReader

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from sqlalchemy import Engine

    from slo.config.settings import Settings
    from slo.domain.slo import SLO
    from slo.domain.source import Source
    from slo.prometheus.client import RequestRecord

WORKERS = 4
"""Requests under way at once per source; more only queue up in Prometheus."""


@dataclass(slots=True)
class Spent:
    """What requests have cost since the context was made."""

    requests: int = 0
    samples: int = 0
    _lock: Lock = field(default_factory=Lock)

    def add(self, record: RequestRecord) -> None:
        """Count one request."""
        with self._lock:
            self.requests += 1
            self.samples += record.samples_read


TOLD_AGAIN_AFTER = 3600
"""Seconds after which a fault that lasts is logged again."""


@dataclass(slots=True)
class Told:
    """Which faults the log has told, so that one that lasts is not told each cycle."""

    _last: dict[str, tuple[str, float]] = field(default_factory=dict)

    def is_news(self, subject: str, text: str, now: float) -> bool:
        """Whether the log should say `text` of `subject`: it is new, or an hour has passed."""
        known, at = self._last.get(subject, ("", now))
        if known == text and now - at < TOLD_AGAIN_AFTER:
            return False
        self._last[subject] = (text, now)
        return True

    def over(self, faulty: Collection[str]) -> list[str]:
        """The subjects that were told of and are not `faulty` any more; they are forgotten."""
        gone = [subject for subject in self._last if subject not in faulty]
        for subject in gone:
            del self._last[subject]
        return gone


@dataclass(frozen=True, slots=True)
class Context:
    """What a cycle needs beside the time; it keeps nothing between cycles that cannot be lost."""

    settings: Settings
    engine: Engine
    clients: Mapping[str, PrometheusClient]
    spent: Spent
    pools: Mapping[str, ThreadPoolExecutor]
    told: Told = field(default_factory=Told)

    def source(self, name: str) -> Source:
        """The source of this name."""
        return next(source for source in self.settings.sources if source.name == name)

    def reader(self, source: str, deadline: float) -> RawReader:
        """A reader of a source, until `deadline` on the clock of `time.monotonic`."""
        return RawReader(self.clients[source], self.pools[source], deadline)

    def slos_of(self, source: str) -> list[SLO]:
        """The SLOs that are counted from a source."""
        return [slo for slo in self.settings.slos if slo.source == source]


@contextmanager
def open_context(
    settings: Settings,
    engine: Engine,
    on_request: Callable[[RequestRecord], None] | None = None,
) -> Iterator[Context]:
    """A context with open clients, closed at the end; `on_request` is told of each request."""
    spent = Spent()

    def told(record: RequestRecord) -> None:
        spent.add(record)
        if on_request is not None:
            on_request(record)

    clients = {s.name: PrometheusClient(s, on_request=told) for s in settings.sources}
    pools = {name: ThreadPoolExecutor(WORKERS, f"source-{name}") for name in clients}
    try:
        yield Context(settings, engine, clients, spent, pools)
    finally:
        for pool in pools.values():
            pool.shutdown(wait=True, cancel_futures=True)
        for client in clients.values():
            client.close()


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause Python's search for unreachable rings of objects, if it is on.

    A cycle makes a million small values that live until its end and form no rings;
    looking through them again and again costs a third of its time.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
