"""The past: a stretch of one meter's readings in columns, for looking at every moment of it."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from slo.domain.burn import burn_rate
from slo.domain.exclusion import net_seconds, snapped
from slo.domain.incident_rules import BURNS_FROM, STEP, Step, first_burning
from slo.domain.ledger import difference
from slo.domain.span import Span
from slo.domain.track import Track

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from slo.domain.ledger import Exclusion, Reading

_EPSILON = 2e-15
"""What a difference of two sums may be off, as a share of the sums."""


@dataclass(frozen=True, slots=True)
class Past:
    """Readings in order, and their bad and total events with what is excluded taken out.

    Differences of two entries of `bad` or `total` are the net events of the span in
    between, off by no more than `slack`.
    """

    track: Track
    readings: Sequence[Reading]
    ends: Sequence[int]
    bad: Sequence[float]
    total: Sequence[float]
    covered: Sequence[float]
    """Covered seconds as they were read; without more of them there were no data."""
    slack: float
    exclusions: Sequence[Exclusion] = ()
    _before: dict[int, Sequence[int]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        readings: Sequence[Reading],
        bucket: int,
        begun: int,
        exclusions: Sequence[Exclusion] = (),
    ) -> Past:
        """The past of readings, oldest first and at least one; `begun` is the ledger's start."""
        ends = [reading.end for reading in readings]

        def reading_at(instant: int) -> Reading:
            return readings[max(0, bisect_right(ends, instant) - 1)]

        excluded = snapped(exclusions, reading_at, bucket) if exclusions else ()
        carried = [(r.end, r.carried) for r in readings if r.carried]
        track = Track(bucket, begun, reading_at, excluded, carried)
        bad, total = _net(readings, track)
        largest = max((max(abs(r.good), abs(r.total)) for r in readings), default=0.0)
        covered = array("d", (r.covered for r in readings))
        slack = largest * _EPSILON
        return cls(track, readings, ends, bad, total, covered, slack, exclusions)

    def before(self, seconds: int) -> Sequence[int]:
        """For each reading the place of the last one that lies so many seconds before it."""
        found = self._before.get(seconds)
        if found is None:
            found = self._before[seconds] = _places_before(self.ends, seconds)
        return found

    def places(self, span: Span) -> range:
        """The places of the readings in `(start, end]`; the first one is nothing's end."""
        first = bisect_right(self.ends, span.start)
        return range(max(1, first), bisect_right(self.ends, span.end))

    def place(self, instant: int) -> int:
        """The place of the last reading at or before an instant, 0 where there is none."""
        return max(0, bisect_right(self.ends, instant) - 1)

    def counted(self, span: Span) -> int:
        """How many seconds of a span the ledger holds and no exclusion takes out."""
        inside = Span(max(span.start, self.track.begun), span.end)
        excluded = self.track.excluded
        return net_seconds(inside, excluded) if excluded else inside.seconds

    def bad_within(self, start: int, end: int) -> float:
        """The net bad events of a span."""
        return max(0.0, self.bad[self.place(end)] - self.bad[self.place(start)])

    def began(self, at: int, windows: Sequence[int], objective: Decimal) -> int:
        """Where the burn began in which a rule with these windows fired `at`.

        The same rule as for incidents; no finer than the readings that are kept.
        """
        count = -(-max(windows) // STEP)
        instants = [at - n * STEP for n in range(count, -1, -1)]
        found = [self.track.reading_at(t) for t in instants]
        steps = [
            Step(t, None if a is None or b is None else burn_rate(difference(a, b), objective))
            for t, (a, b) in zip(instants[1:], pairwise(found), strict=True)
        ]
        first = first_burning(steps, min(windows))
        if first is None:
            return at
        place = bisect_left(self.ends, first.end - STEP + 1)
        for n in range(max(1, place), self.place(first.end) + 1):
            a, b = self.readings[n - 1], self.readings[n]
            if (burn_rate(difference(a, b), objective) or 0.0) >= BURNS_FROM:
                return a.end
        return first.end - STEP

    def coarse(self, span: Span, steps: Sequence[int]) -> list[tuple[int, int]]:
        """Up to when readings of a span lie so many seconds apart, for each step that occurs."""
        result: list[tuple[int, int]] = []
        for step in sorted(steps, reverse=True):
            far = (n for n in reversed(self.places(span)) if self._gap(n) >= step)
            last = next(far, None)
            if last is not None and (not result or self.ends[last] > result[-1][1]):
                result.append((step, self.ends[last]))
        return result

    def _gap(self, place: int) -> int:
        return self.ends[place] - self.ends[place - 1]


def _places_before(ends: Sequence[int], seconds: int) -> Sequence[int]:
    result, place = array("l"), 0
    for end in ends:
        # No look beyond the last: it lies before itself by no second.
        while ends[place] < end and ends[place + 1] <= end - seconds:
            place += 1
        result.append(place)
    return result


def _net(readings: Sequence[Reading], track: Track) -> tuple[Sequence[float], Sequence[float]]:
    """The bad and the total events up to each reading, without those inside exclusions."""
    bad, total = array("d"), array("d")
    if not track.excluded:
        bad.extend(r.total - r.good for r in readings)
        total.extend(r.total for r in readings)
        return bad, total
    holes = iter([*track.excluded, None])
    hole, gone_good, gone_total = next(holes), 0.0, 0.0
    for reading in readings:
        while hole is not None and hole.end <= reading.end:
            first, last = track.reading_at(hole.start), track.reading_at(hole.end)
            if first is not None and last is not None:
                gone_good += last.good - first.good
                gone_total += last.total - first.total
            hole = next(holes)
        inside = hole is not None and hole.start < reading.end
        shown = track.reading_at(hole.start) if inside and hole is not None else reading
        if shown is not None:
            good = shown.good - gone_good
            total.append(shown.total - gone_total)
            bad.append(total[-1] - good)
    return bad, total
