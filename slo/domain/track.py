"""Tracks: an SLO's ledger as alert rules look at it, moment by moment."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from slo.domain.decision import Moment
from slo.domain.exclusion import net_seconds, tally
from slo.domain.span import Span, overlapping

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from slo.domain.exclusion import ReadingAt
    from slo.domain.ledger import Tally
    from slo.domain.policy import AbsenceKind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Track:
    """One meter's readings, what is excluded of them, and the steps carried across gaps.

    `reading_at` gives the last reading at or before an instant, `carried` holds the
    bucket ends and lengths of carried steps in order, both in seconds; `excluded` is
    disjoint and in order. Corrections are no part of it: they neither fire nor resolve
    alerts.
    """

    bucket: int
    begun: int
    reading_at: ReadingAt
    excluded: Sequence[Span] = ()
    carried: Sequence[tuple[int, int]] = ()

    def moment(
        self,
        at: int,
        objective: Decimal,
        *,
        spent: float | None = None,
        absence: tuple[AbsenceKind, int] | None = None,
        lag: int = 0,
    ) -> Moment:
        """The ledger as seen from the bucket end `at`."""
        look = _Look(self, at)
        return Moment(
            at,
            self.bucket,
            objective,
            look.tally,
            look.counted,
            look.longest_carried,
            spent,
            absence,
            lag,
        )


@dataclass(frozen=True, slots=True)
class _Look:
    """Spans that end at one instant; several rules look at the same, so they are kept."""

    track: Track
    at: int
    _tallies: dict[int, Tally] = field(default_factory=dict)
    _counted: dict[int, int] = field(default_factory=dict)

    def tally(self, seconds: int) -> Tally:
        return _kept(self._tallies, seconds, self._tally)

    def counted(self, seconds: int) -> int:
        return _kept(self._counted, seconds, self._net)

    def longest_carried(self, seconds: int) -> int:
        steps = self.track.carried
        if not steps:
            return 0
        first = bisect_right(steps, self.at - seconds, key=_end)
        last = bisect_right(steps, self.at, key=_end)
        return max((length for _, length in steps[first:last]), default=0)

    def _tally(self, seconds: int) -> Tally:
        span = self._span(seconds)
        return tally(span, self.track.reading_at, self._excluded(span))

    def _net(self, seconds: int) -> int:
        span = self._span(seconds)
        return net_seconds(span, self._excluded(span))

    def _excluded(self, span: Span) -> Sequence[Span]:
        """What is excluded of the span; years of maintenance need not be gone through."""
        every = self.track.excluded
        return overlapping(every, span) if every else every

    def _span(self, seconds: int) -> Span:
        return Span(max(self.at - seconds, min(self.track.begun, self.at)), self.at)


def _end(step: tuple[int, int]) -> int:
    return step[0]


def _kept(known: dict[int, T], seconds: int, find: Callable[[int], T]) -> T:
    found = known.get(seconds)
    if found is None:
        found = known[seconds] = find(seconds)
    return found
