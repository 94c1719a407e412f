"""How far a source has ingested: its newest sample."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from slo.domain.span import Span, bucket_floor

if TYPE_CHECKING:
    from slo.prometheus.client import PrometheusClient

HEAD_QUERY = "max(timestamp(up))"
WAIT_FOR_SAMPLES = 600
"""Seconds after which an empty bucket is booked although its source is silent."""


INGESTS_WITHIN = 120
"""Seconds within which a source that ingests shows a scrape, if it does not scrape rarely."""

_MISSED_SCRAPES = 3


def ingests_within(scrape_interval: float) -> float:
    """Seconds without a scrape of any target after which a source is silent."""
    return max(INGESTS_WITHIN, _MISSED_SCRAPES * scrape_interval)


@dataclass(slots=True)
class Head:
    """The newest sample of any target of a source at `now`, asked once and only if needed."""

    client: PrometheusClient
    now: float
    _newest: float | None = None
    _asked: bool = False
    _lock: Lock = field(default_factory=Lock)
    _before: dict[tuple[Span, int], dict[int, float]] = field(default_factory=dict)

    def newest(self) -> float | None:
        """When the source's newest `up` was scraped, epoch seconds; None: it is silent."""
        with self._lock:
            if not self._asked:
                series = self.client.instant(HEAD_QUERY, at=self.now).series
                newest = series[0].values[-1] if series else math.nan
                self._newest = newest if math.isfinite(newest) else None
                self._asked = True
        return self._newest

    def ingests(self, end: float, within: float = INGESTS_WITHIN) -> bool:
        """Whether the source has samples from `within` seconds before `end` or later."""
        newest = self.newest()
        return newest is not None and newest >= end - within

    def ingested(self, span: Span, bucket: int, within: float = INGESTS_WITHIN) -> dict[int, float]:
        """The source's newest sample at the bucket ends of `span`, where it was ingesting.

        It was if it had samples of the last `within` seconds, and a bucket before too: one
        that has just come back has not scraped all of its targets yet. Epoch seconds.
        """
        newest = self._newest_at(span, bucket)
        fresh = {end for end, at in newest.items() if end - at <= within}
        return {end: newest[end] for end in fresh if end - bucket in fresh}

    def _newest_at(self, span: Span, bucket: int) -> dict[int, float]:
        with self._lock:
            if (span, bucket) not in self._before:
                answer = self.client.range(HEAD_QUERY, span.start, span.end, bucket)
                self._before[span, bucket] = {
                    at // 1000: newest
                    for one in answer.series
                    for at, newest in zip(one.times, one.values, strict=True)
                    if math.isfinite(newest)
                }
            return self._before[span, bucket]

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
