"""The Prometheus that is measured against: started over loaded data, and what it says it spent."""

from __future__ import annotations

import json
import re
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slo.demo.processes import Prometheus, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

_CPU = re.compile(r"^process_cpu_seconds_total (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ServerCost:
    """What a Prometheus has spent: queries, the samples they loaded, and CPU seconds."""

    queries: int
    samples: int
    cpu: float

    def __sub__(self, other: ServerCost) -> ServerCost:
        return ServerCost(
            self.queries - other.queries, self.samples - other.samples, self.cpu - other.cpu
        )


@dataclass(frozen=True, slots=True)
class Server:
    """A running Prometheus: its URL, and the log that it writes of its queries."""

    url: str
    log: str

    def spent(self) -> ServerCost:
        """As the server itself tells: whoever asks is judged by the same judge."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=30) as answer:
            cpu = _CPU.search(answer.read().decode())
        # Prometheus 2.42 has no counter of samples; its query log has them by query.
        with Path(self.log).open() as lines:
            samples = [
                json.loads(line)["stats"]["samples"]["totalQueryableSamples"] for line in lines
            ]
        return ServerCost(len(samples), sum(samples), float(cpu[1]) if cpu else 0.0)


@contextmanager
def prometheus(binary: Path, folder: Path) -> Iterator[Server]:
    """A Prometheus that has the data in `folder`/data, stopped at the end."""
    log = folder / "queries.log"
    log.unlink(missing_ok=True)
    config = f"global: {{scrape_interval: 15s, query_log_file: '{log}'}}\n"
    server = Prometheus(binary, folder, free_port(), config=config)
    try:
        server.start()
        yield Server(server.url, str(log))
    finally:
        server.child.stop()
