"""The ledger's values: cumulative readings, and what is booked between two of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.scope import in_scope

if TYPE_CHECKING:
    from slo.domain.span import Span


@dataclass(frozen=True, slots=True)
class Reading:
    """The meter at a bucket's end: cumulative `good`, `total` events and `covered` seconds.

    Only differences between readings mean anything; the values may be negative,
    because a backfill counts down from the first reading. `carried` is the length
    in seconds of the longest step over more than five minutes that was booked in
    the bucket, 0 if there was none.
    """

    end: int
    good: float
    total: float
    covered: float
    carried: int = 0


@dataclass(frozen=True, slots=True)
class Increment:
    """What one bucket adds: events, covered seconds, and the longest carried step."""

    end: int
    good: float = 0.0
    total: float = 0.0
    covered: float = 0.0
    carried: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """The events of a span: good and total as read, and the seconds that were covered."""

    good: float
    total: float
    covered: float

    @property
    def bad(self) -> float:
        """Bad events; 0 where good exceeds total, since two metrics may cross now and then."""
        return max(0.0, self.total - self.good)

    @property
    def crossed(self) -> float:
        """By how many events good exceeds total; 0 when all is well."""
        return max(0.0, self.good - self.total)

    @property
    def sli(self) -> float | None:
        """The share of good events, None without events."""
        return None if self.total <= 0 else 1 - self.bad / self.total

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.good + other.good, self.total + other.total, self.covered + other.covered)

    def __sub__(self, other: Tally) -> Tally:
        return Tally(self.good - other.good, self.total - other.total, self.covered - other.covered)


NOTHING = Tally(0.0, 0.0, 0.0)


def difference(start: Reading, end: Reading) -> Tally:
    """The tally of the span between two readings."""
    return Tally(end.good - start.good, end.total - start.total, end.covered - start.covered)


@dataclass(frozen=True, slots=True)
class Correction:
    """Late truth: a delta at a bucket, idempotent by `key`; booked rows are never rewritten."""

    slo: str
    end: int
    good: float
    total: float
    who: str
    why: str
    key: str
    at: int = 0
    """When it was booked, epoch seconds."""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A span that does not count, for one SLO (`service/name`) or a service (`service/*`)."""

    id: int
    scope: str
    span: Span
    category: str
    who: str
    why: str
    at: int = 0
    """When it was declared, epoch seconds."""

    def covers(self, slo: str) -> bool:
        """Whether it applies to the SLO with this id."""
        return in_scope(self.scope, slo)


@dataclass(frozen=True, slots=True)
class Contribution:
    """The events of one label set within one hour; `labels` is canonical JSON, or `other`."""

    hour: int
    """Start of the hour, epoch seconds."""
    labels: str
    bad: float
    total: float


OTHER = "other"
"""The label set of a `Contribution` that sums up all beyond the top ones."""
