"""How far a source has ingested: its newest sample."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from slo.domain.span import bucket_floor

if TYPE_CHECKING:
    from slo.domain.span import Span
    from slo.prometheus.client import PrometheusClient

HEAD_QUERY = "max(timestamp(up))"
WAIT_FOR_SAMPLES = 600
"""Seconds after which an empty bucket is booked although its source is silent."""


INGESTS_WITHIN = 120
"""Seconds within which a source that ingests shows a scrape."""


@dataclass(slots=True)
class Head:
    """The newest sample of any target of a source at `now`, asked once and only if needed."""

    client: PrometheusClient
    now: float
    _newest: float | None = None
    _asked: bool = False
    _lock: Lock = field(default_factory=Lock)

    def newest(self) -> float | None:
        """When the source's newest `up` was scraped, epoch seconds; None: it is silent."""
        with self._lock:
            if not self._asked:
                series = self.client.instant(HEAD_QUERY, at=self.now).series
                self._newest = series[0].values[-1] if series else None
                self._asked = True
        return self._newest

    def ingests(self, end: float, within: float = INGESTS_WITHIN) -> bool:
        """Whether the source has samples from `within` seconds before `end` or later."""
        newest = self.newest()
        return newest is not None and newest >= end - within

    def settled_end(self, span: Span, bucket: int, newest_sample: int | None) -> int:
        """Up to where `span` may be booked, given its newest sample (epoch ms).

        A bucket with a sample in or after it is settled; an empty one only once
        the source shows anything newer, or after ten minutes.
        """
        sampled = span.start if newest_sample is None else -(-newest_sample // 1000)
        settled = min(span.end, -(-sampled // bucket) * bucket)
        waited = bucket_floor(self.now - WAIT_FOR_SAMPLES, bucket)
        settled = max(settled, min(span.end, waited))
        if settled < span.end:
            newest = self.newest()
            if newest is not None:
                settled = max(settled, min(span.end, bucket_floor(newest, bucket)))
        return max(settled, span.start)
