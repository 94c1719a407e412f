"""The Prometheus that is measured against: started over loaded data, and its own counters."""

from __future__ import annotations

import re
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from slo.demo.processes import Prometheus, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONFIG = "global: {scrape_interval: 15s}\n"
_SAMPLES = re.compile(r"^prometheus_engine_query_samples_total (\S+)$", re.MULTILINE)
_CPU = re.compile(r"^process_cpu_seconds_total (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ServerCost:
    """What a Prometheus has spent: samples that queries loaded, and CPU seconds."""

    samples: float
    cpu: float

    @classmethod
    def of(cls, url: str) -> Self:
        """As the server itself tells on its /metrics."""
        with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:
            text = answer.read().decode()
        samples, cpu = _SAMPLES.search(text), _CPU.search(text)
        if samples is None or cpu is None:
            raise RuntimeError(
                f"{url}/metrics lacks prometheus_engine_query_samples_total;"
                " use Prometheus 2.42 or newer"
            )
        return cls(float(samples[1]), float(cpu[1]))

    def __sub__(self, other: ServerCost) -> ServerCost:
        return ServerCost(self.samples - other.samples, self.cpu - other.cpu)


@contextmanager
def prometheus(binary: Path, folder: Path) -> Iterator[str]:
    """The URL of a Prometheus that has the data in `folder`/data, stopped at the end."""
    server = Prometheus(binary, folder, free_port(), config=_CONFIG)
    try:
        server.start()
        yield server.url
    finally:
        server.child.stop()
