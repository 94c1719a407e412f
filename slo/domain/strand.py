"""Strands: the samples of one series that follow one edge.

A series is one strand as long as it is stepped from its own edge. Where it goes on
under other labels its strand ends there, and the new name's strand begins with what
was counted before; if the old name comes back, that is another strand.

Times are epoch milliseconds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from operator import sub
from typing import TYPE_CHECKING

from slo.domain.counter import is_gap, last_intervals
from slo.domain.meter import Edge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slo.domain.series import Series

SPACING_UNKNOWN = 1_200_000
"""How long a series with a single sample must be silent to have ended: scrapes may be rare."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """The samples of one series as read, in order of time."""

    series: Series
    times: Sequence[int]
    values: Sequence[float]

    def until(self, last: int) -> Sampled:
        """The samples at or before `last`."""
        count = bisect_right(self.times, last)
        if count == len(self.times):
            return self
        return replace(self, times=self.times[:count], values=self.values[:count])

    def from_index(self, index: int) -> Sampled:
        """The samples from the one at `index` on."""
        return replace(self, times=self.times[index:], values=self.values[index:])

    def first_edge(self) -> Edge:
        """An edge at the first sample, as of a birth: its spacing is not known."""
        return edge_at(self.series, self.times[0], self.values[0])

    def left_edge(self) -> Edge:
        """An edge at the first sample, as of a series that is read from somewhere on."""
        return replace(self.first_edge(), intervals=tuple(map(sub, self.times[1:2], self.times)))


@dataclass(frozen=True, slots=True)
class Strand:
    """Samples and the edge that they follow; `born` events of its first value count at the edge."""

    edge: Edge
    sampled: Sampled
    """Those after the edge."""
    born: float = 0.0
    carried: int = 0
    """How long before its birth the series that it continues ended; 0 if it continues none."""

    def last_before(self, at: int) -> tuple[int, float]:
        """Time and value of the last sample before `at`; the edge's, if there is none."""
        index = bisect_left(self.sampled.times, at)
        if index == 0:
            return self.edge.at, self.edge.seen
        return self.sampled.times[index - 1], self.sampled.values[index - 1]

    def until(self, at: int) -> Strand:
        """The strand without the samples at and after `at`."""
        return replace(self, sampled=self.sampled.until(at - 1))

    def rest(self, at: int) -> Sampled:
        """The samples at and after `at`."""
        return self.sampled.from_index(bisect_left(self.sampled.times, at))

    def spacing(self, at: int) -> tuple[int, ...]:
        """The last distances between its samples, if it has one just at `at`."""
        count = bisect_right(self.sampled.times, at)
        if not count or self.sampled.times[count - 1] != at:
            return ()
        return last_intervals(self.edge, self.sampled.times[:count])

    def ended(self, at: int, known_until: int, ahead: int | None) -> bool | None:
        """Whether it was over at `at`: it skipped that scrape and the ones due after it.

        `ahead` is its first sample after the span, if there is one up to `known_until`.
        None: nothing tells yet, because its next sample may still be on its way.
        """
        index = bisect_left(self.sampled.times, at)
        last, _ = self.last_before(at)
        intervals = last_intervals(self.edge, self.sampled.times[:index])
        following = self.sampled.times[index] if index < len(self.sampled.times) else ahead
        if not intervals:
            over = following is None and known_until - last > SPACING_UNKNOWN
            return over or (None if following is None else False)
        if following is not None:
            return following > at and is_gap(following - last, intervals)
        return True if is_gap(known_until - last, intervals) else None


def edge_at(series: Series, at: int, value: float) -> Edge:
    """A fresh edge of `series` at one sample."""
    return Edge(*series.key, at, value, value, series.roles.value)
