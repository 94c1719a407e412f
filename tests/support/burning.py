"""A service whose error budget begins to burn at a known moment, with hours of history before.

Its requests are counted in a log of its own, so that the moment at which a burn-rate
rule ought to fire is known to a twentieth of a second, whatever anybody has scraped.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left, bisect_right
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from slo.demo.binaries import ensure_prometheus
from slo.demo.processes import Prometheus, create_blocks, free_port
from tests.support.exporter import Exporter
from tests.support.prometheus_server import TOOLS, OpenMetrics
from tests.support.receiver_server import ReceiverServer, Seen, status

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

HOUR = 3600
HISTORY = 6 * HOUR + 1800
STEP = 15
TICK = 0.05
OBJECTIVE = 0.999
FACTOR, LONG, SHORT = 14.4, HOUR, 300


class Burning(Exporter):
    """Serves a request a second for hours; from `fail()` on, 400 a second, all of which fail."""

    def __init__(self) -> None:
        super().__init__()
        now = time.time()
        self.began = int(now) - HISTORY
        self.started = float(self.began - 60)
        # The one error of its past made the series, so that every rate() sees the next ones.
        self.good, self.bad = 60, 1
        self.log: list[tuple[float, int, int]] = [
            (at, 60 + at - self.began, 1) for at in range(self.began, int(now), STEP)
        ]
        self.past = list(self.log)
        self.good = self.log[-1][1]
        self._failing = threading.Event()

    def fail(self) -> None:
        """Every request fails from now on."""
        self._failing.set()

    def _work(self) -> None:
        last = time.time()
        while not self._ending.wait(TICK):
            now = time.time()
            with self._lock:
                if self._failing.is_set():
                    self.bad += 20
                elif now - last >= 1:
                    self.good += 1
                    last += 1
                self.log.append((now, self.good, self.bad))

    def history(self) -> OpenMetrics:
        """What a Prometheus has scraped of it until now."""
        own = f'job="shop",instance="{self.address}"'
        found = OpenMetrics()
        found.add(f'http_requests_total{{{own},code="200"}}', [(t, g) for t, g, _ in self.past])
        found.add(f'http_requests_total{{{own},code="500"}}', [(t, b) for t, _, b in self.past])
        found.add(f"up{{{own}}}", [(t, 1.0) for t, _, _ in self.past])
        found.add(
            f"process_start_time_seconds{{{own}}}", [(t, self.started) for t, _, _ in self.past]
        )
        return found

    def crossed_at(self) -> float | None:
        """When both windows of the fast rule had burned enough, by its own count."""
        log = list(self.log)
        times = [at for at, _, _ in log]
        limit = FACTOR * (1 - OBJECTIVE)

        def burns(index: int, window: int) -> bool:
            at, good, bad = log[index]
            _, good_before, bad_before = log[max(0, bisect_right(times, at - window) - 1)]
            bad -= bad_before
            return bad >= limit * (good - good_before + bad)

        first = bisect_left(times, self.past[-1][0])
        return next(
            (times[i] for i in range(first, len(log)) if burns(i, LONG) and burns(i, SHORT)), None
        )


class Sink(ReceiverServer):
    """A receiver that says yes to all, and remembers when each request came."""

    def __init__(self) -> None:
        super().__init__()
        self.came: list[tuple[float, Seen]] = []
        self.answer = self._take

    def _take(self, connection: socket.socket, seen: Seen) -> None:
        self.came.append((time.time(), seen))
        status(200)(connection, seen)

    def at(self, path: str) -> list[tuple[float, Seen]]:
        """What came to a path, and when."""
        return [(when, seen) for when, seen in self.came if seen.target == path]


def watching(
    folder: Path, service: Burning, *, more: str = "", flags: Sequence[str] = ()
) -> Prometheus:
    """A Prometheus that knows the service's past and scrapes it each second; not started yet.

    `more` are further sections of its configuration.
    """
    binaries = ensure_prometheus(TOOLS)
    config = (
        "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 30s}\n"
        "scrape_configs:\n"
        f"- {{job_name: shop, static_configs: [{{targets: ['{service.address}']}}]}}\n{more}"
    )
    server = Prometheus(
        binaries.prometheus, Path(folder), free_port(), config=config, flags=tuple(flags)
    )
    with NamedTemporaryFile("w", suffix=".om") as file:
        file.write(service.history().text())
        file.flush()
        create_blocks(binaries.promtool, Path(file.name), server.data)
    return server


def ledger_yaml(
    url: str, database_url: str, sink: Sink, path: str, *, interval: int, lag: int
) -> str:
    """slo.yaml that tells the sink at `path` of the service, and lets its heart beat there."""
    return f"""prometheus: {{url: '{url}', lag: {lag}s, scrape_interval: 1s, timeout: 2s}}
database: {{url: '{database_url}'}}
interval: {interval}s
receivers: {{sink: {{type: webhook, url: '{sink.url}{path}'}}}}
routes: {{page: [sink], ticket: [sink]}}
outbound: {{allow: [127.0.0.1], ports: [{sink.port}]}}
heartbeat: {sink.url}{path}/beat
services:
  shop:
    slos:
      availability:
        objective: 99.9%
        window: 30d
        events:
          bad: 'http_requests_total{{job="shop",code="500"}}'
          total: 'http_requests_total{{job="shop"}}'
"""
