"""Series for charts, derived from readings by subtraction; nothing here is a new number.

A `Track` holds the meter at the times of a grid, corrections booked in. Every
series is the difference of two of its points, so a chart's last point agrees
with the standing, whatever was compacted in between.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from slo.domain.ledger import NOTHING, Tally
from slo.domain.span import Span, union

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from slo.domain.ledger import Correction, Reading

    Objective = Callable[[int], float]
    """The objective in force at an instant."""

Part = Literal["good", "bad", "total"]
STEPS = (60, 300, 900, 1800, 3600, 21_600, 86_400, 604_800)
MOST_POINTS = 750
ENOUGH = 0.8
"""Coverage below which a step is shaded as without data; frozen alerts use the same bound."""


@dataclass(frozen=True, slots=True)
class Point:
    """A value over the step that ends at `at` (epoch seconds); None where there is none."""

    at: int
    value: float | None


@dataclass(frozen=True, slots=True)
class Track:
    """The meter at `times`: as read, and less what exclusions take out; None before the ledger."""

    times: tuple[int, ...]
    read: tuple[Tally | None, ...]
    counted: tuple[Tally | None, ...]
    places: tuple[int, ...]
    """The positions of the times that are drawn; others are only looked back to."""
    begun: int
    """The position of the first time that the ledger reaches, or behind the last."""

    def index(self, at: int) -> int | None:
        """The position of the last time at or before `at`; None before the first."""
        place = bisect_right(self.times, at) - 1
        return place if place >= 0 else None

    def net(self, span: Span) -> Tally:
        """What counts of a span between two of the times, as far as the ledger reaches."""
        start, end = _first_known(self, span.start), self.index(span.end)
        if start is None or end is None or end <= start:
            return NOTHING
        return _between(self.counted, start, end) or NOTHING

    def steps(self, shown: Span) -> Iterable[tuple[int, int]]:
        """The positions of each step's start and end inside `shown`."""
        for start, end in pairwise(self.places):
            if shown.start < self.times[end] <= shown.end:
                yield start, end


def step_for(seconds: int, bucket: int) -> int:
    """The step in seconds that draws `seconds` with few enough points; whole buckets."""
    for step in STEPS:
        if step >= bucket and seconds / step <= MOST_POINTS:
            return -(-step // bucket) * bucket
    return -(-STEPS[-1] // bucket) * bucket


def grid(shown: Span, step: int, edges: Iterable[int] = ()) -> tuple[int, ...]:
    """Times from the span's start to its end, on multiples of `step`, and at `edges` inside."""
    first = (shown.start // step + 1) * step
    inside = {edge for edge in edges if shown.start < edge < shown.end}
    return tuple(sorted({shown.start, shown.end, *range(first, shown.end, step), *inside}))


def kept(times: Iterable[int], readings: Mapping[int, Reading]) -> tuple[int, ...]:
    """Each time moved back to its reading: compaction keeps fewer than a fine grid has."""
    return tuple(sorted({readings[at].end if at in readings else at for at in times}))


def looking_back(times: Iterable[int], spans: Iterable[int]) -> set[int]:
    """The times, and those that lie each of `spans` (seconds) before each of them."""
    known = set(times)
    return known.union(*({at - span for at in known} for span in spans))


def track(
    times: Sequence[int],
    readings: Mapping[int, Reading],
    corrections: Iterable[Correction] = (),
    exclusions: Iterable[Span] = (),
    drawn: Collection[int] | None = None,
) -> Track:
    """The meter at `times`; `readings` holds the last one at or before each, if any.

    The edges of `exclusions` must be among the times. Steps go from one `drawn` time to
    the next; None: all are drawn.
    """
    late = sorted(corrections, key=lambda c: c.end)
    away = union(exclusions)
    read: list[Tally | None] = []
    counted: list[Tally | None] = []
    booked, place = NOTHING, 0
    for position, at in enumerate(times):
        while place < len(late) and late[place].end <= at:
            booked += Tally(late[place].good, late[place].total, 0.0)
            place += 1
        found = readings.get(at)
        now = None if found is None else Tally(found.good, found.total, found.covered) + booked
        before = read[-1] if read else None
        out = position > 0 and _inside(away, times[position - 1], at)
        read.append(now)
        if now is None or before is None:
            counted.append(now)
        else:
            base = counted[-1] or before
            counted.append(base if out else base + (now - before))
    places = (place for place, at in enumerate(times) if drawn is None or at in drawn)
    begun = next((n for n, tally in enumerate(read) if tally is not None), len(read))
    return Track(tuple(times), tuple(read), tuple(counted), tuple(places), begun)


def burndown(track_: Track, window: Span, shown: Span, allowed: float) -> list[Point]:
    """The share of `allowed` bad events that is left since the window's start, at each time."""
    start = _first_known(track_, window.start)
    if start is None or allowed <= 0:
        return []
    base = track_.counted[start]
    points = []
    for place in track_.places[bisect_left(track_.places, start) :]:
        at, value = track_.times[place], track_.counted[place]
        if shown.start <= at <= shown.end and value is not None and base is not None:
            points.append(Point(at, 1 - (value - base).bad / allowed))
    return points


def history(
    track_: Track,
    shown: Span,
    period: Callable[[int], Span],
    allowed: Callable[[Span], float],
) -> list[Point]:
    """The budget left of the window that ended at each past time.

    `period(at)` is the whole window around `at`, `allowed` the bad events that it allows.
    """
    points = []
    for _, place in track_.steps(shown):
        at, value = track_.times[place], None
        whole = period(at)
        budget = allowed(whole) if place > track_.begun else 0.0
        if budget > 0:
            value = 1 - track_.net(Span(whole.start, at)).bad / budget
        points.append(Point(at, value))
    return points


def bad_share(track_: Track, shown: Span) -> list[Point]:
    """The share of bad events in each step; None without events."""
    points = []
    for start, end in track_.steps(shown):
        tally = _between(track_.read, start, end)
        value = None if tally is None or tally.total <= 0 else tally.bad / tally.total
        points.append(Point(track_.times[end], value))
    return points


def burn_rate(track_: Track, shown: Span, seconds: int, objective: Objective) -> list[Point]:
    """The burn rate over the last `seconds` at each time, net of what is excluded.

    Where the track has a time `seconds` before each, as `looking_back` puts them, these
    are the numbers of standings and alerts.
    """
    points = []
    for start, end in track_.steps(shown):
        since = _first_known(track_, track_.times[end] - seconds)
        tally = _between(track_.counted, start if since is None else min(since, start), end)
        value = None
        if tally is not None and tally.total > 0:
            value = tally.bad / tally.total / (1 - objective(track_.times[end]))
        points.append(Point(track_.times[end], value))
    return points


def per_minute(track_: Track, shown: Span, part: Part = "total") -> list[Point]:
    """Events per minute in each step; None before the ledger and where nothing was seen."""
    points = []
    for start, end in track_.steps(shown):
        tally = _between(track_.read, start, end)
        minutes = (track_.times[end] - track_.times[start]) / 60
        blind = tally is None or (tally.total <= 0 and tally.covered <= 0)
        value = None if tally is None or blind else _events(tally, part) / minutes
        points.append(Point(track_.times[end], value))
    return points


def gaps(track_: Track, shown: Span) -> list[Span]:
    """The spans without data: before the ledger, or with too little of a step covered."""
    empty = []
    for start, end in track_.steps(shown):
        tally = _between(track_.read, start, end)
        length = track_.times[end] - track_.times[start]
        if tally is None or tally.covered < ENOUGH * length:
            empty.append(Span(track_.times[start], track_.times[end]))
    return union(empty)


def _events(tally: Tally, part: Part) -> float:
    if part == "bad":
        return tally.bad
    return max(0.0, tally.total - (tally.bad if part == "good" else 0.0))


def _inside(spans: Sequence[Span], start: int, end: int) -> bool:
    """Whether one of the disjoint `spans`, in order, holds all of the time between."""
    place = bisect_right(spans, start, key=lambda span: span.start) - 1
    return place >= 0 and end <= spans[place].end


def _first_known(track_: Track, at: int) -> int | None:
    place = max(track_.begun, track_.index(at) or 0)
    return place if place < len(track_.times) else None


def _between(tallies: Sequence[Tally | None], start: int, end: int) -> Tally | None:
    first, last = tallies[start], tallies[end]
    return None if first is None or last is None else last - first
