"""Slices and estimates: indicators that are evaluated at bucket ends by range queries."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from slo.domain.absence import Absence
from slo.domain.booking import Booking
from slo.domain.duration import format_duration
from slo.domain.indicator import Freshness, Query, Slices
from slo.domain.ledger import Increment
from slo.domain.span import Span
from slo.prometheus.errors import SourceError
from slo.prometheus.head import HEAD_QUERY, INGESTS_WITHIN, ingests_within
from slo.prometheus.job import Fault, Outcome
from slo.promql import WINDOW

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slo.prometheus.client import PrometheusClient
    from slo.prometheus.head import Head
    from slo.prometheus.job import Job


@dataclass(frozen=True, slots=True)
class _Points:
    """The values of a query at each bucket end (epoch seconds); absent where there are none."""

    by_end: Mapping[int, list[float]]

    def at(self, end: int) -> list[float]:
        return self.by_end.get(end, [])


def collect_slices(job: Job, client: PrometheusClient, head: Head) -> Outcome:
    """The booking of a job that is evaluated, not counted."""
    watched: str | None = None
    try:
        match job.indicator:
            case Slices():
                found = _slices(job, job.indicator, client)
                watched = job.indicator.query
            case Freshness():
                # It books what is missing as bad by itself.
                found = _freshness(job, job.indicator, client)
            case Query():
                found = _estimates(job, job.indicator, client)
                watched = job.indicator.total.replace(WINDOW, _window(job))
            case _:
                raise TypeError(f"{job.slo.id}: {job.indicator.kind} is counted, not evaluated")
        is_bad = job.slo.no_data == "bad"
        # A backfill decides no alerts, so only what it books is asked for.
        wanted = watched is not None and (job.hold or is_bad)
        missing = _missing(job, found, watched or "", client, head) if wanted else []
        if is_bad:
            bucket = float(job.meter.bucket)
            found |= {end: Increment(end, 0.0, 1.0, bucket) for end in missing}
            missing = []
        return Outcome(job, _booking(job, found, missing, head))
    except SourceError as error:
        return Outcome(job, fault=Fault(error.kind, str(error)))


def _booking(
    job: Job, found: Mapping[int, Increment], missing: Sequence[int], head: Head
) -> Booking | None:
    span, bucket = job.span, job.meter.bucket
    if job.hold:
        newest = max(found, default=None)
        settled = head.settled_end(span, bucket, None if newest is None else newest * 1000)
        span = Span(span.start, settled)
    if not span.seconds:
        return None
    ends = range(span.start + bucket, span.end + 1, bucket)
    return Booking(
        job.meter.id,
        span,
        tuple(found.get(e, Increment(e)) for e in ends),
        absences=tuple(
            Absence("gone", _newest(found, end, job.span.start), end)
            for end in missing
            if end <= span.end
        ),
    )


def _newest(found: Mapping[int, Increment], end: int, start: int) -> int:
    """The newest bucket before `end` that has data, or the span's start."""
    return max((e for e in found if e < end), default=start)


def _missing(
    job: Job, found: Mapping[int, Increment], watched: str, client: PrometheusClient, head: Head
) -> list[int]:
    """The bucket ends without a value although the source ingests, of what has been seen."""
    bucket = job.meter.bucket
    ends = range(job.span.start + bucket, job.span.end + 1, bucket)
    empty = [end for end in ends if end not in found]
    if not empty or not (found or _was_seen(job, watched, client)):
        return []
    first = min(found, default=job.span.start)
    ingested = head.ingested(job.span, bucket, ingests_within(job.scrape_interval))
    return [end for end in empty if end > first and end in ingested]


def _points(job: Job, query: str, client: PrometheusClient) -> _Points:
    bucket = job.meter.bucket
    answer = client.range(query, job.span.start + bucket, job.span.end, bucket)
    by_end: dict[int, list[float]] = {}
    for one in answer.series:
        for time, value in zip(one.times, one.values, strict=True):
            if value == value:  # noqa: PLR0124 -- NaN is no data.
                by_end.setdefault(time // 1000, []).append(value)
    return _Points(by_end)


def _slices(job: Job, indicator: Slices, client: PrometheusClient) -> dict[int, Increment]:
    """A bucket is good if every series of the query's value meets the bound."""
    found = {}
    for end, values in _points(job, indicator.query, client).by_end.items():
        if indicator.at_least is not None:
            good = min(values) >= float(indicator.at_least)
        else:
            good = max(values) <= float(indicator.at_most or 0)
        found[end] = Increment(end, float(good), 1.0, float(job.meter.bucket))
    return found


def _freshness(job: Job, indicator: Freshness, client: PrometheusClient) -> dict[int, Increment]:
    """A vanished series is bad once it was seen, and only while the source ingests."""
    points = _points(job, f"max({indicator.timestamp})", client)
    ingested = _points(job, HEAD_QUERY, client)
    bucket, max_age = job.meter.bucket, indicator.max_age.total_seconds()
    seen: bool | None = None
    found = {}
    for end in range(job.span.start + bucket, job.span.end + 1, bucket):
        values = points.at(end)
        if values:
            seen = True
            found[end] = Increment(end, float(end - max(values) <= max_age), 1.0, float(bucket))
            continue
        if seen is None:
            seen = _was_seen(job, indicator.timestamp, client)
        newest = ingested.at(end)
        if seen and newest and end - max(newest) <= INGESTS_WITHIN:
            found[end] = Increment(end, 0.0, 1.0, float(bucket))
    return found


def _was_seen(job: Job, query: str, client: PrometheusClient) -> bool:
    """Whether a query had a value in the week before the span."""
    query = f"count(last_over_time(({query})[7d:5m]))"
    return bool(client.instant(query, at=job.span.start).series)


def _window(job: Job) -> str:
    """What `$window` stands for: a bucket and one scrape interval."""
    return format_duration(timedelta(seconds=job.meter.bucket + job.scrape_interval))


def _estimates(job: Job, indicator: Query, client: PrometheusClient) -> dict[int, Increment]:
    """Evaluated over a bucket and one scrape interval, and scaled to the bucket."""
    bucket = job.meter.bucket
    text = _window(job)
    scale = bucket / (bucket + job.scrape_interval)
    totals = _points(job, indicator.total.replace(WINDOW, text), client)
    part = indicator.good if indicator.good is not None else indicator.bad or ""
    parts = _points(job, part.replace(WINDOW, text), client)
    found = {}
    for end, values in totals.by_end.items():
        total, counted = sum(values) * scale, sum(parts.at(end)) * scale
        if not math.isfinite(total + counted):
            continue
        good = counted if indicator.good is not None else total - counted
        found[end] = Increment(end, good, total, float(bucket))
    return found
