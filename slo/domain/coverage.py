"""Coverage: for which part of a bucket the recently seen targets were scraped.

Times are epoch milliseconds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from operator import sub
from typing import TYPE_CHECKING

from slo.domain.counter import usual_interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from slo.domain.meter import Edge
    from slo.domain.series import Key, Series
    from slo.domain.strand import Sampled

FORGOTTEN_AFTER = 300_000
"""A silent target whose `up` is unknown is expected for this long: Prometheus's own lookback."""

_REMEMBERED = 4


@dataclass(frozen=True, slots=True)
class Timeline:
    """Samples of a gauge such as `up` or a start time, in order."""

    times: Sequence[int] = ()
    values: Sequence[float] = ()

    def at(self, until: int) -> tuple[int, float] | None:
        """The newest sample at or before `until`."""
        index = bisect_right(self.times, until)
        return (self.times[index - 1], self.values[index - 1]) if index else None


@dataclass(frozen=True, slots=True)
class TargetSeen:
    """When a target gave samples: those of the span in order, and the newest one before."""

    times: Sequence[int]
    before: int | None
    intervals: Sequence[int]
    """The last distances between samples up to `before`."""

    def at_ends(self, ends: Sequence[int], bucket: int) -> Iterator[tuple[int, int, int, int]]:
        """For each bucket end with a sample before it: its place, itself, the newest sample, grace.

        The grace is how old that sample may be: one bucket or two scrape intervals.
        """
        steady = bool(ends) and self.is_steady(ends[-1], bucket)
        index, known, grace = 0, -1, bucket
        for place, end in enumerate(ends):
            index = bisect_right(self.times, end, index)
            newest = self.times[index - 1] if index else self.before
            if newest is None:
                continue
            if not steady and index != known:
                known, grace = index, self._grace(index, bucket)
            yield place, end, newest, grace

    def _grace(self, index: int, bucket: int) -> int:
        times = self.times[max(0, index - _REMEMBERED) : index]
        if len(times) < _REMEMBERED and self.before is not None:
            times = (self.before, *times)
        intervals = (*self.intervals, *map(sub, times[1:], times))[1 - _REMEMBERED :]
        return max(bucket, 2 * (usual_interval(intervals) or 0))

    def is_steady(self, end: int, bucket: int) -> bool:
        """Whether it was never silent for longer than a bucket up to `end`."""
        times = self.times
        if not times or end - times[-1] > bucket:
            return False
        if self.before is not None and times[0] - self.before > bucket:
            return False
        return max(map(sub, times[1:], times), default=0) <= bucket


def targets_seen(
    edges: Mapping[Key, Edge], series: Mapping[Key, Series], sampled: Iterable[Sampled]
) -> dict[str, TargetSeen]:
    """When each target was seen: those of the edges that are not gone, and of the samples."""
    newest: dict[str, Edge] = {}
    for key, edge in edges.items():
        target = series[key].target
        known = newest.get(target)
        if known is None or (edge.at, len(edge.intervals)) > (known.at, len(known.intervals)):
            newest[target] = edge
    times: dict[str, list[Sequence[int]]] = defaultdict(list)
    for one in sampled:
        times[one.series.target].append(one.times)
    found = {}
    for target in {**newest, **times}:
        last = newest.get(target)
        if last is None or (last.gone and target not in times):
            found[target] = TargetSeen(_union(times[target], None), None, ())
        else:
            found[target] = TargetSeen(_union(times[target], last.at), last.at, last.intervals)
    return found


def _union(lists: Sequence[Sequence[int]], after: int | None) -> Sequence[int]:
    """All times of a target's series in order; they are nearly always the same list."""
    if not lists:
        return ()
    union = max(lists, key=len)
    if not all(other is union or other == union for other in lists):
        union = sorted(set().union(*lists))
    return union if after is None else union[bisect_right(union, after) :]


def covered_shares(
    targets: Iterable[tuple[TargetSeen, Timeline]], ends: Sequence[int], bucket: int
) -> list[float]:
    """The share of each bucket that is covered, 0 to 1, for bucket ends in order.

    Each target comes with its `up`, empty where it is not known. A target covers a
    bucket whose end is at most one bucket or two scrape intervals after its newest
    sample. It is expected while it covers, while its `up` goes on, or, with `up`
    unknown, for five minutes.
    """
    covered, expected = [0] * len(ends), [0] * len(ends)
    for target, up in targets:
        for place, end, newest, grace in target.at_ends(ends, bucket):
            if end - newest <= grace:
                covered[place] += 1
                expected[place] += 1
            elif is_expected(up, newest, end, grace):
                expected[place] += 1
    return [c / e if e else 0.0 for c, e in zip(covered, expected, strict=True)]


def is_silent(target: TargetSeen, ends: Sequence[int], bucket: int) -> bool:
    """Whether any bucket is not covered by `target` after its first sample."""
    if target.is_steady(ends[-1], bucket):
        return False
    return any(end - newest > grace for _, end, newest, grace in target.at_ends(ends, bucket))


def is_expected(up: Timeline, newest: int, end: int, grace: int) -> bool:
    """Whether a target that is silent since `newest` still belongs to its source at `end`."""
    if not up.times:
        return end - newest <= FORGOTTEN_AFTER
    latest = up.at(end)
    return latest is not None and end - latest[0] <= grace
