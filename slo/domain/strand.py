"""Strands: the samples of one series that follow one edge.

A series is one strand as long as it is stepped from its own edge. Where it goes on
under other labels its strand ends there, and the new name's strand begins with what
was counted before; if the old name comes back, that is another strand.

Times are epoch milliseconds.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slo.domain.counter import is_gap, last_intervals
from slo.domain.meter import Edge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slo.domain.series import Series


@dataclass(frozen=True, slots=True)
class Sampled:
    """The samples of one series as read, in order of time."""

    series: Series
    times: Sequence[int]
    values: Sequence[float]

    def from_index(self, index: int) -> Sampled:
        """The samples from the one at `index` on."""
        return replace(self, times=self.times[index:], values=self.values[index:])

    def first_edge(self) -> Edge:
        """An edge at the first sample."""
        return edge_at(self.series, self.times[0], self.values[0])


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
        index = bisect_left(self.sampled.times, at)
        kept = replace(
            self.sampled, times=self.sampled.times[:index], values=self.sampled.values[:index]
        )
        return replace(self, sampled=kept)

    def rest(self, at: int) -> Sampled:
        """The samples at and after `at`."""
        return self.sampled.from_index(bisect_left(self.sampled.times, at))

    def ended(self, at: int, known_until: int, ahead: int | None) -> bool | None:
        """Whether it was over at `at`: it skipped that scrape and the ones due after it.

        `ahead` is its first sample after the span, if there is one up to `known_until`.
        None: nothing tells yet, because its next sample may still be on its way.
        """
        index = bisect_left(self.sampled.times, at)
        last, _ = self.last_before(at)
        intervals = last_intervals(self.edge, self.sampled.times[:index])
        following = self.sampled.times[index] if index < len(self.sampled.times) else ahead
        if following is not None:
            return following > at and is_gap(following - last, intervals)
        return True if is_gap(known_until - last, intervals) else None


def edge_at(series: Series, at: int, value: float) -> Edge:
    """A fresh edge of `series` at one sample."""
    return Edge(*series.key, at, value, value, series.roles.value)
