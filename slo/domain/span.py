"""Spans of time: half-open `(start, end]`, like buckets and Prometheus ranges."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The time after `start` up to and with `end`, in epoch seconds."""

    start: int
    end: int

    @property
    def seconds(self) -> int:
        """The span's length in seconds, never below 0."""
        return max(0, self.end - self.start)

    def overlap(self, other: Span) -> Span | None:
        """The part that both spans share, or None."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Span(start, end) if start < end else None


def union(spans: Iterable[Span]) -> list[Span]:
    """The same time as disjoint spans in order; touching spans become one."""
    merged: list[Span] = []
    for span in sorted(s for s in spans if s.seconds):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def overlapping(spans: Sequence[Span], span: Span) -> Sequence[Span]:
    """Those of disjoint spans in order that share time with `span`; few are looked at."""
    first = bisect_right(spans, span.start, key=_end_of)
    return spans[first : bisect_left(spans, span.end, key=_start_of)]


def _end_of(span: Span) -> int:
    return span.end


def _start_of(span: Span) -> int:
    return span.start


def bucket_end(instant: int, bucket: int) -> int:
    """The end of the bucket `(start, end]` that holds `instant`; both in seconds."""
    return -(-instant // bucket) * bucket


def bucket_floor(instant: float, bucket: int) -> int:
    """The last bucket end at or before `instant`."""
    return int(instant // bucket) * bucket


def utc(instant: float) -> datetime:
    """The aware UTC datetime of an epoch second."""
    return datetime.fromtimestamp(instant, UTC)


def rfc3339(instant: float) -> str:
    """An epoch second as RFC 3339 text in UTC, for example `2026-11-20T20:00:00Z`."""
    return utc(instant).strftime("%Y-%m-%dT%H:%M:%SZ")


def maybe_rfc3339(instant: float | None) -> str | None:
    """The same for what may not have happened."""
    return None if instant is None else rfc3339(instant)
