"""Counting one counter exactly: a left fold over its raw samples.

The increase between two samples is their difference. A drop, or a step that skipped
a scrape, is *suspicious*: there the counter's start tells a reset from
skew between replicas. Nothing is extrapolated, and the state after a sample does
not depend on where the samples were split, so sums over adjacent spans telescope.

Times are epoch milliseconds throughout.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field, replace
from enum import IntFlag
from itertools import compress, count
from operator import le, lt, sub
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slo.domain.meter import Edge

_T = TypeVar("_T")
_Number = TypeVar("_Number", int, float)

CARRIED_OVER = 300_000
"""A step over more than this many milliseconds is carried into its bucket."""

GAP_FACTOR = 2.5
"""A step over more than two scrapes is a gap; the half scrape allows for jitter."""

UNKNOWN_INTERVAL_GAP = 60_000
"""While a series' spacing is unknown, a longer step is a gap."""

SKIPPED_FACTOR = 1.5
"""A longer step has skipped a scrape. A series that a restart took away may be back by then."""

SAME_START = 1_000
"""Starts that differ by less name the same process; exporters round to the second."""

_REMEMBERED_INTERVALS = 3
_REMEMBERED_RISES = 2

_CARE = _REMEMBERED_INTERVALS + 1
"""Samples from a suspicious one on, after which its step is no longer remembered."""


class Role(IntFlag):
    """What a series counts towards."""

    TOTAL = 1
    GOOD = 2
    BAD = 4
    SUM = 8
    COUNT = 16


class Starts(Protocol):
    """When the process or counter behind a series started, as far as it is known."""

    def between(self, after: int, until: int) -> int | None:
        """The newest start that was told in `(after, until]`."""

    def before(self, until: int) -> int | None:
        """The newest start that was told at or before `until`."""


@dataclass(slots=True)
class Steps:
    """What one series adds: amounts and carried lengths by bucket end (ms), and its new edge."""

    edge: Edge
    amounts: dict[int, float] = field(default_factory=dict)
    carried: dict[int, int] = field(default_factory=dict)
    skew: float = 0.0
    """The largest drop that was taken for skew between replicas."""


def usual_interval(intervals: Sequence[int]) -> int | None:
    """The usual distance between samples: the lower median of the last three."""
    return sorted(intervals)[(len(intervals) - 1) // 2] if intervals else None


def is_gap(interval: int, intervals: Sequence[int]) -> bool:
    """Whether a step of `interval` after steps of `intervals` spans more than two scrapes."""
    usual = usual_interval(intervals)
    return interval > (UNKNOWN_INTERVAL_GAP if usual is None else usual * GAP_FACTOR)


def is_suspicious(interval: int, intervals: Sequence[int]) -> bool:
    """Whether a restart may hide in a step that rises: it skipped a scrape, or nobody knows.

    Held against the shortest interval: a series that often comes and goes has long ones too.
    """
    return not intervals or interval > min(intervals) * SKIPPED_FACTOR


def last_intervals(edge: Edge, times: Sequence[int]) -> tuple[int, ...]:
    """The last remembered distances between samples, after `times` that follow `edge`."""
    distances = _distances((edge.at, *times[-_REMEMBERED_INTERVALS - 1 :]))
    if len(times) > _REMEMBERED_INTERVALS:
        distances = distances[1:]
    return _last(edge.intervals, distances, _REMEMBERED_INTERVALS)


def after_edge(
    edge: Edge, times: Sequence[int], values: Sequence[float]
) -> tuple[Sequence[int], Sequence[float]]:
    """The samples that are newer than the edge; all others were booked before."""
    first = bisect_right(times, edge.at)
    return (times, values) if first == 0 else (times[first:], values[first:])


def _before(edge: Edge, times: Sequence[int], place: int) -> tuple[int, ...]:
    """The remembered distances before the sample at `place` of those after `edge`."""
    return last_intervals(edge, times[max(0, place - _REMEMBERED_INTERVALS - 1) : place])


def suspicious_times(edge: Edge, times: Sequence[int], values: Sequence[float]) -> list[int]:
    """When a start is needed: at drops below the sample before, and after skipped scrapes.

    And at all samples while the edge holds a higher value: its fall may have been a
    restart that the start told at the time did not show yet.
    """
    times, values = after_edge(edge, times, values)
    if not times:
        return []
    if edge.held > edge.seen:
        return list(times)
    if _is_plain(edge, times, values):
        return []
    found = []
    for index in _candidates(edge, times, values):
        at, seen = (times[index - 1], values[index - 1]) if index else (edge.at, edge.seen)
        intervals = _before(edge, times, index)
        if values[index] < seen or is_suspicious(times[index] - at, intervals):
            found.append(times[index])
    return found


def _candidates(edge: Edge, times: Sequence[int], values: Sequence[float]) -> list[int]:
    """The places at which a step may be suspicious, none left out."""
    falls = compress(count(1), map(lt, values[1:], values))
    return sorted({*_late(edge, times, SKIPPED_FACTOR), *falls})


def _late(edge: Edge, times: Sequence[int], factor: float) -> list[int]:
    """The first place, and all that come later than `factor` times the shortest interval."""
    distances = _distances((edge.at, *times))
    long = min((*edge.intervals, *distances)) * factor
    return sorted({0, *compress(count(), map(long.__lt__, distances))})


def count_steps(
    edge: Edge,
    times: Sequence[int],
    values: Sequence[float],
    *,
    bucket: int,
    first_end: int,
    asked: frozenset[int],
    starts: Starts,
    calm: bool = False,
) -> Steps:
    """The steps of one series from its edge over newer samples, by bucket.

    `bucket` is the bucket's length and `first_end` the end of the first bucket
    that is not booked yet: a late sample falls into that one. `asked` holds the
    times at which any series of the same target was suspicious; at these, and
    at its own, the step asks `starts`.
    """
    steps = Steps(edge)
    times, values = after_edge(edge, times, values)
    if not times:
        return steps
    told = _places(times, asked)
    if not told and edge.held == edge.seen and (calm or _is_plain(edge, times, values)):
        _plain_steps(steps, times, values, bucket, first_end)
        return steps
    # A suspicious sample needs care, and those after it until their spacing is known again.
    first = 0
    for place in [*sorted({*_candidates(edge, times, values), *told}), len(times)]:
        near, far = slice(first, min(place, first + _CARE)), slice(first + _CARE, place)
        _careful_steps(steps, times[near], values[near], bucket, first_end, asked, starts)
        if times[far]:
            now = steps.edge
            if now.held == now.seen and _is_plain(now, times[far], values[far]):
                _plain_steps(steps, times[far], values[far], bucket, first_end)
            else:
                _careful_steps(steps, times[far], values[far], bucket, first_end, asked, starts)
        first = place
    return steps


def _places(times: Sequence[int], asked: frozenset[int]) -> list[int]:
    """Where the asked times lie among `times`."""
    places = ((time, bisect_left(times, time)) for time in asked)
    return [place for time, place in places if place < len(times) and times[place] == time]


def _is_plain(edge: Edge, times: Sequence[int], values: Sequence[float]) -> bool:
    """Whether no step can be suspicious: values never fall, and no interval is long.

    The longest interval is held against the shortest, which is at most the usual
    one, so this may miss a plain series but never passes a suspicious one.
    """
    if values[0] < edge.seen or not all(map(le, values, values[1:])):
        return False
    if not edge.intervals:
        return False
    intervals = [*edge.intervals, times[0] - edge.at, *_distances(times)]
    return max(intervals) <= min(intervals) * SKIPPED_FACTOR


def _plain_steps(
    steps: Steps, times: Sequence[int], values: Sequence[float], bucket: int, first_end: int
) -> None:
    """Telescoped: each bucket adds its last value less the last one before it."""
    edge = steps.edge
    held, index = edge.held, 0
    while index < len(times):
        end = end_of(times[index], bucket, first_end)
        index = bisect_right(times, end, index)
        value = values[index - 1]
        if value > held:
            steps.amounts[end] = steps.amounts.get(end, 0.0) + value - held
            held = value
    longest = max(map(sub, times[1:], times), default=0)
    if max(longest, times[0] - edge.at) > CARRIED_OVER:
        _carry(steps, edge, times, values, bucket, first_end)
    last_times = (edge.at, *times[-3:]) if len(times) <= _REMEMBERED_INTERVALS else times[-4:]
    last_values = (edge.seen, *values[-2:]) if len(values) <= _REMEMBERED_RISES else values[-3:]
    steps.edge = replace(
        edge,
        at=times[-1],
        seen=values[-1],
        held=values[-1],
        intervals=_last(edge.intervals, _distances(last_times), _REMEMBERED_INTERVALS),
        rises=_last(edge.rises, _distances(last_values), _REMEMBERED_RISES),
        gone=False,
    )


def _carry(
    steps: Steps,
    edge: Edge,
    times: Sequence[int],
    values: Sequence[float],
    bucket: int,
    first_end: int,
) -> None:
    """Mark the buckets that hold a rise over more than `CARRIED_OVER`."""
    at, seen = edge.at, edge.seen
    for time, value in zip(times, values, strict=True):
        if time - at > CARRIED_OVER and value > seen:
            end = end_of(time, bucket, first_end)
            steps.carried[end] = max(steps.carried.get(end, 0), time - at)
        at, seen = time, value


def _careful_steps(
    steps: Steps,
    times: Sequence[int],
    values: Sequence[float],
    bucket: int,
    first_end: int,
    asked: frozenset[int],
    starts: Starts,
) -> None:
    """Sample by sample; suspicious steps ask for the start."""
    edge = steps.edge
    for time, value in zip(times, values, strict=True):
        interval = time - edge.at
        amount, held, start = max(0.0, value - edge.held), max(value, edge.held), edge.start
        is_held = edge.held > edge.seen
        if is_held or time in asked or value < edge.seen or is_suspicious(interval, edge.intervals):
            told = starts.between(edge.at, time)
            # Since a fall nothing was counted: a restart's value has grown from zero.
            if is_held and value >= edge.seen:
                is_reset = _shows_restart(edge, told)
            else:
                is_reset = _is_reset(edge, value, told, starts.before(edge.at))
            if is_reset:
                amount, held = value, value
            elif value < edge.held:
                steps.skew = max(steps.skew, edge.held - value)
            start = told if told is not None else start
        end = end_of(time, bucket, first_end)
        if amount:
            steps.amounts[end] = steps.amounts.get(end, 0.0) + amount
            if interval > CARRIED_OVER:
                steps.carried[end] = max(steps.carried.get(end, 0), interval)
        edge = replace(
            edge,
            at=time,
            seen=value,
            held=held,
            start=start,
            intervals=_last(edge.intervals, (interval,), _REMEMBERED_INTERVALS),
            rises=_last(edge.rises, (amount,), _REMEMBERED_RISES),
            gone=False,
        )
    steps.edge = edge


def _is_reset(edge: Edge, value: float, told: int | None, told_before: int | None) -> bool:
    """Whether the counter began anew since the edge.

    A told start decides: other than the one before, or newer than the edge where
    none is known from before. Clocks of targets differ, so a start that is newer
    than the edge but the same as before is no reset. Without any, a drop no larger
    than the last two steps is skew between replicas, and any other is a reset.
    """
    if told is None:
        drop = edge.held - value
        return drop > 0 and drop > max((0.0, *edge.rises))
    before = max((start for start in (told_before, edge.start) if start is not None), default=None)
    return told > edge.at if before is None else told - before > SAME_START


def _shows_restart(edge: Edge, told: int | None) -> bool:
    """Whether a fall that was taken for skew was a restart, by a start told only later.

    Behind one address, samples may come from one replica of Prometheus and starts
    from another that has not seen the restart yet.
    """
    return told is not None and edge.start is not None and told - edge.start > SAME_START


def end_of(time: int, bucket: int, first_end: int) -> int:
    """The end of the bucket that holds `time`, the first one for a late sample; all in ms."""
    return max(-(-time // bucket) * bucket, first_end)


def _distances(values: Sequence[_Number]) -> list[_Number]:
    return list(map(sub, values[1:], values))


def _last(old: Sequence[_T], new: Sequence[_T], count: int) -> tuple[_T, ...]:
    return (*old, *new)[-count:]
